"""Rows on disk: the same rows, and nothing left behind."""

import errno
import gc
import tempfile

import numpy as np
import pytest

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.encoding.vocabulary import Vocabulary
from musiclstm.errors import TrainingError
from musiclstm.training.spool import ROW_TYPE, spooled
from tests.bundles import chorales


@pytest.fixture
def pieces():
    vocabulary = build_vocabulary(chorales())
    return [encode(score, vocabulary) for score in chorales()]


def test_the_rows_come_back(pieces, tmp_path):
    found = spooled(iter(pieces), tmp_path)
    for piece, kept in zip(pieces, found, strict=True):
        assert np.array_equal(piece.events, kept.events)
        assert (kept.source, kept.conditions, kept.n_notes) == (
            piece.source,
            piece.conditions,
            piece.n_notes,
        )
        assert not kept.events.flags.writeable
    assert spooled([], tmp_path) == ()


def test_the_file_has_no_name(pieces, tmp_path):
    found = spooled(pieces, tmp_path)
    assert list(tmp_path.iterdir()) == []
    first = found[0].events.copy()
    del found
    gc.collect()
    assert np.array_equal(first, pieces[0].events)


def test_every_id_fits(pieces):
    finest = Vocabulary(parts=build_vocabulary(chorales()).parts, row_order=(0, 1, 2, 3))
    largest = max(Vocabulary(finest.parts, finest.row_order, steps_per_quarter=960).sizes)
    assert largest <= np.iinfo(ROW_TYPE).max


def test_a_full_disk_is_said(pieces, tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(TrainingError, match=r"no room for the encoded music.*No space left"):
        spooled(pieces, tmp_path)


def test_a_folder_that_is_not_there_is_said(pieces, tmp_path):
    with pytest.raises(TrainingError, match="nowhere has no room"):
        spooled(pieces, tmp_path / "nowhere")
