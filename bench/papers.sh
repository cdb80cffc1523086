#!/usr/bin/env bash
# The comparison of the papers on a real model: PEQA against LoRA + GPTQ at 3 bits, finer groups against coarser, L4Q against QLoRA after the merge.
# Takes about 40 minutes on two quiet cores; what is done is kept in WORK and not done again, and RUNS ends a call after so many runs.
# Writes docs/results/papers.md and papers.svg.
#   bench/papers.sh MODEL TRAIN.txt TEST.txt [STEPS=30] [WINDOWS=20] [WORK=out/papers] [OUTPUT=docs/results] [RUNS=all]
set -e
cd "$(dirname "$0")/.."
[ $# -ge 3 ] || { sed -n '2,5s/^# *//p' "$0"; exit 2; }
exec dotnet run -c Release --project bench/Vernier.Bench -- papers "$1" "$2" "$3" "${4:-30}" "${5:-20}" "${6:-out/papers}" "${7:-docs/results}" "${8:-999}"
