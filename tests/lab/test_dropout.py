import pytest

from musiclstm.errors import TrainingError
from musiclstm.lab.dropout import KINDS, DropoutSettings, _turn, dropout, without
from musiclstm.lab.learning import Point
from musiclstm.model import NetworkConfig
from musiclstm.rendering.document import Table
from musiclstm.training.corpus import prepare_corpus
from tests.training.tiny import corpus_of, piece

SMALL = DropoutSettings("tiny", steps=4, lanes=2, window=16, evaluations=2, pieces=3)


def test_without_dropout_is_without_all_kinds_of_it_and_else_the_same():
    network = NetworkConfig(units=24)
    bare = without(network)
    assert [getattr(bare, kind) for kind in KINDS] == [0, 0, 0, 0]
    rest = {name for name in network.as_dict() if name not in KINDS}
    assert all(getattr(bare, name) == getattr(network, name) for name in rest)
    # a kind that is added one day must be known here
    assert set(KINDS) == {name for name in network.as_dict() if "dropout" in name} | {"noise"}


def test_the_outcome_says_where_the_curves_turn():
    pytest.importorskip("tensorflow")
    corpus = corpus_of(tuple(piece(number) for number in range(8)))
    outcome = dropout(SMALL, prepare_corpus(corpus, valid_share=0.2, seed=0))
    ours, bare = outcome.numbers["curves"]
    # the same seed: what differs at the beginning is nothing
    assert ours["held_out"][0] == pytest.approx(bare["held_out"][0], abs=1e-5)
    assert ours["held_out"][-1] != bare["held_out"][-1]
    assert None not in ours["train"]
    best = outcome.numbers["best"]["without dropout"]
    assert f"Without dropout held-out pieces are likeliest at step {best['step']}" in outcome.found
    worth = min(bare["held_out"]) - min(ours["held_out"])
    assert outcome.numbers["worth_at_best"] == pytest.approx(worth)
    assert f"dropout {'buys' if worth > 0 else 'costs'} {abs(worth):.3f}" in outcome.found
    table = next(block for block in outcome.blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == ["0", "2", "4"]


def test_a_curve_that_rises_has_turned_and_one_that_falls_has_not():
    def curve(*held_out):
        return [Point(10 * n, n, 1.0, value) for n, value in enumerate(held_out)]

    assert "step 10 (epoch 1), with 2.000" in _turn("x", curve(3, 2, 2.5))
    assert "there the curve turns, and ends at 2.500" in _turn("x", curve(3, 2, 2.5))
    assert "has not turned by step 20" in _turn("x", curve(3, 2, 2.005))


def test_nothing_held_out_is_refused():
    alone = prepare_corpus(corpus_of((piece(0),)), valid_share=0.2, seed=0)
    with pytest.raises(TrainingError, match="held out"):
        dropout(SMALL, alone)
