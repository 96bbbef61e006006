"""Candidates and their matches, held against a slow search that follows the words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import prepare
from musiclstm.encoding.recall import BUCKETS, LONGEST, longest_matches
from musiclstm.encoding.survey import survey
from tests.encoding.walks import encoded_of, random_rows, small_vocabulary


def alike(items, here, there):
    """How many items up to two places are equal."""
    count = 0
    while there - count >= 0 and items[here - count] == items[there - count] and count < LONGEST:
        count += 1
    return count


def best(lengths):
    """The place of the greatest, the last of equals; None where all are 0."""
    most = max(lengths, default=0)
    return len(lengths) - 1 - lengths[::-1].index(most) if most else None


def slow_candidates(events, v, part_order):
    """Pitch, duration id and match of the three candidates of each row, and of the given pitch."""
    rows, notes = [], []  # fields; (part, pitch, duration, onset)
    now, continues = 0, False
    found = []
    for shift, part, pitch, duration, _ in events.tolist():
        three, fourth = [(-1, -1, 0)] * 3, (-1, 0)
        is_note = shift <= v.max_shift
        now += shift if is_note else v.max_shift * (shift == v.wait)
        if is_note:
            place = best([alike(rows, len(rows) - 1, there) for there in range(len(rows) - 1)])
            if place is not None and rows[place + 1][:2] == (shift, part):
                length = alike(rows, len(rows) - 1, place)
                three[1] = (*rows[place + 1][2:], length)
        if is_note and not continues:
            own = [note[1:] for note in notes if note[0] == part]
            keys = [note[:2] for note in own]
            place = best([alike(keys, len(keys) - 1, there) for there in range(len(keys) - 1)])
            if place is not None:
                three[0] = (*keys[place + 1], alike(keys, len(keys) - 1, place))
            spoken = [
                (1 + (alike(keys, len(keys) - 1, there - 1) if there else 0))
                * (keys[there][0] == pitch)
                for there in range(len(keys))
            ]
            if (place := best(spoken)) is not None:
                fourth = (keys[place][1], spoken[place])
            leader = [note[1:] for note in notes if note[0] == part_order[0]]
            led = [note[:2] for note in leader]
            place = best([alike(led, len(led) - 1, there) for there in range(len(led) - 1)])
            if part != part_order[0] and place is not None:
                then = now - (leader[-1][2] - leader[place][2])
                there = [note for note in own if note[2] == then]
                nth = sum(note[2] == now for note in own)
                suggested = there[nth][:2] if nth < len(there) else (-1, -1)
                three[2] = (*suggested, alike(led, len(led) - 1, place))
        found.append((three, fourth))
        rows.append((shift, part, pitch, duration))
        if is_note and not continues:
            notes.append((part, pitch, duration, now))
        continues = is_note and duration == v.tie
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0.3, 1), st.integers(0, 80))
def test_candidates_are_those_of_a_slow_search(seed, n_parts, familiar, length):
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts)
    active = rng.random((1, n_parts)) < 0.8
    rows = random_rows(v, active, length, rng, familiar=familiar)
    seen = survey(rows, tuple(np.flatnonzero(active[0]).tolist()), v)
    order = [part for part in v.row_order if active[0, part]]
    for index, (three, fourth) in enumerate(slow_candidates(rows, v, order), start=1):
        voice = seen.voice
        ours = zip(voice.pitches[index], voice.lasting[index], voice.matches[index], strict=True)
        assert [tuple(map(int, candidate)) for candidate in ours] == three, index
        if seen.voice.part[index] >= 0:
            assert (seen.note.lasting[index], seen.note.matches[index]) == fourth, index


def test_a_tune_that_comes_again_is_foreseen():
    """Two parts play four bars twice: from the second note of the repeat on, all is known."""
    v = small_vocabulary(2, steps_per_quarter=2)  # the second part leads
    bar = [(0, 1, 70, 1), (0, 0, 50, 3), (2, 1, 72, 1), (2, 1, 74, 0), (1, 1, 71, 0), (0, 0, 48, 1)]
    tune = [(2 * (index == 0 and turn > 0) + row[0], *row[1:], 20)
            for turn in range(2) for index, row in enumerate(bar)]  # fmt: skip
    rows = np.array([*tune, (v.end, 0, 0, 0, 0)], np.int32)
    piece = prepare(encoded_of(rows, v, np.ones((1, 2), bool)), v)
    second = slice(len(bar) + 2, len(tune) + 1)
    own = piece.context.pitch_candidates[second, 0]
    assert own[1:].tolist() == [row[2] for row in bar[2:]]
    # of two notes of one part what the other did is known from the first on
    beside = piece.context.pitch_candidates[second, 2].tolist()
    assert beside == [50, -1, -1, -1, 48]


@pytest.mark.parametrize(
    ("length", "bucket"), [(0, 0), (1, 1), (7, 7), (8, 8), (9, 8), (10, 9), (13, 9), (14, 10)]
)
def test_classes_of_lengths(length, bucket):
    assert BUCKETS[length] == bucket
    assert BUCKETS[21:].tolist() == [10] + [11] * (LONGEST + 2 - 22)


def test_nothing_matches_nothing():
    nothing = np.zeros(0, np.int64)
    assert all(not len(found) for found in longest_matches(nothing, nothing.astype(np.intp)))
    one = longest_matches(np.zeros(1, np.int64), np.zeros(1, np.intp), np.zeros(1, np.int64))
    assert not any(found.any() for found in one)
