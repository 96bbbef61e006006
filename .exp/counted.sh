cd /tmp/like
for c in nottingham pop909 piano; do
PYTHONPATH=. TF_CPP_MIN_LOG_LEVEL=3 /work/main/.venv/bin/python benchmarks/likelihood.py --corpus $c --contender uniform --contender unigram --contender ngram --split test --data /work/shared/data --out /work/main/out/likelihood --results /work/main/out/likelihood.json
done
