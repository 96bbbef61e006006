"""Texture, held against MusPy's metrics as they are defined: in loops over every step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.features import (
    bar_steps,
    empty_bar_rate,
    empty_beat_rate,
    groove_consistency,
    note_density,
    note_length,
    polyphony,
    polyphony_rate,
)
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

PIANO, DRUMS = Part(), Part(0, True)
ALL = (
    note_density,
    note_length,
    polyphony,
    polyphony_rate,
    empty_beat_rate,
    empty_bar_rate,
    groove_consistency,
)


def empty_share(score, steps):
    """The share of windows that no note touches; one that ends on a window's first step does."""
    touched = set()
    for onset, duration, *_ in score.notes.tolist():
        touched.update(range(onset // steps, (onset + duration) // steps + 1))
    return 1 - len(touched) / (score.end // steps + 1)


def groove(score, bar):
    bars = np.zeros((score.end // bar + 1, bar), bool)
    for onset, *_ in score.notes.tolist():
        bars[divmod(onset, bar)] = True
    return 1 - np.count_nonzero(bars[:-1] != bars[1:]) / (bar * (len(bars) - 1))


def pitches_at_once(score):
    roll = np.zeros((score.end, 128), bool)
    for onset, duration, pitch, _, part in score.notes.tolist():
        if not score.parts[part].is_drum:
            roll[onset : onset + duration, pitch] = True
    return roll.sum(axis=1)


@given(scores(min_notes=1, steps_per_quarter=None), st.integers(0, 4))
def test_definitions_of_muspy(score, threshold):
    bar, beat = bar_steps(score), score.steps_per_quarter
    assert empty_beat_rate(score) == pytest.approx(empty_share(score, beat))
    assert empty_bar_rate(score) == pytest.approx(empty_share(score, bar))
    expected = groove(score, bar) if score.end >= bar else 0
    assert groove_consistency(score) == pytest.approx(expected)
    at_once = pitches_at_once(score)
    assert polyphony_rate(score, threshold) == pytest.approx(np.mean(at_once > threshold))
    heard = at_once[at_once > 0]
    assert polyphony(score) == pytest.approx(heard.mean() if len(heard) else 0)


def test_an_empty_piece_has_nothing():
    assert [of(Score([], (PIANO,))) for of in ALL] == [0] * len(ALL)


def test_density_and_length_are_in_quarters():
    for q in (4, 24):
        rows = [[q * n, 2 * q, 60 + n, 80, 0] for n in range(4)]
        score = Score.build(rows, (PIANO,), steps_per_quarter=q)[0]
        assert (note_density(score), note_length(score)) == (0.8, 2)


def test_a_unison_of_two_parts_is_one_pitch():
    rows = [[0, 24, 60, 80, 0], [0, 24, 60, 80, 1], [0, 1, 40, 80, 2]]
    assert polyphony(Score.build(rows, (PIANO, PIANO, DRUMS))[0]) == 1


def test_bars_are_the_meters_or_four_quarters():
    rows = [[step, 12, 60, 80, 0] for step in range(0, 288, 36)]
    assert bar_steps(Score.build(rows, (PIANO,))[0]) == 96
    waltz = Score.build(rows, (PIANO,), meter_map=MeterMap((Meter(0, 3, 4),)))[0]
    assert bar_steps(waltz) == 72
    # two notes in each of four bars of three quarters, which are all alike
    assert groove_consistency(waltz) == 1
    assert groove_consistency(Score.build(rows, (PIANO,))[0]) < 1


def test_a_bar_that_nobody_plays():
    rows = [[0, 24, 60, 80, 0], [200, 24, 60, 80, 0]]
    assert empty_bar_rate(Score.build(rows, (PIANO,))[0]) == pytest.approx(1 / 3)
