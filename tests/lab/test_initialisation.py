import statistics

import pytest

from musiclstm.errors import TrainingError
from musiclstm.lab.initialisation import InitialisationSettings, initialisation
from musiclstm.lab.learning import Learner, fewer
from musiclstm.rendering.document import Table
from musiclstm.training.corpus import prepare_corpus
from tests.training.tiny import TINY, corpus_of, piece

SMALL = InitialisationSettings(
    "tiny", seeds=2, steps=4, lanes=2, window=16, evaluations=2, pieces=3, seed=5
)


@pytest.fixture(scope="module")
def data():
    corpus = corpus_of(tuple(piece(number) for number in range(8)))
    return prepare_corpus(corpus, valid_share=0.2, seed=0)


def test_a_seed_always_learns_the_same_and_another_something_else(data):
    pytest.importorskip("tensorflow")
    learner = Learner(data, TINY, score_training=True)
    curves = [learner.learn(seed, lambda _: None, "") for seed in (1, 2, 1)]
    assert curves[0] == curves[2]  # although the network of the second stands between
    assert curves[0] != curves[1]
    assert [point.step for point in curves[0]] == [0, 4, 8, 12]
    assert curves[0][-1].held_out < curves[0][0].held_out
    assert curves[0][-1].train < curves[0][0].train


def test_fewer_pieces_leave_the_held_out_ones(data):
    few = fewer(data, 3)
    assert len(few.of("train")) == 3
    assert [p.source for p in few.of("valid")] == [p.source for p in data.of("valid")]
    assert fewer(data, 1000).splits == data.splits


def test_the_outcome_says_the_spread(data):
    pytest.importorskip("tensorflow")
    told = []
    outcome = initialisation(SMALL, data, tell=told.append)
    ends = outcome.numbers["ends"]
    assert [curve["of"] for curve in outcome.numbers["curves"]] == [5, 6]
    assert ends == [curve["held_out"][-1] for curve in outcome.numbers["curves"]]
    assert outcome.numbers["train_pieces"] == 3
    assert outcome.numbers["deviation"] == pytest.approx(statistics.stdev(ends))
    share = outcome.numbers["coefficient_of_variation"]
    assert f"{share:.2%} of the mean, which is {'less' if share < 0.01 else 'not less'}" in (
        outcome.found
    )
    table = next(block for block in outcome.blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == ["0", "2", "4"]
    assert told[-1].startswith("seed 6: step 4 of 4")


def test_nothing_held_out_is_refused():
    alone = prepare_corpus(corpus_of((piece(0),)), valid_share=0.2, seed=0)
    with pytest.raises(TrainingError, match="held out"):
        initialisation(SMALL, alone)
