"""How long does a note take to compose? One stream and batches, everything included, on one core.

    python benchmarks/generate_speed.py --json
    python benchmarks/generate_speed.py --long            # a piece of 100,000 notes as well

What is timed is `compose`: plans, context, masks, rules, five heads, sampling, decoding, the copy
check. Times are the least of several runs, and the median beside it: other work on the machine can
only add. Beside it, in the same run and on the same core, three usual ways of generating with
networks of about as many weights (random ones, no context, no masks, the same sampler):

* `keras_predict`: two Keras LSTM layers, `model.predict` on a window of the last 100 notes for
  every note, as most tutorials do it. Its cost is that of the window: it is timed there once, and
  said to be the same further on.
* `keras_step`: the same layers, one note a call under `tf.function`, states carried along.
* `torch_gpt`: a GPT-2-like decoder with a key/value cache in PyTorch, at 100, 1,000 and 10,000
  notes; the cache is filled with noise up to there, which costs the same.

A rival whose library is not installed is left out, with a word on stderr.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from typing import Any

# rows are products of a vector and a matrix: more threads only wait for each other
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
from turns import peak_mb  # noqa: E402

from musiclstm.errors import BundleError  # noqa: E402
from musiclstm.generation import (  # noqa: E402
    Resampling,
    Sampling,
    bundle_resampling,
    bundle_sampling,
    choose,
    compose,
)
from musiclstm.generation.onsets import Onsets  # noqa: E402
from musiclstm.generation.resampling import Draws  # noqa: E402
from musiclstm.generation.rules import SoftRules  # noqa: E402
from musiclstm.generation.wishes import Wishes, plan_piece  # noqa: E402
from musiclstm.model import Bundle, load_bundle  # noqa: E402

BATCHES = (1, 16, 64)
LENGTHS = (100, 1_000, 10_000)
LONG = 100_000
WINDOW = 100
BARS = 32
SAMPLING = Sampling(top_p=0.97)
Times = dict[str, float]


def least_and_median(times: list[float]) -> Times:
    return {"min": round(min(times), 4), "median": round(statistics.median(times), 4)}


# --- ours -----------------------------------------------------------------------------------


def ms_per_note(bundle: Bundle, repeats: int, resampling: Resampling) -> dict[str, Times]:
    """Whole requests: 32 bars, all that `compose` does."""
    found: dict[str, list[float]] = {str(batch): [] for batch in BATCHES}
    for repeat in range(repeats):
        for batch in BATCHES:
            began = time.perf_counter()
            pieces = compose(bundle, batch, seed=repeat, bars=BARS, resampling=resampling)
            seconds = time.perf_counter() - began
            found[str(batch)].append(1e3 * seconds / sum(len(p.score.notes) for p in pieces))
    return {batch: least_and_median(times) for batch, times in found.items()}


def flatness(bundle: Bundle, lengths: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """One stream, on and on: time a note and memory around each length."""
    rng = np.random.default_rng(0)
    plan = plan_piece(bundle, Wishes(bars=BARS), rng)
    start, meter_map = bundle.decoder.start, plan.meter_map
    onsets = Onsets(
        bundle,
        start([plan.conditions], [plan.part_map], meter_map=[meter_map]),
        SoftRules.start(bundle.vocabulary, [meter_map], [10**6]),  # it may not end before
        Draws([rng], 1),
        bundle_sampling(bundle),
        Resampling(1),
    )
    found: dict[str, dict[str, float]] = {}
    times: deque[float] = deque(maxlen=30)
    notes, waited = 0, sorted(lengths)
    while waited:
        began = time.perf_counter()
        onsets.step()
        times.append(1e3 * (time.perf_counter() - began))
        notes += 1
        if notes >= waited[0] + 50:
            state = onsets.state
            found[str(waited.pop(0))] = {
                **least_and_median(list(times)),
                "state_bytes": sum(a.nbytes for a in (*state.tracker, state.h, state.c)),
                "peak_mb": peak_mb(),
            }
    return found


def in_a_new_process(model: str, repeats: int) -> dict[str, Any]:
    """Seconds to import, and from the start of a process to a closed file."""
    code = (
        "import time; t = time.perf_counter(); import musiclstm.generation, musiclstm.model;"
        "print(time.perf_counter() - t)"
    )
    imports, colds = [], []
    for _ in range(repeats):
        said = subprocess.run(  # noqa: S603 - we run ourselves
            [sys.executable, "-c", code], capture_output=True, check=True
        )
        imports.append(float(said.stdout))
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "musiclstm", "generate", "-q", "-n", "1"]
            command += ["--bars", str(BARS), "-m", model, "-o", folder, "--seed", "1"]
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)  # noqa: S603
            colds.append(time.perf_counter() - began)
    return {
        "import_s": least_and_median(imports)["min"],
        "cold_s": least_and_median(colds)["min"],
        "import_median_s": least_and_median(imports)["median"],
        "cold_median_s": least_and_median(colds)["median"],
    }


# --- the others -----------------------------------------------------------------------------


def draw(heads: list[Any], rng: np.random.Generator) -> list[int]:
    """One id of each field."""
    return [
        int(choose(np.asarray(logits, np.float32).reshape(1, -1), rng.random(1), SAMPLING)[0])
        for logits in heads
    ]


def timed(step: Callable[[], object], repeats: int) -> Times:
    step()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - began))
    return least_and_median(times)


def keras_predict(sizes: tuple[int, ...], repeats: int) -> dict[str, Times]:
    import keras  # noqa: PLC0415

    ids = keras.Input((WINDOW, len(sizes)), dtype="int32")
    x = keras.layers.Add()(
        [keras.layers.Embedding(n, 256)(ids[:, :, place]) for place, n in enumerate(sizes)]
    )
    x = keras.layers.LSTM(256, return_sequences=True)(x)
    x = keras.layers.LSTM(256)(x)
    model = keras.Model(ids, [keras.layers.Dense(n)(x) for n in sizes])
    rng = np.random.default_rng(0)
    window = np.zeros((1, WINDOW, len(sizes)), np.int32)

    def step() -> None:
        note = draw(model.predict(window, verbose=0), rng)
        window[:, :-1], window[:, -1] = window[:, 1:], note

    return {str(WINDOW): timed(step, repeats)}


def keras_step(sizes: tuple[int, ...], repeats: int) -> dict[str, Times]:
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    embeddings = [keras.layers.Embedding(n, 256) for n in sizes]
    cells = [keras.layers.LSTMCell(256) for _ in range(2)]
    heads = [keras.layers.Dense(n) for n in sizes]

    @tf.function
    def network(ids: Any, states: Any) -> Any:
        x = sum(layer(ids[:, place]) for place, layer in enumerate(embeddings))
        after = []
        for cell, state in zip(cells, states, strict=True):
            x, state_after = cell(x, state)
            after.append(state_after)
        return [head(x) for head in heads], after

    rng = np.random.default_rng(0)
    memory = {
        "note": tf.zeros((1, len(sizes)), tf.int32),
        "states": [[tf.zeros((1, 256)), tf.zeros((1, 256))] for _ in cells],
    }

    def step() -> None:
        logits, memory["states"] = network(memory["note"], memory["states"])
        memory["note"] = tf.constant([draw(logits, rng)], tf.int32)

    return {"any": timed(step, repeats)}


def torch_gpt(sizes: tuple[int, ...], repeats: int) -> dict[str, Times]:
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    torch.set_num_threads(1)
    width, heads, layers, longest = 192, 6, 5, LENGTHS[-1] + 2 * repeats + 2
    embeddings = nn.ModuleList(nn.Embedding(n, width) for n in sizes)
    places = nn.Embedding(longest, width)
    blocks = nn.ModuleList(
        nn.ModuleDict(
            {
                "before": nn.LayerNorm(width),
                "qkv": nn.Linear(width, 3 * width),
                "out": nn.Linear(width, width),
                "between": nn.LayerNorm(width),
                "up": nn.Linear(width, 4 * width),
                "down": nn.Linear(4 * width, width),
            }
        )
        for _ in range(layers)
    )
    last = nn.LayerNorm(width)
    outputs = nn.ModuleList(nn.Linear(width, n) for n in sizes)
    cache = torch.randn(layers, 2, heads, longest, width // heads)
    rng = np.random.default_rng(0)
    memory: dict[str, Any] = {"note": [0] * len(sizes), "at": 0}

    @torch.inference_mode()
    def step() -> None:
        at = memory["at"]
        x = places.weight[at] + sum(
            layer.weight[n] for layer, n in zip(embeddings, memory["note"], strict=True)
        )
        for layer, block in enumerate(blocks):
            q, k, v = block["qkv"](block["before"](x)).view(3, heads, width // heads)
            cache[layer, 0, :, at], cache[layer, 1, :, at] = k, v
            keys, values = cache[layer, :, :, : at + 1]
            heard = functional.scaled_dot_product_attention(q[:, None], keys, values)
            x = x + block["out"](heard.reshape(width))
            x = x + block["down"](functional.gelu(block["up"](block["between"](x))))
        x = last(x)
        memory["note"], memory["at"] = draw([head(x) for head in outputs], rng), at + 1

    found = {}
    for length in LENGTHS:
        memory["at"] = length
        found[str(length)] = timed(step, repeats)
    return found


RIVALS = {"keras_predict": keras_predict, "keras_step": keras_step, "torch_gpt": torch_gpt}


def beside(sizes: tuple[int, ...], repeats: int) -> dict[str, dict[str, Times]]:
    found = {}
    for name, rival in RIVALS.items():
        try:
            found[name] = rival(sizes, max(5, repeats) if name == "keras_predict" else 50)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def ratios(ours: Times, rivals: dict[str, dict[str, Times]]) -> dict[str, float]:
    """How many times longer a note of the others takes than one of ours."""
    return {
        f"{name}@{length}": round(times["min"] / ours["min"], 1)
        for name, lengths in rivals.items()
        for length, times in lengths.items()
    }


# --- the report -----------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", default="chorales", help="a bundle: its weights are used")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--long", action="store_true", help=f"go on to {LONG:,} notes")
    parser.add_argument("--alone", action="store_true", help="without the others")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        bundle = load_bundle(options.model)
    except BundleError as error:
        sys.exit(str(error))
    compose(bundle, 1, bars=2)  # the first of everything
    ours = ms_per_note(bundle, options.repeats, Resampling(1))
    weighed = ms_per_note(bundle, options.repeats, bundle_resampling(bundle))
    result: dict[str, Any] = {
        "ms_per_note": {batch: times["min"] for batch, times in ours.items()},
        "ms_per_note_median": {batch: times["median"] for batch, times in ours.items()},
        "candidates": bundle_resampling(bundle).candidates,
        "ms_per_note_by_default": {batch: times["min"] for batch, times in weighed.items()},
        **in_a_new_process(options.model, options.repeats),
        "length": flatness(bundle, (*LENGTHS, *([LONG] if options.long else []))),
        "weights": f"{bundle.name}, {sum(w.size for w in bundle.weights.values()):,} parameters",
        "machine": f"{platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, one core",
    }
    if not options.alone:
        rivals = beside(bundle.vocabulary.sizes, options.repeats)
        result |= {"beside_ms": rivals, "times_ours": ratios(ours["1"], rivals)}
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['weights']}; {result['machine']}")
    for name, ratio in result.get("times_ours", {}).items():
        print(f"{name:24} {ratio:8.1f} times as long a note as one stream of ours")
    for batch, times in ours.items():
        print(f"batch of {batch:>3}: {times['min']:.3f} ms a note (median {times['median']:.3f})")
        ms = weighed[batch]["min"]
        print(f"  with {result['candidates']} candidates for each onset {ms:.3f} ms")
    for length, facts in result["length"].items():
        print(
            f"around note {length:>7}: {facts['min']:.3f} ms (median {facts['median']:.3f}), "
            f"state {facts['state_bytes']:,} bytes, peak {facts['peak_mb']} MB"
        )
    print(f"import {result['import_s']:.2f} s, cold process to .mid {result['cold_s']:.2f} s")
    for name, lengths in result.get("beside_ms", {}).items():
        for length, times in lengths.items():
            note = " (the same at any length: it sees no more)" if name == "keras_predict" else ""
            print(f"{name} at {length}: {times['min']:.3f} ms (median {times['median']:.3f}){note}")


if __name__ == "__main__":
    main()
