import numpy as np
import pytest

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.packed import pack, records
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.shelf import Shelf, StoredReading, StoredScores, corpus_of
from musiclstm.score import Part, Score


def piece(pitch, name="x.mid"):
    score = Score(np.array([[0, 4, pitch, 80, 0]], np.int32), (Part(),), source=name)
    return Reading(FileReport(name, notes=1), score)


def stored(readings, place, begin=0):
    return [StoredReading.of(record, "folk", place, begin) for record in records(pack(readings))]


def test_scores_are_read_back_from_a_shelf():
    shelf = Shelf()
    first, second = [piece(60)], [piece(62), piece(64)]
    shelves = stored(first, shelf, shelf.put(pack(first)))
    shelves += stored(second, shelf, shelf.put(pack(second)))
    scores = StoredScores(shelves)
    assert [score.notes[0, 2] for score in scores] == [60, 62, 64]
    assert scores[-1].notes[0, 2] == 64
    assert [score.notes[0, 2] for score in scores[1:]] == [62, 64]
    assert scores[0].style == "folk"
    with pytest.raises(IndexError):
        scores[3]


def test_stored_scores_equal_the_same_scores():
    shelf = Shelf()
    readings = [piece(60), piece(62)]
    scores = StoredScores(stored(readings, shelf, shelf.put(pack(readings))))
    same = [reading.load().score for reading in scores._readings]
    assert scores == same
    assert scores != same[:1]


def test_a_cache_that_is_removed_meanwhile_is_told_in_words(tmp_path):
    path = tmp_path / "entry"
    path.write_bytes(pack([piece(60)]))
    (reading,) = stored([piece(60)], path)
    assert reading.load().score.notes[0, 2] == 60
    path.write_bytes(b"x" * 500)
    with pytest.raises(MusicLSTMError, match="run this again"):
        reading.load()
    path.unlink()
    with pytest.raises(MusicLSTMError, match="entry was changed or removed"):
        reading.load()


def test_a_full_disk_is_told_in_words(monkeypatch):
    class Full:
        def seek(self, *_):
            return 0

        def write(self, _):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(MusicLSTMError, match="No space left"):
        Shelf().put(b"x")


def test_a_corpus_keeps_reports_of_all_and_scores_of_the_kept():
    shelf = Shelf()
    readings = [piece(60, "a.mid"), Reading(FileReport("b.mid", reason="bad")), piece(62, "c.mid")]
    corpus = corpus_of(stored(readings, shelf, shelf.put(pack(readings))), {".pdf": 2})
    assert [score.source for score in corpus.scores] == ["a.mid", "c.mid"]
    assert [file.source for file in corpus.report.files] == ["a.mid", "b.mid", "c.mid"]
    assert corpus.report.as_dict()["passed_over"] == {".pdf": 2}
