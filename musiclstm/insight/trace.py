"""What a model does while it reads a piece: its gates and cells, and what it expected instead.

The LSTM reads row after row, a row being a note. What is told of a note here is what the cells are
like once they have read it, and how likely the model found it just before.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.generation.typical import count_notes
from musiclstm.model import Bundle
from musiclstm.model.cells import Gates

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

ALTERNATIVES = 3  # pitches that are named for each note


@dataclass(frozen=True)
class Notes:
    """The notes of a piece as rows: waits and the end left out; one that is tied is several.

    Attributes:
        encoded: The piece.
        rows: Which of its rows are notes, ``(n,)``.
        onset: In steps, ``(n,)``.
        duration: In steps, ``(n,)``; of a tied row up to the tie.
        part: Model part of each, ``(n,)``.
        pitch: MIDI, ``(n,)``.
    """

    encoded: Encoded
    rows: IntArray
    onset: IntArray
    duration: IntArray
    part: IntArray
    pitch: IntArray


@dataclass(frozen=True)
class Trace:
    """A piece as a model reads it.

    Attributes:
        notes: All ``n`` of the piece.
        kept: The ``k`` of them whose gates are told, one after the other.
        gates: After each of those, ``(layers, k, units)`` each.
        nats: Of each field of each note, ``(n, 5)``.
        nats_per_note: Of each field, ``(5,)``; as published, with waits and the end.
        likeliest: The pitches that were expected most, given the note's onset and part, the
            likeliest first, ``(n, 3)``.
        chances: Their probabilities, ``(n, 3)``.
        chance: The probability of the pitch that came, ``(n,)``.
    """

    notes: Notes
    kept: slice
    gates: Gates
    nats: FloatArray
    nats_per_note: npt.NDArray[np.float64]
    likeliest: IntArray
    chances: FloatArray
    chance: FloatArray

    @property
    def surprise(self) -> FloatArray:
        """Nats of each note, all fields together, ``(n,)``."""
        total: FloatArray = self.nats.sum(axis=1)
        return total


def notes_of(encoded: Encoded, vocabulary: Vocabulary) -> Notes:
    """The notes of a piece, one a row."""
    v, table = vocabulary, encoded.events
    shift = table[:, Field.SHIFT]
    rows = np.flatnonzero(shift <= v.max_shift)
    return Notes(
        encoded=encoded,
        rows=rows,
        onset=np.cumsum(v.steps_of(shift), dtype=np.int64)[rows],
        duration=np.minimum(table[rows, Field.DURATION].astype(np.int64) + 1, v.max_duration),
        part=table[rows, Field.PART].astype(np.int64),
        pitch=table[rows, Field.PITCH].astype(np.int64),
    )


def gates_of(bundle: Bundle, notes: Notes, kept: slice = slice(None)) -> Gates:
    """Gates and cells after each of some notes, ``(layers, k, units)`` each.

    Args:
        bundle: The model.
        notes: Of the piece.
        kept: Which of them, at least one: all of a long piece are many (12 kB a note at two layers
            of 256 units).
    """
    rows = notes.rows[kept]
    first, last = int(rows[0]), int(rows[-1])
    # entry r has read all rows before r
    told = bundle.decoder.gates(notes.encoded, kept=slice(first + 1, last + 2))
    return Gates(*(of[:, rows - first] for of in told))


def cost(bundle: Bundle, encoded: Encoded) -> npt.NDArray[np.float64]:
    """Nats a note of each field, ``(5,)``; as published, with waits and the end.

    Args:
        bundle: The model.
        encoded: A piece, or as much of one as is read: only notes that are there are counted.
    """
    return _a_note(bundle.decoder.score(encoded), encoded, bundle.vocabulary)


def trace(bundle: Bundle, encoded: Encoded, kept: slice = slice(None)) -> Trace:
    """Let a model read a piece, with nothing known of the whole.

    Args:
        bundle: The model.
        encoded: The piece, with at least one note.
        kept: Whose gates are told, as in :func:`gates_of`.
    """
    notes = notes_of(encoded, bundle.vocabulary)
    nats = bundle.decoder.score(encoded)
    pitches = next(
        logs for field, logs in bundle.decoder.expectations(encoded) if field == Field.PITCH
    )
    chances = np.exp(pitches[notes.rows])
    best = np.argsort(-chances, axis=1, kind="stable")[:, :ALTERNATIVES]
    return Trace(
        notes=notes,
        kept=kept,
        gates=gates_of(bundle, notes, kept),
        nats=nats[notes.rows],
        nats_per_note=_a_note(nats, encoded, bundle.vocabulary),
        likeliest=best,
        chances=np.take_along_axis(chances, best, axis=1),
        chance=chances[np.arange(len(notes.rows)), notes.pitch],
    )


def _a_note(nats: FloatArray, encoded: Encoded, vocabulary: Vocabulary) -> npt.NDArray[np.float64]:
    """The nats of all rows, ``(rows, 5)``, shared out among the notes."""
    found: npt.NDArray[np.float64] = nats.sum(axis=0, dtype=np.float64)
    found /= max(count_notes(encoded, vocabulary), 1)
    return found
