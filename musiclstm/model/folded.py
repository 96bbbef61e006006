"""The weights laid out for composing: what can be worked out before the first note, is.

What each head reads are sums over all that has become known, and it speaks to the heads after it:

```
            shift   part   pitch   duration   velocity
LSTM          x      x       x        x          x
shift, onset         x       x        x          x
part, voice                  x        x          x
pitch, note                           x          x
duration                                         x
```

So the heads' weights stand side by side: a choice is one look into a table whose rows speak to all
heads after it, the LSTM's output and the layers of onset, voice and note are one product each. The
same mathematics as :mod:`.architecture` says, in another order of adding.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import MAX_MODEL_PARTS, Field, Vocabulary, after_columns, condition_sizes
from musiclstm.model.architecture import (
    HEAD_FIELDS,
    N_PITCHES,
    PITCH_CLASSES,
    NetworkConfig,
    begins,
    head_sizes,
    input_sizes,
    known_widths,
)
from musiclstm.model.cells import Cells
from musiclstm.model.heads import Heads
from musiclstm.model.products import Matrix

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

_ZERO = np.zeros(1, np.float32)
_WHOLE_OCTAVES = N_PITCHES // PITCH_CLASSES * PITCH_CLASSES


class Folded:
    """The weights of a network, folded.

    Args:
        config: Widths and depth; U is ``units``, H ``head_units``.
        vocabulary: What the ids mean.
        weights: float32 arrays by the names of :func:`~.architecture.weight_shapes`.

    Attributes:
        choices: For each field but the last a table, float32 ``(size + 1, heads after it)``; the
            last row is for a field that the row does not have.
        output: From the LSTM to all heads, ``(U, 5 H)``; ``biases`` are the hidden layers'.
        onset: From the onset layer to the heads from part on, ``(onset_units, 4 H)``.
        voice: From the voice layer to the heads from pitch on, ``(voice_units, 3 H)``.
        note: From the note layer to the heads from duration on, ``(note_units, 2 H)``.
        onset_read: From the onset layer to the LSTM, a row later, ``(onset_units, U)``.
        cells: The LSTM layers.
        heads: The heads' last layers.
    """

    def __init__(
        self, config: NetworkConfig, vocabulary: Vocabulary, weights: Mapping[str, FloatArray]
    ) -> None:
        w, v = weights, vocabulary
        heads = [f"head.{field.name.lower()}" for field in Field]
        self.units, self.head_units = config.units, config.head_units
        sizes = input_sizes(v)
        self._rows = _and_none(w["input.table"])
        self._first_rows = np.append(begins(sizes), np.full(after_columns(v), sum(sizes), np.int32))
        self._conditions = w["input.conditions_table"]
        self._first_conditions = begins(condition_sizes(v))
        self._input_bias = w["input.bias"]
        spoken = {
            reader: _split(w[f"{heads[reader]}.table"], head_sizes(reader, v)[:-1])
            for reader in Field
            if HEAD_FIELDS[reader]
        }
        self.choices = [
            np.concatenate(
                [_and_none(spoken[reader][field]) for reader in Field if reader > field], axis=1
            )
            for field in list(Field)[:-1]
        ]
        # for each head its kernel in pieces: from the LSTM, and from onset, voice and note
        kernels = [
            _split(w[f"{heads[field]}.kernel"], known_widths(field, config)[:-1]) for field in Field
        ]
        self.output, self.onset, self.voice, self.note = (
            Matrix(np.concatenate([each[known] for each in kernels if len(each) > known], axis=1))
            for known in range(4)
        )
        self.onset_read = w["input.kernel"]
        self.biases = np.concatenate([w[f"{name}.bias"] for name in heads])
        self._onset, self._voice, self._note = (
            _Layer(w, name) for name in ("onset", "voice", "note")
        )
        self._scale_bytes()
        self.cells = Cells(w, config.layers, config.units)
        self.heads = Heads(v, w)

    def _scale_bytes(self) -> None:
        """Bytes come as they are; their share of 255 is in the kernels."""
        p, c = N_PITCHES, PITCH_CLASSES
        for layer, rows in (
            (self._onset, slice(p, 2 * p)),
            (self._onset, slice(2 * p + c, 2 * p + c + MAX_MODEL_PARTS)),
            (self._voice, slice(p, 2 * p)),
        ):
            layer.kernel[rows] /= 255

    def conditions(self, ids: IntArray) -> FloatArray:
        """What the conditions ``(B, 5)`` say to every row, with the input's bias: ``(B, U)``."""
        said = self._conditions.take(ids + self._first_conditions, axis=0)
        total: FloatArray = said.sum(axis=1) + self._input_bias
        return total

    def row(self, inputs: IntArray, after: IntArray) -> FloatArray:
        """What a row and what follows from it say to the LSTM, ``(N, U)``.

        Args:
            inputs: The row's fields as input ids, int32 ``(N, 5)``.
            after: int32 ``(N, columns)``; see :class:`~musiclstm.encoding.Piece` for both.
        """
        ids = np.concatenate((inputs, after), axis=1)
        ids += self._first_rows
        said: FloatArray = np.add.reduce(self._rows.take(ids, axis=0), axis=1)
        return said

    def onset_layer(
        self, ids: IntArray, sounding: ByteArray, remaining: ByteArray, struck: ByteArray
    ) -> FloatArray:
        """The hidden layer that reads the onset, ``(N, onset_units)``.

        The arguments are arrays of :class:`~musiclstm.encoding.Context`.
        """
        on = sounding > 0
        classes = np.logical_or.reduce(
            on[:, :_WHOLE_OCTAVES].reshape(len(on), -1, PITCH_CLASSES), axis=1
        )
        classes[:, : N_PITCHES - _WHOLE_OCTAVES] |= on[:, _WHOLE_OCTAVES:]
        features = np.concatenate(
            (on, sounding, classes, remaining, struck), axis=1, dtype=np.float32
        )
        return self._onset(ids, features)

    def voice_layer(self, ids: IntArray, sounding: ByteArray, shares: FloatArray) -> FloatArray:
        """The hidden layer that reads the part's own past, ``(N, voice_units)``.

        The arguments are arrays of :class:`~musiclstm.encoding.Context`.
        """
        features = np.concatenate((sounding > 0, sounding, shares), axis=1, dtype=np.float32)
        return self._voice(ids, features)

    def note_layer(self, ids: IntArray, shares: FloatArray) -> FloatArray:
        """The hidden layer that reads the chosen pitch, ``(N, note_units)``.

        The arguments are arrays of :class:`~musiclstm.encoding.Context`.
        """
        return self._note(ids, shares)


class _Layer:
    """A hidden layer over embedded ids and features."""

    def __init__(self, weights: Mapping[str, FloatArray], name: str) -> None:
        self.kernel = weights[f"{name}.kernel"].copy()
        self.table = _and_none(weights[f"{name}.table"])
        self.bias = weights[f"{name}.bias"]

    def __call__(self, ids: IntArray, features: FloatArray) -> FloatArray:
        hidden = features @ self.kernel
        hidden += np.add.reduce(self.table.take(ids, axis=0), axis=1)
        hidden += self.bias
        rectified: FloatArray = np.maximum(hidden, _ZERO, out=hidden)
        return rectified


def _split(table: FloatArray, sizes: tuple[int, ...]) -> list[FloatArray]:
    """The columns' own tables: of the sizes given, and of what is left."""
    return np.split(table, np.cumsum(sizes))


def _and_none(table: FloatArray) -> FloatArray:
    """A table with a last row that says nothing."""
    return np.concatenate([table, np.zeros_like(table[:1])])


def as_float32(weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> dict[str, FloatArray]:
    """The weights as the decoder computes with them."""
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}
