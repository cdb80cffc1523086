#!/usr/bin/env bash
# All tuning runs that have reference losses, on a real model: every step and the perplexity after them. Takes up to an hour on two cores;
# VERNIER_RUN=lora runs those of one method (as in runs.json).
set -e
cd "$(dirname "$0")/.."
VERNIER_LONG=1 dotnet test -c Release tests/Vernier.Tests --nologo --filter "FullyQualifiedName~RunGoldenTests" --logger "console;verbosity=normal" "$@"
