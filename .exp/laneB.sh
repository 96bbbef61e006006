#!/bin/bash
# laneB.sh: rivals of $CORPORA ($KINDS), one thread each, test judged at once; results in out/likelihood.json
cd /tmp/like
for c in $CORPORA; do for k in ${KINDS:-gpt_context gru lstm rnn gpt}; do
test -f /work/main/out/likelihood/$c/$k/judged-test.json && continue
echo "== $c $k $(date)"
PYTHONPATH=. OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 nice -n 19 /work/main/.venv/bin/python benchmarks/likelihood.py --corpus $c --contender $k --threads 1 --split test --data /work/shared/data --out /work/main/out/likelihood --results /work/main/out/likelihood.json
done; done
