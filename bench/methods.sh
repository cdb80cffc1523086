#!/usr/bin/env bash
# One step of every tuning method side by side: time, share of the fp32 peak on the arithmetic that the method cannot avoid, and peak memory.
# Every method is a fresh process on the same full-precision model; 2 x 512 tokens a step, the best of STEPS.
# Usage: bench/methods.sh MODEL TRAIN.txt [STEPS=4] [THREADS=2]   (MODEL: a model of SmolLM2-135M's shape in full precision)
# Writes bench/results/<cpu>-methods.md.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { sed -n '2,6s/^# *//p' "$0"; exit 2; }
model=$1 data=$2 steps=${3:-4} threads=${4:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet publish src/Vernier.Cli -c Release --use-current-runtime --self-contained false -o "$work/vernier" -v q --nologo >&2
vernier="$work/vernier/Vernier.Cli"

number() { grep -oh "\"$1\": *[0-9.eE+-]*" | sed 's/.*: *//'; }
peak() { "$vernier" bench "$1" --threads "$threads" --repetitions 1 --inference-only --json "$work/bench.json" > /dev/null; number peak_fp32_gflops < "$work/bench.json"; }

# Multiplications and additions of a step, GFLOP. Everybody: forward and input gradient of the 106.2 M weights of the linears and the 28.3 M of the head,
# 4 operations a weight and token, and attention both ways over half of the square: 614. A gradient for every weight or group of a linear is one product
# more, 217; for the head too, 58. Low-rank products of rank 4 stay below 3.
declare -A work_of=([plain]=614 [weights]=832 [all]=890)
rows=(
  "peqa channel|plain|--method peqa --bits 4 --group 0 --granularity channel"
  "peqa separable|plain|--method peqa --bits 4 --group 64 --granularity separable"
  "peqa group|weights|--method peqa --bits 4 --group 64 --granularity group"
  "lora|plain|--method lora --rank 4 --targets qkvo"
  "lora, all linears|plain|--method lora --rank 4 --targets all"
  "qlora|plain|--method qlora --bits 4 --group 64 --rank 4 --targets qkvo"
  "qa-lora|plain|--method qa-lora --bits 4 --group 64 --rank 4"
  "qat-lora|weights|--method qat-lora --bits 4 --group 64 --rank 4"
  "l4q|weights|--method l4q --bits 4 --group 64 --rank 4"
  "qat|weights|--method qat --bits 4 --group 64"
  "full|all|--method full"
)
peak_gflops=$(peak "$model")
cpu="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1) family $(sed -n 's/^cpu family[^:]*: *//p' /proc/cpuinfo | head -1) model $(sed -n 's/^model[[:space:]]*: *//p' /proc/cpuinfo | head -1)"
: > "$work/table"
for row in "${rows[@]}"; do
  IFS='|' read -r name kind options <<< "$row"
  # shellcheck disable=SC2086
  "$vernier" tune "$model" --data "$data" --steps "$steps" --batch 2 --context 512 --no-shuffle --threads "$threads" --memory-limit 16G \
    $options --out "$work/run" --json "$work/tune.json" > "$work/log" 2>&1 || { tail -5 "$work/log" >&2; continue; }
  best=$(number seconds < "$work/run/log.jsonl" | sort -g | head -1)
  memory=$(number rss_mb < "$work/run/log.jsonl" | sort -g | tail -1)
  peak=$(number peak_rss_mb < "$work/tune.json" | tail -1)
  awk -v n="$name" -v f="${work_of[$kind]}" -v s="$best" -v m="$memory" -v k="$peak" -v p="$peak_gflops" \
    'BEGIN { printf "| %s | %.2f | %.0f | %d | %.2f | %.0f | %.0f |\n", n, s, 1024 / s, f, f / s / p, m, k }' | tee -a "$work/table" >&2
  rm -rf "$work/run"
done
memory_of() { grep "^| $1 |" "$work/table" | awk -F'|' -v c="$2" '{ print $c + 0 }'; }
share() { awk -v a="$(memory_of l4q "$2")" -v b="$(memory_of "$1" "$2")" 'BEGIN { printf "%.2f", a / b }'; }
{
  echo "# Tuning methods side by side on $cpu"
  echo
  echo "\`bench/methods.sh\`, $(date -u +%F): $(basename "$model") in full precision, 2 x 512 tokens a step, $threads threads, best of $steps steps, everything kept that fits 16 GB;"
  echo "fp32 peak of the same run $(printf %.0f "$peak_gflops") GFLOP/s. The last column has loading and writing the adapter in it."
  echo
  echo "| Method | s a step | tokens/s | necessary GFLOP | of the fp32 peak | resident MB after a step | peak of the process, MB |"
  echo "|---|---|---|---|---|---|---|"
  cat "$work/table"
  echo
  echo "L4Q beside LoRA on all linears: $(share "lora, all linears" 7) of the memory after a step, $(share "lora, all linears" 8) of the peak; beside QAT: $(share qat 7) and $(share qat 8)."
} > "bench/results/$(echo "$cpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')-methods.md"
cat "bench/results/$(echo "$cpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')-methods.md"
