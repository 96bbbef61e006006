"""The pairing without loops, against the obvious one with loops."""

from collections import defaultdict, deque

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.ingest.midi.events import EventTable
from musiclstm.ingest.midi.pairing import pair_notes, programs
from musiclstm.ingest.midi.track import Kind

TICKS_PER_QUARTER = 3  # so that a whole note is soon over

# few values, so that notes collide
messages = st.lists(
    st.tuples(
        st.integers(0, 3),  # ticks since the one before
        st.sampled_from(
            [Kind.ON, Kind.ON, Kind.OFF, Kind.OFF, Kind.PEDAL, Kind.PROGRAM, Kind.SILENCE]
        ),
        st.sampled_from([0, 1, 9]),  # bus
        st.integers(60, 61),  # pitch
        st.sampled_from([0, 63, 64, 127]),  # pedal position
    ),
    max_size=40,
)


def table_of(tracks):
    rows, ends = [], []
    for number, events in enumerate(tracks):
        tick = 0
        for delta, kind, bus, pitch, position in events:
            tick += delta
            first = 64 if kind is Kind.PEDAL else pitch
            rows.append((tick, number, bus, int(kind), first, position))
        ends.append(tick)
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    return EventTable(
        TICKS_PER_QUARTER, *columns, ("",) * len(tracks), np.array(ends, np.int64), ()
    )


def with_a_note(tracks):
    return [[(0, Kind.ON, 0, 60, 127)], *tracks]


def end_of_hanging(table, row, following, in_time):
    """Where a note without an off ends, and whether nothing in the file switched it off."""
    after = in_time[in_time.index(row) :]
    silences = [
        later
        for later in after
        if table.kind[later] == Kind.SILENCE and table.bus[later] == table.bus[row]
    ]
    end = min(
        [
            table.tick[row] + 4 * TICKS_PER_QUARTER,
            table.track_ends[table.track[row]],
            *(table.tick[later] for later in following[:1]),
        ]
    )
    silent = min([table.tick[later] for later in silences], default=end + 1)
    return min(end, silent), silent > end


def sustain(table, ends, offs, onsets, in_time):
    """Lengthen the notes that the pedal holds."""
    for started, off in offs.items():
        bus = table.bus[started]
        if bus % 16 == 9:
            continue
        moves = [r for r in in_time if table.kind[r] == Kind.PEDAL and table.bus[r] == bus]
        if len(moves) >= 3 and all(table.second[r] >= 64 for r in moves):
            continue  # no pedal moves and moves and never comes up
        place = in_time.index(off)
        before = [r for r in moves if in_time.index(r) < place]
        if not before or table.second[before[-1]] < 64:
            continue
        ups = [r for r in moves if in_time.index(r) > place and table.second[r] < 64]
        end = table.track_ends[table.track[started]]
        if ups:
            end = min(end, table.tick[ups[0]])
        key = (table.track[started], bus, table.first[started])
        later = [table.tick[row] for row in onsets[key] if row > started]
        if later:
            end = min(end, later[0])
        ends[started] = max(ends[started], end)


def paired_with_loops(table, *, pedal):
    """(row of the on, end), and how many hang, by walking through each track."""
    sounding = defaultdict(deque)
    ends, offs, onsets, struck = {}, {}, defaultdict(list), defaultdict(list)
    for row in range(len(table.tick)):
        key = (table.track[row], table.bus[row], table.first[row])
        if table.kind[row] <= Kind.ON:
            struck[key].append(row)
        if table.kind[row] == Kind.ON:
            sounding[key].append(row)
            onsets[key].append(row)
        elif table.kind[row] == Kind.OFF and sounding[key]:
            started = sounding[key].popleft()
            ends[started], offs[started] = table.tick[row], row
    in_time = sorted(range(len(table.tick)), key=lambda row: (table.tick[row], row))
    hanging = 0
    for key, queue in sounding.items():
        for row in queue:
            following = [later for later in struck[key] if later > row]
            ends[row], hangs = end_of_hanging(table, row, following, in_time)
            hanging += hangs
    if pedal:
        sustain(table, ends, offs, onsets, in_time)
    return sorted((row, int(end)) for row, end in ends.items()), hanging


@given(st.lists(messages, max_size=3).map(with_a_note), st.booleans())
def test_pairing_equals_the_obvious_walk(tracks, pedal):
    table = table_of(tracks)
    played = pair_notes(table, pedal=pedal)
    found = list(zip(played.event.tolist(), played.end.tolist(), strict=True))
    assert (found, played.hanging) == paired_with_loops(table, pedal=pedal)


@given(st.lists(messages, max_size=3).map(with_a_note))
def test_programs_are_the_last_of_the_track_else_of_the_bus(tracks):
    table = table_of(tracks)
    notes = np.flatnonzero(table.kind == Kind.ON)

    def last_before(note, rows):
        earlier = [r for r in rows if (table.tick[r], r) < (table.tick[note], note)]
        return max(earlier, key=lambda r: (table.tick[r], r), default=None)

    changes = [r for r in range(len(table.tick)) if table.kind[r] == Kind.PROGRAM]
    for note, program in zip(notes, programs(table, notes), strict=True):
        of_bus = [r for r in changes if table.bus[r] == table.bus[note]]
        of_track = [r for r in of_bus if table.track[r] == table.track[note]]
        change = last_before(note, of_track)
        change = last_before(note, of_bus) if change is None else change
        expected = 0 if change is None or table.bus[note] % 16 == 9 else table.first[change]
        assert program == expected
