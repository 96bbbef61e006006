"""The tracker says step by step what the survey says of a whole piece, and stays small."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    Conditions,
    Context,
    Field,
    Tracker,
    after_context,
    build_vocabulary,
    encode,
    key_numbers,
    note_context,
    onset_context,
    prepare,
    voice_context,
)
from musiclstm.encoding.ruler import UNSPECIFIED_BARS, Ruler
from musiclstm.encoding.survey import survey
from musiclstm.score import Key
from tests.encoding.walks import active_parts, encoded_of, random_rows, small_vocabulary, walk
from tests.strategies import scores

# the others mean something after a note only, and are held together by the masks
FIELDS = {"before": ("kind", "next_end", "step", "left", "expected")}


def assert_same(ours, theirs, name):
    """Equal; numbers that are not whole to within 1e-4."""
    if ours.dtype.kind == "f":
        assert np.allclose(ours, theirs, atol=1e-4), name
    else:
        assert np.array_equal(ours, theirs), (name, ours, theirs)


def assert_walk_equals_survey(pieces, v):
    """Stages, masks and context of pieces side by side are those of each piece at once."""
    seen = [survey(piece.events, piece.part_map, v) for piece in pieces]
    keys = [Key.from_index(7 * number % 24) for number in range(len(pieces))]
    ready = [prepare(p, v, conditions=Conditions(key=k)) for p, k in zip(pieces, keys, strict=True)]
    numbers = key_numbers(keys)
    ruler = Ruler.of([p.meter_map for p in pieces], np.array([UNSPECIFIED_BARS] * len(pieces)), v)
    for index, (step, rows, _) in enumerate(walk(pieces, v), start=1):
        found = (
            *onset_context(step.onset, ruler, v),
            *voice_context(step.voice, step.onset, numbers, v),
            *note_context(step.note, step.voice, step.onset, numbers, v),
        )
        after = after_context(step.after, ruler, numbers, v)
        for stream, (whole, piece) in enumerate(zip(seen, ready, strict=True)):
            if index >= len(piece.inputs):
                continue
            for field, mask in enumerate(step.masks if piece.counts[index, 1] else step.masks[:1]):
                assert np.array_equal(piece.legal[index, v.slices[field]], mask[stream])
                assert mask[stream, rows[stream, field]], "the row that was chosen is legal"
            if rows[stream, Field.SHIFT] == v.end:
                continue
            for stage in ("before", "onset", "voice"):
                ours, theirs = getattr(step, stage), getattr(whole, stage)
                for name in FIELDS.get(stage, ours._fields):
                    mine, yours = getattr(ours, name)[stream], getattr(theirs, name)[index]
                    assert_same(mine, yours, (index, stage, name))
            for field, values in zip(fields(Context), found, strict=True):
                theirs = getattr(piece.context, field.name)[index]
                assert_same(values[stream], theirs, (index, field.name))
            assert_same(after[stream], piece.after_ids[index], (index, "after"))


@settings(max_examples=60, deadline=None)
@given(st.lists(scores(max_parts=6), min_size=1, max_size=3))
def test_whole_piece_equals_step_by_step(pieces):
    v = build_vocabulary(pieces)
    assert_walk_equals_survey([encode(score, v) for score in pieces], v)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0, 1))
def test_they_are_equal_where_much_comes_again(seed, n_parts, familiar):
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else (), steps_per_quarter=2)
    pieces = []
    for _ in range(3):
        active = rng.random((1, n_parts)) < 0.8
        rows = random_rows(v, active, int(rng.integers(0, 90)), rng, familiar=familiar)
        pieces.append(encoded_of(rows, v, active))
    assert_walk_equals_survey(pieces, v)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_they_are_equal_when_all_pitches_sound(seed, n_parts):
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts)
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, 300, rng, crowd=True)
    assert_walk_equals_survey([encoded_of(rows, v, active)], v)


@pytest.mark.parametrize("bound", [64, 512])
def test_they_are_equal_beyond_what_is_remembered(monkeypatch, bound):
    """1,400 notes of four pitches and two durations: what is too far back is forgotten."""
    for module in ("recall", "remembered", "tracker", "recital"):
        monkeypatch.setattr(f"musiclstm.encoding.{module}.REACH", bound)
    rng = np.random.default_rng(bound)
    n = 1400
    notes = np.zeros((n + 1, 5), np.int32)
    notes[:, 0] = rng.integers(0, 2, n + 1)
    notes[:, 2] = 60 + rng.integers(0, 4, n + 1)
    notes[:, 3] = rng.integers(0, 2, n + 1)
    # long repeats, some beyond the longest that counts
    for start in rng.integers(200, n - 100, 12):
        length = int(rng.integers(10, 90))
        source = int(rng.integers(0, start - length if start > length else 1))
        notes[start : start + length] = notes[source : source + length]
    v = small_vocabulary(1)
    rows = _legal(notes, v)
    assert_walk_equals_survey([encoded_of(rows, v, np.ones((1, 1), bool))], v)


def _legal(rows, v):
    """Rows of one part, with the least changes that make them canonical."""
    rows, now, ends, last = rows.copy(), 0, np.zeros(128, int), -1
    for row in rows:
        if row[0] == 0 and (row[2] <= last or ends[row[2]] > now):
            row[0] = 1
        if row[0]:
            last = -1
        now += row[0]
        while ends[row[2]] > now:
            now, row[0], last = now + 1, row[0] + 1, -1
        last, ends[row[2]] = row[2], now + row[3] + 1
    rows[-1] = [v.end, 0, 0, 0, 0]
    return rows


def test_an_older_past_stays_as_it_is_and_none_grows():
    rng = np.random.default_rng(3)
    v = small_vocabulary(3, drums=(2,), steps_per_quarter=2)
    active = np.ones((1, 3), bool)
    piece = encoded_of(random_rows(v, active, 700, rng, familiar=0.5), v, active)
    size = sum(values.nbytes for values in Tracker.start(active, v))
    kept = None
    for index, (_, _, tracker) in enumerate(walk([piece], v)):
        assert sum(values.nbytes for values in tracker) == size
        if index == 100:
            kept, copies = tracker, [values.copy() for values in tracker]
    assert all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_selected_streams_go_on_as_they_would_have():
    rng = np.random.default_rng(4)
    v = small_vocabulary(2, steps_per_quarter=2)
    active = np.ones((1, 2), bool)
    pieces = [encoded_of(random_rows(v, active, 60, rng, familiar=0.5), v, active) for _ in "abc"]
    trackers = [tracker for *_, tracker in walk(pieces, v)]
    order = np.array([2, 0, 2])
    chosen = trackers[30].select(order)
    for row in range(31, 50):
        rows = np.stack([pieces[stream].events[row] for stream in order])
        chosen = chosen.advance(rows, v)
        for name, ours, theirs in zip(
            Tracker._fields, chosen, trackers[row].select(order), strict=True
        ):
            assert np.array_equal(ours, theirs), name


def test_active_parts_of_each_stream_find_their_leader():
    v = small_vocabulary(3)
    active = np.array([[True, True, True], [True, True, False], [False, False, False]])
    assert Tracker.start(active, v).leader[:2].tolist() == [2, 1]  # the row order is from the last


def test_nothing_is_active():
    v = small_vocabulary(2)
    piece = encoded_of(np.array([[v.end, 0, 0, 0, 0]], np.int32), v, np.zeros((1, 2), bool))
    assert active_parts(piece, v).sum() == 0
    assert_walk_equals_survey([piece], v)
