"""The stages of a whole piece at once, for training and likelihood.

Where :mod:`.tracker` goes through a piece row by row, this lays out all pairs (row, earlier note
that still sounds) and fills the stages from them, without a Python loop. :mod:`.recital` finds what
the past suggests.

The rows here are those of the event table with START before them: N = rows + 1, and entry r says
what was known when row r was chosen. Entry 0, START, stands at step 0 before anything.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.histograms import Faded, Sums, fading_sums, shares_of
from musiclstm.encoding.recital import Notes, Rows, suggestions
from musiclstm.encoding.stages import (
    N_DURATIONS,
    N_RECENT,
    NEVER,
    Before,
    BoolArray,
    IntArray,
    Kind,
    Note,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, Vocabulary


@dataclass(frozen=True)
class Survey:
    """The stages of every row of a piece.

    Attributes:
        active: Which parts the piece has, bool ``(1, parts)``.
        shift: The shift id that was chosen, ``(N,)``; START has 0.
        before: See :class:`Before`; entry r is the stage before row r. There is one entry more, for
            what follows from the last row.
        onset: See :class:`Onset`.
        voice: See :class:`Voice`.
        note: See :class:`Note`.
    """

    active: BoolArray
    shift: IntArray
    before: Before
    onset: Onset
    voice: Voice
    note: Note


def survey(
    events: IntArray, part_map: tuple[int, ...], vocabulary: Vocabulary, faded: Faded | None = None
) -> Survey:
    """Look at every row of a piece.

    Args:
        events: Canonical event rows, int32 ``(rows, 5)``.
        part_map: The model parts that the piece has.
        vocabulary: What the ids mean.
        faded: What notes that have been cut off have left in the histograms.
    """
    v = vocabulary
    active = np.zeros((1, len(v.parts)), bool)
    active[0, list(part_map)] = True
    rows = Rows.of(events, v)
    notes = Notes.of(rows, len(v.parts))
    row, note = _sounding_pairs(rows)
    left = (rows.end[note] - rows.step[row]).astype(np.int32)
    sounding, remaining, own, taken = _sounding(rows, row, note, left, active.shape[1])
    suggested = suggestions(rows, notes, active[0], v)
    now, struck, before_now = _by_part(rows, notes, remaining)
    sums = _sums(rows, notes, faded, v)
    onset = Onset(
        step=rows.step,
        sounding=sounding,
        remaining=remaining,
        room=(taken < N_PITCHES) & active,
        now=now,
        struck=struck,
        before=before_now,
        sums=sums,
        shares=shares_of(sums),
    )
    recent, durations, since = _recent(rows, notes)
    voice = Voice(
        part=np.where(rows.is_note, rows.part, -1).astype(np.int32),
        sounding=own,
        recent=recent,
        durations=durations,
        since=since,
        pitches=suggested.pitches,
        lasting=suggested.lasting,
        matches=suggested.matches,
    )
    before = _before(rows, (row, note, left), taken, remaining, active, suggested.expected, v)
    return Survey(
        active,
        rows.shift,
        before,
        onset,
        voice,
        Note(rows.pitch, *suggested.given.astype(np.int32)),
    )


def _sounding_pairs(rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All (row, note row before it whose note still sounds at the row's onset)."""
    notes = np.flatnonzero(rows.is_note)
    last = np.searchsorted(rows.step, rows.end[notes], side="left") - 1
    # the continuation speaks for a tied note from the row after it on
    last = np.where(rows.tied[notes], np.minimum(last, notes + 1), last)
    count = np.maximum(last - notes, 0)
    note = np.repeat(notes, count)
    first = np.cumsum(count) - count
    row = note + 1 + np.arange(len(note)) - np.repeat(first, count)
    return row, note


def _sounding(
    rows: Rows,
    row: npt.NDArray[np.int64],
    note: npt.NDArray[np.int64],
    left: IntArray,
    parts: int,
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """For how long each pitch and each part sounds; pitches of the own part; how many are taken."""
    n, part, pitch = len(rows.step), rows.part, rows.pitch
    sounding = np.zeros((n, N_PITCHES), np.int32)
    np.maximum.at(sounding.reshape(-1), row * N_PITCHES + pitch[note], left)
    remaining = np.zeros((n, parts), np.int32)
    np.maximum.at(remaining.reshape(-1), row * parts + part[note], left)
    own = np.zeros((n, N_PITCHES), np.int32)
    mine = rows.is_note[row] & (part[note] == part[row])
    own[row[mine], pitch[note[mine]]] = left[mine]
    taken = np.bincount(row * parts + part[note], minlength=n * parts).reshape(n, parts)
    return sounding, remaining, own, taken.astype(np.int32)


def _by_part(rows: Rows, notes: Notes, remaining: IntArray) -> tuple[IntArray, BoolArray, IntArray]:
    """For each part what sounds now, whether it has been struck, what sounded just before."""
    n, parts = remaining.shape
    # the last note of each part before each row, as a row; 0, START, for none
    latest = np.zeros((n + 1, parts), np.intp)
    latest[notes.row + 1, rows.part[notes.row]] = notes.row
    latest = np.maximum.accumulate(latest, axis=0)[:-1]
    struck = (rows.step[latest] == rows.step[:, None]) & (latest > 0)
    now = np.where((struck | (remaining > 0)) & (latest > 0), rows.pitch[latest], -1)
    first = np.searchsorted(rows.step, rows.step)  # the first row of the onset
    earlier = latest[first]
    ended = rows.whole_end[earlier] < rows.step[:, None]
    before = np.where(ended | (earlier == 0), -1, rows.pitch[earlier])
    return now.astype(np.int32), struck, before.astype(np.int32)


def _sums(rows: Rows, notes: Notes, faded: Faded | None, v: Vocabulary) -> Sums:
    heard = notes.row[~v.drum_parts[rows.part[notes.row]]]
    steps, which = np.unique(rows.step, return_inverse=True)
    sums = fading_sums(
        rows.step[heard], rows.whole_end[heard], rows.pitch[heard], steps, v.steps_per_quarter
    )
    if faded is not None:
        sums += faded.at(steps, v.steps_per_quarter)
    every: Sums = sums[which]
    return every


def _recent(rows: Rows, notes: Notes) -> tuple[IntArray, IntArray, IntArray]:
    """The last pitches and durations of each row's part, and the steps since its last onset."""
    n = len(rows.step)
    recent = np.full((n, N_RECENT), -1, np.int32)
    durations = np.full((n, N_DURATIONS), -1, np.int32)
    since = np.full(n, -1, np.int32)
    for back in range(N_RECENT):
        at = notes.seen - 1 - back
        known = rows.is_note & (at >= notes.first)
        note = notes.row[at[known]]
        recent[known, back] = rows.pitch[note]
        if back < N_DURATIONS:
            durations[known, back] = rows.duration[note]
        if back == 0:
            since[known] = rows.step[known] - rows.step[note]
    return recent, durations, since


def _before(
    rows: Rows,
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], IntArray],
    taken: IntArray,
    remaining: IntArray,
    active: BoolArray,
    expected: IntArray,
    v: Vocabulary,
) -> Before:
    """The stage before each row, and the one after the last."""
    (row, note, left), n, is_note = pairs, len(rows.step), rows.is_note
    part, pitch = rows.part, rows.pitch
    # What is left after row r, at its own onset: its pairs and its own note, in which a
    # continuation replaces the note that it continues.
    stale = rows.continues[row] & (note == row - 1)
    soonest = np.full(n, NEVER, np.int32)
    np.minimum.at(soonest, row[~stale], left[~stale])
    still = rows.end - rows.step
    soonest = np.where(is_note, np.minimum(soonest, still), soonest)
    after, own = remaining.copy(), np.flatnonzero(is_note)
    after[own, part[own]] = np.maximum(after[own, part[own]], still[own])
    struck = np.flatnonzero(is_note & ~rows.continues)
    occupied = taken.copy()
    occupied[struck, part[struck]] += 1
    free_after = (occupied < N_PITCHES) & active
    higher = (part[note] == part[row]) & (pitch[note] > pitch[row])
    n_higher = np.bincount(row[higher], minlength=n)
    more_above = is_note & (n_higher < N_PITCHES - 1 - pitch)
    later = free_after & (v.ranks[None, :] > v.ranks[part][:, None])
    more_now = (rows.kind == Kind.NOTE) & (more_above | later.any(axis=1))
    more_now[0] = active.any()
    return Before(
        kind=_previous(rows.kind),
        part=_previous(np.where(is_note, part, 0)),
        pitch=_previous(np.where(is_note, pitch, 0)),
        velocity=_previous(np.where(is_note, rows.velocity, 0)),
        more_now=_previous(more_now).astype(bool),
        more_above=_previous(more_above).astype(bool),
        first_free=_previous(np.where(free_after.any(axis=1), 0, soonest)),
        next_end=_previous(np.where(soonest == NEVER, 0, soonest)),
        step=_previous(rows.step),
        left=_previous(after),
        expected=expected,
        kinds=frozenset(rows.kind.tolist()),
    )


def _previous(values: npt.NDArray[Any]) -> IntArray:
    """Entry r - 1 at r; START looks at itself, for want of anything earlier."""
    return np.concatenate([values[:1], values]).astype(np.int32)
