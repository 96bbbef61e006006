from dataclasses import replace

import pytest

from musiclstm.errors import RequestError
from musiclstm.lab.music import Music
from musiclstm.model import load_bundle
from musiclstm.rendering import write_midi
from tests.bundles import chorale, chorales, tiny_bundle

NEW = [chorale(f"new{number}", seed=40 + number, bars=3 + number % 3) for number in range(7)]


def folder(path, scores):
    for score in scores:
        write_midi(score, path / f"{score.source}.mid")
    return path


@pytest.fixture
def bundle(tmp_path):
    return load_bundle(tiny_bundle(tmp_path / "tiny"))


def sources(pieces):
    return sorted(piece.source.removesuffix(".mid") for piece in pieces)


def with_split(bundle, held_out):
    pieces = [
        {**piece, "split": "valid" if piece["source"] in held_out else "train"}
        for piece in bundle.corpus["pieces"]
    ]
    return replace(bundle, corpus={**bundle.corpus, "pieces": pieces})


def test_what_was_held_out_when_the_bundle_was_made_is_held_out(bundle, tmp_path):
    music = Music(with_split(bundle, {"upbeat"}), folder(tmp_path / "src", [*chorales(), *NEW]))
    assert sources(music.held_out) == sources(music.data.of("valid")) == ["upbeat"]
    others = sorted(score.source for score in chorales() if score.source != "upbeat")
    assert sources(music.learned) == sources(music.data.of("train")) == others


def test_a_bundle_that_has_learned_from_all_is_asked_about_new_pieces(bundle, tmp_path):
    music = Music(bundle, folder(tmp_path / "src", [*chorales(), *NEW]))
    assert sources(music.held_out) == sources(NEW)
    # for trainings of their own a split is drawn among those it knows
    assert sources(music.data.pieces) == sources(chorales())


def test_of_music_that_the_bundle_has_never_met_a_split_is_drawn(bundle, tmp_path):
    music = Music(bundle, folder(tmp_path / "src", NEW))
    assert music.held_out
    assert not set(sources(music.learned)) & set(sources(music.held_out))
    assert sources([*music.learned, *music.held_out]) == sources(NEW)
    assert sources(music.data.of("valid")) == sources(music.held_out)


def test_a_bundle_of_nobodys_music_needs_a_folder(bundle):
    with pytest.raises(RequestError, match="add SRC"):
        _ = Music(bundle).pieces
