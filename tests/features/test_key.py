import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.features import find_key, pitch_class_histogram
from musiclstm.features.key import key_of_histogram
from musiclstm.score import Key, Part, Score
from tests.strategies import scores

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11)


def melody(pitches, durations=None, part=None) -> Score:
    durations = durations or [24] * len(pitches)
    onsets = np.cumsum([0, *durations[:-1]])
    rows = [
        [onset, duration, pitch, 80, 0]
        for onset, duration, pitch in zip(onsets, durations, pitches, strict=True)
    ]
    return Score.build(rows, [part or Part()])[0]


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("mode", "scale"), [("major", MAJOR_SCALE), ("minor", HARMONIC_MINOR)])
def test_scale_ending_on_its_tonic_is_in_its_key(tonic, mode, scale):
    pitches = [48 + tonic + degree for degree in scale] + [60 + tonic, 55 + tonic, 48 + tonic]
    assert find_key(melody(pitches, [24] * 9 + [72])) == Key(tonic, mode)


def test_profile_of_a_key_is_in_that_key():
    # Krumhansl & Kessler 1982, as printed; not read from the code under test
    major = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
    minor = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]
    for tonic in range(12):
        assert key_of_histogram(np.roll(major, tonic)) == Key(tonic)
        assert key_of_histogram(np.roll(minor, tonic)) == Key(tonic, "minor")


def test_no_pitched_note_has_no_key():
    assert find_key(Score([], ())) is None
    assert find_key(melody([36, 38, 42], part=Part(0, True))) is None
    assert not pitch_class_histogram(melody([36, 38], part=Part(0, True))).any()


def test_twelve_equal_pitch_classes_have_no_key():
    assert find_key(melody(list(range(60, 72)))) is None


def test_drums_do_not_count():
    pitched = [[0, 96, 62, 80, 0], [0, 96, 66, 80, 0], [0, 96, 69, 80, 0]]
    drums = [[step, 1, 36, 80, 1] for step in range(960)]
    with_drums, _ = Score.build(pitched + drums, [Part(), Part(0, True)])
    without, _ = Score.build(pitched, [Part()])
    assert find_key(with_drums) == find_key(without) == Key(2)
    np.testing.assert_array_equal(pitch_class_histogram(with_drums), pitch_class_histogram(without))


@given(scores(min_pitch=12, max_pitch=115), st.integers(-12, 12))
def test_histogram_turns_with_transposition(score, semitones):
    histogram = pitch_class_histogram(score)
    turned = pitch_class_histogram(score.transposed(semitones))
    np.testing.assert_allclose(turned, np.roll(histogram, semitones), atol=1e-12)
    assert histogram.sum() == pytest.approx(1) or not histogram.any()


@settings(max_examples=60)
@given(st.lists(st.integers(1, 10**6), min_size=12, max_size=12, unique=True), st.integers(0, 11))
def test_key_turns_with_the_histogram(weights, semitones):
    # one pitch class far above the others, so that no two keys tie
    histogram = np.array(weights, float) + np.eye(12)[0] * 1e7
    assert key_of_histogram(np.roll(histogram, semitones)) == key_of_histogram(
        histogram
    ).transposed(semitones)
