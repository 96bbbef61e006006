"""A piece laid out to be surveyed, and what its past suggests at every row.

The candidates of :mod:`.recall` for a whole piece at once; the tracker finds the same step by step.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.recall import REACH, Matches, longest_matches
from musiclstm.encoding.stages import BoolArray, IntArray, Kind
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary

LongArray = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """START and the event rows, column by column, all ``(N,)``.

    Attributes:
        shift: Shift id; START has 0 in every field.
        part: Part, 0 in rows without a note.
        pitch: Pitch.
        duration: Duration id.
        velocity: Velocity id.
        kind: :class:`Kind`.
        is_note: Whether the row has all fields.
        tied: Whether the next row goes on with the note.
        continues: Whether the row goes on with the note before it.
        step: Onset.
        end: Where its note ends, as known when the row has been chosen.
        whole_end: Where its note ends once all rows of it have been.
    """

    shift: IntArray
    part: IntArray
    pitch: IntArray
    duration: IntArray
    velocity: IntArray
    kind: IntArray
    is_note: BoolArray
    tied: BoolArray
    continues: BoolArray
    step: IntArray
    end: LongArray
    whole_end: LongArray

    @classmethod
    def of(cls, events: IntArray, v: Vocabulary) -> "Rows":
        """Lay out event rows ``(rows, 5)``."""
        start = np.zeros((1, len(Field)), np.int32)
        table = np.ascontiguousarray(np.concatenate([start, events]).T, np.int32)
        shift, part, pitch, duration, velocity = table
        kind = np.where(duration == v.tie, Kind.TIE, Kind.NOTE)
        kind = np.where(shift == v.wait, Kind.WAIT, np.where(shift == v.end, Kind.END, kind))
        kind[0] = Kind.START
        tied = kind == Kind.TIE
        is_note = (kind == Kind.NOTE) | tied
        continues = np.concatenate([[False], tied[:-1]])
        step = np.cumsum(v.steps_of(shift), dtype=np.int32)
        # a run of ties adds up: each continuation ends its own length after its predecessor
        length = np.where(tied, v.max_duration, duration + 1).astype(np.int64)
        end = whole_end = step + length
        if continues.any():
            run = np.cumsum(~continues) - 1
            total = np.cumsum(length)
            end = step + total - (total - length)[~continues][run]
            last = np.flatnonzero(np.append(~continues[1:], True))
            whole_end = end[last][run]
        return cls(
            *(shift, part, pitch, duration, velocity),
            kind=kind.astype(np.int32),
            is_note=is_note,
            tied=tied,
            continues=continues,
            step=step,
            end=end,
            whole_end=whole_end,
        )


class Notes(NamedTuple):
    """The notes of a piece, each part's behind those of the part before: M notes of N rows.

    Attributes:
        row: The row of each note, without continuations, ``(M,)``.
        begins: Where each part's notes begin, and where those of the last end, ``(parts + 1,)``.
        seen: For each row the place of its part's next note: its own, or where it continues a note,
            the one after that; ``(N,)``.
        first: For each row where its part's notes begin, ``(N,)``.
    """

    row: npt.NDArray[np.intp]
    begins: npt.NDArray[np.intp]
    seen: npt.NDArray[np.intp]
    first: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rows: Rows, parts: int) -> "Notes":
        """Sort the notes by part."""
        head = rows.is_note & ~rows.continues
        row = np.flatnonzero(head)
        row = row[np.argsort(rows.part[row], kind="stable")]
        place = np.full(len(head), -1)
        place[row] = np.arange(len(row))
        begins = np.searchsorted(rows.part[row], np.arange(parts + 1))
        seen = place
        if rows.continues.any():
            last_head = np.maximum.accumulate(np.where(head, np.arange(len(head)), 0))
            seen = np.where(rows.continues, place[last_head] + 1, place)
        return cls(row, begins, seen, begins[rows.part])


class Suggestions(NamedTuple):
    """What the past suggests at each row; see :class:`~.stages.Voice` and :class:`~.stages.Note`.

    Attributes:
        pitches: ``(N, 3)``.
        lasting: ``(N, 3)``.
        matches: ``(N, 3)``.
        given: Duration id and length of match once the pitch is known, ``(2, N)``.
        expected: See :class:`~.stages.Before`, ``(N + 1, 5)``.
    """

    pitches: IntArray
    lasting: IntArray
    matches: IntArray
    given: IntArray
    expected: IntArray


def suggestions(rows: Rows, notes: Notes, active: BoolArray, v: Vocabulary) -> Suggestions:
    """Find the candidates of every row.

    Args:
        rows: N rows.
        notes: Their notes.
        active: Which parts the piece has, ``(parts,)``.
        v: For the row order and the ids.
    """
    n = len(rows.step)
    expected = _expected(rows, v)
    own = np.arange(len(notes.row))
    keys = rows.pitch[notes.row] * (v.max_duration + 1) + rows.duration[notes.row]
    played = np.unique(notes.begins[:-1][np.diff(notes.begins) > 0])
    matches = longest_matches(keys, played, rows.pitch[notes.row])

    pitches = np.full((n, 3), -1, np.int32)
    lasting = np.full((n, 3), -1, np.int32)
    lengths = np.zeros((n, 3), np.int32)

    # what followed in the part
    later = own[own > notes.first[notes.row]]
    found = later[matches.length[later - 1] > 0]
    then, row = notes.row[found - matches.back[found - 1]], notes.row[found]
    pitches[row, 0], lasting[row, 0] = rows.pitch[then], rows.duration[then]
    lengths[row, 0] = matches.length[found - 1]

    # what followed in all parts
    fits = rows.is_note & (expected[:-1, Field.SHIFT] == rows.shift)
    fits &= expected[:-1, Field.PART] == rows.part
    pitches[fits, 1], lasting[fits, 1] = expected[:-1][fits, 2:4].T
    lengths[fits, 1] = expected[:-1][fits, 4]

    leading = [part for part in v.row_order if active[part]]
    if leading:
        row, then, length = _beside(rows, notes, matches, leading[0])
        lengths[row, 2] = length
        row, then = row[then >= 0], then[then >= 0]
        pitches[row, 2], lasting[row, 2] = rows.pitch[then], rows.duration[then]

    given = np.zeros((2, n), np.int32)
    given[0] = -1
    found = own[matches.given_length > 0]
    given[0, notes.row[found]] = rows.duration[notes.row[found - matches.given_back[found]]]
    given[1, notes.row[found]] = matches.given_length[found]
    return Suggestions(pitches, lasting, lengths, given, expected)


def _expected(rows: Rows, v: Vocabulary) -> IntArray:
    """What followed when the rows were last like now, before each row and after the last."""
    fields = np.stack([rows.shift, rows.part, rows.pitch, rows.duration], axis=1)
    key = (rows.shift.astype(np.int64) * len(v.parts) + rows.part) * N_PITCHES + rows.pitch
    key = key * (v.max_duration + 1) + rows.duration
    matches = longest_matches(key[1:], np.zeros(min(1, len(key) - 1), np.intp))
    expected = np.full((len(key) + 1, 5), -1, np.int32)
    expected[:, 4] = 0
    place = np.flatnonzero(matches.length)
    # places count from row 1: the match of row r at r - back, and what followed it a row later
    expected[place + 2, :4] = fields[place + 2 - matches.back[place]]
    expected[place + 2, 4] = matches.length[place]
    expected[expected[:, Field.SHIFT] > v.max_shift, 1:4] = -1  # WAIT has a shift only
    return expected


def _beside(
    rows: Rows, notes: Notes, matches: Matches, leader: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], IntArray]:
    """What each other part did where the leading part was last like now.

    Returns:
        Rows for which the leader has a match; the rows of what their parts did there, -1 for
        nothing; and the lengths of the leader's matches.
    """
    nothing = np.zeros(0, np.intp)
    first, stop = notes.begins[leader : leader + 2]
    row = np.flatnonzero(rows.is_note & ~rows.continues & (rows.part != leader))
    led = first - 1 + np.searchsorted(notes.row[first:stop], row)
    row, led = row[led >= first], led[led >= first]
    row, led = row[matches.length[led] > 0], led[matches.length[led] > 0]
    if not row.size:
        return nothing, nothing, np.zeros(0, np.int32)
    onset = rows.step[notes.row].astype(np.int64)
    then = rows.step[row] - (onset[led] - onset[led - matches.back[led]])
    # a part's notes at an onset: their places, by a key that ascends over parts and onsets
    wide = int(rows.step[-1]) + 1
    key = rows.part[notes.row] * np.int64(wide) + onset
    begins = rows.part[row] * np.int64(wide)
    place = notes.seen[row]
    low = np.searchsorted(key, begins + then, side="left")
    stop_there = np.minimum(np.searchsorted(key, begins + then, side="right"), place)
    struck = place - np.searchsorted(key, begins + rows.step[row], side="left")
    # the first of them where it has struck nothing yet, then the next
    there = np.maximum(low, place - REACH) + struck
    known = there < stop_there
    return row, np.where(known, notes.row[np.minimum(there, len(key) - 1)], -1), matches.length[led]
