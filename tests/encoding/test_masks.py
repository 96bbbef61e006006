"""Hard masks, their two sources of facts, and the context: all agree, none looks ahead."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Field, Tracker, build_vocabulary, decode, encode, prepare
from musiclstm.encoding.conditions import Conditions
from musiclstm.encoding.context import after_ids, onset_context, voice_context
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.parts import ModelPart
from musiclstm.encoding.rows import Encoded
from musiclstm.encoding.ruler import Ruler
from musiclstm.encoding.vocabulary import Vocabulary
from musiclstm.score import MeterMap, Part
from tests.strategies import scores


def choose(mask, rng):
    """One legal id of each stream; fails where a mask leads into a dead end."""
    assert mask.any(axis=1).all()
    return np.array([rng.choice(np.flatnonzero(row)) for row in mask], np.int32)


def random_rows(v, active, length, rng, *, crowd=False):
    """Walk at random through legal rows; ``crowd`` prefers what fills up the masks' corners."""
    tracker = Tracker.start(active)
    rows = []
    while True:
        before = tracker.before(v)
        shifts = legal_shifts(before, active, v)
        if len(rows) >= length and shifts[0, v.end]:
            return np.array([*rows, [v.end, 0, 0, 0, 0]], np.int32)
        shifts[:, v.end] &= ~shifts[:, : v.end].any(axis=1)
        if crowd and shifts[0, 0] and rng.random() < 0.9:
            shifts[0, 1:] = False
        shift = choose(shifts, rng)
        if shift[0] in (v.wait, v.end):
            row = np.array([[shift[0], 0, 0, 0, 0]], np.int32)
            if shift[0] == v.end:
                return np.array([*rows, row[0]], np.int32)
        else:
            onset = tracker.at(tracker.now + shift)
            part = choose(legal_parts(before, shift, onset, v), rng)
            voice = tracker.voice(onset.step, part)
            pitches = legal_pitches(before, shift, voice)
            pitch = choose(pitches, rng)
            if crowd:  # the lowest few, so that an onset takes in very many
                pitch = np.flatnonzero(pitches[0])[:1].astype(np.int32)
            durations = legal_durations(part, v)
            if crowd and durations[0, v.tie] and rng.random() < 0.5:
                durations[0, : v.tie] = False
            duration = choose(durations, rng)
            velocity = choose(legal_velocities(before), rng)
            row = np.stack([shift, part, pitch, duration, velocity], axis=1)
        rows.append(row[0])
        tracker = tracker.advance(row, v)


def small_vocabulary(n_parts, drums=(), steps_per_quarter=1):
    parts = tuple(ModelPart(f"p{index}", is_drum=index in drums) for index in range(n_parts))
    order = tuple(reversed(range(n_parts)))
    return Vocabulary(parts, order, steps_per_quarter=steps_per_quarter)


def encoded_of(rows, v, active):
    part_map = tuple(np.flatnonzero(active[0]).tolist())
    parts = tuple(Part(is_drum=v.parts[part].is_drum, name=v.parts[part].name) for part in part_map)
    return Encoded(rows, Conditions(), part_map, parts, MeterMap())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.integers(0, 120))
def test_every_legal_walk_is_the_table_of_one_score(seed, n_parts, crowd, length):
    """Legal rows decode to a score that encodes to the same rows: nothing is counted twice."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else ())
    active = rng.random((1, n_parts)) < 0.8
    rows = random_rows(v, active, length, rng, crowd=crowd)
    score = decode(encoded_of(rows, v, active), v)
    if len(score.notes):
        assert encode(score, v).events.tolist() == rows.tolist()
    else:
        assert rows.tolist() == [[v.end, 0, 0, 0, 0]]


def stepwise(encoded, v, bars):
    """Masks and context of each row through the tracker, as `prepare` gives them."""
    active = np.zeros((1, len(v.parts)), bool)
    active[0, list(encoded.part_map)] = True
    tracker = Tracker.start(active)
    ruler = Ruler.of((encoded.meter_map,), np.array([bars]), v)
    for row in encoded.events:
        before = tracker.before(v)
        masks = [legal_shifts(before, active, v)]
        shift = row[:1]
        step = tracker.now + np.where(shift <= v.max_shift, shift, 0)
        step = step + np.where(shift == v.wait, v.max_shift, 0)
        onset = tracker.at(step.astype(np.int32))
        context = [*onset_context(onset, ruler, v)]
        is_note = row[Field.SHIFT] <= v.max_shift
        part = row[1:2] if is_note else np.array([-1])
        voice = tracker.voice(onset.step, part)
        context += voice_context(voice, v)
        if is_note:
            masks.append(legal_parts(before, shift, onset, v))
            masks.append(legal_pitches(before, shift, voice))
            masks.append(legal_durations(part, v))
            masks.append(legal_velocities(before))
        tracker = tracker.advance(row[None], v)
        yield masks, context, after_ids(tracker.before(v), v), row


def assert_same_as_stepwise(encoded, v, bars):
    piece = prepare(encoded, v, bars=bars)
    whole = piece.context
    for index, (masks, context, after, row) in enumerate(stepwise(encoded, v, bars), start=1):
        for field, mask in enumerate(masks):
            assert np.array_equal(piece.legal[index, v.slices[field]], mask[0]), (index, field)
            assert mask[0, row[field]], "the row that was chosen is legal"
        if row[Field.SHIFT] == v.end:
            continue
        for ours, theirs in zip(
            (
                whole.onset_ids,
                whole.sounding,
                whole.remaining,
                whole.voice_ids,
                whole.voice_sounding,
            ),
            context,
            strict=True,
        ):
            assert np.array_equal(ours[index], theirs[0]), index
        assert piece.after[index] == after[0], index


@settings(max_examples=100, deadline=None)
@given(scores(max_parts=6, steps_per_quarter=None), st.integers(0, 40))
def test_whole_piece_equals_step_by_step(score, bars):
    v = build_vocabulary([score])
    assert_same_as_stepwise(encode(score, v), v, bars)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_whole_piece_equals_step_by_step_when_all_pitches_sound(seed, n_parts):
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts)
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, 300, rng, crowd=True)
    assert_same_as_stepwise(encoded_of(rows, v, active), v, 0)


@settings(max_examples=100, deadline=None)
@given(scores(max_parts=4, min_notes=4), st.data())
def test_no_context_and_no_mask_sees_the_future(score, data):
    """Rows after a place are replaced by others; nothing at or before it moves."""
    v = build_vocabulary([score])
    encoded = encode(score, v)
    place = data.draw(st.integers(0, len(encoded.events) - 1))
    seed = data.draw(st.integers(0, 2**32 - 1))
    active = np.zeros((1, len(v.parts)), bool)
    active[0, list(encoded.part_map)] = True
    other = random_rows(v, active, 30, np.random.default_rng(seed))
    if encoded.events[place - 1, Field.DURATION] == v.tie or place == 0:
        changed = encoded.events  # nothing may stand between a note and its continuation
    else:
        first = np.array([[v.max_shift, *other[0, 1:]]]) if len(other) > 1 else other[:1]
        changed = np.concatenate([encoded.events[:place], first, other[1:]]).astype(np.int32)
    one, two = prepare(encoded, v, bars=8), prepare(replace(encoded, events=changed), v, bars=8)
    upto = place + 1  # rows count from START
    assert np.array_equal(one.inputs[:upto], two.inputs[:upto])
    assert np.array_equal(one.after[: upto - 1], two.after[: upto - 1])
    assert np.array_equal(one.legal[:upto], two.legal[:upto])
    for name, values in vars(one.context).items():
        assert np.array_equal(values[:upto], getattr(two.context, name)[:upto]), name
    # the shift mask of the first changed row depends on the rows before it alone
    assert np.array_equal(one.legal[upto, v.slices[0]], two.legal[upto, v.slices[0]])
