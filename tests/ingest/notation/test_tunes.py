import pytest

from musiclstm.ingest.notation.tunes import (
    Voice,
    common_fields,
    each_tune,
    split_tunes,
    voices_of,
    with_note_length,
    without_prose,
)
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport, Reading

HEAD = "X:1\nM:4/4\nL:1/4\n"


def music(voice):
    """The lines behind the head."""
    return voice.text.partition("K:C\n")[2]


def test_tunes_begin_with_their_numbers():
    head, tunes = split_tunes("%abc-2.1\nM:4/4\nSome words.\n\nX:1\nK:C\nC|\n\nX:2\nK:D\nD|\n")
    assert common_fields(head) == "%abc-2.1\nM:4/4\n"
    assert [tune[:4] for tune in tunes] == ["X:1\n", "X:2\n"]
    assert split_tunes("K:C\nC|") == ("K:C\nC|", [])


def test_a_tune_that_fails_is_skipped_alone():
    def read(tune, name):
        if tune == "bad":
            raise Problem.NO_NOTES.error()
        if tune == "worse":
            raise ZeroDivisionError
        return Reading(FileReport(name))

    good, bad, worse = each_tune(["good", "bad", "worse"], ["a", "b", "c"], read)
    assert [r.report.problem for r in (good, bad, worse)] == ["", "NO_NOTES", "BAD_NOTATION"]
    assert worse.report.reason.endswith("ZeroDivisionError")
    assert len({r.report.content_hash for r in (good, bad, worse)}) == 3


def test_running_out_of_memory_is_no_fault_of_one_tune():
    def read(tune, name):
        raise MemoryError

    with pytest.raises(MemoryError):
        list(each_tune(["a"], ["a"], read))


def test_one_voice_is_left_as_it_is():
    tune = HEAD + "K:C\nCDEF|\nw: la la\n"
    assert voices_of(tune) == [Voice(tune)]
    assert voices_of("V:1\nno key") == [Voice("V:1\nno key")]


@pytest.mark.parametrize(
    "tune",
    [
        HEAD + "K:C\nV:1\nCDEF|\nw:do re\nV:2\nGABc|\n",
        HEAD + "V:1\nV:2\nK:C\n[V:1] CDEF|\n[V:2] GABc|\n",
        HEAD + "V: 1 clef=treble\nV: 2 clef=bass\nK:C\n[V: 1]CDEF|[V: 2]GABc|\n",
        HEAD + "K:C\nV:1 % first\nCDEF|\nV:2\nGABc|\n",
        HEAD + "V:1\nV:2\nK:C\nCDEF|\nV:2\nGABc|\n",  # music before any: the first voice's
    ],
)
def test_voices_are_taken_apart(tune):
    voices = voices_of(tune)
    assert [music(voice).strip() for voice in voices] == ["CDEF|", "GABc|"]
    for voice in voices:
        assert voice.text.startswith(HEAD)
        assert "V:" not in voice.text


def test_voices_come_in_the_order_of_their_declarations_and_keep_their_fields():
    tune = (
        HEAD + 'V:T name="Tenor\\nSax"\nV:B nm=Bass\n%%MIDI program 65\nK:C\n'
        "P:A\n[V:B] C4|\nK:D\n[V:T] c4|\n%%MIDI program 70\n"
    )
    tenor, bass = voices_of(tune)
    assert (tenor.name, bass.name) == ("Tenor Sax", "Bass")
    assert music(tenor).split() == ["P:A", "c4|", "%%MIDI", "program", "70"]
    assert music(bass).split() == ["P:A", "C4|", "K:D"]
    assert (tenor.program, bass.program) == (70, 65)


def test_a_sign_is_a_name_unless_it_is_a_number():
    names = [voice.name for voice in voices_of(HEAD + "K:C\nV:S\nC|\nV:2\nE|\nV:empty\nM:3/4\n")]
    assert names == ["S", ""]


def test_prose_behind_a_tune_is_cut_off():
    tune = HEAD + "K:C\n\nCDEF|\n%comment\nGABc|\n"
    assert without_prose(tune) == (tune, 0)
    assert without_prose(tune + "\nA bad edge.\n\nEnd\n") == (tune, 2)


def test_notes_are_eighths_where_nothing_is_said():
    assert "L:1/8\nK:C" in with_note_length("X:1\nK:C\nC|")
    for said in ("X:1\nM:4/4\nK:C\nC|", "X:1\nL:1/4\nK:C\nC|"):
        assert with_note_length(said) == said
