#!/usr/bin/env bash
# Quality of quantized files beside those that llama-quantize makes of the same model and importance matrix: llama.cpp itself measures both, so only the
# codes and scales differ. Perplexity and mean Kullback-Leibler divergence from the full-precision model, llama.cpp's convention.
# Usage: bench/small-files.sh MODEL.gguf IMATRIX.gguf TEXT [CHUNKS=20] [TYPES="q4_0 iq4_nl q4_k_m"]   (MODEL in f16 or f32)
# LLAMA_CPP: folder with llama-quantize and llama-perplexity, else $VERNIER_SHARED/peers/llama.cpp, else ../shared/peers/llama.cpp. Prints a Markdown table.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 3 ] || { sed -n '2,6s/^# *//p' "$0"; exit 2; }
model=$(realpath "$1") importance=$(realpath "$2") text=$(realpath "$3") chunks=${4:-20} types=${5:-q4_0 iq4_nl q4_k_m}
llama=${LLAMA_CPP:-${VERNIER_SHARED:-../shared}/peers/llama.cpp}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet publish src/Vernier.Cli -c Release --use-current-runtime --self-contained false -o "$work/vernier" -v q --nologo >&2

measure() { "$llama/llama-perplexity" -m "$1" -f "$text" -c 512 --chunks "$chunks" --kl-divergence-base "$work/base" "${@:2}" > "$work/log" 2>&1 || { tail -5 "$work/log" >&2; exit 1; }; }
mean() { sed -n "s/^$1 *: *\([0-9.]*\).*/\1/p" "$work/log" | head -1; }
row() {
  measure "$2" --kl-divergence
  echo "| $1 | $(stat -c %s "$2" | awk '{printf "%.1f MB", $1 / 1e6}') | $(mean 'Mean PPL(Q)') | $(mean 'Mean    KLD') | $(mean '99.9%   KLD') | $(mean 'RMS Δp') % | $(mean 'Same top p') % |"
}

measure "$model"
echo "Full precision: perplexity $(sed -n 's/.*PPL = \([0-9.]*\).*/\1/p' "$work/log")"
echo
echo "| File | Bytes | Perplexity | Mean KLD | 99.9 % KLD | RMS of the difference in probability | Same top token |"
echo "|---|---|---|---|---|---|---|"
for type in $types; do
  "$work/vernier/Vernier.Cli" quantize "$model" --to "$type" --imatrix "$importance" --out "$work/ours.gguf" --force > /dev/null
  row "$type, Vernier" "$work/ours.gguf"
  "$llama/llama-quantize" --imatrix "$importance" "$model" "$work/theirs.gguf" "${type^^}" > "$work/log" 2>&1
  row "$type, llama.cpp" "$work/theirs.gguf"
done
