"""The gradient of the last row of a sequence with respect to the states before it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.errors import TrainingError
from musiclstm.lab.plain import Music, PlainModel, PlainSettings, Rows, Trace

Array = npt.NDArray[Any]

SETTLED = 10  # rows; before it the gradient depends on how the heads read the state
TINY = float(np.finfo(np.float64).tiny)
_FEWEST = 32  # sequences of which medians and quartiles say something


@dataclass(frozen=True)
class GradientsSettings:
    """What is measured, and on which networks.

    Attributes:
        networks: What the tanh-RNN and the LSTMs have in common.
        lags: The largest lag k, in rows; at most what enough pieces are long.
        sequences: How many; at least 32.
        radius: Spectral radius of the recurrent matrix that is to explode, above 1.
        exploding_steps: Of its training, by plain gradient descent.
        exploding_rate: Its learning rate.
        clip_norm: To which its gradients are cut.
        seed: Of the choice of sequences.
    """

    networks: PlainSettings = field(default_factory=PlainSettings)
    lags: int = 200
    sequences: int = 128
    radius: float = 2.5
    exploding_steps: int = 300
    exploding_rate: float = 0.5
    clip_norm: float = 1.0
    seed: int = 0

    @classmethod
    def quick(cls) -> "GradientsSettings":
        """About a minute on two cores, the training of the networks included."""
        networks = PlainSettings(steps=200, lanes=16)
        return cls(networks=networks, sequences=64, exploding_steps=60)


class Norms(NamedTuple):
    """Norms of the gradient of the last row's nats, one row a sequence; column k is lag k.

    Attributes:
        h: With respect to the hidden state, all layers together, float64 ``(B, lags + 1)``.
        c: With respect to the cells; 0 in tanh units.
    """

    h: Array
    c: Array


def gradients_over_lag(model: PlainModel, inputs: Array, last: Rows) -> Norms:
    """Norms of dL_T/dh_{T-k} and dL_T/dc_{T-k}.

    Args:
        model: In double precision, if gradients may become small.
        inputs: What is read, int32 ``(B, T, 5)``, from an empty state.
        last: What comes after the last row, B rows.

    Returns:
        For k from 0 to T - 1. The gradient with respect to h_t is that along all ways that lead
        from h_t to the loss with c_t held still, and the other way round.

    Source:
        Backpropagation through time; for the LSTM equations (5) to (8) in
        :mod:`musiclstm.model.lstm`.
    """
    traces = model.run(inputs)
    rows = inputs.shape[1]
    arriving = np.zeros_like(traces[-1].x)
    arriving[:, -1] = _head_gradient(model, traces[-1].h[:, -1], last)
    squares = np.zeros((2, len(inputs), rows))
    backward = _through_tanh if model.settings.kind == "rnn" else _through_lstm
    for layer in reversed(range(len(traces))):
        kernel, recurrent = (
            model.weights[f"cell.{layer}.{name}"] for name in ("kernel", "recurrent_kernel")
        )
        found, da = backward(traces[layer], recurrent, arriving)
        squares += found
        arriving = da @ kernel.T
    h, c = np.sqrt(squares[:, :, ::-1])
    return Norms(h, c)


def _head_gradient(model: PlainModel, read: Array, last: Rows) -> Array:
    """The gradient of the nats of rows with respect to what their heads read, ``(B, U)``."""
    width, every = model.settings.head_units, np.arange(len(read))
    d_heard = np.zeros((len(read), len(Field) * width), read.dtype)
    for each, (hidden, logs) in zip(Field, model.heads(read, last), strict=True):
        d_logits = np.exp(logs)
        d_logits[every, last.targets[:, each]] -= 1
        d_logits *= last.counts[:, each, None]
        d_hidden = d_logits @ model.weights[f"{each.name.lower()}.kernel"].T
        d_heard[:, each * width : (each + 1) * width] = d_hidden * (hidden > 0)
    found: Array = d_heard @ model.weights["heads.kernel"].T
    return found


def _through_tanh(trace: Trace, recurrent: Array, arriving: Array) -> tuple[Array, Array]:
    """Backwards through tanh units.

    Returns:
        Squared norms with respect to h and c, ``(2, B, T)``, and the gradient of what the units
        read before the tanh, ``(B, T, U)``.
    """
    squares = np.zeros((2, *trace.x.shape[:2]))
    da = np.zeros_like(trace.h[:, 1:])
    dh = np.zeros_like(trace.h[:, 0])
    for t in reversed(range(trace.x.shape[1])):
        dh = dh + arriving[:, t]
        squares[0, :, t] = (dh**2).sum(axis=1)
        da[:, t] = dh * (1 - trace.h[:, t + 1] ** 2)
        dh = da[:, t] @ recurrent.T
    return squares, da


def _through_lstm(trace: Trace, recurrent: Array, arriving: Array) -> tuple[Array, Array]:
    """The same through LSTM cells; the gradient is that of all gates, ``(B, T, 4 U)``."""
    squares = np.zeros((2, *trace.x.shape[:2]))
    da = np.zeros_like(trace.gates)
    dh = np.zeros_like(trace.h[:, 0])
    dc = np.zeros_like(dh)
    for t in reversed(range(trace.x.shape[1])):
        i, f, g, o = np.split(trace.gates[:, t], 4, axis=1)
        squashed = np.tanh(trace.c[:, t + 1])
        dh = dh + arriving[:, t]
        dc = dc + dh * o * (1 - squashed**2)
        squares[0, :, t], squares[1, :, t] = (dh**2).sum(axis=1), (dc**2).sum(axis=1)
        slopes = (g * i * (1 - i), trace.c[:, t] * f * (1 - f), i * (1 - g**2))
        of_c = [dc * slope for slope in slopes]
        da[:, t] = np.concatenate([*of_c, dh * squashed * o * (1 - o)], axis=1)
        dh, dc = da[:, t] @ recurrent.T, dc * f
    return squares, da


class Sequences(NamedTuple):
    """Stretches of pieces.

    Attributes:
        inputs: What is read, int32 ``(B, lags + 1, 5)``.
        last: The row after each.
    """

    inputs: Array
    last: Rows


def draw_sequences(music: Music, lags: int, count: int, rng: np.random.Generator) -> Sequences:
    """Draw stretches of ``lags + 1`` rows out of all pieces, held-out ones first.

    Args:
        music: The pieces.
        lags: The largest lag; less where not even 32 stretches are so long.
        count: How many stretches; from a long piece several, not overlapping by more than a half.
        rng: Says where they begin.

    Raises:
        TrainingError: If no piece has three rows.
    """
    pieces = [*music.of("valid"), *music.of("train")]
    lengths = np.sort([len(piece.events) for piece in pieces])[::-1]
    enough = _places(lengths, lags) >= min(_FEWEST, count)
    while lags > 1 and not enough:
        lags -= 1
        enough = _places(lengths, lags) >= min(_FEWEST, count)
    if not len(lengths) or lengths[0] < lags + 2:
        raise TrainingError("gradients over lag need pieces of a few notes at least")
    found: list[tuple[Array, Rows]] = []
    for piece in pieces:
        room = len(piece.events) - (lags + 1)
        if room < 1 or len(found) >= count:
            continue
        rows = Rows.of(piece, music.vocabulary)
        step = (lags + 1) // 2 + 1
        for low in range(0, room, step):
            first = low + int(rng.integers(min(step, room - low)))
            stop = first + lags + 1
            if rows.counts[stop - 1].all() and len(found) < count:
                found.append((rows.inputs[first:stop], Rows(*(a[stop - 1] for a in rows))))
    inputs = np.stack([each for each, _ in found])
    return Sequences(
        inputs, Rows(*(np.stack(a) for a in zip(*(last for _, last in found), strict=True)))
    )


def _places(lengths: Array, lags: int) -> int:
    """How many stretches there are room for."""
    room = np.maximum(lengths - (lags + 1), 0)
    return int(np.ceil(room / ((lags + 1) // 2 + 1)).sum())


@dataclass(frozen=True)
class Curve:
    """Norms over lag of one network, relative to lag 0 of each sequence.

    Attributes:
        name: Of the network.
        trained: Whether it had been.
        of: ``"h"`` or ``"c"``.
        median: Over sequences, ``(lags + 1,)``.
        quartiles: Lower and upper, ``(2, lags + 1)``.
        at_0: Median norm at lag 0, in nats per unit of the state.
    """

    name: str
    trained: bool
    of: str
    median: Array
    quartiles: Array
    at_0: float
    factor: float = field(init=False)
    half_life: float | None = field(init=False)

    def __post_init__(self) -> None:
        # By what the gradient is multiplied at each step back: the geometric mean from lag 10 on
        # (from the first where there are few). Where it shrinks, the half-life follows, in rows.
        first = min(SETTLED, (len(self.median) - 1) // 2)
        low, high = np.maximum(self.median[[first, -1]], TINY)
        factor = float(np.exp((np.log(high) - np.log(low)) / max(len(self.median) - 1 - first, 1)))
        object.__setattr__(self, "factor", factor)
        life = float(np.log(2) / -np.log(factor)) if factor < 1 else None
        object.__setattr__(self, "half_life", life)

    @property
    def label(self) -> str:
        """For legends."""
        state = "" if self.of == "h" else ", cell"
        return f"{self.name}{state}"


def curves_of(name: str, trained: bool, norms: Norms) -> list[Curve]:
    """Medians and quartiles over sequences: of h, and of c where there are cells."""
    found = []
    for of, values in zip(("h", "c"), norms, strict=True):
        if not values.any():
            continue
        at_0 = values[:, :1]
        relative = values / np.where(at_0 > 0, at_0, 1)
        low, median, high = np.quantile(relative, (0.25, 0.5, 0.75), axis=0)
        found.append(
            Curve(name, trained, of, median, np.stack([low, high]), float(np.median(at_0)))
        )
    return found
