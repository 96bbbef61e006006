"""Gates along a piece: held to Keras' own LSTM, to the decoder's steps, and to arithmetic."""

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field, encode, prepare
from musiclstm.errors import RequestError
from musiclstm.insight.muting import muted, parse_units
from musiclstm.insight.trace import trace
from musiclstm.model import load_bundle
from musiclstm.model.likelihood import _read
from tests.bundles import chorale, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "tiny", units=6))


@pytest.fixture(scope="module")
def piece(bundle):
    return encode(chorale("fresh", seed=31, bars=3), bundle.vocabulary)


def test_hidden_and_cell_states_are_those_of_the_decoders_steps(bundle, piece):
    gates = bundle.decoder.gates(piece)
    state = bundle.decoder.start(Conditions(), piece.part_map, meter_map=piece.meter_map)
    for row in range(len(piece.events)):
        np.testing.assert_allclose(gates.hidden[:, row], state.h[:, 0], atol=1e-5)
        np.testing.assert_allclose(gates.cell[:, row], state.c[:, 0], atol=1e-5)
        state = bundle.decoder.advance(state, piece.events[row : row + 1])


def test_gates_are_those_of_keras(bundle, piece):
    """Each layer as ``keras.layers.LSTM`` runs it, one row at a time, from the same weights."""
    import keras  # noqa: PLC0415

    gates = bundle.decoder.gates(piece)
    folded, units = bundle.decoder.folded, bundle.network.units
    made = prepare(piece, bundle.vocabulary)
    c = made.context
    onset = folded.onset_layer(c.onset_ids, c.sounding, c.remaining, c.struck)
    x = _read(folded, made, onset, np.zeros(units, np.float32) + bundle.decoder._said(Conditions()))
    for layer in range(bundle.network.layers):
        names = ("kernel", "recurrent_kernel", "bias")
        weights = [np.asarray(bundle.weights[f"lstm.{layer}.{name}"]) for name in names]
        cell = keras.layers.LSTM(units, return_sequences=True)
        cell.build((1, None, units))
        cell.set_weights(weights)
        hidden = np.asarray(cell(x[None]))[0]
        np.testing.assert_allclose(gates.hidden[layer], hidden, atol=1e-5)
        # what Keras' equations make of its own hidden states
        before = np.concatenate([np.zeros((1, units), np.float32), hidden[:-1]])
        z = x @ weights[0] + before @ weights[1] + weights[2]
        i, f, g, o = np.split(z, 4, axis=1)
        for ours, theirs in zip((gates.input, gates.forget, gates.output), (i, f, o), strict=True):
            np.testing.assert_allclose(ours[layer], 1 / (1 + np.exp(-theirs)), atol=1e-5)
        np.testing.assert_allclose(gates.candidate[layer], np.tanh(g), atol=1e-5)
        x = x + gates.hidden[layer]


def test_cells_do_what_their_gates_say(bundle, piece):
    g = bundle.decoder.gates(piece)
    before = np.concatenate([np.zeros_like(g.cell[:, :1]), g.cell[:, :-1]], axis=1)
    np.testing.assert_allclose(g.cell, g.forget * before + g.input * g.candidate, atol=1e-5)
    np.testing.assert_allclose(g.hidden, g.output * np.tanh(g.cell), atol=1e-5)


def test_a_trace_tells_of_notes(bundle, piece):
    t = trace(bundle, piece)
    assert len(t.onset) == piece.n_notes
    assert t.gates.cell.shape == (2, piece.n_notes, 6)
    np.testing.assert_allclose(
        t.gates.hidden[:, 0], bundle.decoder.gates(piece).hidden[:, 1], atol=1e-6
    )
    np.testing.assert_allclose(t.chance, np.exp(-t.nats[:, Field.PITCH]), rtol=1e-4)
    assert (np.diff(t.chances, axis=1) <= 0).all()
    assert (t.chances[:, 0] >= t.chance - 1e-6).all()
    nats = bundle.decoder.score(piece)
    assert t.surprise.sum() == pytest.approx(nats[:-1].sum(), rel=1e-5)


# --- muting -----------------------------------------------------------------------------------


def test_a_muted_unit_is_zero_and_others_are_not(bundle, piece):
    quiet = muted(bundle, [(1, 3)])
    gates = quiet.decoder.gates(piece)
    assert (gates.cell[1, :, 3] == 0).all()
    assert (gates.hidden[1, :, 3] == 0).all()
    assert (gates.hidden[1, :, 2] != 0).any()
    np.testing.assert_array_equal(gates.hidden[0], bundle.decoder.gates(piece).hidden[0])
    assert quiet.decoder.score(piece).sum() != bundle.decoder.score(piece).sum()


def test_the_bundle_itself_stays(bundle, piece):
    before = bundle.decoder.score(piece)
    muted(bundle, [(0, unit) for unit in range(6)])
    fresh = load_bundle(bundle.path)
    np.testing.assert_array_equal(fresh.decoder.score(piece), before)


@pytest.mark.parametrize("unit", [(2, 0), (0, 6), (-1, 0)])
def test_units_that_are_not_there(bundle, unit):
    with pytest.raises(RequestError, match="there is no unit"):
        muted(bundle, [unit])


@pytest.mark.parametrize("word", ["", "3", "a:b", "1:2:3", "-1:2"])
def test_units_that_are_misspelt(word):
    with pytest.raises(RequestError, match="LAYER:UNIT"):
        parse_units([word])
