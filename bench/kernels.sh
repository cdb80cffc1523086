#!/usr/bin/env bash
# Every kernel at every instruction set that has bodies of its own, one thread, under BenchmarkDotNet. About eight minutes.
# Usage: bench/kernels.sh [FILTER]   (default all, e.g. '*AttentionBenchmarks*')
# Writes bench/results/<cpu>-kernels.md when nothing is filtered out.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet run -c Release --project bench/Vernier.Bench -- --filter "${1:-*}" --artifacts "$work" >&2
tables() {
  for report in "$work"/results/*-github.md; do
    echo "## $(basename "$report" -report-github.md | sed 's/.*\.//; s/Benchmarks$//')"
    echo
    sed -n '/^|/p' "$report"
    echo
  done
}
if [ $# -gt 0 ]; then
  tables
  exit
fi
cpu="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1) family $(sed -n 's/^cpu family[^:]*: *//p' /proc/cpuinfo | head -1) model $(sed -n 's/^model[[:space:]]*: *//p' /proc/cpuinfo | head -1)"
result="bench/results/$(echo "$cpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')-kernels.md"
{
  echo "# Kernels on $cpu"
  echo
  echo "\`bench/kernels.sh\`, $(date -u +%F), one thread; the ratio is a job's time over AVX-512's: what the widest body gains."
  echo
  tables
} > "$result"
cat "$result"
