import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import ScoreError
from musiclstm.score import Column, Repairs, canonical
from musiclstm.score.notes import MAX_STEP

# few onsets, pitches and parts, so that nearly every table needs repairs
rows = st.tuples(
    st.integers(0, 12), st.integers(1, 9), st.integers(60, 62), st.integers(1, 127),
    st.integers(0, 2),
)  # fmt: skip
tables = st.lists(rows, max_size=30)
kits = st.lists(st.booleans(), min_size=3, max_size=3)


@given(tables, kits)
def test_canonical_is_idempotent(table, drums):
    once, _ = canonical(table, drums)
    twice, repairs = canonical(once, drums)
    assert np.array_equal(once, twice)
    assert repairs == Repairs()


@given(tables, kits, st.randoms(use_true_random=False))
def test_order_of_input_is_no_matter(table, drums, random):
    shuffled = random.sample(table, len(table))
    first, first_repairs = canonical(table, drums)
    second, second_repairs = canonical(shuffled, drums)
    assert np.array_equal(first, second)
    assert first_repairs == second_repairs


@given(tables, kits)
def test_rows_are_sorted_and_pitches_never_overlap(table, drums):
    notes, _ = canonical(table, drums)
    assert notes.dtype == np.int32
    assert notes.shape[1] == 5
    order = [(onset, part, pitch) for onset, _, pitch, _, part in notes.tolist()]
    assert order == sorted(set(order))
    sounding = {}
    for onset, duration, pitch, _, part in notes.tolist():
        assert onset >= sounding.get((part, pitch), 0)
        sounding[part, pitch] = onset + duration
        assert duration == 1 or not drums[part]


@given(tables, kits)
def test_nothing_is_lost_but_what_repairs_count(table, drums):
    notes, repairs = canonical(table, drums)
    assert len(notes) == len(table) - repairs.merged
    given_onsets = {(onset, pitch, part) for onset, _, pitch, _, part in table}
    kept = {(onset, pitch, part) for onset, _, pitch, _, part in notes.tolist()}
    assert kept == given_onsets
    # every step at which a melodic pitch sounded still sounds
    heard = {(step, p, q) for o, d, p, _, q in table if not drums[q] for step in range(o, o + d)}
    still = {
        (step, p, q) for o, d, p, _, q in notes.tolist() if not drums[q] for step in range(o, o + d)
    }
    assert still <= heard
    if not repairs.cut and not repairs.merged:
        assert still == heard


def test_of_equals_the_longest_stays_and_of_those_the_loudest():
    table = [[0, 4, 60, 90, 0], [0, 8, 60, 50, 0], [0, 8, 60, 70, 0]]
    notes, repairs = canonical(table, [False])
    assert notes.tolist() == [[0, 8, 60, 70, 0]]
    assert repairs == Repairs(merged=2)


def test_a_struck_pitch_cuts_only_itself():
    table = [[0, 9, 60, 80, 0], [4, 2, 60, 80, 1], [5, 2, 60, 80, 0], [5, 2, 62, 80, 0]]
    notes, repairs = canonical(table, [False, False])
    expected = [[0, 5, 60, 80, 0], [4, 2, 60, 80, 1], [5, 2, 60, 80, 0], [5, 2, 62, 80, 0]]
    assert notes.tolist() == expected
    assert repairs == Repairs(cut=1)


def test_shortening_a_drum_is_no_repair():
    notes, repairs = canonical([[0, 24, 38, 100, 0], [6, 24, 38, 100, 0]], [True])
    assert notes[:, Column.DURATION].tolist() == [1, 1]
    assert repairs == Repairs()


@pytest.mark.parametrize("empty", [[], np.zeros((0, 5), np.int32)])
def test_silence_is_canonical(empty):
    notes, repairs = canonical(empty, [])
    assert notes.shape == (0, 5)
    assert notes.dtype == np.int32
    assert repairs == Repairs()


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ([-1, 4, 60, 80, 0], "onset -1 is outside 0 to"),
        ([MAX_STEP + 1, 4, 60, 80, 0], "onset"),
        ([0, 0, 60, 80, 0], "duration 0 is outside 1 to"),
        ([0, 4, 128, 80, 0], "pitch 128 is outside 0 to 127"),
        ([0, 4, -1, 80, 0], "pitch -1"),
        ([0, 4, 60, 0, 0], "velocity 0 is outside 1 to 127"),
        ([0, 4, 60, 128, 0], "velocity 128"),
        ([0, 4, 60, 80, 1], "part 1 is outside 0 to 0"),
        ([0, 4, 60, 80, -1], "part -1"),
        ([2**40, 4, 60, 80, 0], "32 bits"),
        ([2**70, 4, 60, 80, 0], "64 bits"),
    ],
)
def test_numbers_that_are_no_music(row, match):
    with pytest.raises(ScoreError, match=match):
        canonical([row], [False])


def test_the_message_names_the_row():
    with pytest.raises(ScoreError, match=r"^note 1: pitch 200 is outside 0 to 127$"):
        canonical([[0, 4, 60, 80, 0], [0, 4, 200, 80, 0]], [False])


def test_the_last_note_of_all_ends_within_32_bits():
    notes, _ = canonical([[MAX_STEP, MAX_STEP, 60, 80, 0]], [False])
    assert notes[0, Column.ONSET] + notes[0, Column.DURATION] == 2 * MAX_STEP


def test_seconds_are_refused_not_cut_off():
    with pytest.raises(ScoreError, match="whole numbers"):
        canonical([[0.5, 1.5, 60, 80, 0]], [False])


@pytest.mark.parametrize("shape", [(5,), (5, 4), (2, 10), (1, 2, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ScoreError, match="shape"):
        canonical(np.ones(shape, int), [False, False])
