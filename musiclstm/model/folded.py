"""The weights laid out for composing: what can be worked out before the first note, is.

What is read along the way are sums, one for each *reader*: the hidden layers of the five heads in
field order, then the LSTM's input of the next row. All that becomes known speaks to all readers
after it:

```
            shift   part   pitch   duration   velocity   next row
LSTM          x      x       x        x          x
shift, onset         x       x        x          x          x
part, voice                  x        x          x          x
pitch                                 x          x          x
duration                                         x          x
velocity                                                    x
what follows, conditions                                    x
```

So the readers' weights stand side by side: a choice is one look into a table whose rows speak to
all of them, the LSTM's output and the layers of onset and voice are one product each. The same
mathematics as :mod:`.architecture` says, in another order of adding.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary, onset_sizes, voice_sizes
from musiclstm.model.architecture import (
    HEAD_FIELDS,
    N_PITCHES,
    PITCH_CLASSES,
    NetworkConfig,
    head_sizes,
    input_sizes,
)

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

_HALF, _ZERO = np.full(1, 0.5, np.float32), np.zeros(1, np.float32)
_WHOLE_OCTAVES = N_PITCHES // PITCH_CLASSES * PITCH_CLASSES


class Folded:
    """The weights of a network, folded.

    Args:
        config: Widths and depth; U is ``units``, H ``head_units``.
        vocabulary: What the ids mean.
        weights: float32 arrays by the names of :func:`~.architecture.weight_shapes`.

    Attributes:
        choices: For each field a table, float32 ``(size + 1, readers after it)``; the last row is
            for a field that the row does not have.
        output: From the LSTM to all heads, ``(U, 5 H)``; ``heads`` are the heads' biases.
        onset: From the onset layer to the readers from part on.
        voice: From the voice layer to the readers from pitch on.
        after: What follows from a row, to the next row, ``(ids, U)``.
        out: For each head its last layer: kernel ``(H, size)`` and bias.
    """

    def __init__(
        self, config: NetworkConfig, vocabulary: Vocabulary, weights: Mapping[str, FloatArray]
    ) -> None:
        w, v = weights, vocabulary
        heads = [f"head.{field.name.lower()}" for field in Field]
        self.units, self.head_units = config.units, config.head_units
        columns = _split(w["input.table"], input_sizes(v))
        self.after, self._conditions = columns[len(Field)], columns[len(Field) + 1 :]
        self._input_bias = w["input.bias"]
        spoken = {
            reader: _split(w[f"{heads[reader]}.table"], head_sizes(reader, v))
            for reader in Field
            if HEAD_FIELDS[reader]
        }
        self.choices = [
            np.concatenate(
                [_and_absent(spoken[reader][field]) for reader in Field if reader > field]
                + [columns[field]],
                axis=1,
            )
            for field in Field
        ]
        u, o = config.units, config.onset_units
        self.output = np.concatenate([w[f"{name}.kernel"][:u] for name in heads], axis=1)
        self.heads = np.concatenate([w[f"{name}.bias"] for name in heads])
        onset = [w[f"{name}.kernel"][u : u + o] for name in heads[Field.PART :]]
        voice = [w[f"{name}.kernel"][u + o :] for name in heads[Field.PITCH :]]
        self.onset = np.concatenate([*onset, w["input.kernel"][:o]], axis=1)
        self.voice = np.concatenate([*voice, w["input.kernel"][o:]], axis=1)
        self.out = [(w[f"{name}.out_kernel"], w[f"{name}.out_bias"]) for name in heads]
        self._onset = _Layer(w, "onset", onset_sizes(v))
        self._voice = _Layer(w, "voice", voice_sizes(v))
        self._scale_bytes()
        self._gates = [_gates(w, layer, u) for layer in range(config.layers)]

    def _scale_bytes(self) -> None:
        """Bytes come as they are; their share of 255 is in the kernels."""
        p, c = N_PITCHES, PITCH_CLASSES
        parts = (len(self._onset.kernel) - 2 * p - c) // 2
        for layer, rows in (
            (self._onset, slice(p, 2 * p)),
            (self._onset, slice(2 * p + c + parts, None)),
            (self._voice, slice(p, None)),
        ):
            layer.kernel[rows] /= 255

    def conditions(self, ids: IntArray) -> FloatArray:
        """What the conditions ``(B, 5)`` say to every row, with the input's bias: ``(B, U)``."""
        said = [table.take(ids[:, place], axis=0) for place, table in enumerate(self._conditions)]
        total: FloatArray = np.sum(said, axis=0, dtype=np.float32) + self._input_bias
        return total

    def onset_layer(self, ids: IntArray, sounding: ByteArray, remaining: ByteArray) -> FloatArray:
        """The hidden layer that reads the onset, ``(N, onset_units)``.

        Args:
            ids: int32 ``(N, 5)``, see :class:`~musiclstm.encoding.Context`.
            sounding: uint8 ``(N, 128)``.
            remaining: uint8 ``(N, 16)``.
        """
        on = sounding > 0
        classes = np.logical_or.reduce(
            on[:, :_WHOLE_OCTAVES].reshape(len(on), -1, PITCH_CLASSES), axis=1
        )
        classes[:, : N_PITCHES - _WHOLE_OCTAVES] |= on[:, _WHOLE_OCTAVES:]
        features = np.concatenate(
            (on, sounding, classes, remaining > 0, remaining), axis=1, dtype=np.float32
        )
        return self._onset(ids, features)

    def voice_layer(self, ids: IntArray, sounding: ByteArray) -> FloatArray:
        """The hidden layer that reads the part's own past, ``(N, voice_units)``.

        Args:
            ids: int32 ``(N, 7)``, see :class:`~musiclstm.encoding.Context`.
            sounding: uint8 ``(N, 128)``.
        """
        features = np.concatenate((sounding > 0, sounding), axis=1, dtype=np.float32)
        return self._voice(ids, features)

    def logits(self, field: int, sums: FloatArray) -> FloatArray:
        """The last layer of a head; ``sums`` ``(N, H)`` is all that it has read."""
        kernel, bias = self.out[field]
        logits: FloatArray = np.maximum(sums, _ZERO) @ kernel
        logits += bias
        return logits

    # --- the LSTM ---------------------------------------------------------------------------

    def step(
        self, x: FloatArray, h: FloatArray, c: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """One row through all layers.

        Args:
            x: Input, ``(B, U)``.
            h: Hidden states, ``(L, B, U)``.
            c: Cell states, ``(L, B, U)``.

        Returns:
            Output ``(B, U)``, and the new h and c.
        """
        new_h, new_c = np.empty_like(h), np.empty_like(c)
        for layer, (kernel, bias) in enumerate(self._gates):
            a = np.concatenate((x, h[layer]), axis=1) @ kernel
            a += bias
            _cell(a, c[layer], new_h[layer], new_c[layer])
            x = x + new_h[layer]
        return x, new_h, new_c

    def sequence(self, x: FloatArray) -> FloatArray:
        """All layers over a whole piece ``(rows, U)``, layer by layer."""
        for kernel, bias in self._gates:
            projected = x @ kernel[: self.units]
            projected += bias
            recurrent = kernel[self.units :]
            hidden = np.zeros((len(x) + 1, self.units), np.float32)  # the first is before all
            c = np.zeros(self.units, np.float32)
            for row in range(len(x)):
                projected[row] += hidden[row] @ recurrent
                _cell(projected[row], c, hidden[row + 1], c)
            x = x + hidden[1:]
        return x


class _Layer:
    """A hidden layer over embedded ids and features."""

    def __init__(
        self, weights: Mapping[str, FloatArray], name: str, sizes: tuple[int, ...]
    ) -> None:
        self.kernel = weights[f"{name}.kernel"].copy()
        self.table = weights[f"{name}.table"].copy()
        self.table[: sizes[0]] += weights[f"{name}.bias"]  # one id of the first column is always on
        self.begins = (np.cumsum(sizes) - sizes).astype(np.int32)  # of each column in the table

    def __call__(self, ids: IntArray, features: FloatArray) -> FloatArray:
        hidden = features @ self.kernel
        hidden += np.add.reduce(self.table.take(ids + self.begins, axis=0), axis=1)
        rectified: FloatArray = np.maximum(hidden, _ZERO, out=hidden)
        return rectified


def _split(table: FloatArray, sizes: tuple[int, ...]) -> list[FloatArray]:
    """The columns' own tables."""
    return np.split(table, np.cumsum(sizes)[:-1])


def _and_absent(table: FloatArray) -> FloatArray:
    """A table with a last row that says nothing."""
    return np.concatenate([table, np.zeros_like(table[:1])])


def _gates(
    weights: Mapping[str, FloatArray], layer: int, units: int
) -> tuple[FloatArray, FloatArray]:
    """Kernel ``(2U, 4U)`` over input and hidden state, and bias, in the order i, f, o, g.

    sigmoid(x) = (1 + tanh(x / 2)) / 2: the halves of i, f and o are in the weights, so that one
    tanh does all four gates.
    """
    name = f"lstm.{layer}"
    kernel = np.concatenate([weights[f"{name}.kernel"], weights[f"{name}.recurrent_kernel"]])
    order = np.r_[0 : 2 * units, 3 * units : 4 * units, 2 * units : 3 * units]
    scale = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), units)
    bias = weights[f"{name}.bias"]
    return np.ascontiguousarray(kernel[:, order] * scale), bias[order] * scale


def _cell(a: FloatArray, c: FloatArray, new_h: FloatArray, new_c: FloatArray) -> None:
    """One LSTM step, from ``a`` ``(..., 4U)`` as :func:`_gates` lays it out; ``a`` is used up.

    Args:
        a: What the gates read.
        c: Cell state, ``(..., U)``.
        new_h: Where the new hidden state goes.
        new_c: Where the new cell state goes; may be ``c`` itself.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    units = c.shape[-1]
    np.tanh(a, out=a)
    sigmoids = a[..., : 3 * units]
    sigmoids *= _HALF
    sigmoids += _HALF
    i, f, o = a[..., :units], a[..., units : 2 * units], a[..., 2 * units : 3 * units]
    i *= a[..., 3 * units :]
    np.multiply(f, c, out=new_c)
    new_c += i
    np.tanh(new_c, out=new_h)
    new_h *= o


def as_float32(weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> dict[str, FloatArray]:
    """The weights as the decoder computes with them."""
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}
