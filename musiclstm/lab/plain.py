"""Plain recurrent note models, as textbooks have them: what a network is without musical context.

They read the five fields of the row before as a sum of embeddings; one or two layers of tanh units
or LSTM cells follow, and a chain of heads says shift, part, pitch, duration and velocity, each
seeing the fields before it. Only legal events are asked for, so that their nats compare with those
of every other model here. What sounds, where the bar stands, and what was played when the past was
like now they must remember themselves.

They learn in Keras, all on the same batches, and leave as :class:`PlainModel`: the weights by name,
and the same mathematics in NumPy, where the states are open to be looked at.

Letters in shapes: B sequences, T rows, U units, H head units, N rows of a batch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Piece, Vocabulary, prepare
from musiclstm.model.architecture import begins

Array = npt.NDArray[Any]
Tell = Callable[[str], None]

ILLEGAL = -1e9  # a logit that no softmax recovers from, and still finite in float32
SPREAD = 0.3  # of embeddings, standard deviation: five are added up
_AT_ONCE = 64  # sequences that are read side by side in NumPy


class Music(Protocol):
    """Encoded pieces by split: a :class:`~musiclstm.training.corpus.TrainingSet`, for one."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What the ids mean."""

    def of(self, split: str) -> Sequence[Encoded]:
        """The pieces of ``"train"``, ``"valid"``, or another split; none where it has none."""


@dataclass(frozen=True)
class Pieces:
    """Encoded pieces by split.

    Attributes:
        vocabulary: What the ids mean.
        splits: Pieces by the name of their split.
    """

    vocabulary: Vocabulary
    splits: Mapping[str, Sequence[Encoded]]

    def of(self, split: str) -> Sequence[Encoded]:
        """The pieces of a split; none where there is no such split."""
        return self.splits.get(split, ())


@dataclass(frozen=True)
class PlainSettings:
    """A plain network and its training.

    Attributes:
        kind: ``"rnn"``: tanh units; ``"lstm"``: cells with forget gates.
        units: Width of each recurrent layer, at least 1.
        layers: How many, 1 or 2.
        head_units: Width of each head's hidden layer.
        forget_bias: Of the forget gates at first. 1 lets cells remember from the beginning
            (Jozefowicz et al. 2015); 0 is the plain initialisation.
        radius: Spectral radius of the recurrent matrix of tanh units at first; None leaves it
            orthogonal, as Keras makes it.
        steps: Of training; at least 0.
        lanes: Pieces side by side, B.
        window: Rows that the gradient runs back through, T.
        learning_rate: Of Adam, or of plain gradient descent.
        descent: Plain gradient descent instead of Adam, whose step does not depend on how large
            the gradient is.
        clip_norm: A gradient that is longer is cut to this length; None leaves it as it is.
        seed: Of weights and order.
    """

    kind: Literal["rnn", "lstm"] = "lstm"
    units: int = 96
    layers: int = 1
    head_units: int = 64
    forget_bias: float = 1.0
    radius: float | None = None
    steps: int = 3000
    lanes: int = 32
    window: int = 64
    learning_rate: float = 3e-3
    descent: bool = False
    clip_norm: float | None = 1.0
    seed: int = 0


def textbook(settings: PlainSettings) -> dict[str, PlainSettings]:
    """The three networks that the experiments compare, alike in all but the cell.

    Args:
        settings: What they have in common.
    """
    return {
        "tanh-RNN": replace(settings, kind="rnn"),
        "LSTM, forget bias 0": replace(settings, kind="lstm", forget_bias=0.0),
        "LSTM, forget bias 1": replace(settings, kind="lstm", forget_bias=1.0),
    }


class Rows(NamedTuple):
    """The rows of a piece as a plain network meets them: row r is read to predict row r + 1.

    Attributes:
        inputs: Fields of what is read, int32 ``(T, 5)``; the first row is START.
        targets: Fields of what comes, int32 ``(T, 5)``.
        legal: Its legal ids, all fields side by side, bool ``(T, ids)``.
        counts: Which fields it has, bool ``(T, 5)``.
    """

    inputs: Array
    targets: Array
    legal: Array
    counts: Array

    @classmethod
    def of(cls, encoded: Encoded, vocabulary: Vocabulary) -> "Rows":
        """Lay a piece out."""
        return cls.of_piece(prepare(encoded, vocabulary))

    @classmethod
    def of_piece(cls, piece: Piece) -> "Rows":
        """Take what a plain network needs out of a piece that has been made ready."""
        return cls(piece.inputs[:-1], piece.targets[1:], piece.legal[1:], piece.counts[1:])


class Trace(NamedTuple):
    """What a recurrent layer did at every row.

    Attributes:
        x: What it read, ``(B, T, U)``.
        h: Its output, after the state before the first row: ``(B, T + 1, U)``.
        c: Its cells likewise; of tanh units nothing, ``(B, T + 1, 0)``.
        gates: i, f, g and o of every row, ``(B, T, 4 U)``; of tanh units nothing.
    """

    x: Array
    h: Array
    c: Array
    gates: Array


@dataclass(frozen=True)
class PlainModel:
    """A plain network with its weights.

    Attributes:
        settings: What made it.
        vocabulary: What the ids mean.
        weights: By name: ``table`` (ids, U); of each layer ``cell.L.kernel``,
            ``cell.L.recurrent_kernel`` and ``cell.L.bias`` as Keras has them; ``heads.kernel``
            (U, 5 H) and ``heads.bias``; of each field ``FIELD.table`` (earlier ids, H),
            ``FIELD.kernel`` (H, size) and ``FIELD.bias``.
        history: Of each step of training nats a row, and the norm of the gradient before it was
            clipped: float64 ``(steps, 2)``. It ends early where a loss was not finite.
    """

    settings: PlainSettings
    vocabulary: Vocabulary
    weights: Mapping[str, Array] = field(repr=False)
    history: Array = field(repr=False, default_factory=lambda: np.zeros((0, 2)))

    def as_float64(self) -> "PlainModel":
        """The same in double precision."""
        return replace(self, weights={k: w.astype(np.float64) for k, w in self.weights.items()})

    def run(self, inputs: Array) -> list[Trace]:
        """Read sequences, all from an empty state.

        Args:
            inputs: int32 ``(B, T, 5)``; START, and padding behind the end, may be anywhere.

        Returns:
            What each layer did, the first one first.
        """
        ids = inputs + begins(tuple(size + 1 for size in self.vocabulary.sizes))
        x = self.weights["table"].take(ids, axis=0).sum(axis=-2)
        traces = []
        for layer in range(self.settings.layers):
            w = [self.weights[f"cell.{layer}.{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
            traces.append(_tanh_layer(x, *w) if self.settings.kind == "rnn" else _lstm(x, *w))
            x = traces[-1].h[:, 1:]
        return traces

    def heads(self, read: Array, rows: Rows) -> list[tuple[Array, Array]]:
        """What each head makes of the last layer's output.

        Args:
            read: ``(N, U)``.
            rows: What came, N rows.

        Returns:
            Of each field its hidden layer ``(N, H)`` and its log-probabilities ``(N, size)``.
        """
        v, w, width = self.vocabulary, self.weights, self.settings.head_units
        heard = read @ w["heads.kernel"] + w["heads.bias"]
        found = []
        for each in Field:
            name = each.name.lower()
            hidden = heard[:, each * width : (each + 1) * width]
            if each:
                earlier = rows.targets[:, :each] + begins(v.sizes[:each])
                hidden = hidden + w[f"{name}.table"].take(earlier, axis=0).sum(axis=-2)
            hidden = np.maximum(hidden, 0)
            logits = hidden @ w[f"{name}.kernel"] + w[f"{name}.bias"]
            logits = np.where(rows.legal[:, v.slices[each]], logits, ILLEGAL)
            logits -= logits.max(axis=1, keepdims=True)
            found.append((hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))))
        return found

    def nats(self, sequences: Sequence[Rows]) -> list[Array]:
        """Nats of each field of each row, ``(T, 5)`` for each sequence; 0 for fields it lacks."""
        found: list[Array] = [np.zeros(0)] * len(sequences)
        # those of about one length together, so that little is padding
        order = np.argsort([len(rows.inputs) for rows in sequences], kind="stable")
        for some in np.split(order, range(_AT_ONCE, len(order), _AT_ONCE)):
            most = max((len(sequences[n].inputs) for n in some), default=0)
            inputs = np.zeros((len(some), most, len(Field)), np.int32)
            for lane, n in enumerate(some):
                inputs[lane, : len(sequences[n].inputs)] = sequences[n].inputs
            output = self.run(inputs)[-1].h[:, 1:]
            for lane, n in enumerate(some):
                found[n] = self._nats(output[lane, : len(sequences[n].inputs)], sequences[n])
        return found

    def _nats(self, read: Array, rows: Rows) -> Array:
        every = np.arange(len(read))
        said = [
            logs[every, rows.targets[:, each]]
            for each, (_, logs) in zip(Field, self.heads(read, rows), strict=True)
        ]
        return np.where(rows.counts, -np.stack(said, axis=1), 0)

    def nats_a_note(self, pieces: Iterable[Encoded]) -> Array:
        """Nats a note of each field over whole pieces, ``(5,)``; their sum is the loss."""
        pieces = list(pieces)
        nats = self.nats([Rows.of(piece, self.vocabulary) for piece in pieces])
        total = sum((each.sum(axis=0, dtype=np.float64) for each in nats), np.zeros(len(Field)))
        return np.asarray(total / max(sum(piece.n_notes for piece in pieces), 1))


def _tanh_layer(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Trace:
    """``h_t = tanh(x_t W + h_{t-1} U + b)``."""
    projected = x @ kernel + bias
    h = np.zeros((len(x), x.shape[1] + 1, len(recurrent)), x.dtype)
    for t in range(x.shape[1]):
        h[:, t + 1] = np.tanh(projected[:, t] + h[:, t] @ recurrent)
    none = h[..., :0]
    return Trace(x, h, none, none[:, 1:])


def _lstm(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Trace:
    """Equations (1) to (4) of :mod:`musiclstm.model.lstm`."""
    units = len(recurrent)
    gates = x @ kernel + bias
    h = np.zeros((len(x), x.shape[1] + 1, units), x.dtype)
    c = np.zeros_like(h)
    for t in range(x.shape[1]):
        a = gates[:, t]
        a += h[:, t] @ recurrent
        candidate = np.tanh(a[:, 2 * units : 3 * units])
        np.multiply(np.tanh(a / 2) + 1, 0.5, out=a)  # the sigmoid, which overflows nowhere
        a[:, 2 * units : 3 * units] = candidate
        i, f, g, o = np.split(a, 4, axis=1)
        c[:, t + 1] = f * c[:, t] + i * g
        h[:, t + 1] = o * np.tanh(c[:, t + 1])
    return Trace(x, h, c, gates)
