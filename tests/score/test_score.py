from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import ScoreError
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Repairs, Score, Tempo
from tests.strategies import scores

PIANO, DRUMS = Part(0, name="Piano"), Part(is_drum=True)


def one_note(**attributes):
    return Score(np.array([[0, 24, 60, 80, 0]]), (PIANO,), **attributes)


@given(scores(steps_per_quarter=None))
def test_building_a_score_from_its_own_notes_gives_it_again(score):
    attributes = {
        name: getattr(score, name)
        for name in ("steps_per_quarter", "tempos", "meter_map", "key", "style", "performed")
    }
    again, repairs = Score.build(score.notes[::-1], score.parts, **attributes)
    assert again == score
    assert hash(again) == hash(score)
    assert repairs == Repairs()


def test_build_repairs_and_counts():
    score, repairs = Score.build([[6, 2, 60, 80, 0], [0, 9, 60, 80, 0]], [PIANO])
    assert score.notes.tolist() == [[0, 6, 60, 80, 0], [6, 2, 60, 80, 0]]
    assert repairs == Repairs(cut=1)
    assert score.parts == (PIANO,)


@pytest.mark.parametrize(
    "notes",
    [
        [[6, 2, 60, 80, 0], [0, 2, 60, 80, 0]],  # unsorted
        [[0, 9, 60, 80, 0], [6, 2, 60, 80, 0]],  # overlapping
        [[0, 2, 60, 80, 0], [0, 2, 60, 80, 0]],  # twice
        [[0, 2, 38, 80, 1]],  # a drum that lasts
    ],
)
def test_the_constructor_takes_canonical_tables_only(notes):
    with pytest.raises(ScoreError, match=r"not canonical; make the score with Score\.build"):
        Score(np.array(notes), (PIANO, DRUMS))


def test_64_bit_values_are_not_cut_to_32():
    with pytest.raises(ScoreError, match="32 bits"):
        Score(np.array([[2**32, 24, 60, 80, 0]]), (PIANO,))


def test_seconds_are_refused():
    with pytest.raises(ScoreError, match="whole numbers"):
        Score(np.array([[0.0, 0.5, 60.0, 80.0, 0.0]]), (PIANO,))


def test_a_score_never_changes():
    notes = np.array([[0, 24, 60, 80, 0]], np.int32)
    score = Score(notes, (PIANO,))
    notes[0, Column.PITCH] = 61
    assert score.notes[0, Column.PITCH] == 60
    with pytest.raises(ValueError, match="read-only"):
        score.notes[0, Column.PITCH] = 61
    with pytest.raises(FrozenInstanceError):
        score.style = "folk"


def test_where_a_score_came_from_is_no_part_of_it():
    here, there = one_note(source="a.mid"), one_note(source="b.mid")
    assert here == there
    assert hash(here) == hash(there)


@pytest.mark.parametrize(
    "difference",
    [
        {"parts": (Part(1, name="Piano"),)},
        {"parts": (Part(0, name="Flute"),)},
        {"steps_per_quarter": 12},
        {"tempos": (Tempo(0, 100),)},
        {"meter_map": MeterMap((Meter(0, 3, 4),))},
        {"key": Key(0)},
        {"style": "folk"},
        {"performed": True},
        {"notes": np.array([[0, 24, 60, 81, 0]])},
    ],
)
def test_everything_else_is(difference):
    assert replace(one_note(), **difference) != one_note()


def test_a_score_is_no_list():
    assert one_note() != [[0, 24, 60, 80, 0]]


@pytest.mark.parametrize("grid", [0, -24, 961])
def test_impossible_grids(grid):
    with pytest.raises(ScoreError, match=f"steps_per_quarter {grid} "):
        one_note(steps_per_quarter=grid)


def test_tempos_are_in_order():
    with pytest.raises(ScoreError, match="out of order"):
        one_note(tempos=(Tempo(24, 100), Tempo(0, 90)))


def test_parts_are_limited():
    with pytest.raises(ScoreError, match="4097 parts"):
        Score(np.zeros((0, 5)), (PIANO,) * 4097)


@pytest.mark.parametrize("program", [-1, 128])
def test_programs_are_general_midi(program):
    with pytest.raises(ScoreError, match=f"program {program} "):
        Part(program)


def test_silence():
    silence = Score(np.zeros((0, 5), np.int32), ())
    assert (silence.end, silence.bars, silence.bpm) == (0, 0, 120.0)
    assert silence.transposed(5) == silence


def test_the_end_is_the_last_end_not_the_end_of_the_last_note():
    score, _ = Score.build([[0, 100, 60, 80, 0], [24, 24, 64, 80, 0]], [PIANO])
    assert score.end == 100


@pytest.mark.parametrize(
    ("end", "pickup_steps", "bars"),
    [(1, 0, 1), (72, 0, 1), (73, 0, 2), (24, 24, 0), (25, 24, 1), (96, 24, 1), (97, 24, 2)],
)
def test_bars_are_those_that_sound_without_the_pickup(end, pickup_steps, bars):
    meter_map = MeterMap((Meter(0, 3, 4),), pickup_steps)
    assert Score(np.array([[0, end, 60, 80, 0]]), (PIANO,), meter_map=meter_map).bars == bars


def test_bpm_is_the_first_tempo():
    assert one_note(tempos=(Tempo(0, 90), Tempo(24, 60))).bpm == 90


@given(scores(min_pitch=24, max_pitch=100), st.integers(-24, 24))
def test_transposition_moves_pitches_and_key_and_can_be_undone(score, semitones):
    moved = score.transposed(semitones)
    assert moved.transposed(-semitones) == score
    drums = np.array([part.is_drum for part in score.parts])[score.notes[:, Column.PART]]
    difference = moved.notes[:, Column.PITCH] - score.notes[:, Column.PITCH]
    assert (difference == np.where(drums, 0, semitones)).all()
    others = [Column.ONSET, Column.DURATION, Column.VELOCITY, Column.PART]
    assert np.array_equal(moved.notes[:, others], score.notes[:, others])
    if score.key is not None:
        assert moved.key == score.key.transposed(semitones)


@pytest.mark.parametrize("semitones", [68, -61, 2**32])
def test_transposition_out_of_range_is_refused(semitones):
    with pytest.raises(ScoreError, match=r"pitch|bits"):
        one_note().transposed(semitones)
