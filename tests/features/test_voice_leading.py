import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musiclstm.errors import ScoreError
from musiclstm.features import ends_on_tonic, voice_grid, voice_leading
from musiclstm.features.voice_leading import (
    FIFTH,
    OCTAVE,
    VoiceLeading,
    crossings,
    out_of_range,
    parallels,
    wide_spacings,
)
from musiclstm.score import Key, Part, Score

CHORALES = Path(__file__).resolve().parents[3] / "shared" / "data" / "jsb"
VOICES = [Part(52, name=name) for name in ("soprano", "alto", "tenor", "bass")]
INTERVALS = {0: "P1", 3: "m3", 5: "P4", 6: "d5", 7: "P5", 8: "m6", 12: "P8", 19: "P12", 24: "P15"}
PERFECT = (0, 7, 7, 12, 12, 19, 24)  # these shall be drawn more often
pitches = st.integers(36, 84)


def score_of(grid, **attributes):
    """A piece of a grid, every step a note of its own."""
    rows = [
        [step, 1, pitch, 80, voice]
        for step, chord in enumerate(grid)
        for voice, pitch in enumerate(chord)
        if pitch >= 0
    ]
    return Score.build(rows, VOICES, steps_per_quarter=4, **attributes)[0]


# --- parallels ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quartet():
    """Judges two voices by music21: upper and lower, before and after."""
    from music21.note import Note  # noqa: PLC0415
    from music21.voiceLeading import VoiceLeadingQuartet  # noqa: PLC0415

    def two(lower, semitones):
        # spelled as the interval is written, since a diminished sixth is no fifth; what is named
        # keeps its spelling, what is given as a number is spelled anew
        low = Note(Note(lower).nameWithOctave)
        return low, low.transpose(INTERVALS[semitones])

    def judge(upper, lower):
        low, high = zip(*(two(b, a - b) for a, b in zip(upper, lower, strict=True)), strict=True)
        leading = VoiceLeadingQuartet(high[0], high[1], low[0], low[1])
        return {
            name: leading.parallelMotion(name, allowOctaveDisplacement=True)
            for name in ("P5", "P8", "P1")
        }

    return judge


@settings(max_examples=150, deadline=None)
@given(
    lower=st.tuples(pitches, pitches),
    above=st.tuples(*[st.sampled_from([*INTERVALS, *PERFECT])] * 2),
)
def test_parallels_are_music21s(quartet, lower, above):
    upper = tuple(low + interval for low, interval in zip(lower, above, strict=True))
    # a unison that opens to an octave is two different intervals to music21, and one to us
    assume(not (min(above) == 0 < max(above) and max(above) % 12 == 0))
    found = quartet(upper, lower)
    grid = np.array([upper, lower]).T
    assert parallels(grid, FIFTH) == found["P5"]
    assert parallels(grid, OCTAVE) == (found["P8"] or found["P1"])


@pytest.mark.parametrize(
    ("upper", "lower", "fifths", "octaves"),
    [
        ((67, 69), (60, 62), 1, 0),
        ((67, 67), (60, 60), 0, 0),  # nobody moves
        ((67, 81), (60, 62), 1, 0),  # a fifth, then a twelfth
        ((67, 69), (60, 50), 0, 0),  # in contrary motion
        ((60, 62), (60, 62), 0, 1),  # unisons
        ((60, 62), (60, 50), 0, 0),
        ((60, 74), (60, 62), 0, 1),  # a unison that becomes an octave
        ((67, 69), (61, 62), 0, 0),  # a diminished fifth before
        ((67, -1, 69), (60, -1, 62), 0, 0),  # a rest between
        ((60, 62), (65, 67), 1, 0),  # crossed fourths: fifths from the lower voice's place up
        ((60, 62), (67, 69), 0, 0),
    ],
)
def test_parallels_by_hand(upper, lower, fifths, octaves):
    grid = np.array([upper, lower]).T
    assert (parallels(grid, FIFTH), parallels(grid, OCTAVE)) == (fifths, octaves)


def test_every_pair_of_voices_counts():
    grid = np.array([[72, 67, 60, 48], [74, 69, 62, 50]])
    # soprano with tenor and bass, tenor with bass; alto with tenor and bass
    assert (parallels(grid, OCTAVE), parallels(grid, FIFTH)) == (3, 2)


@given(st.lists(st.tuples(*[st.integers(-1, 40)] * 4), min_size=1, max_size=12), st.integers(1, 4))
def test_a_finer_grid_counts_the_same(rows, times):
    grid = np.array(rows)
    finer = np.repeat(grid, times, axis=0)
    for interval in (FIFTH, OCTAVE):
        assert parallels(finer, interval) == parallels(grid, interval)
    assert crossings(finer) == times * crossings(grid)
    assert wide_spacings(finer) == times * wide_spacings(grid)


# --- crossing, spacing, ranges --------------------------------------------------------------


def test_crossing_and_spacing_need_both_voices():
    assert crossings(np.array([[60, -1, 62, -1]])) == 0
    assert crossings(np.array([[60, 62, 64, 65]])) == 3
    assert crossings(np.array([[60, 60, 60, 60]])) == 0
    assert wide_spacings(np.array([[80, -1, 60, 40]])) == 0
    assert wide_spacings(np.array([[80, 67, 54, 20]])) == 2
    assert wide_spacings(np.array([[79, 67, 55, 20]])) == 0


def test_ranges_are_of_each_part():
    inside = [(60, 55, 48, 40), (79, 74, 67, 62)]
    assert out_of_range(score_of(inside)) == 0
    assert out_of_range(score_of([(59, 54, 47, 39), (80, 75, 68, 63)])) == 8
    assert out_of_range(score_of([(60, 60, 60, 60), (60, 48, 60, 60)])) == 1


# --- endings --------------------------------------------------------------------------------


def test_the_bass_ends_the_piece():
    grid = [(72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48)]
    assert ends_on_tonic(score_of(grid))
    assert not ends_on_tonic(score_of(grid[:2]), Key(0))
    assert ends_on_tonic(score_of(grid[:2]), Key(7))
    assert ends_on_tonic(score_of([*grid, (71, 67, 62, -1)]), Key(0))  # its last note counts
    assert not ends_on_tonic(score_of(grid, key=Key(5)))
    assert not ends_on_tonic(Score([], VOICES))
    assert not ends_on_tonic(score_of([(72, 67, 64, -1)]), Key(0))


def test_a_written_key_does_not_hide_a_wrong_ending():
    grid = [(72, 67, 64, 48), (72, 69, 65, 53), (71, 65, 62, 55), (72, 67, 64, 48)]
    for key in (None, Key(0), Key(6)):
        assert voice_leading(score_of(grid, key=key)).off_tonic == 0
        assert voice_leading(score_of(grid[:3] * 2, key=key)).off_tonic == 1


# --- all of it ------------------------------------------------------------------------------


def test_all_counts_of_a_piece():
    grid = [(72, 67, 60, 48), (74, 69, 62, 50), (60, 62, 64, -1), (84, 67, 60, 48)]
    found = voice_leading(score_of(grid))
    assert found == VoiceLeading(
        pieces=1,
        steps=4,
        notes=15,
        parallel_fifths=2,
        parallel_octaves=3,
        crossings=2,
        wide_spacings=1,
        out_of_range=1,
        off_tonic=found.off_tonic,
    )
    assert np.array_equal(voice_grid(score_of(grid)), grid)


def test_a_chord_in_one_part_is_its_highest_note():
    rows = [[0, 4, 60, 80, 0], [0, 2, 64, 80, 0], [1, 1, 50, 80, 1]]
    grid = voice_grid(Score.build(rows, VOICES[:2])[0])
    assert grid.tolist() == [[64, -1], [64, 50], [60, -1], [60, -1]]


def test_four_voices_it_must_be():
    with pytest.raises(ScoreError, match="a trio has 3 parts, not four"):
        voice_leading(Score([], VOICES[:3], source="a trio"))


def test_bachs_own_figures():
    path = CHORALES / "Jsb16thSeparated.json"
    if not path.exists():
        pytest.skip("the JSB chorales are not here")
    grids = [np.array(piece) for piece in json.loads(path.read_bytes())["test"]]
    steps = sum(map(len, grids))

    def total(of, *rest):
        return sum(of(grid, *rest) for grid in grids)

    assert (len(grids), steps) == (77, 18900)
    assert round(total(parallels, FIFTH) / 77, 2) == 0.23
    assert round(total(parallels, OCTAVE) / 77, 2) == 0.08
    assert round(100 * total(crossings) / steps, 2) == 1.99
    assert round(100 * total(wide_spacings) / steps, 2) == 1.59
