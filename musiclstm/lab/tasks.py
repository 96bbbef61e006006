"""Made-up sequences whose answer lies a known number of steps back.

Three tasks that measure nothing but memory: between what must be kept and the moment when it is
asked for stands only noise, or nothing. Every batch is drawn afresh, so that a network can learn
the rule but no sequence by heart.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

COPY_SYMBOLS = 8  # kinds of symbols in the copy task
COPY_LENGTH = 10  # symbols that are to be copied
ORDER_SYMBOLS = "EBabcdXY"  # start, trigger, four that distract, two that count
ORDER_CLASSES = ("XX", "XY", "YX", "YY")


class Sequences(NamedTuple):
    """A batch of B sequences of L steps; a shorter one is filled up behind its end.

    Attributes:
        inputs: What is read, float32 ``(B, L, D)``.
        asked: The steps at which there is a right answer, int32 ``(B, K)``, from 0.
        answers: ``(B, K)``: float32 where a number is asked for, int32 where a class is.
    """

    inputs: npt.NDArray[np.float32]
    asked: npt.NDArray[np.int32]
    answers: npt.NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A task at one lag.

    Attributes:
        name: ``"adding"``, ``"temporal order"`` or ``"copy"``.
        lag: T, in steps.
        kept: For how many steps something has to be kept, at most about.
        width: D, numbers that are read at a step.
        classes: Among how many a network chooses; 0 where the answer is a number.
        counted: How many answers of a sequence need memory.
        baseline: The least error that can be had without memory, in the units of ``error``.
        chance: The share of right answers without memory; 0 where that means nothing.
        error: What the error is, in words.
        draw: Makes a batch: ``draw(rng, B)``.
    """

    name: str
    lag: int
    kept: int
    width: int
    classes: int
    counted: int
    baseline: float
    chance: float
    error: str
    draw: Callable[[np.random.Generator, int], Sequences]


def adding(lag: int) -> Task:
    """The adding problem: remember two numbers among many, and give their sum at the end.

    A step is a pair. The first is noise, uniform in [0, 1]; the second is 1 at the two numbers that
    count, -1 at the first and at the last step, and 0 elsewhere. The length is uniform in
    [T, T + T // 10]. The first mark is among the first ten pairs, the second among the first T / 2,
    so that each number has to be kept for at least T / 2 steps.

    Args:
        lag: T, at least 24.

    Returns:
        The task. Its error is the mean square, in units of the numbers squared. Who always answers
        1, the mean, has 2 / 12: the sum of the variances.

    Source:
        Hochreiter & Schmidhuber 1997, experiment 4, with two changes. Numbers and sum are not
        scaled: there they are in [-1, 1], and the target is 0.5 + sum / 4, which makes the errors
        half, and their squares a quarter of ours (as Le, Jaitly & Hinton 2015 have it, and most
        since). And the very first pair is never marked, where there the number would be set to 0.
    """
    if lag < 24:
        raise ValueError(f"lag {lag}: adding needs at least 24 steps")

    def draw(rng: np.random.Generator, batch: int) -> Sequences:
        longest = lag + lag // 10
        rows = np.arange(batch)
        last = rng.integers(lag, longest, batch, endpoint=True) - 1
        first_mark = rng.integers(1, 10, batch)
        second_mark = rng.integers(1, lag // 2 - 1, batch)
        second_mark += second_mark >= first_mark  # any of the first half but the one that is taken
        numbers = rng.random((batch, longest), np.float32)
        marks = np.zeros((batch, longest), np.float32)
        marks[:, 0] = marks[rows, last] = -1
        marks[rows, first_mark] = marks[rows, second_mark] = 1
        numbers[np.arange(longest) > last[:, None]] = 0  # behind the end is nothing
        sums = numbers[rows, first_mark] + numbers[rows, second_mark]
        inputs = np.stack([numbers, marks], axis=-1)
        return Sequences(inputs, last.astype(np.int32)[:, None], sums[:, None])

    return Task("adding", lag, lag, 2, 0, 1, 1 / 6, 0.0, "mean square error", draw)


def temporal_order(lag: int) -> Task:
    """Temporal order with two symbols: which of X and Y came first, and which then?

    A sequence begins with E and ends with B, and all between is drawn from a, b, c, d, but for two
    symbols that are X or Y each. Its length is uniform in [T, T + T // 10]; counted from 1, the
    first of the two is at a place in [T / 10, T / 5], the second in [T / 2, 0.6 T]. At B one of the
    four classes XX, XY, YX, YY is to be named. Symbols are read one-hot, in the order of
    :data:`ORDER_SYMBOLS`.

    Args:
        lag: T, at least 20. With 100 lengths and places are those of the source.

    Returns:
        The task. Its error is in nats a sequence; without memory all four are as likely: ln 4.

    Source:
        Hochreiter & Schmidhuber 1997, experiment 6a. There the classes are learned by squared
        error, and an answer counts if all four outputs are within 0.3; here by likelihood, and the
        likeliest class counts.
    """
    if lag < 20:
        raise ValueError(f"lag {lag}: temporal order needs at least 20 steps")
    start, trigger, noise, x = (ORDER_SYMBOLS.index(symbol) for symbol in "EBaX")

    def draw(rng: np.random.Generator, batch: int) -> Sequences:
        longest = lag + lag // 10
        rows = np.arange(batch)
        last = rng.integers(lag, longest, batch, endpoint=True) - 1
        symbols = rng.integers(noise, x, (batch, longest))
        symbols[:, 0] = start
        symbols[rows, last] = trigger
        first, second = rng.integers(0, 2, (2, batch))
        for chosen, early, late in (
            (first, lag // 10, lag // 5),
            (second, lag // 2, lag * 6 // 10),
        ):
            places = rng.integers(early, late, batch, endpoint=True) - 1
            symbols[rows, places] = x + chosen
        inputs = np.eye(len(ORDER_SYMBOLS), dtype=np.float32)[symbols]
        inputs[np.arange(longest) > last[:, None]] = 0
        classes = (2 * first + second).astype(np.int32)
        return Sequences(inputs, last.astype(np.int32)[:, None], classes[:, None])

    classes = len(ORDER_CLASSES)
    error = "nats a sequence"
    width = len(ORDER_SYMBOLS)
    chance = 1 / classes
    return Task(
        "temporal order", lag, lag, width, classes, 1, math.log(classes), chance, error, draw
    )


def copy(lag: int) -> Task:
    """The copy task: read ten symbols, wait, and say them again.

    Ten symbols of eight kinds, T - 1 blanks, a signal, and ten blanks while the answer is given:
    T + 20 steps. The right answer is a blank at the first T + 10, then the ten symbols. Inputs are
    one-hot: the eight symbols, the blank, the signal.

    Args:
        lag: T, at least 1: each symbol has to be kept for T + 10 steps.

    Returns:
        The task. Its error is in nats a symbol that is to be copied, with what the blanks cost laid
        on the symbols; without memory it is ln 8.

    Source:
        Arjovsky, Shah & Bengio, "Unitary Evolution Recurrent Neural Networks" (2016), section 4.1,
        after Hochreiter & Schmidhuber 1997. There the same nats are divided by all T + 20 steps.
    """
    if lag < 1:
        raise ValueError(f"lag {lag}: copy needs at least 1 step")
    blank, signal = COPY_SYMBOLS, COPY_SYMBOLS + 1

    def draw(rng: np.random.Generator, batch: int) -> Sequences:
        steps = lag + 2 * COPY_LENGTH
        wanted = rng.integers(0, COPY_SYMBOLS, (batch, COPY_LENGTH))
        symbols = np.full((batch, steps), blank)
        symbols[:, :COPY_LENGTH] = wanted
        symbols[:, COPY_LENGTH + lag - 1] = signal
        answers = np.full((batch, steps), blank, np.int32)
        answers[:, -COPY_LENGTH:] = wanted
        asked = np.tile(np.arange(steps, dtype=np.int32), (batch, 1))
        inputs = np.eye(COPY_SYMBOLS + 2, dtype=np.float32)[symbols]
        return Sequences(inputs, asked, answers)

    baseline, chance = math.log(COPY_SYMBOLS), 1 / COPY_SYMBOLS
    width, classes = COPY_SYMBOLS + 2, COPY_SYMBOLS + 1
    error = "nats a symbol"
    return Task(
        "copy", lag, lag + COPY_LENGTH, width, classes, COPY_LENGTH, baseline, chance, error, draw
    )
