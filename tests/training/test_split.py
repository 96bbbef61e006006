"""Splits are by piece, and copies stay together."""

import numpy as np
import pytest

from musiclstm.errors import TrainingError
from musiclstm.score import Part, Score
from musiclstm.training.corpus import prepare_corpus
from musiclstm.training.split import split_pieces
from tests.training.tiny import corpus_of


def tune(seed, n=60):
    rng = np.random.default_rng(seed)
    pitches = 60 + rng.integers(0, 12, n)
    steps = np.cumsum(rng.choice([6, 12, 24], n))
    notes = [[step, 6, pitch, 80, 0] for step, pitch in zip(steps, pitches, strict=True)]
    return Score.build(notes, [Part(name="melody")], source=f"tune {seed}")[0]


def test_about_the_share_is_held_out():
    splits = split_pieces([tune(seed) for seed in range(50)], 0.1, 0)
    assert 4 <= splits.count("valid") <= 7
    assert set(splits) == {"train", "valid"}


def test_copies_and_transpositions_share_a_split():
    pieces = [tune(seed) for seed in range(20)]
    copies = [piece.transposed(3) for piece in pieces]
    for seed in range(5):
        splits = split_pieces(pieces + copies, 0.3, seed)
        assert splits[:20] == splits[20:]
        assert "valid" in splits


def test_the_split_knows_music_not_order():
    pieces = [tune(seed) for seed in range(30)]
    splits = split_pieces(pieces, 0.2, 1)
    turned = split_pieces(pieces[::-1], 0.2, 1)
    assert splits == turned[::-1]
    assert splits != split_pieces(pieces, 0.2, 2)


def test_few_pieces_all_train():
    assert split_pieces([tune(seed) for seed in range(4)], 0.5, 0) == ["train"] * 4
    assert split_pieces([tune(1)] * 9, 0.5, 0) == ["train"] * 9
    assert split_pieces([tune(seed) for seed in range(9)], 0.0, 0) == ["train"] * 9


def test_one_long_piece_is_not_held_out_alone():
    pieces = [tune(0, 5000), *(tune(seed) for seed in range(1, 10))]
    for seed in range(5):
        splits = split_pieces(pieces, 0.05, seed)
        assert splits[0] == "train"
        assert splits.count("train") >= 5


def test_a_given_split_is_kept():
    corpus = corpus_of(tuple(tune(seed % 4) for seed in range(6)))
    held_out = {"tune 1"}.__contains__
    data = prepare_corpus(corpus, valid_share=0.5, seed=0, held_out=held_out)
    assert data.splits == ("train", "valid", "train", "train", "train", "valid")
    # what is held out is no part of the vocabulary
    assert (
        data.vocabulary
        == prepare_corpus(corpus, valid_share=0.0, seed=0, leave_out=held_out).vocabulary
    )
    nothing = prepare_corpus(corpus, valid_share=0.5, seed=0, held_out=lambda _: False)
    assert nothing.splits == ("train",) * 6


def test_holding_everything_out_leaves_nothing_to_learn():
    corpus = corpus_of(tuple(tune(seed) for seed in range(3)))
    with pytest.raises(TrainingError, match="all pieces are held out"):
        prepare_corpus(corpus, valid_share=0.1, seed=0, held_out=lambda _: True)
