"""``novelty.npz`` written share by share is what is made in memory."""

import errno

import numpy as np
import pytest

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.files import UnwritableError
from musiclstm.generation import CopyCheck, novelty_arrays
from musiclstm.training import copies
from musiclstm.training.copies import write_copies
from tests.bundles import chorale


@pytest.fixture(scope="module")
def learned():
    scores = [chorale(f"piece {seed}", bars=6, seed=seed % 4) for seed in range(7)]
    vocabulary = build_vocabulary(scores)
    return [encode(score, vocabulary) for score in scores], vocabulary


def test_what_is_written_is_known_by_part(learned, tmp_path):
    """The parts of each piece, and pieces of one part, whatever fits into memory."""
    _, vocabulary = learned
    scores = [chorale("all", bars=6, seed=1), chorale("bass", bars=6, seed=2).keep_parts([3])]
    pieces = [encode(score, vocabulary) for score in scores]
    write_copies(tmp_path / "n.npz", pieces, vocabulary, at_once=20)
    with np.load(tmp_path / "n.npz") as found:
        check = CopyCheck(dict(found), vocabulary)
    for score in (scores[0].keep_parts([2]), scores[1]):
        (copied,) = check.by_part(encode(score.transposed(3), vocabulary)).values()
        assert (copied.notes, copied.source) == (len(score.notes), score.source)


@pytest.mark.parametrize("at_once", [1, 50, 300, 10**6])
def test_it_is_the_same_whatever_fits_into_memory(learned, tmp_path, at_once):
    pieces, vocabulary = learned
    path = tmp_path / "novelty.npz"
    assert write_copies(path, pieces, vocabulary, at_once=at_once) == 7
    expected = novelty_arrays(pieces, vocabulary)
    with np.load(path, allow_pickle=False) as found:
        assert set(found.files) == set(expected)
        for name, values in expected.items():
            assert found[name].dtype == values.dtype
            assert np.array_equal(found[name], values), name
    assert [entry.name for entry in tmp_path.iterdir()] == ["novelty.npz"]


def test_pieces_too_short_for_a_run(learned, tmp_path):
    _, vocabulary = learned
    short = encode(chorale(bars=1).keep_parts([0]), vocabulary)
    assert write_copies(tmp_path / "n.npz", [short], vocabulary) == 1
    with np.load(tmp_path / "n.npz") as found:
        assert len(found["hashes"]) == 0
        assert found["sources"].tolist() == ["chorale"]
        assert found["alone"].tolist() == [0]


def test_it_keeps_to_what_a_bundle_may_hold(learned, tmp_path, monkeypatch):
    pieces, vocabulary = learned
    # four voices of one rhythm: runs of the texture, and of each voice a quarter of its notes
    runs = [piece.n_notes - 8 + 4 * (piece.n_notes // 4 - 8) for piece in pieces]
    monkeypatch.setattr(copies, "MOST_RUNS", sum(runs[:3]))
    assert write_copies(tmp_path / "n.npz", pieces, vocabulary) == 3
    with np.load(tmp_path / "n.npz") as found:
        assert len(found["sources"]) == 3
        assert len(found["hashes"]) == sum(runs[:3])
        assert set(found["piece"].tolist()) == {0, 1, 2}
    monkeypatch.setattr(copies, "MOST_RUNS", sum(runs[:3]) - 1)
    assert write_copies(tmp_path / "n.npz", pieces, vocabulary) == 2


def test_a_full_disk_is_said(learned, tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copies.tempfile, "TemporaryFile", full)
    with pytest.raises(UnwritableError, match=r"n\.npz: No space left") as caught:
        write_copies(tmp_path / "n.npz", *learned)
    assert caught.value.full
