"""Splits are by piece, and copies stay together."""

import numpy as np

from musiclstm.score import Part, Score
from musiclstm.training.split import split_pieces


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
