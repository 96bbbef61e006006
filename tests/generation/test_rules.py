"""Soft rules: never broken, never a dead end, whatever the parts and however the dice fall."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Encoded, Field, ModelPart, Tracker, Vocabulary, decode
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.stages import Kind
from musiclstm.generation.rules import OPEN_END, SoftRules, bar_line
from musiclstm.score import Column, Meter, MeterMap, Part
from tests.strategies import meter_maps


@settings(max_examples=150, deadline=None)
@given(meter_maps(), st.integers(0, 60))
def test_a_bar_begins_at_its_line_and_not_before(meter_map, bar):
    step = bar_line(meter_map, bar, 24)
    assert meter_map.locate(step, 24).bar == bar
    assert step == 0 or meter_map.locate(step - 1, 24).bar == bar - 1


def test_the_first_line_stands_after_the_pickup():
    assert bar_line(MeterMap((Meter(0, 3, 4),), 24), 0, 24) == 24
    assert bar_line(MeterMap((Meter(0, 3, 4),), 24), 2, 24) == 24 + 144
    assert bar_line(MeterMap((Meter(0, 6, 8),)), 7, 24) == 7 * 72
    assert bar_line(MeterMap(), 1000, 24) == 96_000


# --- walks ----------------------------------------------------------------------------------


@st.composite
def model_parts(draw):
    """Up to three parts with narrow ranges, small chords, drums: corners are near everywhere."""
    parts = []
    for number in range(draw(st.integers(1, 3))):
        low = draw(st.integers(58, 62))
        parts.append(
            ModelPart(
                f"p{number}",
                is_drum=draw(st.sampled_from([False, False, True])),
                low=low,
                high=low + draw(st.sampled_from([0, 1, 2, 5])),
                monophonic=draw(st.booleans()),
                chord=draw(st.sampled_from([1, 2, 3, 128])),
            )
        )
    return tuple(parts)


def walk(v, active, meter_map, bars, rng, love):
    """Choose uniformly among what masks and rules allow; ``love`` prefers WAIT, TIE or chords.

    Asserts at every field that the rules leave something, and returns the rows.
    """
    rules = SoftRules.start(v, [meter_map], [bars])
    tracker = Tracker.start(active, v)
    rows = []
    while len(rows) < 3000:
        state = SimpleNamespace(tracker=tracker, before=tracker.before(v))
        before = state.before
        tied = before.kind[0] == Kind.TIE
        row = np.zeros((1, len(Field)), np.int32)

        def pick(field, legal, event=row, state=state, tied=tied):
            allowed = rules.allowed(state, field, event)
            both = legal if allowed is None else legal & allowed
            # a tie must go on, rules or not; but it must not go on too long
            if not (tied and field in (Field.SHIFT, Field.PART)):
                assert both.any(), (field, len(rows))
            ids = np.flatnonzero(both[0] if both.any() else legal[0])
            wish = {Field.SHIFT: {"wait": v.wait, "crowd": 0}, Field.DURATION: {"tie": v.tie}}
            liked = wish.get(field, {}).get(love)
            if liked in ids and rng.random() < 0.8:
                return liked
            if field == Field.SHIFT and len(ids) > 1 and rng.random() < 0.9:
                ids = ids[ids != v.end]
            return rng.choice(ids)

        shift = row[:, Field.SHIFT] = pick(Field.SHIFT, legal_shifts(before, active, v))
        if shift <= v.max_shift:
            onset = tracker.at(tracker.now + row[:, Field.SHIFT], v)
            row[:, Field.PART] = pick(
                Field.PART, legal_parts(before, row[:, Field.SHIFT], onset, v)
            )
            voice = tracker.voice(onset, row[:, Field.PART], v)
            row[:, Field.PITCH] = pick(
                Field.PITCH, legal_pitches(before, row[:, Field.SHIFT], voice)
            )
            row[:, Field.DURATION] = pick(Field.DURATION, legal_durations(row[:, Field.PART], v))
            row[:, Field.VELOCITY] = pick(Field.VELOCITY, legal_velocities(before))
        rows.append(row[0])
        if shift == v.end:
            break
        rules.advance(row)
        tracker = tracker.advance(row, v)
    return np.array(rows, np.int32)


@settings(max_examples=120, deadline=None)
@given(
    model_parts(),
    meter_maps(2),
    st.integers(1, 4),
    st.sampled_from(["", "wait", "tie", "crowd"]),
    st.integers(0, 2**32 - 1),
)
def test_no_walk_breaks_a_rule_or_meets_a_dead_end(parts, meter_map, bars, love, seed):
    rng = np.random.default_rng(seed)
    v = Vocabulary(parts, tuple(reversed(range(len(parts)))), steps_per_quarter=2)
    active = np.zeros((1, len(parts)), bool)
    active[0, rng.permutation(len(parts))[: rng.integers(1, len(parts) + 1)]] = True
    rows = walk(v, active, meter_map, bars, rng, love)
    part_map = tuple(np.flatnonzero(active[0]).tolist())
    players = tuple(Part(is_drum=parts[n].is_drum, name=parts[n].name) for n in part_map)
    score = decode(Encoded(rows, Conditions(), part_map, players, meter_map), v)
    assert score.bars == bars
    for place, index in enumerate(part_map):
        notes, part = score.notes[score.notes[:, Column.PART] == place], parts[index]
        if not len(notes):
            continue
        onset, end = notes[:, Column.ONSET], notes[:, Column.ONSET] + notes[:, Column.DURATION]
        assert notes[:, Column.PITCH].min() >= part.low
        assert notes[:, Column.PITCH].max() <= part.high
        assert np.unique(onset, return_counts=True)[1].max() <= part.chord
        assert end.max() <= bar_line(meter_map, bars, 2)
        if part.monophonic:
            assert (np.maximum.accumulate(end)[:-1] <= onset[1:]).all()


# --- one by one -----------------------------------------------------------------------------


def state_after(v, rows):
    tracker = Tracker.start(np.ones((1, len(v.parts)), bool), v)
    rules = SoftRules.start(v, [MeterMap((Meter(0, 4, 4),))], [2])
    for row in rows:
        event = np.array([row], np.int32)
        rules.advance(event)
        tracker = tracker.advance(event, v)
    return rules, SimpleNamespace(tracker=tracker, before=tracker.before(v))


def ids_of(rules, state, field, *row):
    event = np.zeros((1, len(Field)), np.int32)
    event[0, : len(row)] = row
    return np.flatnonzero(rules.allowed(state, field, event)[0]).tolist()


LINE = Vocabulary((ModelPart("line", low=60, high=64, monophonic=True),), (0,), steps_per_quarter=1)
CHORDS = Vocabulary((ModelPart("chords", low=60, high=64, chord=2),), (0,), steps_per_quarter=1)


def test_a_monophonic_part_waits_until_it_is_silent():
    rules, state = state_after(LINE, [[0, 0, 60, 2, 20]])  # three steps long
    assert ids_of(rules, state, Field.SHIFT) == [3, 4, LINE.wait]


def test_end_comes_in_the_last_bar_only():
    rules, state = state_after(LINE, [[0, 0, 60, 3, 20]])  # bar 1 is full, bar 2 silent
    assert LINE.end not in ids_of(rules, state, Field.SHIFT)
    rules, state = state_after(LINE, [[0, 0, 60, 4, 20]])
    assert LINE.end in ids_of(rules, state, Field.SHIFT)


def test_nothing_sounds_beyond_the_end():
    rules, state = state_after(LINE, [[0, 0, 60, 3, 20]])
    assert ids_of(rules, state, Field.DURATION, 4, 0, 60) == [0, 1, 2, 3]
    rules, state = state_after(LINE, [[0, 0, 60, 3, 20], [3, 0, 62, 0, 20]])
    assert ids_of(rules, state, Field.DURATION, 4, 0, 60) == [0]


def test_when_all_is_full_only_end_is_left():
    rules, state = state_after(LINE, [[0, 0, 60, 7, 20]])
    assert ids_of(rules, state, Field.SHIFT) == [LINE.end]


def test_a_tie_counts_from_where_the_note_has_come_to():
    """Three bars: after two rows of eight steps only eight of the 24 are left; no tie fits."""
    tracker = Tracker.start(np.ones((1, 1), bool), LINE)
    rules = SoftRules.start(LINE, [MeterMap()], [6])
    for row in ([0, 0, 60, LINE.tie, 20], [0, 0, 60, LINE.tie, 20]):
        rules.advance(np.array([row], np.int32))
        tracker = tracker.advance(np.array([row], np.int32), LINE)
    state = SimpleNamespace(tracker=tracker, before=tracker.before(LINE))
    assert ids_of(rules, state, Field.DURATION, 0, 0, 60) == list(range(8))


def test_a_chord_grows_upwards_and_no_further_than_ever():
    rules, state = state_after(CHORDS, [[0, 0, 60, 0, 20]])
    assert 0 in ids_of(rules, state, Field.SHIFT)
    rules, state = state_after(CHORDS, [[0, 0, 60, 0, 20], [0, 0, 62, 0, 20]])
    assert 0 not in ids_of(rules, state, Field.SHIFT)
    rules, state = state_after(CHORDS, [[0, 0, 64, 0, 20]])  # above it nothing is in range
    assert 0 not in ids_of(rules, state, Field.SHIFT)


def test_only_one_whole_note_of_silence():
    rules, state = state_after(LINE, [[0, 0, 60, 0, 20]])
    assert LINE.wait in ids_of(rules, state, Field.SHIFT)
    rules, state = state_after(LINE, [[0, 0, 60, 0, 20], [LINE.wait, 0, 0, 0, 0]])
    assert LINE.wait not in ids_of(rules, state, Field.SHIFT)


def test_no_wait_where_nothing_could_follow_it():
    """At step 3 a whole note more is step 7, the last: the next note would begin after the end."""
    rules, state = state_after(LINE, [[3, 0, 60, 0, 20]])
    assert LINE.wait not in ids_of(rules, state, Field.SHIFT)
    rules, state = state_after(LINE, [[2, 0, 60, 0, 20]])
    assert LINE.wait in ids_of(rules, state, Field.SHIFT)


def test_an_open_length_may_end_once_anything_has_sounded():
    tracker = Tracker.start(np.ones((1, 1), bool), LINE)
    rules = SoftRules.start(LINE, [MeterMap()], [None])
    assert rules.end[0] == OPEN_END
    state = SimpleNamespace(tracker=tracker, before=tracker.before(LINE))
    assert LINE.end not in ids_of(rules, state, Field.SHIFT)
    _, state = state_after(LINE, [[0, 0, 60, 0, 20]])
    assert LINE.end in ids_of(rules, state, Field.SHIFT)


def test_streams_keep_their_own_rules():
    maps = [MeterMap(), MeterMap((Meter(0, 3, 4),), 1), MeterMap()]
    rules = SoftRules.start(CHORDS, maps, [1, 2, None])
    rules.advance(np.array([[0, 0, 60, 0, 20]] * 3, np.int32))
    assert rules.end.tolist() == [4, 7, OPEN_END]
    assert rules.last_bar.tolist() == [0, 4, 0]
    some = rules.select(np.array([2, 0]))
    assert some.end.tolist() == [OPEN_END, 4]
    some.advance(np.array([[1, 0, 60, 0, 20]] * 2, np.int32))
    assert some.struck.tolist() == [[1], [1]]
    assert rules.struck.tolist() == [[1], [1], [1]]


@pytest.mark.parametrize("field", [Field.SHIFT, Field.PART, Field.PITCH, Field.DURATION])
def test_every_field_has_its_width(field):
    rules, state = state_after(CHORDS, [[0, 0, 60, 0, 20]])
    allowed = rules.allowed(state, field, np.zeros((1, len(Field)), np.int32))
    assert allowed.shape == (1, CHORDS.size(field))
    assert allowed.dtype == bool


def test_no_rule_is_about_velocity():
    rules, state = state_after(CHORDS, [[0, 0, 60, 0, 20]])
    assert rules.allowed(state, Field.VELOCITY, np.zeros((1, len(Field)), np.int32)) is None
