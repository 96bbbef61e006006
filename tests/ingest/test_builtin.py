import numpy as np
import pytest

from musiclstm.errors import RequestError
from musiclstm.ingest import BUILTIN, IngestSettings, builtin, read_builtin
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.score import Key, Part, Score


@pytest.fixture
def some(monkeypatch):
    """Let a corpus hold only the files whose path ends in one of these."""
    every = builtin._files

    def choose(*endings):
        def few(corpus):
            return (file for file in every(corpus) if str(file.path).endswith(endings))

        monkeypatch.setattr(builtin, "_files", few)

    return choose


def test_a_chorale_has_four_named_voices(some):
    some("bwv269.mxl")
    corpus = read_builtin("chorales")
    (score,) = corpus.scores
    assert (score.source, score.style) == ("bach/bwv269", "bach")
    assert [part.name for part in score.parts] == ["soprano", "alto", "tenor", "bass"]
    assert score.key == Key.parse("G major")
    assert score.meter_map.pickup_steps == 24
    assert score.meter_map.meters[0].name == "3/4"
    first_chord = score.notes[score.notes[:, 0] == 0]
    assert first_chord[:, 2].tolist() == [67, 62, 59, 43]


def test_other_forces_are_told(some):
    # horns beside the voices; five voices; the prelude for keyboard; a reserved encoding
    some("bwv128.5.mxl", "bwv227.3.mxl", "bwv846.mxl", "bwv366.krn")
    corpus = read_builtin("chorales")
    assert [score.source for score in corpus.scores] == ["bach/bwv128.5"]
    assert corpus.report.kept[0].remarks[0] == "left out, beside the voices: Horn 1, Horn 2"
    reasons = {file.source: file.reason for file in corpus.report.skipped}
    assert reasons["bach/bwv366"] == "its encoder reserves the rights"
    assert "Soprano 1, Soprano 2" in reasons["bach/bwv227.3"]
    assert "Piano" in reasons["bach/bwv846"]


def test_the_same_music_is_kept_once(some):
    some("bwv190.7.mxl", "bwv190.7-inst.mxl")
    corpus = read_builtin("chorales")
    assert [score.source for score in corpus.scores] == ["bach/bwv190.7"]
    (copy,) = corpus.report.skipped
    assert (copy.problem, copy.style) == ("SAME_MUSIC", "bach")
    assert copy.reason.endswith(": bach/bwv190.7")
    assert copy.content_hash


def test_folk_tunes_are_melodies_named_one_by_one(some):
    some("0721-0730.abc", "HuntTheFoxJig.abc")
    corpus = read_builtin("folk")
    assert len(corpus.scores) == 11
    assert {score.style for score in corpus.scores} == {"oneills", "ryansMammoth"}
    assert corpus.scores[-1].source == "ryansMammoth/HuntTheFoxJig"
    assert corpus.scores[0].source.startswith("oneills/0721-")
    assert len(set(corpus.hashes)) == 11  # a hash for each tune, not for the file
    for score in corpus.scores:
        assert score.parts == (Part(40, name="melody"),)
        assert score.source.startswith(f"{score.style}/")


def test_a_cached_corpus_is_the_same(some, monkeypatch):
    some("0721-0730.abc")
    first = read_builtin("folk")

    def refuse(*_):
        raise AssertionError("a cached file was read again")

    monkeypatch.setattr(builtin, "_read_encoding", refuse)
    assert read_builtin("folk") == first


def test_one_broken_tune_costs_one_tune():
    text = "X:1\nT:Good\nM:4/4\nL:1/4\nK:C\nCDEF|\n\nX:2\nT:Silent\nM:4/4\nK:C\nz4|\n"
    text += "\nX:3\nT:Kept\nN:Copyright 1999, all rights reserved\nM:4/4\nK:C\nCDEF|\n"
    readings = list(builtin._read_tunes(text, IngestSettings(), "x/", "x"))
    assert [reading.report.source for reading in readings] == [
        "x/0001-good",
        "x/0002-silent",
        "x/0003-kept",
    ]
    assert [reading.report.reason for reading in readings] == [
        "",
        "it holds no notes",
        "its encoder reserves the rights",
    ]


def test_a_meter_that_nobody_wrote_is_dropped():
    # the second bar is too long: music21 splits it and calls the rest 1/4
    text = "X:1\nT:Long Bar\nM:3/4\nL:1/4\nK:C\nCDE|CDEF|GAB|c3|\n"
    (reading,) = builtin._read_tunes(text, IngestSettings(), "x/", "x")
    assert {meter.name for meter in reading.score.meter_map.meters} == {"3/4"}


def test_sources_are_made_unique():

    readings = [
        Reading(
            FileReport(name), Score(np.array([[0, 1, 60 + shift, 80, 0]]), (Part(),), source=name)
        )
        for shift, name in enumerate(("x/a", "x/A", "x/b", "x/a"))
    ]
    unique = builtin._with_unique_sources(readings)
    assert [reading.score.source for reading in unique] == ["x/a", "x/A-2", "x/b", "x/a-3"]
    assert [reading.report.source for reading in unique] == ["x/a", "x/A-2", "x/b", "x/a-3"]


def test_an_unknown_corpus_is_one_clear_line():
    with pytest.raises(RequestError, match=r"no built-in corpus 'jazz'; there are chorales, folk"):
        read_builtin("jazz")


@pytest.mark.parametrize("name", BUILTIN)
def test_every_corpus_has_files_and_a_description(name):
    assert BUILTIN[name].description
    assert len(list(builtin._files(BUILTIN[name]))) > 100
