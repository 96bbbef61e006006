"""How fast does the LSTM stack train, beside Keras' own and PyTorch's?

Forward, backward to the weights *and* to the inputs, float32, on the CPU; with ``--optimise`` each
step also clips the gradient to norm 1 and updates the weights by AdamW. Each contender lives in a
process of its own; they take turns, one at work while the others wait, round after round, so that
whatever else the machine does meanwhile meets them all. A ratio is the median over the rounds of
(their time / our time): above 1, ours is faster.

The machine should be idle. PyTorch's threads wait by spinning, so that beside another program it
loses far more than its share; ``best_rows_per_second`` says what each did in its least disturbed
turn, and ``load`` how many programs wanted a core when the benchmark began.

    python benchmarks/train_speed.py --rounds 9 --json
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Callable
from statistics import median
from typing import Any

import click
import numpy as np
from turns import Worker, serve

SIZE = re.compile(r"(\d+)x(\d+)/batch(\d+)")  # layers x units / sequences in a batch
CONTENDERS = ("ours", "keras", "torch")


def keras_step(
    size: tuple[int, int, int], x: np.ndarray, *, ours: bool, optimise: bool = False
) -> Callable[[], Any]:
    """Build the stack in Keras and return one training step of it, an ordinary graph."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="")
    import keras  # noqa: PLC0415 (each process imports its own contender only)
    import tensorflow as tf  # noqa: PLC0415

    from musiclstm.model.lstm import FastLSTM  # noqa: PLC0415

    layers, units, _ = size
    both = {"return_sequences": True, "return_state": True}
    stack = [FastLSTM(units) if ours else keras.layers.LSTM(units, **both) for _ in range(layers)]
    for layer in stack:
        layer.build((None, None, units))
    variables = [weight for layer in stack for weight in layer.trainable_variables]
    weights = [weight.value for weight in variables]
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.01, global_clipnorm=1.0)
    optimizer.build(variables)

    @tf.function
    def train(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            sequence = inputs
            for layer in stack:
                sequence, *_ = layer(sequence)
            loss = tf.reduce_mean(tf.square(sequence))
        of_inputs, *gradients = tape.gradient(loss, [inputs, *weights])
        if optimise:
            optimizer.apply(gradients, variables)
        return loss, of_inputs, gradients

    inputs = tf.constant(x)

    def step() -> float:
        return float(train(inputs)[0])

    return step


def torch_step(
    size: tuple[int, int, int], x: np.ndarray, *, optimise: bool = False
) -> Callable[[], Any]:
    """Build the same stack in PyTorch and return one training step of it."""
    import torch  # noqa: PLC0415

    layers, units, _ = size
    torch.set_num_threads(os.cpu_count() or 1)
    stack = torch.nn.LSTM(units, units, layers, batch_first=True)
    inputs = torch.tensor(x, requires_grad=True)
    optimizer = torch.optim.AdamW(stack.parameters(), lr=1e-3, weight_decay=0.01)

    def step() -> float:
        stack.zero_grad()
        inputs.grad = None
        loss = stack(inputs)[0].square().mean()
        loss.backward()
        if optimise:
            torch.nn.utils.clip_grad_norm_(stack.parameters(), 1.0)
            optimizer.step()
        return float(loss)

    return step


def work(contender: str, size: tuple[int, int, int], steps: int, *, optimise: bool) -> None:
    """Serve one contender."""
    _, units, batch = size
    x = np.random.default_rng(0).normal(size=(batch, steps, units)).astype(np.float32)
    if contender == "torch":
        step = torch_step(size, x, optimise=optimise)
    else:
        step = keras_step(size, x, ours=contender == "ours", optimise=optimise)
    serve(step, {})


def compare(
    size: str, steps: int, rounds: int, per_round: int, *, optimise: bool
) -> dict[str, list[float]]:
    """Return the seconds of a training step, a list of rounds for each contender present."""
    present = [c for c in CONTENDERS if c != "torch" or importlib.util.find_spec("torch")]
    command = [__file__, "--size", size, "--steps", str(steps), *["--optimise"] * optimise]
    workers = {contender: Worker([*command, "--worker", contender]) for contender in present}
    try:
        for worker in workers.values():
            worker.seconds(2)  # tracing, compiling, first touches of memory
        taken: dict[str, list[float]] = {contender: [] for contender in present}
        for number in range(rounds):
            for contender, worker in workers.items():
                taken[contender].append(worker.seconds(per_round))
            click.echo(f"{size}: round {number + 1} of {rounds}", err=True)
        return taken
    finally:
        for worker in workers.values():
            worker.close()


def parse_size(size: str) -> tuple[int, int, int]:
    match = SIZE.fullmatch(size)
    if match is None:
        raise click.BadParameter(f"{size!r} is not of the form 2x256/batch64")
    layers, units, batch = map(int, match.groups())
    return layers, units, batch


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--size", "sizes", multiple=True, default=["2x256/batch64"], show_default=True)
@click.option("--steps", default=128, show_default=True, help="Length of a sequence.")
@click.option("--rounds", default=9, show_default=True, help="Turns that each contender takes.")
@click.option("--per-round", default=3, show_default=True, help="Training steps in a turn.")
@click.option("--optimise", is_flag=True, help="With clipping and AdamW.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--worker", type=click.Choice(CONTENDERS), hidden=True)
def main(
    sizes: tuple[str, ...],
    steps: int,
    rounds: int,
    per_round: int,
    optimise: bool,
    as_json: bool,
    worker: str | None,
) -> None:
    """Compare one training step of the LSTM stack with Keras' and PyTorch's."""
    parsed = {size: parse_size(size) for size in sizes}
    if worker is not None:
        work(worker, parsed[sizes[0]], steps, optimise=optimise)
        return
    result: dict[str, Any] = {"vs_torch": {}, "vs_keras": {}, "rows_per_second": {}}
    result |= {"best_rows_per_second": {}, "load": round(os.getloadavg()[0], 2)}
    for size, (_, _, batch) in parsed.items():
        taken = compare(size, steps, rounds, per_round, optimise=optimise)
        for other in set(taken) - {"ours"}:
            ratios = [t / o for t, o in zip(taken[other], taken["ours"], strict=True)]
            result[f"vs_{other}"][size] = round(median(ratios), 3)
        for key, typical in (("rows_per_second", median), ("best_rows_per_second", min)):
            result[key][size] = {
                contender: round(batch * steps / typical(seconds))
                for contender, seconds in taken.items()
            }
    if as_json:
        print(json.dumps(result))
        return
    for size, rates in result["rows_per_second"].items():
        for contender, rate in rates.items():
            ratio = result.get(f"vs_{contender}", {}).get(size)
            print(f"{size}  {contender:6s} {rate:7d} rows/s", f" ours is {ratio} x" * bool(ratio))


if __name__ == "__main__":
    main()
