import numpy as np
import pytest
from hypothesis import given

from musiclstm.features import chordal_share, harmonic_change_rate, sounding
from musiclstm.score import Part, Score
from tests.strategies import scores

PIANO, DRUMS = Part(), Part(0, True)


def chords(*classes, length=24, parts=(PIANO,)):
    """Chords one after another, each a tuple of pitches."""
    rows = [[length * n, length, pitch, 80, 0] for n, each in enumerate(classes) for pitch in each]
    return Score.build(rows, parts)[0]


def roll_of(score):
    """Step by step, as slowly as can be: bool ``(T, 128)``."""
    roll = np.zeros((score.end, 128), bool)
    for onset, duration, pitch, _, part in score.notes.tolist():
        if not score.parts[part].is_drum:
            roll[onset : onset + duration, pitch] = True
    return roll


@given(scores())
def test_stretches_are_the_piano_roll(score):
    found = sounding(score)
    assert (found.length > 0).all()
    assert np.array_equal(np.repeat(found.pitches, found.length, axis=0), roll_of(score))
    classes = np.zeros((len(found.length), 12), bool)
    for pitch in range(128):
        classes[:, pitch % 12] |= found.pitches[:, pitch]
    assert np.array_equal(found.pitch_classes, classes)


@pytest.mark.parametrize(
    ("harmonies", "changes"),
    [
        ([(60,), (62,), (64,)], 2),
        ([(60, 64), (64, 72)], 0),  # the same pitch classes in another order
        ([(60, 64), (60,)], 1),
        ([(60,), (), (60,)], 0),  # silence is no harmony
        ([(60,), (), (62,)], 1),
    ],
)
def test_harmony_changes_with_the_set_of_pitch_classes(harmonies, changes):
    sounding_quarters = sum(bool(each) for each in harmonies)
    assert harmonic_change_rate(chords(*harmonies)) == pytest.approx(changes / sounding_quarters)


def test_drums_and_empty_pieces_have_no_harmony():
    drums = Score.build([[0, 1, 36, 80, 0], [24, 1, 38, 80, 0]], (DRUMS,))[0]
    for score in (drums, Score([], (PIANO,))):
        assert (harmonic_change_rate(score), chordal_share(score)) == (0, 0)


@pytest.mark.parametrize(
    ("pitches", "fits"),
    [
        ((60,), True),
        ((60, 61), True),  # a major seventh without its middle
        ((60, 64, 67), True),
        ((61, 64, 68, 80), True),
        ((62, 65, 68), True),
        ((60, 64, 68), False),  # augmented
        ((55, 59, 62, 65), True),
        ((60, 64, 67, 71), True),
        ((62, 65, 69, 72), True),
        ((59, 62, 65, 69), True),
        ((59, 62, 65, 68), True),
        ((60, 65, 67), False),  # a suspended fourth
        ((60, 63, 67, 71), False),  # minor with a major seventh
    ],
)
def test_what_is_a_chord(pitches, fits):
    for semitones in range(12):
        assert chordal_share(chords(pitches).transposed(semitones)) == fits


def test_the_share_is_of_sounding_time():
    assert chordal_share(chords((60, 64, 67), (), (60, 62, 64), (60,))) == pytest.approx(2 / 3)
