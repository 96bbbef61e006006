"""How much of the LSTM layers' speed is left in a whole training step?

A step is all that `train` does for a batch: embeddings, context, LSTM layers, five heads, the
gradient of everything, clipping, AdamW, averaged weights. The layers alone and the whole step live
in processes of their own and take turns, as in ``train_speed.py``; so does a product of two large
matrices, which says how fast this library on this machine could be at best.

The floating-point operations in matrix products are counted from the weights. By the time that is
the rate; by the rate at best it is the share of the time that products take at the least.

With ``--lengths`` the cost of a row over the length of back-propagation, the layers alone: a row
should cost the same and memory should grow in proportion.

    python benchmarks/train_step.py --rounds 5 --json
    python benchmarks/train_step.py --lengths 128,512,2048,4096
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from statistics import median
from typing import Any

import click
import numpy as np
from train_speed import keras_step
from turns import Worker, serve

PEAK = 4096  # rows and columns of the large product
LANES_OF_LENGTHS = 16


def whole_step(preset_name: str) -> tuple[Callable[[], Any], dict[str, float]]:
    """Build the real model and return one training step of it, and what it is made of."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="")
    from musiclstm.ingest import read_builtin  # noqa: PLC0415
    from musiclstm.model.architecture import weight_shapes  # noqa: PLC0415
    from musiclstm.training.batches import BatchMaker  # noqa: PLC0415
    from musiclstm.training.config import preset  # noqa: PLC0415
    from musiclstm.training.corpus import prepare_corpus  # noqa: PLC0415
    from musiclstm.training.step import Trainer  # noqa: PLC0415

    config = preset(preset_name, steps=1000)
    data = prepare_corpus(read_builtin("chorales"), valid_share=0.1, seed=0)
    maker = BatchMaker(data.of("train"), data.vocabulary, config.lanes, config.window, augment=True)
    schedule = maker.training_schedule(0)
    batches = [maker.make(next(schedule)) for _ in range(8)]
    trainer = Trainer(config, data.vocabulary)
    taken = 0

    def step() -> None:
        nonlocal taken
        trainer.train(batches[taken % len(batches)])
        taken += 1

    shapes = weight_shapes(config.network, data.vocabulary)
    rows = config.lanes * config.window
    count = sum(int(batch["counts"][..., 0].sum()) for batch in batches) / len(batches)
    # two operations for each weight and row forwards, four backwards; heads leave padding out
    gflop = {
        name: 6e-9 * float(np.prod(shape)) * (count if name.startswith("head.") else rows)
        for name, shape in shapes.items()
        if name.endswith("kernel")
    }
    return step, {
        "rows": rows,
        "notes": sum(int(batch["counts"][..., 1].sum()) for batch in batches) / len(batches),
        "gflop": sum(gflop.values()),
        "gflop_of_layers": sum(n for name, n in gflop.items() if name.startswith("lstm.")),
    }


def peak_step() -> tuple[Callable[[], Any], dict[str, float]]:
    """Return one large product."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    import tensorflow as tf  # noqa: PLC0415

    matrix = tf.random.normal([PEAK, PEAK])
    product = tf.function(lambda: tf.matmul(matrix, matrix))

    def step() -> float:
        return float(product()[0, 0])

    return step, {"gflop": 2e-9 * PEAK**3}


def layers_step(lanes: int, steps: int, units: int) -> tuple[Callable[[], Any], dict[str, float]]:
    """Return one step of the two LSTM layers alone."""
    x = np.random.default_rng(0).normal(size=(lanes, steps, units)).astype(np.float32)
    return keras_step((2, units, lanes), x, ours=True), {"rows": lanes * steps}


def work(what: str) -> None:
    """Serve: say what a step is made of; then, for each number n read, the seconds of n steps."""
    name, _, rest = what.partition(":")
    if name == "whole":
        step, facts = whole_step(rest)
    elif name == "peak":
        step, facts = peak_step()
    else:
        lanes, steps, units = map(int, rest.split("x"))
        step, facts = layers_step(lanes, steps, units)
    serve(step, facts)


def compare(preset_name: str, rounds: int, per_round: int) -> dict[str, Any]:
    """Layers alone, the whole step and the large product, in turns."""
    from musiclstm.training.config import preset  # noqa: PLC0415

    c = preset(preset_name)
    alone = f"layers:{c.lanes}x{c.window}x{c.network.units}"
    workers = [
        Worker([__file__, "--worker", what]) for what in (alone, f"whole:{preset_name}", "peak")
    ]
    try:
        for worker in workers:
            worker.seconds(3)  # tracing, compiling, first touches of memory
        taken: list[list[float]] = [[] for _ in workers]
        for number in range(rounds):
            for worker, seconds in zip(workers, taken, strict=True):
                seconds.append(worker.seconds(per_round))
            click.echo(f"round {number + 1} of {rounds}", err=True)
        layers, whole, peak = (np.array(seconds) for seconds in taken)
        facts = workers[1].facts
        best = workers[2].facts["gflop"] / peak
        return {
            "share_of_layer_speed": round(float(median(layers / whole)), 3),
            "layers_rows_per_second": round(facts["rows"] / median(layers)),
            "step_rows_per_second": round(facts["rows"] / median(whole)),
            "step_notes_per_second": round(facts["notes"] / median(whole)),
            "gflop_a_step": round(facts["gflop"], 1),
            "gflop_a_step_in_layers": round(facts["gflop_of_layers"], 1),
            "peak_gflop_per_second": round(float(median(best))),
            "least_share_in_products": round(float(median(facts["gflop"] / whole / best)), 3),
            "least_share_in_products_layers": round(
                float(median(facts["gflop_of_layers"] / layers / best)), 3
            ),
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        }
    finally:
        for worker in workers:
            worker.close()


def over_lengths(lengths: list[int], units: int, rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds a row and memory over the length of back-propagation."""
    workers = {
        n: Worker([__file__, "--worker", f"layers:{LANES_OF_LENGTHS}x{n}x{units}"]) for n in lengths
    }
    try:
        for worker in workers.values():
            worker.seconds(1)
        taken: dict[int, list[float]] = {n: [] for n in lengths}
        for number in range(rounds):
            for n, worker in workers.items():
                repeats = max(1, max(lengths) // n // 8)  # about as long a turn for each
                taken[n].append(worker.seconds(repeats))
            click.echo(f"round {number + 1} of {rounds}", err=True)
        return {
            str(n): {
                "us_per_row": round(1e6 * median(seconds) / (LANES_OF_LENGTHS * n), 2),
                "peak_mb": workers[n].peak_mb,
            }
            for n, seconds in taken.items()
        }
    finally:
        for worker in workers.values():
            worker.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--preset", "preset_name", default="default", show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Turns that each one takes.")
@click.option("--per-round", default=5, show_default=True, help="Steps in a turn.")
@click.option("--lengths", help="Steps of back-propagation, as 128,512,4096.")
@click.option("--units", default=256, show_default=True, help="Of the layers, for --lengths.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--worker", hidden=True)
def main(
    preset_name: str,
    rounds: int,
    per_round: int,
    lengths: str | None,
    units: int,
    as_json: bool,
    worker: str | None,
) -> None:
    """Compare a whole training step with its LSTM layers alone."""
    if worker is not None:
        work(worker)
        return
    if lengths is not None:
        result: dict[str, Any] = over_lengths([int(n) for n in lengths.split(",")], units, rounds)
    else:
        result = compare(preset_name, rounds, per_round)
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:32} {value}")


if __name__ == "__main__":
    main()
