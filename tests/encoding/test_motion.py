"""Motions of counterpoint: what an id and a pitch say is what the two parts do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import MOTION_IDS, MOTIONS, REACH, motions_in_reach
from musiclstm.encoding.intervals import NO_DIFFERENCE
from musiclstm.encoding.motion import motion_ids

PITCHES = st.integers(0, 127)
STILL, OBLIQUE, SIMILAR, CONTRARY, BEGINS = range(5)


def differences(pitches, reference):
    apart = [NO_DIFFERENCE if pitch is None else pitch - reference + 127 for pitch in pitches]
    return np.array(apart, np.int32)


def motion(own, other, to):
    """Kind, interval classes before and after, and whether it is above, of a move ``own -> to``."""
    before, now = other
    (found,) = motion_ids(differences([now], own), differences([before], own))
    kind, rest = divmod(int(motions_in_reach()[found, to - own + REACH]), 12 * 12 * 2)
    then, rest = divmod(rest, 24)
    return kind, then, *divmod(rest, 2)


@given(PITCHES, PITCHES, PITCHES, st.integers(-REACH, REACH))
def test_a_motion_says_what_two_parts_do(own, before, now, move):
    kind, then, after, above = motion(own, (before, now), own + move)
    expected = SIMILAR if (move > 0) == (now > before) else CONTRARY
    expected = OBLIQUE if now == before else expected
    assert kind == (STILL if move == 0 else expected)
    assert then == (own - before) % 12
    assert after == (own + move - now) % 12
    assert above == (own + move >= now)


@given(PITCHES, PITCHES, st.integers(-REACH, REACH))
def test_beside_a_part_that_begins_there_is_an_interval_only(own, now, move):
    assert motion(own, (None, now), own + move) == (
        *(BEGINS, 0),
        *((own + move - now) % 12, own + move >= now),
    )


@pytest.mark.parametrize("before", [None, 60])
def test_a_silent_part_makes_none(before):
    assert motion_ids(differences([None], 60), differences([before], 60)).tolist() == [-1]


def test_parallel_fifths_are_one_motion_wherever_they_are():
    up = {motion(67 + k, (60 + k, 62 + k), 69 + k) for k in range(-20, 20)}
    assert up == {(SIMILAR, 7, 7, 1)}
    assert motion(67, (60, 57), 64) == (SIMILAR, 7, 7, 1)  # and in either direction


def test_ids_and_motions_are_in_range():
    motions = motions_in_reach()
    assert motions.shape == (MOTION_IDS, 2 * REACH + 1)
    assert 0 <= motions.min() <= motions.max() < MOTIONS
    every = np.arange(NO_DIFFERENCE + 1, dtype=np.int32)
    ids = motion_ids(*(side.ravel() for side in np.meshgrid(every, every)))
    assert -1 <= ids.min() <= ids.max() < MOTION_IDS
