"""Wrong notes in encoded pieces: pitches that are others, onsets that are early or late.

A piece with mistakes is a legal piece: its rows are the canonical table of a score. So its
likelihood is that of any other, and every note that was left alone can be compared with itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MOST_SEMITONES = 7  # a wrong pitch is at most a fifth off, as in the noise of training
MOST_STEPS = 2  # of the grid: how early or late a moved onset is


@dataclass(frozen=True)
class Notes:
    """The notes of an encoded piece, in the order of its rows.

    Attributes:
        onset: Steps from the beginning, ``(n,)``.
        end: Where each ends, in steps.
        part: Ids of model parts.
        pitch: MIDI pitches.
        head: The row of each; ties go on in the rows after it.
        last: Its last row.
    """

    onset: IntArray
    end: IntArray
    part: IntArray
    pitch: IntArray
    head: IntArray
    last: IntArray

    def __len__(self) -> int:
        """Number of notes."""
        return len(self.onset)

    @property
    def gaps(self) -> IntArray:
        """Steps from the onset before to each one's own, ``(n,)``."""
        return np.diff(self.onset, prepend=0)

    def sums(self, nats: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Nats of each note: of its rows and of the WAITs before it.

        Args:
            nats: Of each field of each row, ``(rows, 5)``.
        """
        if not len(self):
            return np.zeros(0)
        first = np.concatenate([[0], self.last[:-1] + 1])
        rows = nats[: self.last[-1] + 1].sum(axis=1, dtype=np.float64)
        return np.add.reduceat(rows, first)


def notes_of(piece: Encoded, v: Vocabulary) -> Notes:
    """Read the notes from a piece's rows."""
    rows = np.asarray(piece.events, np.int64)
    shift = rows[:, Field.SHIFT]
    onset = np.cumsum(v.steps_of(shift.astype(np.int32)).astype(np.int64))
    is_note = shift <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    head = np.flatnonzero(is_note & ~np.concatenate([[False], tied[:-1]]))
    lasting = np.where(tied, v.max_duration, rows[:, Field.DURATION] + 1) * is_note
    lengths = np.add.reduceat(lasting, head) if head.size else np.zeros(0, np.int64)
    return Notes(
        onset=onset[head],
        end=onset[head] + lengths,
        part=rows[head, Field.PART],
        pitch=rows[head, Field.PITCH],
        head=head,
        last=np.flatnonzero(is_note & ~tied),
    )


@dataclass(frozen=True)
class Mistaken:
    """A piece with mistakes.

    Attributes:
        piece: Its rows.
        notes: Its notes, in their new order.
        was: Of each of them which note of the piece as it was, ``(n,)``.
        touched: Which of them are mistakes.
        comparable: Which were left alone and are the very same event: they come as long after the
            note before them as they did.
    """

    piece: Encoded
    notes: Notes
    was: IntArray
    touched: BoolArray
    comparable: BoolArray


# From notes, number of one and a vocabulary to (onset, pitch) that it may have instead.
Options = Callable[[Notes, int, Vocabulary], list[tuple[int, int]]]


def wrong_pitches(notes: Notes, index: int, v: Vocabulary) -> list[tuple[int, int]]:
    """Pitches up to a fifth off, in the part's range, that do not sound there in the part.

    Returns:
        Its onset with each pitch.
    """
    part = v.parts[int(notes.part[index])]
    onset, end, own = (int(of[index]) for of in (notes.onset, notes.end, notes.pitch))
    low, high = max(own - MOST_SEMITONES, part.low), min(own + MOST_SEMITONES, part.high)
    return [
        (onset, pitch)
        for pitch in range(low, high + 1)
        if pitch != own and _free(notes, index, onset, end, pitch)
    ]


def moved_onsets(notes: Notes, index: int, v: Vocabulary) -> list[tuple[int, int]]:  # noqa: ARG001
    """Onsets a step or two of the grid early or late that a note could have, as long as it was.

    Returns:
        Each onset with the note's pitch.
    """
    onset, end, pitch = (int(of[index]) for of in (notes.onset, notes.end, notes.pitch))
    return [
        (onset + steps, pitch)
        for steps in range(-MOST_STEPS, MOST_STEPS + 1)
        if steps and onset + steps >= 0 and _free(notes, index, onset + steps, end + steps, pitch)
    ]


def _free(notes: Notes, index: int, onset: int, end: int, pitch: int) -> bool:
    """Whether no other note of the part has this pitch between two steps."""
    taken = (notes.part == notes.part[index]) & (notes.pitch == pitch)
    taken &= (notes.onset < end) & (notes.end > onset)
    taken[index] = False
    return not taken.any()


def with_mistakes(
    piece: Encoded,
    count: int,
    options: Options,
    rng: np.random.Generator,
    v: Vocabulary,
    *,
    among: IntArray | None = None,
) -> Mistaken:
    """Play some notes of a piece wrongly.

    Args:
        piece: As it is.
        count: How many; fewer where there are not so many notes that have another choice.
        options: :func:`wrong_pitches` or :func:`moved_onsets`; one is drawn evenly.
        rng: Says which notes, and how wrong each is.
        v: What the ids mean.
        among: Which notes are tried, in this order; by default all, in an order that is drawn.
    """
    notes = notes_of(piece, v)
    touched = np.zeros(len(notes), bool)
    lengths = notes.end - notes.onset
    for index in rng.permutation(len(notes)) if among is None else among:
        if np.count_nonzero(touched) >= count:
            break
        found = options(notes, int(index), v)
        if not found:
            continue
        onset, pitch = found[int(rng.integers(len(found)))]
        notes.onset[index], notes.pitch[index] = onset, pitch
        notes.end[index] = onset + lengths[index]
        touched[index] = True
    return _written(piece, notes, touched, v)


def _written(piece: Encoded, notes: Notes, touched: BoolArray, v: Vocabulary) -> Mistaken:
    """The rows of changed notes, put in order."""
    was = np.lexsort((notes.pitch, v.ranks[notes.part], notes.onset))
    gaps = np.diff(notes.onset[was], prepend=0)
    blocks = []
    for index, gap in zip(was, gaps, strict=True):
        waits = max(-(-int(gap) // v.max_shift) - 1, 0)
        own = np.array(piece.events[notes.head[index] : notes.last[index] + 1], np.int32)
        own[:, Field.PITCH] = notes.pitch[index]
        own[0, Field.SHIFT] = gap - waits * v.max_shift
        blocks += [np.array([[v.wait, 0, 0, 0, 0]] * waits, np.int32).reshape(-1, 5), own]
    rows = np.concatenate([*blocks, np.asarray(piece.events[-1:], np.int32)])
    written = replace(piece, events=rows)
    same = gaps == notes_of(piece, v).gaps[was]
    hit = touched[was]
    return Mistaken(written, notes_of(written, v), was, hit, ~hit & same)


def beginning(piece: Encoded, notes: int, v: Vocabulary) -> Encoded:
    """The first notes of a piece, as a piece."""
    found = notes_of(piece, v)
    if len(found) <= notes:
        return piece
    stop = int(found.last[notes - 1]) + 1
    rows = np.concatenate([piece.events[:stop], piece.events[-1:]])
    return replace(piece, events=rows, n_notes=notes)
