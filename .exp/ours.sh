#!/bin/bash
# ours, 30 minutes on both cores, in /tmp/like
cd /tmp/like
for c in $1; do
PYTHONPATH=. TF_CPP_MIN_LOG_LEVEL=3 /work/main/.venv/bin/python benchmarks/likelihood.py --corpus $c --contender ours --data /work/shared/data --out /work/main/out/likelihood --results /work/main/out/likelihood.json >> /work/main/out/ours_$c.log 2>&1
done
