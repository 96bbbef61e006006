"""Loops and repeated notes: what is noticed, and what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary
from musiclstm.generation import loops
from musiclstm.generation.loops import Past, Trouble, going_round, longest_run, times_in_a_row
from musiclstm.score import Part, Score

REPEATS = 12


@pytest.fixture(scope="module")
def vocabulary():
    rows = [[0, 24, 60, 80, 0], [0, 24, 36, 80, 1]]
    return build_vocabulary([Score.build(rows, [Part(name="flute"), Part(is_drum=True)])[0]])


def note(pitch, shift=24, part=0, velocity=20):
    return np.array([[shift, part, pitch, 23, velocity]], np.int32)


def past_of(vocabulary):
    return Past(vocabulary, [4] * 32, REPEATS)


def test_a_loop_is_what_has_come_four_times_without_a_break():
    def going_round(onsets):
        return loops.going_round(onsets, [4] * 32)

    assert going_round([b"x", *[b"a", b"b", b"c"] * 4]) == {b"a"}
    assert going_round([b"a"] * 4) == {b"a"}
    assert going_round([b"a"] * 3) == set()
    assert going_round([b"a", b"b", b"a", b"b", b"x", b"a", b"b", b"a", b"b"]) == set()
    assert going_round([*[b"a", b"b"] * 3, b"a"]) == set()
    assert going_round([]) == set()


def test_a_loop_is_a_loop_however_loud(vocabulary):
    past = past_of(vocabulary)
    for velocity in range(8):
        assert not past.closed
        past.add(note(60 + velocity % 2, velocity=velocity))
    assert past.closed
    assert past.wary
    assert past.goes_round(note(60, velocity=30))
    assert not past.goes_round(note(61))
    past.add(note(64))
    assert not past.wary


def test_one_note_is_enough_some_time(vocabulary):
    """In other rhythms and beside other parts it is the same note."""
    past = past_of(vocabulary)
    for number in range(REPEATS):
        assert not past.goes_round(note(60))
        past.add(np.concatenate([note(60, shift=1 + number), note(36 + number, 0, part=1)]))
    assert past.wary
    assert not past.closed
    assert past.goes_round(note(60, shift=3))
    assert not past.goes_round(note(62, shift=3))
    past.add(note(62))
    assert not past.goes_round(note(60))


def test_trouble_is_a_whole_time_too_many(vocabulary):
    """Of four onsets that have come four times, the first may come again, and not all of them."""
    past = past_of(vocabulary)
    for number in range(19):
        past.add(note(60 + number % 4))
        assert past.trouble is None
    past.add(note(63))
    assert past.trouble == Trouble("loop", 16)
    past.add(note(70))
    assert past.trouble is None


def test_trouble_is_half_as_many_again(vocabulary):
    past = past_of(vocabulary)
    for number in range(REPEATS * 3 // 2):
        past.add(note(60, shift=1 + number))
        assert past.trouble is None
    past.add(note(60, shift=90))
    assert past.trouble == Trouble("one note", 19)


def test_a_copy_goes_its_own_way(vocabulary):
    past = past_of(vocabulary)
    for _ in range(3):
        past.add(note(60))
    other = past.copy()
    other.add(note(60))
    assert other.wary
    assert not past.wary
    past.add(note(61))
    past.add(note(60))
    assert not past.wary


def test_drums_may(vocabulary):
    past = past_of(vocabulary)
    for number in range(3 * REPEATS):
        past.add(note(36, shift=1 + number, part=1))
    assert not past.wary


def test_waits_are_no_notes(vocabulary):
    past = past_of(vocabulary)
    for number in range(2 * REPEATS):
        past.add(np.array([[vocabulary.wait, 0, 0, 0, 0]], np.int32))
        past.add(note(60 + number))
    assert not past.wary


def test_each_length_has_a_number_of_its_own():
    twice = [b"a", b"b"] * 2
    assert going_round(twice, [2, 2]) == {b"a"}
    assert going_round(twice, [2, 3]) == set()
    assert going_round([b"a", b"a"], [2, 3]) == {b"a"}
    assert going_round([b"a", b"a"], [3, 2]) == set()


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=40))
def test_what_comes_in_a_row_is_counted(onsets):
    """By hand: of every place and length, how often what stands there comes again at once."""
    found = times_in_a_row(onsets)
    for length in (1, 2, 3, 5):
        most = 1
        for start in range(len(onsets)):
            passage, times = onsets[start : start + length], 1
            while onsets[start + times * length : start + (times + 1) * length] == passage:
                times += 1
            most = max(most, times if len(passage) == length else 1)
        assert found[length - 1] == most


def test_the_longest_run():
    assert longest_run(np.array([], int)) == 0
    assert longest_run(np.array([5])) == 1
    assert longest_run(np.array([1, 1, 2, 2, 2, 1])) == 3
    assert longest_run(np.array([True, False, True, True]), of=True) == 2
