"""Plain networks: the same in Keras and in NumPy, and they learn."""

import numpy as np
import pytest

from musiclstm.encoding import Field
from musiclstm.errors import TrainingError
from musiclstm.lab.plain import Pieces, PlainSettings, Rows, textbook
from musiclstm.lab.plain_keras import PlainNetwork, Trained, train_plain
from musiclstm.training.batches import BatchMaker
from musiclstm.training.corpus import TrainingSet
from tests.bundles import chorale, training_set

TINY = PlainSettings(units=8, head_units=6, steps=0, lanes=3, window=5)


@pytest.fixture(scope="module")
def music() -> TrainingSet:
    return training_set([chorale(f"piece{n}", bars=2 + n, seed=n) for n in range(3)])


@pytest.mark.parametrize(("kind", "layers"), [("rnn", 1), ("lstm", 2)])
def test_numpy_is_keras_from_window_to_window(music, kind, layers):
    settings = PlainSettings(kind=kind, layers=layers, units=8, head_units=6, lanes=3, window=5)
    network = PlainNetwork(settings, music.vocabulary)
    rng = np.random.default_rng(1)
    for name, variable in network.named.items():  # nothing may hide behind a zero
        variable.assign(variable + rng.normal(0, 0.3, variable.shape).astype(np.float32))
        assert variable.shape == network.model().weights[name].shape
    pieces = list(music.pieces)
    maker = BatchMaker(pieces, music.vocabulary, 3, 5, augment=False)
    width = 8 * (2 if kind == "lstm" else 1)
    state, total = np.zeros((layers, 3, width), np.float32), 0.0
    for windows in maker.single_pass():
        batch = maker.make(windows)
        nats, state = network(batch, state * ~batch["fresh"][None, :, None])
        total += float(np.sum(nats))
    mine = network.model().nats([Rows.of(piece, music.vocabulary) for piece in pieces])
    assert sum(float(nats.sum()) for nats in mine) == pytest.approx(total, rel=1e-5)
    per_note = network.model().nats_a_note(pieces)
    assert per_note.sum() == pytest.approx(total / sum(p.n_notes for p in pieces), rel=1e-5)


def test_illegal_events_have_no_probability_and_legal_ones_sum_to_one(music):
    model = PlainNetwork(TINY, music.vocabulary).model()
    rows = Rows.of(music.pieces[0], music.vocabulary)
    read = model.run(rows.inputs[None])[-1].h[0, 1:]
    for field, (_, logs) in zip(Field, model.heads(read, rows), strict=True):
        legal = rows.legal[:, music.vocabulary.slices[field]]
        assert np.exp(logs).sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert np.exp(logs)[~legal].max(initial=0) == 0


def test_what_is_read_later_changes_nothing_before(music):
    model = PlainNetwork(TINY, music.vocabulary).model()
    rows = Rows.of(music.pieces[0], music.vocabulary)
    shorter = Rows(*(array[:7] for array in rows))
    alone, beside = model.nats([shorter])[0], model.nats([rows, shorter])
    np.testing.assert_allclose(alone, beside[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(alone, beside[0][:7], rtol=1e-5, atol=1e-6)


def test_forget_bias_and_radius_are_what_was_asked_for(music):
    for bias in (0.0, 1.0):
        settings = PlainSettings(units=8, head_units=6, forget_bias=bias)
        first = PlainNetwork(settings, music.vocabulary).model().weights["cell.0.bias"]
        assert first.tolist() == [0] * 8 + [bias] * 8 + [0] * 16
    settings = PlainSettings(kind="rnn", units=8, head_units=6, radius=1.7)
    matrix = PlainNetwork(settings, music.vocabulary).model().weights["cell.0.recurrent_kernel"]
    assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(1.7, rel=1e-5)


def test_training_learns_and_repeats_itself(music):
    settings = PlainSettings(
        kind="rnn", units=8, head_units=6, steps=12, lanes=3, window=8, learning_rate=0.02
    )
    told: list[str] = []
    first = train_plain(music, {"a": settings}, told.append)["a"]
    again = train_plain(music, {"a": settings})["a"]
    assert isinstance(first, Trained)
    assert len(first.after.history) == 12
    assert any("12 of 12" in line for line in told)
    for name, weights in first.after.weights.items():
        np.testing.assert_array_equal(weights, again.after.weights[name])
    losses = first.after.history[:, 0]
    assert losses[-3:].mean() < losses[:3].mean() - 0.2
    before, after = (m.nats_a_note(music.pieces).sum() for m in first)
    assert after < before


def test_a_clipped_step_is_no_longer_than_it_may_be(music):
    settings = PlainSettings(
        kind="rnn", units=8, head_units=6, steps=1, lanes=3, window=8, descent=True,
        learning_rate=1.0, clip_norm=0.01,
    )  # fmt: skip
    found = train_plain(music, {"a": settings})["a"]
    moved = [found.after.weights[name] - old for name, old in found.before.weights.items()]
    assert found.after.history[0, 1] > 0.01
    length = np.sqrt(sum(float((each.astype(np.float64) ** 2).sum()) for each in moved))
    assert length == pytest.approx(0.01, rel=1e-3)


def test_a_comparison_is_fair_and_has_music(music):
    with pytest.raises(TrainingError, match="same lanes"):
        train_plain(music, {"a": TINY, "b": PlainSettings(lanes=4)})
    with pytest.raises(TrainingError, match="no pieces"):
        train_plain(Pieces(music.vocabulary, {}), textbook(TINY))
    assert {s.kind for s in textbook(TINY).values()} == {"rnn", "lstm"}
    assert len({s.forget_bias for s in textbook(TINY).values() if s.kind == "lstm"}) == 2
