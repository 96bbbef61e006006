"""Which pieces of a folder a bundle has learned from."""

from dataclasses import replace

import pytest

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest import Corpus, read_folder
from musiclstm.model import load_bundle
from musiclstm.model.bundle import CORPUS, write_json
from musiclstm.model.pieces import encoded, read_pieces, sort_pieces
from musiclstm.rendering import write_midi
from tests.bundles import chorale, chorales, tiny_bundle


@pytest.fixture
def folder(tmp_path):
    for score in (*chorales(), chorale("stranger", seed=77)):
        write_midi(score, tmp_path / "music" / f"{score.source}.mid")
    return tmp_path / "music"


@pytest.fixture
def bundle(tmp_path, folder):
    path = tiny_bundle(tmp_path / "model")
    bundle = load_bundle(path)
    files = {file.source: file for file in read_folder(folder).report.kept}
    pieces = [
        {**piece, "hash": files[f"{piece['source']}.mid"].content_hash, "split": split}
        for piece, split in zip(
            bundle.corpus["pieces"], ("train", "train", "valid", "train", "odd"), strict=True
        )
    ]
    write_json(path / CORPUS, {**bundle.corpus, "pieces": pieces})
    return load_bundle(path)


def test_pieces_are_known_by_their_content(bundle, folder):
    (folder / "plain.mid").rename(folder / "renamed.mid")
    found = read_pieces(bundle, folder)
    assert {split: found.count(split) for split in ("train", "valid", "new")} == {
        "train": 3,
        "valid": 1,
        "new": 2,  # the stranger, and the piece of which nobody knows what it was for
    }
    assert [score.source for score in found.some("valid", 9)] == ["waltz.mid"]
    assert found.missing == 0


def test_pieces_with_other_bytes_are_known_by_name_and_notes(bundle, folder):
    corpus = read_folder(folder)
    files = [replace(file, content_hash="0" * 64) for file in corpus.report.files]
    report = replace(corpus.report, files=tuple(files))
    found = sort_pieces(bundle, Corpus(corpus.scores, report))
    assert (found.count("train"), found.count("valid")) == (3, 1)
    files = [replace(file, notes=file.notes + 1) for file in files]
    found = sort_pieces(bundle, Corpus(corpus.scores, replace(report, files=tuple(files))))
    assert found.count("new") == 6
    assert found.missing == 5


def test_some_pieces_are_spread_over_all(bundle, folder):
    found = read_pieces(bundle, folder)
    one, two = found.some("train", 1), found.some("train", 2)
    assert (len(one), len(two)) == (1, 2)
    assert len(encoded(bundle, two)) == 2


def test_without_a_folder_only_built_in_music_is_known(bundle):
    assert read_pieces(bundle, None) is None


def test_a_folder_without_music(bundle, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.mid").write_bytes(b"no music")
    with pytest.raises(MusicLSTMError, match="could be read"):
        read_pieces(bundle, tmp_path / "bad")


def test_a_strangers_list_of_pieces_may_say_anything(bundle, folder):
    pieces = [{"hash": [1], "source": {}, "notes": [2], "split": 3}, {}]
    strange = replace(bundle, corpus={"pieces": pieces})
    found = sort_pieces(strange, read_folder(folder))
    assert (found.count("new"), found.missing) == (6, 2)
