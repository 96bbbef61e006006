"""Histograms of pitch classes, held against counting step by step."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Field, fade, prepare
from musiclstm.encoding.histograms import HALF_LIVES, fading_sums, shares_of
from musiclstm.encoding.survey import survey
from tests.encoding.walks import encoded_of, random_rows, small_vocabulary


def slow_shares(events, v):
    """For each row the three histograms of all steps before its onset, ``(rows, 36)``."""
    q, now, shares = v.steps_per_quarter, 0, []
    notes, continues = [], False
    for shift, part, pitch, duration, _ in events.tolist():
        is_note = shift <= v.max_shift
        now += shift if is_note else v.max_shift * (shift == v.wait)
        counts = np.zeros((3, 12))
        for onset, end, heard in notes:
            for step in range(onset, min(end, now)):
                for index, half_life in enumerate(HALF_LIVES):
                    counts[index, heard % 12] += 0.5 ** ((now - 1 - step) / (half_life * q))
        # how much of each half-life was filled; what has almost faded is nothing
        counts *= 1 - 0.5 ** (1 / (np.array(HALF_LIVES)[:, None] * q))
        shares.append((counts / (counts.sum(axis=1, keepdims=True) + 1e-9)).ravel())
        length = v.max_duration if duration == v.tie else duration + 1
        if is_note and not v.parts[part].is_drum:
            if continues:
                notes[-1][1] += length
            else:
                notes.append([now, now + length, pitch])
        continues = is_note and duration == v.tie
    return np.array(shares)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 50))
@example(5895, 2, 22)  # a long silence
def test_shares_are_those_of_a_slow_count(seed, n_parts, length):
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(0,) if seed % 2 else ())
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, length, rng)
    seen = survey(rows, tuple(range(n_parts)), v)
    assert np.allclose(seen.onset.shares[1:], slow_shares(rows, v), atol=1e-4)


def test_they_are_turned_so_that_the_reference_comes_first():
    v = small_vocabulary(1)
    rows = [(0, 0, 64, 0, 20), (1, 0, 67, 0, 20), (1, 0, 62, 0, 20), (v.end, 0, 0, 0, 0)]
    piece = prepare(encoded_of(np.array(rows, np.int32), v, np.ones((1, 1), bool)), v)
    assert not piece.context.voice_shares[1].any()  # nothing has sounded
    second, third = piece.context.voice_shares[2:4].reshape(2, 3, 12)
    assert np.allclose(second, np.eye(12)[0], atol=1e-6)
    # of 64 and 67 the later one is the reference, and weighs more the shorter the memory
    assert np.allclose(third.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(third[:, 0] + third[:, -3], 1, atol=1e-6)
    assert (np.diff(third[:, 0]) < 0).all()
    chosen = piece.context.note_shares[3].reshape(3, 12)  # 62: 64 stands two above it, 67 five
    assert np.allclose(chosen[:, 2], third[:, -3])
    assert np.allclose(chosen[:, 5], third[:, 0])


def test_a_long_silence_and_a_long_piece_stay_within_numbers():
    onset = np.array([0, 10, 3_000_000])
    steps = np.array([0, 5, 11, 2_000_000, 3_000_001, 3_000_007])
    sums = fading_sums(onset, onset + 3, np.array([60, 61, 62]), steps, 1)
    shares = shares_of(sums).reshape(len(steps), 3, 12)
    assert np.isfinite(sums).all()
    assert not shares[0].any()
    assert np.allclose(shares[1, :, 0], 1, atol=1e-6)
    assert not shares[3].any()  # all has been forgotten
    assert np.allclose(shares[4:, :, 2], 1, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.data())
def test_what_is_left_out_is_added_up(seed, data):
    """The first notes of a piece, forgotten: what they have left stands for them."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(2, drums=(0,) if seed % 2 else ())
    rows = random_rows(v, np.ones((1, 2), bool), 40, rng)
    whole = survey(rows, (0, 1), v)
    heads = [  # rows before which nothing sounds
        index
        for index in range(1, len(rows) - 1)
        if rows[index, Field.SHIFT] <= v.max_shift and not whole.onset.sounding[index + 1].any()
    ]
    if not heads:
        return
    cut = data.draw(st.sampled_from(heads))
    past = rows[: cut + 1]
    forgotten = np.arange(len(past)) < cut
    step = int(whole.onset.step[cut + 1])
    gap = max(-(-step // v.max_shift) - 1, 0)
    waits = np.zeros((gap, 5), np.int32)
    waits[:, 0] = v.wait
    rest = rows[cut:].copy()
    rest[0, 0] = step - gap * v.max_shift
    seen = survey(np.concatenate([waits, rest]), (0, 1), v, fade(past, forgotten, v))
    assert np.allclose(seen.onset.shares[gap + 1 :], whole.onset.shares[cut + 1 :], atol=1e-6)
