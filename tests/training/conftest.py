import pytest

from musiclstm.training import train
from tests.training.tiny import TINY, corpus_of, piece


@pytest.fixture(scope="session")
def corpus():
    return corpus_of(tuple(piece(number) for number in range(8)))


@pytest.fixture(scope="session")
def trained(corpus, tmp_path_factory):
    """A training that was never disturbed."""
    pytest.importorskip("tensorflow")
    return train(corpus, TINY, tmp_path_factory.mktemp("models") / "tiny")
