"""Chord symbols against notes from the theory books, and along the bars of a piece."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.errors import RequestError
from musiclstm.features.chord_symbols import chord_spans, parse_chord, parse_progression
from musiclstm.score import Meter, MeterMap

# written by hand: letter names count from C = 0
CHORDS = {
    "C": (0, 4, 7),
    "Cmaj": (0, 4, 7),
    "Cm": (0, 3, 7),
    "Cmin": (0, 3, 7),
    "C-": (0, 3, 7),
    "Am": (9, 0, 4),
    "F": (5, 9, 0),
    "F#m": (6, 9, 1),
    "F♯m": (6, 9, 1),
    "Bb": (10, 2, 5),
    "B♭": (10, 2, 5),
    "Abm": (8, 11, 3),
    "G7": (7, 11, 2, 5),
    "D7": (2, 6, 9, 0),
    "Cm7": (0, 3, 7, 10),
    "Cmin7": (0, 3, 7, 10),
    "C-7": (0, 3, 7, 10),
    "Ebm7": (3, 6, 10, 1),
    "Cmaj7": (0, 4, 7, 11),
    "CM7": (0, 4, 7, 11),
    "CΔ": (0, 4, 7, 11),
    "CΔ7": (0, 4, 7, 11),
    "Gbmaj7": (6, 10, 1, 5),
    "CmM7": (0, 3, 7, 11),
    "Cm(maj7)": (0, 3, 7, 11),
    "Cdim": (0, 3, 6),
    "Co": (0, 3, 6),
    "C°": (0, 3, 6),
    "Cdim7": (0, 3, 6, 9),
    "C°7": (0, 3, 6, 9),
    "Cø": (0, 3, 6, 10),
    "Cø7": (0, 3, 6, 10),
    "Cm7b5": (0, 3, 6, 10),
    "Cm7(b5)": (0, 3, 6, 10),
    "Caug": (0, 4, 8),
    "C+": (0, 4, 8),
    "C+7": (0, 4, 8, 10),
    "C7#5": (0, 4, 8, 10),
    "C7b5": (0, 4, 6, 10),
    "Csus2": (0, 2, 7),
    "Csus4": (0, 5, 7),
    "Csus": (0, 5, 7),
    "C7sus4": (0, 5, 7, 10),
    "C9sus4": (0, 5, 7, 10, 2),
    "C6": (0, 4, 7, 9),
    "Cm6": (0, 3, 7, 9),
    "C6/9": (0, 4, 7, 9, 2),
    "C69": (0, 4, 7, 9, 2),
    "Cm6/9": (0, 3, 7, 9, 2),
    "Cadd9": (0, 4, 7, 2),
    "C(add9)": (0, 4, 7, 2),
    "Cmadd9": (0, 3, 7, 2),
    "C9": (0, 4, 7, 10, 2),
    "Cm9": (0, 3, 7, 10, 2),
    "Cmaj9": (0, 4, 7, 11, 2),
    "C11": (0, 4, 7, 10, 2, 5),
    "Cm11": (0, 3, 7, 10, 2, 5),
    "C13": (0, 4, 7, 10, 2, 5, 9),
    "C7b9": (0, 4, 7, 10, 1),
    "C7#9": (0, 4, 7, 10, 3),
    "C7#11": (0, 4, 7, 10, 6),
    "C7b13": (0, 4, 7, 10, 8),
    "C5": (0, 7),
    "N.C.": tuple(range(12)),
}


@pytest.mark.parametrize("figure", CHORDS)
def test_a_symbol_has_the_notes_that_the_books_say(figure):
    assert parse_chord(figure).pitch_classes == frozenset(CHORDS[figure])


def test_a_bass_after_a_slash_belongs_to_the_chord():
    chord = parse_chord("F#m7/E")
    assert (chord.root, chord.bass) == (6, 4)
    assert chord.pitch_classes == {6, 9, 1, 4}
    assert parse_chord("C/D").pitch_classes == {0, 2, 4, 7}
    assert parse_chord("C").bass == 0


@pytest.mark.parametrize("figure", ["", "H", "c", "Cxyz", "C/", "C/H", "C\x00", "C" * 99, "1", "/"])
def test_what_is_no_symbol_is_refused_in_one_line(figure):
    with pytest.raises(RequestError, match="is no chord symbol") as caught:
        parse_chord(figure)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ABCDEFGmMb#75(96+-o/|% sudaj1234♭Δ"), max_size=12))
def test_garbage_is_read_or_refused(text):
    with suppress(RequestError):
        progression = parse_progression(text)
        assert all(chord.pitch_classes for bar in progression for chord in bar)


def test_bars():
    def figures(text):
        return [[chord.figure for chord in bar] for bar in parse_progression(text)]

    assert figures("| C | Am F |") == [["C"], ["Am", "F"]]
    assert figures("C | % | | G") == [["C"], ["C"], ["C"], ["G"]]


@pytest.mark.parametrize("text", ["", " | ", "% | C", "C | " * 1001, "C " * 17])
def test_progressions_that_are_none(text):
    with pytest.raises(RequestError):
        parse_progression(text)


def test_chords_share_the_beats_of_their_bar():
    waltz = MeterMap((Meter(0, 3, 4),), pickup_steps=24)
    spans = chord_spans(parse_progression("C | Am F"), waltz, 3, 24)
    assert spans.start.tolist() == [0, 24, 96, 144, 168]
    assert spans.end.tolist() == [24, 96, 144, 168, 240]
    assert [chord.figure for chord in spans.chords] == ["F", "C", "Am", "F", "C"]


def test_chords_follow_changes_of_meter_and_may_be_more_than_beats():
    changing = MeterMap((Meter(0, 2, 4), Meter(48, 4, 4)))
    spans = chord_spans(parse_progression("C G C G"), changing, 2, 24)
    assert spans.start.tolist() == [0, 12, 24, 36, 48, 72, 96, 120]
    assert spans.end[-1] == 144


def test_a_progression_may_begin_later():
    spans = chord_spans(parse_progression("C | F | G"), MeterMap((Meter(0, 4, 4),)), 4, 24, first=1)
    assert [chord.figure for chord in spans.chords] == ["G", "C", "F", "G"]


def test_music21_is_not_imported_with_the_module():
    code = "import sys, musiclstm.features.chord_symbols as c; assert 'music21' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
