import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.features import (
    melodic_interval,
    pitch_class_count,
    pitch_class_entropy,
    pitch_range,
    scale_consistency,
)
from musiclstm.score import Part, Score
from tests.strategies import scores

PIANO, DRUMS = Part(), Part(0, True)
FEATURES = (pitch_range, pitch_class_count, pitch_class_entropy, scale_consistency)


def line(*pitches, part=0, parts=(PIANO, PIANO, DRUMS)):
    return Score.build([[24 * n, 24, p, 80, part] for n, p in enumerate(pitches)], parts)[0]


def test_by_hand():
    score = line(60, 62, 64, 66, 72, 60)  # C three times, D, E, F sharp
    assert pitch_range(score) == 12
    assert pitch_class_count(score) == 4
    assert pitch_class_entropy(score) == pytest.approx(0.5 * 1 + 3 * math.log2(6) / 6)
    assert scale_consistency(score) == 1  # G major
    assert scale_consistency(line(60, 61, 62, 64, 65)) == pytest.approx(4 / 5)


@pytest.mark.parametrize("tonic", range(12))
def test_minor_scales_are_scales(tonic):
    assert scale_consistency(line(*(48 + tonic + s for s in (0, 2, 3, 5, 7, 8, 10)))) == 1
    # the harmonic minor is none
    harmonic = line(*(48 + tonic + s for s in (0, 2, 3, 5, 7, 8, 11)))
    assert scale_consistency(harmonic) == pytest.approx(6 / 7)


def test_drums_and_silence_are_nothing():
    for score in (line(36, 50, part=2), Score([], (PIANO,))):
        assert [of(score) for of in FEATURES] == [0, 0, 0, 0]
        assert melodic_interval(score, 0) == 0
    assert melodic_interval(line(36, 50, part=2), 2) == 0


@given(scores(min_pitch=12, max_pitch=115), st.integers(-12, 12))
def test_transposing_changes_none_of_it(score, semitones):
    moved = score.transposed(semitones)
    assert [of(score) for of in FEATURES] == pytest.approx([of(moved) for of in FEATURES])
    for part in range(len(score.parts)):
        assert melodic_interval(score, part) == melodic_interval(moved, part)


@given(scores())
def test_they_stay_in_their_ranges(score):
    spread, count, entropy, share = (of(score) for of in FEATURES)
    assert 0 <= spread <= 127
    assert 0 <= entropy <= math.log2(max(1, count)) + 1e-9
    assert min(count, 7) / 12 - 1e-9 <= share <= 1


def test_intervals_are_of_the_part_and_of_its_highest_notes():
    rows = [[0, 24, 60, 80, 0], [0, 24, 50, 80, 0], [24, 24, 40, 80, 1], [48, 24, 57, 80, 0]]
    score = Score.build([*rows, [72, 24, 57, 80, 0]], (PIANO, PIANO))[0]
    assert melodic_interval(score, 0) == 1.5  # 60, a rest, 57, 57
    assert melodic_interval(score, 1) == 0
