"""One step of training: what it changes, and what it leaves alone."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.training.batches import BatchMaker
from musiclstm.training.corpus import prepare_corpus
from tests.training.tiny import TINY

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def data(corpus):
    return prepare_corpus(corpus, valid_share=0.2, seed=0)


def batches(data, n):
    maker = BatchMaker(data.of("train"), data.vocabulary, TINY.lanes, TINY.window, augment=True)
    schedule = maker.training_schedule(0)
    return [maker.make(next(schedule)) for _ in range(n)]


def test_weight_decay_is_for_kernels_and_tables_alone(data):
    """One step with and without, from the same weights: Adam's part of it is the same."""
    from musiclstm.training.step import Trainer  # noqa: PLC0415 - takes seconds

    (batch,) = batches(data, 1)
    start, after = {}, {}
    for decay in (0.0, 0.5):
        trainer = Trainer(replace(TINY, weight_decay=decay), data.vocabulary)
        # nothing is 0, so that what is taken away can be seen
        start = {name: value + 0.5 for name, value in trainer.network.numpy_weights().items()}
        trainer.network.assign(start)
        trainer.train(batch)
        after[decay] = trainer.network.numpy_weights()
    share = 0.5 * TINY.learning_rate_at(0)
    seen = set()
    for name, value in start.items():
        kind = next((word for word in ("kernel", "table") if name.endswith(word)), "bias")
        expected = np.zeros_like(value) if kind == "bias" else share * value
        taken = after[0.0][name] - after[0.5][name]
        assert np.allclose(taken, expected, atol=1e-6), name
        seen.add(kind)
    assert seen == {"kernel", "table", "bias"}


def test_what_is_averaged_follows_the_weights(data):
    from musiclstm.training.step import Trainer  # noqa: PLC0415

    trainer = Trainer(TINY, data.vocabulary)
    expected = trainer.network.numpy_weights()
    for step, batch in enumerate(batches(data, 3)):
        trainer.train(batch)
        momentum = min(TINY.average, (1 + step) / (10 + step))
        own = trainer.network.numpy_weights()
        expected = {n: momentum * v + (1 - momentum) * own[n] for n, v in expected.items()}
    for name, value in trainer.averaged_weights().items():
        assert np.allclose(value, expected[name], atol=1e-6), name
