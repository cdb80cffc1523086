#!/usr/bin/env bash
# Every body of a matrix product that runs here beside the next best of its table, one thread. About three minutes.
# Usage: bench/bodies.sh
# Writes bench/results/<cpu>-bodies.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cpu="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1) family $(sed -n 's/^cpu family[^:]*: *//p' /proc/cpuinfo | head -1) model $(sed -n 's/^model[[:space:]]*: *//p' /proc/cpuinfo | head -1)"
result="bench/results/$(echo "$cpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')-bodies.md"
tables="$(dotnet run -c Release --project bench/Vernier.Bench -- bodies)"
{
  echo "# Bodies of matrix products on $cpu"
  echo
  echo "\`bench/bodies.sh\`, $(date -u +%F), one thread, weights in the second-level cache: where memory is the bound, all are nearer. The ratio is the next best's time over the body's."
  echo "Shapes are those for which a body is the first of its table where its own vectors are the widest; the last of a table has nothing behind it."
  echo
  echo "$tables"
} > "$result"
cat "$result"
