"""What a model does while it reads a piece: its gates and cells, and what it expected instead.

The LSTM reads row after row, a row being a note. What is told of a note here is what the cells are
like once they have read it, and how likely the model found it just before.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field
from musiclstm.model import Bundle
from musiclstm.model.cells import Gates

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

ALTERNATIVES = 3  # pitches that are named for each note


@dataclass(frozen=True)
class Trace:
    """A piece as a model reads it, note by note: ``n`` notes, waits and the end left out.

    Attributes:
        encoded: The piece.
        rows: Which of its rows are notes, ``(n,)``. A note that goes on by a tie is several.
        onset: In steps, ``(n,)``.
        duration: In steps, ``(n,)``; of a tied row up to the tie.
        part: Model part of each, ``(n,)``.
        pitch: MIDI, ``(n,)``.
        gates: After each note, ``(layers, n, units)`` each.
        nats: Of each field of each note, ``(n, 5)``.
        likeliest: The pitches that were expected most, given the note's onset and part, the
            likeliest first, ``(n, 3)``.
        chances: Their probabilities, ``(n, 3)``.
        chance: The probability of the pitch that came, ``(n,)``.
    """

    encoded: Encoded
    rows: IntArray
    onset: IntArray
    duration: IntArray
    part: IntArray
    pitch: IntArray
    gates: Gates
    nats: FloatArray
    likeliest: IntArray
    chances: FloatArray
    chance: FloatArray

    @property
    def surprise(self) -> FloatArray:
        """Nats of each note, all fields together, ``(n,)``."""
        total: FloatArray = self.nats.sum(axis=1)
        return total


def trace(bundle: Bundle, encoded: Encoded) -> Trace:
    """Let a model read a piece, with nothing known of the whole.

    Args:
        bundle: The model.
        encoded: The piece, with at least one note.
    """
    v, table = bundle.vocabulary, encoded.events
    shift = table[:, Field.SHIFT]
    rows = np.flatnonzero(shift <= v.max_shift)
    onset = np.cumsum(v.steps_of(shift), dtype=np.int64)[rows]
    pitches = {
        field: logs for field, logs in bundle.decoder.expectations(encoded) if field == Field.PITCH
    }[Field.PITCH]
    chances = np.exp(pitches[rows])
    pitch = table[rows, Field.PITCH].astype(np.int64)
    best = np.argsort(-chances, axis=1, kind="stable")[:, :ALTERNATIVES]
    # state r has read all rows before r
    gates = bundle.decoder.gates(encoded)
    return Trace(
        encoded=encoded,
        rows=rows,
        onset=onset,
        duration=np.minimum(table[rows, Field.DURATION].astype(np.int64) + 1, v.max_duration),
        part=table[rows, Field.PART].astype(np.int64),
        pitch=pitch,
        gates=Gates(*(of[:, rows + 1] for of in gates)),
        nats=bundle.decoder.score(encoded)[rows],
        likeliest=best,
        chances=np.take_along_axis(chances, best, axis=1),
        chance=chances[np.arange(len(rows)), pitch],
    )
