"""The stages of a whole piece at once, for training and likelihood.

Where :mod:`.tracker` goes through a piece row by row, this lays out all pairs (row, earlier note
that still sounds) and fills the stages from them: about a microsecond a pair, no Python loop.

The rows here are those of the event table with START before them: N = rows + 1, and entry r says
what was known when row r was chosen. Entry 0, START, stands at step 0 before anything.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import (
    N_RECENT,
    NEVER,
    Before,
    BoolArray,
    IntArray,
    Kind,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary


@dataclass(frozen=True)
class Survey:
    """The three stages of every row of a piece, and what follows the row.

    Attributes:
        active: Which parts the piece has, bool ``(1, parts)``.
        shift: The shift id that was chosen, ``(N,)``; START has 0.
        before: See :class:`Before`; entry r is the stage before row r.
        onset: See :class:`Onset`.
        voice: See :class:`Voice`.
    """

    active: BoolArray
    shift: IntArray
    before: Before
    onset: Onset
    voice: Voice


def survey(events: IntArray, part_map: tuple[int, ...], vocabulary: Vocabulary) -> Survey:
    """Look at every row of a piece.

    Args:
        events: Canonical event rows, int32 ``(rows, 5)``.
        part_map: The model parts that the piece has.
        vocabulary: What the ids mean.
    """
    v = vocabulary
    rows = np.concatenate([np.zeros((1, len(Field)), np.int32), events])
    n = len(rows)
    shift, part, pitch, duration, velocity = rows.T
    kind = np.where(duration == v.tie, Kind.TIE, Kind.NOTE)
    kind = np.where(shift == v.wait, Kind.WAIT, np.where(shift == v.end, Kind.END, kind))
    kind[0] = Kind.START
    is_note = (kind == Kind.NOTE) | (kind == Kind.TIE)
    step = np.cumsum(
        np.where(is_note, shift, np.where(kind == Kind.WAIT, v.max_shift, 0)), dtype=np.int32
    )
    tied = kind == Kind.TIE
    continues = np.concatenate([[False], tied[:-1]])
    end = _ends(step, np.where(tied, v.max_duration, duration + 1), continues)

    active = np.zeros((1, len(v.parts)), bool)
    active[0, list(part_map)] = True
    row, note = _sounding_pairs(step, end, is_note, tied)
    left = (end[note] - step[row]).astype(np.int32)
    onset, own, room = _onsets(row, note, left, step, part, pitch, is_note, active)
    voice = _voices(step, part, pitch, duration, is_note, continues, own)

    # What is left after row r, at its own onset: its pairs and its own note, in which a
    # continuation replaces the note that it continues.
    stale = continues[row] & (note == row - 1)
    soonest = np.full(n, NEVER, np.int32)
    np.minimum.at(soonest, row[~stale], left[~stale])
    soonest = np.where(is_note, np.minimum(soonest, end - step), soonest)
    occupied = N_PITCHES - room
    struck = np.flatnonzero(is_note & ~continues)
    occupied[struck, part[struck]] += 1
    free_after = (occupied < N_PITCHES) & active
    higher = (part[note] == part[row]) & (pitch[note] > pitch[row])
    n_higher = np.bincount(row[higher], minlength=n)
    more_above = is_note & (n_higher < N_PITCHES - 1 - pitch)
    ranks = v.ranks
    later = free_after & (ranks[None, :] > ranks[part][:, None])
    more_now = (kind == Kind.NOTE) & (more_above | later.any(axis=1))
    more_now[0] = active.any()
    first_free = np.where(free_after.any(axis=1), 0, soonest)
    next_end = np.where(soonest == NEVER, 0, soonest)
    before = Before(
        kind=_previous(kind),
        part=_previous(np.where(is_note, part, 0)),
        pitch=_previous(np.where(is_note, pitch, 0)),
        velocity=_previous(np.where(is_note, velocity, 0)),
        more_now=_previous(more_now).astype(bool),
        more_above=_previous(more_above).astype(bool),
        first_free=_previous(first_free),
        next_end=_previous(next_end),
        kinds=frozenset(kind.tolist()),
    )
    return Survey(active, shift, before, onset, voice)


def _previous(values: npt.NDArray[Any]) -> IntArray:
    """Entry r - 1 at r; START looks at itself, for want of anything earlier."""
    return np.concatenate([values[:1], values[:-1]]).astype(np.int32)


def _ends(step: IntArray, length: IntArray, continues: BoolArray) -> npt.NDArray[np.int64]:
    """Where the note of each row ends, as known when that row has been chosen."""
    end = (step + length).astype(np.int64)
    if continues.any():
        # a run of ties adds up: each continuation ends its own length after its predecessor
        run = np.cumsum(~continues) - 1
        total = np.cumsum(length)
        before_run = (total - length)[~continues]
        end = step + total - before_run[run]
    return end


def _sounding_pairs(
    step: IntArray, end: npt.NDArray[np.int64], is_note: BoolArray, tied: BoolArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All (row, note row before it whose note still sounds at the row's onset)."""
    notes = np.flatnonzero(is_note)
    last = np.searchsorted(step, end[notes], side="left") - 1
    # the continuation speaks for a tied note from the row after it on
    last = np.where(tied[notes], np.minimum(last, notes + 1), last)
    count = np.maximum(last - notes, 0)
    note = np.repeat(notes, count)
    first = np.cumsum(count) - count
    row = note + 1 + np.arange(len(note)) - np.repeat(first, count)
    return row, note


def _onsets(
    row: npt.NDArray[np.int64],
    note: npt.NDArray[np.int64],
    left: IntArray,
    step: IntArray,
    part: IntArray,
    pitch: IntArray,
    is_note: BoolArray,
    active: BoolArray,
) -> tuple[Onset, IntArray, IntArray]:
    """The onset stage; what sounds in each row's own part; the number of free pitches a part."""
    n, parts = len(step), active.shape[1]
    sounding = np.zeros((n, N_PITCHES), np.int32)
    np.maximum.at(sounding, (row, pitch[note]), left)
    remaining = np.zeros((n, parts), np.int32)
    np.maximum.at(remaining, (row, part[note]), left)
    own = np.zeros((n, N_PITCHES), np.int32)
    mine = is_note[row] & (part[note] == part[row])
    own[row[mine], pitch[note[mine]]] = left[mine]
    taken = np.bincount(row * parts + part[note], minlength=n * parts).reshape(n, parts)
    room = (N_PITCHES - taken).astype(np.int32)
    return Onset(step, sounding, remaining, (room > 0) & active), own, room


def _voices(
    step: IntArray,
    part: IntArray,
    pitch: IntArray,
    duration: IntArray,
    is_note: BoolArray,
    continues: BoolArray,
    own: IntArray,
) -> Voice:
    """The voice stage: where each row's part has been before."""
    n = len(step)
    heads = np.flatnonzero(is_note & ~continues)
    by_part = heads[np.argsort(part[heads], kind="stable")]  # each part's notes in order
    place = np.full(n, -1)
    place[by_part] = np.arange(len(by_part))
    first = np.searchsorted(part[by_part], part)  # where a row's part begins in by_part
    # a continuation already has its own head behind it
    run_head = np.maximum.accumulate(np.where(is_note & ~continues, np.arange(n), 0))
    seen = np.where(continues, place[run_head] + 1, place)  # place of the next note of the part
    recent = np.full((n, N_RECENT), -1, np.int32)
    for back in range(N_RECENT):
        at = seen - 1 - back
        known = is_note & (at >= first)
        recent[known, back] = pitch[by_part[at[known]]]
    at = seen - 1
    known = is_note & (at >= first)
    latest = by_part[at[known]]
    last_duration = np.full(n, -1, np.int32)
    last_duration[known] = duration[latest]
    since = np.full(n, -1, np.int32)
    since[known] = step[known] - step[latest]
    return Voice(np.where(is_note, part, -1).astype(np.int32), own, recent, last_duration, since)
