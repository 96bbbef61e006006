"""Note-ons and note-offs -> notes with an end, in NumPy, without a loop over notes.

Conventions: an off ends the oldest note of its pitch that still sounds on its channel and track
(first in, first out); an off that finds none is ignored. A note that meets no off is *hanging*: it
ends with the next event of its pitch, where all notes of its channel are switched off, with its
track, or after four quarters, whichever comes first. A sustained note ends when the pedal is
released, when its pitch is struck again, or with its track.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.ingest.midi.events import DRUM_CHANNEL, EventTable
from musiclstm.ingest.midi.track import Kind

Integers = npt.NDArray[np.int64]

PEDAL_DOWN = 64  # positions from 64 to 127 are down (MIDI 1.0, controller 64)
_MOVES_WITHOUT_LIFT = 3  # one or two may be a pedal held to the end; some tracks of pop909 have 66
_PITCHES = 128
# A note that nobody ends could be of any length; a whole note is long enough to be heard as what it
# is, and short enough not to lie under half of the piece.
HANGING_QUARTERS = 4
_END_OF_TIME = np.iinfo(np.int64).max


@dataclass(frozen=True)
class PlayedNotes:
    """Notes in ticks, in file order.

    Attributes:
        event: Row of the note's note-on in the event table.
        end: Tick at which it falls silent, not before its onset.
        hanging: How many were switched off by nothing in the file.
        held: How many the pedal makes longer than their keys are down.
    """

    event: Integers
    end: Integers
    hanging: int
    held: int = 0


def time_ranks(table: EventTable) -> Integers:
    """Place of each event in the order of time; events of one tick stay in file order."""
    ranks = np.empty(len(table.tick), np.int64)
    ranks[np.argsort(table.tick, kind="stable")] = np.arange(len(ranks))
    return ranks


def pair_notes(table: EventTable, *, pedal: bool) -> PlayedNotes:
    """Find where each note ends.

    Args:
        table: Events, in file order.
        pedal: Whether the sustain pedal lengthens notes.
    """
    struck = np.flatnonzero(table.kind <= Kind.ON)
    buses = int(table.bus.max()) + 1
    key = (table.track[struck] * buses + table.bus[struck]) * _PITCHES + table.first[struck]
    by_key = np.argsort(key, kind="stable")
    rows, key = struck[by_key], key[by_key]
    on = table.kind[rows] == Kind.ON
    group = np.concatenate([[0], np.cumsum(key[1:] != key[:-1])])
    ons, offs = _first_in_first_out(on, group)
    # the k-th on of a group and its k-th accepted off carry the same number
    found = np.searchsorted(offs.number, ons.number)
    found_row = np.minimum(found, max(len(offs.number) - 1, 0))
    matched = (
        offs.number[found_row] == ons.number
        if len(offs.number)
        else np.zeros(len(ons.number), bool)
    )
    note_rows = rows[ons.place]
    track_end = table.track_ends[table.track[note_rows]]
    off_rows = rows[offs.place[found_row[matched]]]
    end = np.empty(len(note_rows), np.int64)
    end[matched] = table.tick[off_rows]
    # what comes next at the same pitch: it is struck again, or an off that belongs to another note
    following = np.minimum(ons.place + 1, len(rows) - 1)
    has_next = (group[following] == group[ons.place]) & (following > ons.place)
    next_tick = np.where(has_next, table.tick[rows[following]], _END_OF_TIME)
    hanging = ~matched
    silenced = _silence_ticks(table, note_rows[hanging])
    let_ring = table.tick[note_rows] + HANGING_QUARTERS * table.ticks_per_quarter
    ended = np.minimum(np.minimum(next_tick, let_ring), track_end)[hanging]
    end[hanging] = np.maximum(np.minimum(ended, silenced), table.tick[note_rows[hanging]])
    held = 0
    if pedal:
        again = np.concatenate([group[ons.place][1:] == group[ons.place][:-1], [False]])
        next_onset = np.where(again, np.roll(table.tick[note_rows], -1), track_end)
        latest = np.minimum(next_onset, track_end)[matched]
        sustained = np.minimum(_release_ticks(table, off_rows), latest)
        held = int(np.count_nonzero(sustained > end[matched]))
        end[matched] = np.maximum(end[matched], sustained)
    file_order = np.argsort(note_rows)
    never_ended = int(np.count_nonzero(silenced > ended))
    return PlayedNotes(note_rows[file_order], end[file_order], never_ended, held)


def _silence_ticks(table: EventTable, note_rows: Integers) -> Integers:
    """When all notes of the bus are next switched off after notes; else the end of time."""
    silences = np.flatnonzero(table.kind == Kind.SILENCE)
    if not len(silences) or not len(note_rows):
        return np.full(len(note_rows), _END_OF_TIME)
    ranks = time_ranks(table)
    moment = table.bus * len(ranks) + ranks
    silences = silences[np.argsort(moment[silences])]
    place = np.searchsorted(moment[silences], moment[note_rows])
    following = silences[np.minimum(place, len(silences) - 1)]
    same_bus = (place < len(silences)) & (table.bus[following] == table.bus[note_rows])
    return np.where(same_bus, table.tick[following], _END_OF_TIME)


@dataclass(frozen=True)
class _Numbered:
    """Places in the grouped order, each with a number that orders it within its group."""

    place: Integers
    number: Integers


def _first_in_first_out(on: npt.NDArray[np.bool_], group: Integers) -> tuple[_Numbered, _Numbered]:
    """Number ons and accepted offs within their groups.

    A queue that ignores offs when it is empty is a walk with a floor: an off is ignored exactly
    where the plain walk (+1 on, -1 off) reaches a new minimum below its start. Each group's walk
    starts ``size`` lower than the one before, so one running minimum serves all groups.
    """
    size = len(on) + 1
    starts = np.concatenate([[True], group[1:] != group[:-1]])
    step = np.where(on, 1, -1)
    walk = np.cumsum(step)
    walk -= (walk - step)[starts][group]  # each group from 0
    floor = -size * group
    walk += floor
    lowest = np.minimum.accumulate(np.minimum(walk, floor))
    lowest_before = np.minimum(np.concatenate([[0], lowest[:-1]]), floor)
    accepted = ~on & (walk >= lowest_before)

    def numbered(chosen: npt.NDArray[np.bool_]) -> _Numbered:
        place = np.flatnonzero(chosen)
        count = np.cumsum(chosen)
        before: Integers = (count - chosen)[starts][group]
        return _Numbered(place, (group * size + count - before)[place])

    return numbered(on), numbered(accepted)


def _release_ticks(table: EventTable, off_rows: Integers) -> Integers:
    """When the pedal lets go of notes whose keys are released at ``off_rows``.

    The pedal belongs to the bus, in whichever track it is written. Where it is up the answer is
    the off's own tick; where it is never released, the end of time. Drums know no pedal, nor does a
    bus whose pedal moves and moves and never comes up: there something else was recorded, and every
    note would ring to the end.
    """
    own = table.tick[off_rows]
    pedals = np.flatnonzero(table.kind == Kind.PEDAL)
    if not len(pedals):
        return own
    ranks = time_ranks(table)
    moment = table.bus * len(ranks) + ranks
    pedals = pedals[np.argsort(moment[pedals])]
    down = table.second[pedals] >= PEDAL_DOWN
    last = np.searchsorted(moment[pedals], moment[off_rows]) - 1
    clipped = np.maximum(last, 0)
    held = (last >= 0) & down[clipped] & (table.bus[pedals[clipped]] == table.bus[off_rows])
    held &= table.bus[off_rows] % 16 != DRUM_CHANNEL
    moves = np.bincount(table.bus[pedals])
    lifts = np.bincount(table.bus[pedals[~down]], minlength=len(moves))
    senseless = np.flatnonzero((moves >= _MOVES_WITHOUT_LIFT) & (lifts == 0))
    held &= ~np.isin(table.bus[off_rows], senseless)
    # the next event of the same bus at which the pedal is up
    up_at = np.where(down, len(pedals), np.arange(len(pedals)))
    next_up = np.minimum.accumulate(up_at[::-1])[::-1][clipped]
    clipped_up = np.minimum(next_up, len(pedals) - 1)
    same_bus = (next_up < len(pedals)) & (table.bus[pedals[clipped_up]] == table.bus[off_rows])
    release = np.where(same_bus, table.tick[pedals[clipped_up]], _END_OF_TIME)
    return np.where(held, release, own)


def programs(table: EventTable, note_rows: Integers) -> Integers:
    """The program each note is played with, 0-127.

    It is the last program change before the note on its bus and in its own track; where its track
    has none, in any track (some writers set all programs in the first); else 0, MIDI's default.
    Drums are always 0.
    """
    changes = np.flatnonzero(table.kind == Kind.PROGRAM)
    result = np.zeros(len(note_rows), np.int64)
    if len(changes):
        rows = np.arange(len(table.tick))
        buses = int(table.bus.max()) + 1
        anywhere = table.bus
        in_own_track = table.track * buses + table.bus
        for scope, order in ((anywhere, time_ranks(table)), (in_own_track, rows)):
            moment = scope * len(rows) + order
            sorted_changes = changes[np.argsort(moment[changes])]
            last = np.searchsorted(moment[sorted_changes], moment[note_rows]) - 1
            change = sorted_changes[np.maximum(last, 0)]
            known = (last >= 0) & (scope[change] == scope[note_rows])
            result = np.where(known, table.first[change] & 0x7F, result)
    return np.where(table.bus[note_rows] % 16 == DRUM_CHANNEL, 0, result)
