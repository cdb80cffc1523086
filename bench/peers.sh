#!/usr/bin/env bash
# Prefill and decoding beside llama.cpp: the same files and threads, in turns, and the spread of the ratios.
# Usage: bench/peers.sh [ROUNDS]   (default 5; threads, model, formats and peer can be set by the variables below)
# The first of FORMATS is the model's own, the others are made from it. Writes bench/results/<cpu>$SUFFIX.md.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
threads=${THREADS:-"2 1"}
shared=${VERNIER_SHARED:-../shared}
peer=${LLAMA_CPP:-$shared/peers/llama.cpp}
formats=${FORMATS:-"Q4_1 Q4_0 Q8_0"}
model=${MODEL:-$shared/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf}
[ -x "$peer/llama-bench" ] || { echo "no llama-bench in $peer: set LLAMA_CPP" >&2; exit 1; }
[ -f "$model" ] || { echo "no model $model: set MODEL" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet publish src/Vernier.Cli -c Release --use-current-runtime --self-contained false -o "$work/vernier" -v q --nologo >&2
ours="$work/vernier/Vernier.Cli"

number() { grep -o "\"$1\": *[0-9.eE+-]*" | tail -1 | sed 's/.*: *//'; }
# median, least and largest of the numbers on standard input
spread() { sort -g | awk '{ v[NR] = $1 } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%s %s %s", m, v[1], v[NR] }'; }

cpu="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1) family $(sed -n 's/^cpu family[^:]*: *//p' /proc/cpuinfo | head -1) model $(sed -n 's/^model[[:space:]]*: *//p' /proc/cpuinfo | head -1)"
result="bench/results/$(echo "$cpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')${SUFFIX:-}.md"
mkdir -p bench/results
table="$work/table"
: > "$table"
ln -s "$(realpath "$model")" "$work/${formats%% *}.gguf"
for format in $formats; do
  [ -e "$work/$format.gguf" ] && continue
  "$peer/llama-quantize" --allow-requantize "$model" "$work/$format.gguf" "$format" > "$work/quantize.log" 2>&1 || { cat "$work/quantize.log" >&2; exit 1; }
done

for n in $threads; do
  for format in $formats; do
    rm -f "$work"/values.*
    for round in $(seq "$rounds"); do
      theirs_pp=$("$peer/llama-bench" -m "$work/$format.gguf" -t "$n" -p 512 -n 0 -r 1 -o jsonl 2>/dev/null | number avg_ts)
      theirs_tg=$("$peer/llama-bench" -m "$work/$format.gguf" -t "$n" -p 0 -n 64 -r 1 -o jsonl 2>/dev/null | number avg_ts)
      "$ours" bench "$work/$format.gguf" --threads "$n" --repetitions 1 --inference-only --json "$work/ours.json" > /dev/null
      ours_pp=$(number prefill_tokens_per_s < "$work/ours.json")
      ours_tg=$(number decode_tokens_per_s < "$work/ours.json")
      echo "$ours_pp" >> "$work/values.ours.prefill"; echo "$theirs_pp" >> "$work/values.theirs.prefill"
      number decode_fraction_of_read < "$work/ours.json" >> "$work/values.read"
      echo "$ours_tg" >> "$work/values.ours.decode"; echo "$theirs_tg" >> "$work/values.theirs.decode"
      awk "BEGIN { print $ours_pp / $theirs_pp }" >> "$work/values.ratio.prefill"
      awk "BEGIN { print $ours_tg / $theirs_tg }" >> "$work/values.ratio.decode"
      for peak in peak_fp32_gflops peak_int8_gops read_gb_per_s; do number "$peak" < "$work/ours.json" >> "$work/peaks.$n.$peak"; done
      echo "$format, $n threads, round $round: prefill $ours_pp / $theirs_pp, decode $ours_tg / $theirs_tg" >&2
    done
    for what in prefill decode; do
      read -r ratio least most < <(spread < "$work/values.ratio.$what"; echo)
      read -r our _ _ < <(spread < "$work/values.ours.$what"; echo)
      read -r their _ _ < <(spread < "$work/values.theirs.$what"; echo)
      fraction=
      if [ "$what" = decode ]; then
        read -r fraction _ _ < <(spread < "$work/values.read"; echo)
        fraction=$(printf %.2f "$fraction")
      fi
      awk "BEGIN { printf \"| %s | %s | %d | %.0f | %.0f | %.2f | %.2f .. %.2f | %s |\n\", \"$format\", \"$what\", $n, $our, $their, $ratio, $least, $most, \"$fraction\" }" >> "$table"
    done
  done
done

{
  echo "# $cpu"
  echo
  echo "\`bench/peers.sh $rounds\` on $(basename "$model"), $(date -u +%F), load at the end $(cut -d' ' -f1 /proc/loadavg) on $(nproc) processors; medians of $rounds rounds in turns with llama.cpp. The last column: decoding beside reading as many bytes from memory as a token reads of weights, in turns too."
  echo
  echo "| Format | What | Threads | Vernier, tokens/s | llama.cpp, tokens/s | Ratio | Least .. largest ratio | Of the speed of reading |"
  echo "|---|---|---|---|---|---|---|---|"
  cat "$table"
  echo
  echo "Peaks in the same runs (the largest seen):"
  echo
  echo "| Threads | fp32 FMA, GFLOP/s | int8 products, Gop/s | Memory read, GB/s |"
  echo "|---|---|---|---|"
  for n in $threads; do
    echo "| $n | $(sort -g "$work/peaks.$n.peak_fp32_gflops" | tail -1 | xargs printf %.0f) | $(sort -g "$work/peaks.$n.peak_int8_gops" | tail -1 | xargs printf %.0f) | $(sort -g "$work/peaks.$n.read_gb_per_s" | tail -1 | xargs printf %.1f) |"
  done
} > "$result"
cat "$result"
