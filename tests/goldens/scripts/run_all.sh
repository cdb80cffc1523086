#!/bin/sh
# usage: run_all.sh visible OUT_DIR      (about 3 minutes on one thread; deterministic)
set -e
cd "$(dirname "$0")"; export OMP_NUM_THREADS=1
for s in gen_models gen_methods gen_train gen_sampling gen_optim gen_families; do python -W ignore $s.py "$1" "$2"; done
python check.py "$2"; python check_methods.py "$2"; python check_families.py "$2"
