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

# semitones above C, written by hand from the theory books: the degrees and their alterations
CHORDS = {
    # triads
    "C": (0, 4, 7),
    "Cmaj": (0, 4, 7),
    "CM": (0, 4, 7),
    "Cma": (0, 4, 7),
    "Cm": (0, 3, 7),
    "Cmin": (0, 3, 7),
    "Cmi": (0, 3, 7),
    "CMI": (0, 3, 7),
    "C-": (0, 3, 7),
    "Cdim": (0, 3, 6),
    "Co": (0, 3, 6),
    "C°": (0, 3, 6),
    "Cm(b5)": (0, 3, 6),
    "Caug": (0, 4, 8),
    "C+": (0, 4, 8),
    "C(#5)": (0, 4, 8),
    "C(b5)": (0, 4, 6),
    "C(-5)": (0, 4, 6),
    "Cm#5": (0, 3, 8),
    "C-#5": (0, 3, 8),
    "C5": (0, 7),
    "Cno3": (0, 7),
    "C(no3)": (0, 7),
    "C(omit5)": (0, 4),
    # suspended, and with an added note
    "Csus": (0, 5, 7),
    "Csus4": (0, 5, 7),
    "C(sus4)": (0, 5, 7),
    "Csus2": (0, 2, 7),
    "Csus2sus4": (0, 2, 5, 7),
    "C2": (0, 2, 4, 7),
    "Cadd2": (0, 2, 4, 7),
    "Cadd9": (0, 2, 4, 7),
    "C(add9)": (0, 2, 4, 7),
    "Cmadd9": (0, 2, 3, 7),
    "Cm(add9)": (0, 2, 3, 7),
    "Cmaj(add9)": (0, 2, 4, 7),
    "Cadd4": (0, 4, 5, 7),
    "Cadd11": (0, 4, 5, 7),
    "Cmadd11": (0, 3, 5, 7),
    "Cadd#11": (0, 4, 6, 7),
    "Caddb9": (0, 1, 4, 7),
    "Csus4add9": (0, 2, 5, 7),
    "C-b6": (0, 3, 7, 8),
    "Cmb6": (0, 3, 7, 8),
    # sixths
    "C6": (0, 4, 7, 9),
    "Cmaj6": (0, 4, 7, 9),
    "CM6": (0, 4, 7, 9),
    "Cm6": (0, 3, 7, 9),
    "C-6": (0, 3, 7, 9),
    "Cmin6": (0, 3, 7, 9),
    "C6/9": (0, 2, 4, 7, 9),
    "C69": (0, 2, 4, 7, 9),
    "C6(9)": (0, 2, 4, 7, 9),
    "C6add9": (0, 2, 4, 7, 9),
    "Cm6/9": (0, 2, 3, 7, 9),
    "C-69": (0, 2, 3, 7, 9),
    "CMI6/9": (0, 2, 3, 7, 9),
    "C69#11": (0, 2, 4, 6, 7, 9),
    "C6#11": (0, 4, 6, 7, 9),
    "C6sus4": (0, 5, 7, 9),
    # sevenths
    "C7": (0, 4, 7, 10),
    "Cdom7": (0, 4, 7, 10),
    "Cm7": (0, 3, 7, 10),
    "Cmin7": (0, 3, 7, 10),
    "CMIN7": (0, 3, 7, 10),
    "Cmi7": (0, 3, 7, 10),
    "C-7": (0, 3, 7, 10),
    "C−7": (0, 3, 7, 10),
    "Cmaj7": (0, 4, 7, 11),
    "CMaj7": (0, 4, 7, 11),
    "CM7": (0, 4, 7, 11),
    "CMA7": (0, 4, 7, 11),
    "Cma7": (0, 4, 7, 11),
    "CΔ": (0, 4, 7, 11),
    "CΔ7": (0, 4, 7, 11),
    "C△7": (0, 4, 7, 11),
    "C∆7": (0, 4, 7, 11),
    "C^": (0, 4, 7, 11),
    "C^7": (0, 4, 7, 11),
    "Cj7": (0, 4, 7, 11),
    "C7M": (0, 4, 7, 11),
    "C(maj7)": (0, 4, 7, 11),
    "CmM7": (0, 3, 7, 11),
    "CmMaj7": (0, 3, 7, 11),
    "Cm(maj7)": (0, 3, 7, 11),
    "CMI(MA7)": (0, 3, 7, 11),
    "C-maj7": (0, 3, 7, 11),
    "C-Δ7": (0, 3, 7, 11),
    "C-Δ": (0, 3, 7, 11),
    "C-^7": (0, 3, 7, 11),
    "Cm(#7)": (0, 3, 7, 11),
    "Cdim7": (0, 3, 6, 9),
    "Co7": (0, 3, 6, 9),
    "C°7": (0, 3, 6, 9),
    "Cº7": (0, 3, 6, 9),
    "Cdim(maj7)": (0, 3, 6, 11),
    "Co^7": (0, 3, 6, 11),
    "Cø": (0, 3, 6, 10),
    "Cø7": (0, 3, 6, 10),
    "CØ7": (0, 3, 6, 10),
    "Ch": (0, 3, 6, 10),
    "Ch7": (0, 3, 6, 10),
    "Cm7b5": (0, 3, 6, 10),
    "Cm7(b5)": (0, 3, 6, 10),
    "Cm7/b5": (0, 3, 6, 10),
    "Cm7-5": (0, 3, 6, 10),
    "C-7b5": (0, 3, 6, 10),
    "CMI7(b5)": (0, 3, 6, 10),
    "C+7": (0, 4, 8, 10),
    "C7+": (0, 4, 8, 10),
    "Caug7": (0, 4, 8, 10),
    "C7#5": (0, 4, 8, 10),
    "C7+5": (0, 4, 8, 10),
    "C7b5": (0, 4, 6, 10),
    "C7-5": (0, 4, 6, 10),
    "Cmaj7#5": (0, 4, 8, 11),
    "C+M7": (0, 4, 8, 11),
    "C+maj7": (0, 4, 8, 11),
    "C^7#5": (0, 4, 8, 11),
    "Cmaj7b5": (0, 4, 6, 11),
    "C7sus": (0, 5, 7, 10),
    "C7sus4": (0, 5, 7, 10),
    "C7SUS4": (0, 5, 7, 10),
    "C7(sus4)": (0, 5, 7, 10),
    "C7sus2": (0, 2, 7, 10),
    "Cmaj7sus4": (0, 5, 7, 11),
    "C7susadd3": (0, 4, 5, 7, 10),
    "C7no3": (0, 7, 10),
    "C7(no5)": (0, 4, 10),
    # ninths
    "C9": (0, 2, 4, 7, 10),
    "C7/9": (0, 2, 4, 7, 10),
    "C7(9)": (0, 2, 4, 7, 10),
    "Cm9": (0, 2, 3, 7, 10),
    "C-9": (0, 2, 3, 7, 10),
    "Cm7(9)": (0, 2, 3, 7, 10),
    "Cmaj9": (0, 2, 4, 7, 11),
    "CM9": (0, 2, 4, 7, 11),
    "CΔ9": (0, 2, 4, 7, 11),
    "C^9": (0, 2, 4, 7, 11),
    "Cmaj7(9)": (0, 2, 4, 7, 11),
    "C7M(9)": (0, 2, 4, 7, 11),
    "CmMaj9": (0, 2, 3, 7, 11),
    "C-^9": (0, 2, 3, 7, 11),
    "Cm(maj9)": (0, 2, 3, 7, 11),
    "Ch9": (0, 2, 3, 6, 10),
    "Cm9b5": (0, 2, 3, 6, 10),
    "C9sus": (0, 2, 5, 7, 10),
    "C9sus4": (0, 2, 5, 7, 10),
    "C9b5": (0, 2, 4, 6, 10),
    "C9#5": (0, 2, 4, 8, 10),
    "C+9": (0, 2, 4, 8, 10),
    "C9#11": (0, 2, 4, 6, 7, 10),
    "Cmaj9#11": (0, 2, 4, 6, 7, 11),
    "C^9#11": (0, 2, 4, 6, 7, 11),
    "C7b9": (0, 1, 4, 7, 10),
    "C7(b9)": (0, 1, 4, 7, 10),
    "C7-9": (0, 1, 4, 7, 10),
    "C7#9": (0, 3, 4, 7, 10),
    "C7+9": (0, 3, 4, 7, 10),
    "C7(♯9)": (0, 3, 4, 7, 10),
    "Cm7b9": (0, 1, 3, 7, 10),
    "C7b9sus": (0, 1, 5, 7, 10),
    "C7susb9": (0, 1, 5, 7, 10),
    "C7sus4(b9)": (0, 1, 5, 7, 10),
    "C7b9b5": (0, 1, 4, 6, 10),
    "C7b9#5": (0, 1, 4, 8, 10),
    "C7#9b5": (0, 3, 4, 6, 10),
    "C7#5#9": (0, 3, 4, 8, 10),
    "C7#9#5": (0, 3, 4, 8, 10),
    "C+7#9": (0, 3, 4, 8, 10),
    "C7b9#9": (0, 1, 3, 4, 7, 10),
    # elevenths and thirteenths, with all their thirds
    "C11": (0, 2, 4, 5, 7, 10),
    "Cm11": (0, 2, 3, 5, 7, 10),
    "C-11": (0, 2, 3, 5, 7, 10),
    "Cm7(11)": (0, 3, 5, 7, 10),
    "Cmaj7#11": (0, 4, 6, 7, 11),
    "CΔ#11": (0, 4, 6, 7, 11),
    "C^7#11": (0, 4, 6, 7, 11),
    "C7#11": (0, 4, 6, 7, 10),
    "C7+11": (0, 4, 6, 7, 10),
    "C7(b9,#11)": (0, 1, 4, 6, 7, 10),
    "C7(b9)(#11)": (0, 1, 4, 6, 7, 10),
    "C7b9#11": (0, 1, 4, 6, 7, 10),
    "C7#9#11": (0, 3, 4, 6, 7, 10),
    "C13": (0, 2, 4, 5, 7, 9, 10),
    "Cm13": (0, 2, 3, 5, 7, 9, 10),
    "Cmaj13": (0, 2, 4, 5, 7, 9, 11),
    "C^13": (0, 2, 4, 5, 7, 9, 11),
    "C13sus4": (0, 2, 5, 7, 9, 10),
    "C13sus": (0, 2, 5, 7, 9, 10),
    "C13#11": (0, 2, 4, 6, 7, 9, 10),
    "Cmaj13#11": (0, 2, 4, 6, 7, 9, 11),
    "C13b9": (0, 1, 4, 5, 7, 9, 10),
    "C13#9": (0, 3, 4, 5, 7, 9, 10),
    "C7(13)": (0, 4, 7, 9, 10),
    "C7/13": (0, 4, 7, 9, 10),
    "C7add13": (0, 4, 7, 9, 10),
    "C9(13)": (0, 2, 4, 7, 9, 10),
    "C7b13": (0, 4, 7, 8, 10),
    "C7b9b13": (0, 1, 4, 7, 8, 10),
    "C7(b9/b13)": (0, 1, 4, 7, 8, 10),
    "C7b13sus": (0, 5, 7, 8, 10),
    "C7alt": (0, 1, 3, 4, 6, 8, 10),
    "Calt": (0, 1, 3, 4, 6, 8, 10),
    # no chord
    "N.C.": tuple(range(12)),
    "NC": tuple(range(12)),
    # other roots: letter names count from C = 0
    "Am": (9, 0, 4),
    "F": (5, 9, 0),
    "F#m": (6, 9, 1),
    "F♯m": (6, 9, 1),
    "Bb": (10, 2, 5),
    "B♭": (10, 2, 5),
    "Abm": (8, 11, 3),
    "G7": (7, 11, 2, 5),
    "D7": (2, 6, 9, 0),
    "Ebm7": (3, 6, 10, 1),
    "Gbmaj7": (6, 10, 1, 5),
    "Bb-7": (10, 1, 5, 8),
    "Eb^7": (3, 7, 10, 2),
    "F#h7": (6, 9, 0, 4),
    "Cb5": (11, 6),
    "C#9": (1, 5, 8, 11, 3),
    # over another bass
    "C/Bb": (0, 4, 7, 10),
    "C6/9/E": (0, 2, 4, 7, 9),
    "Dm7/G": (2, 5, 9, 0, 7),
}


@pytest.mark.parametrize("figure", CHORDS)
def test_a_symbol_has_the_notes_that_the_books_say(figure):
    assert parse_chord(figure).pitch_classes == frozenset(CHORDS[figure])


@pytest.mark.parametrize(
    ("figure", "meant"),
    [
        ("C4", "Csus4 or Cadd11"),
        ("C-5", "Cm(b5) or C(b5) or C5"),
        ("C(9)", "C9 or Cadd9"),
        ("C/9", "C9 or Cadd9"),
        ("Bb(b9)", "Bb7b9 or Bbaddb9"),
        ("C(#11)", "C7#11 or Cmaj7#11 or Cadd#11"),
        ("C7/4/E", "C7sus4/E or C7add11/E"),
        ("C+11", "C(add#11) or C7#5#11"),
        ("Cm9b9", None),  # which ninth?
        ("Cmajor", "C"),
        ("Abb5", "Ab(b5) or Ab7b5"),
        ("C##9", "C#7#9"),
        ("am7", "Am7"),
        ("Hm", "Bm"),
        ("C/e", "C/E"),
        ("C7#13", None),
        ("C7(b9", None),
        ("Cmaj7alt", None),
        ("Cm7b5#5x", None),
    ],
)
def test_what_has_two_meanings_or_is_nearly_one_is_answered_with_what_it_could_be(figure, meant):
    with pytest.raises(RequestError, match="is no chord symbol; it could be ") as caught:
        parse_chord(figure)
    found = str(caught.value).partition("it could be ")[2]
    assert meant in (None, found)
    for symbol in found.split(" or "):  # each of them can be read
        assert parse_chord(symbol).pitch_classes


@pytest.mark.parametrize(
    "figure",
    [
        *("C((((", "C()", "C(,)", "C,", "C7)b9(", "C(b9(#11))", "C5b5", "C9b9", "C13b13"),
        *("CN6", "CGer", "Cit", "Ctristan", "Cdim13", "C7omit9", "Cdimsus4", "Cadd3", "C7913"),
    ],
)
def test_what_nobody_writes_is_refused(figure):
    with pytest.raises(RequestError, match="is no chord symbol"):
        parse_chord(figure)


def test_a_bass_after_a_slash_belongs_to_the_chord():
    chord = parse_chord("F#m7/E")
    assert (chord.root, chord.bass) == (6, 4)
    assert chord.pitch_classes == {6, 9, 1, 4}
    assert parse_chord("C/D").pitch_classes == {0, 2, 4, 7}
    assert parse_chord("C").bass is None
    assert parse_chord("C/C").bass == 0
    assert parse_chord("C6/9").bass is None
    assert parse_chord("C6/9/E").bass == 4


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
