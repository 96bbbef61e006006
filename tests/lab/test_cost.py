"""What is counted is exact; what is timed is only said as it was measured."""

import numpy as np
import pytest

from musiclstm.encoding import encode
from musiclstm.lab.cost import (
    DECODER,
    LAYERS,
    TRANSFORMER,
    Costs,
    CostSettings,
    bytes_of,
    cost,
    slope,
    total_seconds,
    words,
)
from musiclstm.lab.transformer import Transformer
from musiclstm.model import load_bundle
from musiclstm.rendering.document import Picture, Table
from tests.bundles import chorale, tiny_bundle

SMALL = CostSettings(lengths=(4, 20, 40), repetitions=2, head=4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("cost") / "tiny"))


@pytest.fixture(scope="module")
def outcome(bundle):
    return cost(SMALL, bundle, encode(chorale(bars=2), bundle.vocabulary))


def test_memory_is_constant_for_one_and_linear_for_the_other(outcome, bundle):
    kept, network = outcome.numbers["costs"].bytes, bundle.network
    assert kept[LAYERS] == [2 * network.layers * network.units * 4] * 3  # h and c, float32
    assert len(set(kept[DECODER])) == 1
    assert kept[DECODER][0] > kept[LAYERS][0]
    a_note = 2 * network.layers * network.units * 4  # key and value, float32
    assert kept[TRANSFORMER] == [a_note * length for length in SMALL.lengths]


def test_everything_was_timed_and_is_shown(outcome):
    costs = outcome.numbers["costs"]
    assert set(costs.milliseconds) == {LAYERS, DECODER, TRANSFORMER}
    assert all(len(times) == 3 and min(times) >= 0 for times in costs.milliseconds.values())
    picture, table = outcome.blocks
    assert isinstance(picture, Picture)
    assert isinstance(table, Table)
    assert len(table.rows) == 3
    assert len(table.rows[0]) == len(table.columns) == 7


def test_both_have_as_many_weights_but_for_biases(outcome):
    weights = outcome.numbers["costs"].weights
    assert weights[LAYERS] - weights[TRANSFORMER] == 2 * 4 * 8


def costs(times, sizes):
    flat = [1.0] * len(times)
    return Costs(
        [100, 1100, 2100],
        {LAYERS: flat, DECODER: flat, TRANSFORMER: times},
        {LAYERS: [8] * 3, DECODER: [8] * 3, TRANSFORMER: sizes},
        {LAYERS: 1, DECODER: 1, TRANSFORMER: 1},
    )


def test_the_words_follow_the_numbers():
    growing = words(costs([1.0, 2.0, 3.0], [8, 88, 168]))
    assert "Transformer: more time a note" in growing
    assert "more memory" in growing
    assert "LSTM layers: the same time a note" in growing
    assert "+1.000 ms (Transformer)" in growing
    level = words(costs([1.0, 1.0, 1.0], [8, 8, 8]))
    assert "more" not in level


def test_slope_and_total_of_a_straight_line():
    line = costs([1.0, 2.0, 3.0], [1, 2, 3])
    assert slope(line, TRANSFORMER) == pytest.approx(1e-3)
    # 100 notes of 1 ms, then a trapezium
    assert total_seconds(line, TRANSFORMER) == pytest.approx(0.1 + 2000 * 2.0 / 1000)


def test_bytes_are_counted_once():
    array = np.zeros(3)
    assert bytes_of([array, (array, np.zeros(1)), "text", None]) == 32


def by_hand(transformer, notes):
    """All notes at once, each attending to those up to itself, head by head."""
    t, x = transformer, np.concatenate(notes).astype(float)

    def normal(x):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)

    layers = zip(t._asking, t._joining, t._widening, t._narrowing, strict=True)
    for asking, joining, widening, narrowing in layers:
        q, k, v = np.split(normal(x) @ asking, 3, axis=1)
        said = np.zeros_like(x)
        for head in range(t.heads):
            at = slice(head * t.head, (head + 1) * t.head)
            scores = np.exp(q[:, at] @ k[:, at].T / np.sqrt(t.head)) * np.tri(len(x))
            said[:, at] = scores / scores.sum(1, keepdims=True) @ v[:, at]
        x = x + said @ joining
        x = x + np.maximum(normal(x) @ widening, 0) @ narrowing
    return x


@pytest.mark.parametrize("head", [3, 4, 5])  # 5 does not divide 12: one head
def test_the_cache_gives_what_attending_to_all_at_once_gives(head):
    rng = np.random.default_rng(3)
    transformer = Transformer(12, 2, head, rng)
    transformer.remember(rng, 6)
    notes = [rng.standard_normal((1, 12)).astype(np.float32) for _ in range(6)]
    found = np.concatenate([transformer.step(note, n) for n, note in enumerate(notes)])
    np.testing.assert_allclose(found, by_hand(transformer, notes), atol=1e-4)
