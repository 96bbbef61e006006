"""Loops and repeated notes: what is noticed, and what is not."""

import numpy as np
import pytest

from musiclstm.encoding import build_vocabulary
from musiclstm.generation.loops import MOST_REPEATS, Past, going_round
from musiclstm.score import Part, Score


@pytest.fixture(scope="module")
def vocabulary():
    rows = [[0, 24, 60, 80, 0], [0, 24, 36, 80, 1]]
    return build_vocabulary([Score.build(rows, [Part(name="flute"), Part(is_drum=True)])[0]])


def note(pitch, shift=24, part=0, velocity=20):
    return np.array([[shift, part, pitch, 23, velocity]], np.int32)


def test_a_loop_is_what_has_come_four_times_without_a_break():
    assert going_round([b"x", *[b"a", b"b", b"c"] * 4]) == {b"a"}
    assert going_round([b"a"] * 4) == {b"a"}
    assert going_round([b"a"] * 3) == set()
    assert going_round([b"a", b"b", b"a", b"b", b"x", b"a", b"b", b"a", b"b"]) == set()
    assert going_round([*[b"a", b"b"] * 3, b"a"]) == set()
    assert going_round([]) == set()


def test_a_loop_is_a_loop_however_loud(vocabulary):
    past = Past(vocabulary)
    for velocity in range(8):
        assert not past.loops
        past.add(note(60 + velocity % 2, velocity=velocity))
    assert past.loops
    assert past.wary
    assert past.repeats(note(60, velocity=30))
    assert not past.repeats(note(61))
    past.add(note(64))
    assert not past.wary


def test_one_note_is_enough_some_time(vocabulary):
    """In other rhythms and beside other parts it is the same note."""
    past = Past(vocabulary)
    for number in range(MOST_REPEATS):
        assert not past.repeats(note(60))
        past.add(np.concatenate([note(60, shift=1 + number), note(36 + number, 0, part=1)]))
    assert past.wary
    assert not past.loops
    assert past.repeats(note(60, shift=3))
    assert not past.repeats(note(62, shift=3))
    past.add(note(62))
    assert not past.repeats(note(60))


def test_drums_may(vocabulary):
    past = Past(vocabulary)
    for number in range(3 * MOST_REPEATS):
        past.add(note(36, shift=1 + number, part=1))
    assert not past.wary


def test_waits_are_no_notes(vocabulary):
    past = Past(vocabulary)
    for number in range(2 * MOST_REPEATS):
        past.add(np.array([[vocabulary.wait, 0, 0, 0, 0]], np.int32))
        past.add(note(60 + number))
    assert not past.wary
