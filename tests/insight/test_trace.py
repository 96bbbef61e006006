"""Gates along a piece: held to Keras' own LSTM, to the decoder's steps, and to arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field, encode, prepare
from musiclstm.errors import RequestError
from musiclstm.generation.typical import beginning
from musiclstm.insight.muting import loss, muted, parse_units
from musiclstm.insight.trace import gates_of, notes_of, trace
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
    assert len(t.notes.onset) == piece.n_notes
    assert t.gates.cell.shape == (2, piece.n_notes, 6)
    np.testing.assert_allclose(
        t.gates.hidden[:, 0], bundle.decoder.gates(piece).hidden[:, 1], atol=1e-6
    )
    np.testing.assert_allclose(t.chance, np.exp(-t.nats[:, Field.PITCH]), rtol=1e-4)
    assert (np.diff(t.chances, axis=1) <= 0).all()
    assert (t.chances[:, 0] >= t.chance - 1e-6).all()
    nats = bundle.decoder.score(piece)
    assert t.nats_per_note.sum() == pytest.approx(nats.sum() / piece.n_notes, rel=1e-5)
    assert t.surprise.sum() == pytest.approx(nats[:-1].sum(), rel=1e-5)


def test_of_some_notes_it_is_told_as_of_all(bundle, piece):
    whole = trace(bundle, piece)
    some = trace(bundle, piece, slice(5, 11))
    assert some.gates.cell.shape == (2, 6, 6)
    for ours, of_all in zip(some.gates, whole.gates, strict=True):
        np.testing.assert_array_equal(ours, of_all[:, 5:11])
    np.testing.assert_array_equal(some.nats, whole.nats)


def test_of_a_piece_that_is_cut_only_the_notes_that_are_read_count(bundle, piece):
    cut = beginning(piece, bundle.vocabulary, 9)
    assert cut.n_notes > 8  # as it was
    told = trace(bundle, cut).nats_per_note.sum()
    assert told == pytest.approx(bundle.decoder.score(cut).sum() / 8, rel=1e-5)
    quiet = muted(bundle, [(0, 1)])
    assert sum(loss(bundle, quiet, [(0, 1)], cut).nats) == pytest.approx(told)


def test_rests_do_not_move_gates_from_their_notes(bundle):
    """WAIT rows lie between these notes, and are no notes."""
    calm = chorale("calm", bars=2)
    rows = calm.notes.copy()
    rows[rows[:, 0] >= 96, 0] += 20 * 96
    piece = encode(replace(calm, notes=rows), bundle.vocabulary)
    notes = notes_of(piece, bundle.vocabulary)
    assert len(notes.rows) < len(piece.events) - 1
    all_rows = bundle.decoder.gates(piece)
    told = gates_of(bundle, notes, slice(2, len(notes.rows)))
    np.testing.assert_array_equal(told.hidden, all_rows.hidden[:, notes.rows[2:] + 1])


# --- muting -----------------------------------------------------------------------------------


def test_a_muted_unit_is_zero_and_others_are_not(bundle, piece):
    quiet = muted(bundle, [(1, 3)])
    gates = quiet.decoder.gates(piece)
    assert (gates.cell[1, :, 3] == 0).all()
    assert (gates.hidden[1, :, 3] == 0).all()
    assert (gates.hidden[1, :, 2] != 0).any()
    np.testing.assert_array_equal(gates.hidden[0], bundle.decoder.gates(piece).hidden[0])
    assert quiet.decoder.score(piece).sum() != bundle.decoder.score(piece).sum()


def test_what_a_muted_unit_costs_is_told_by_field(bundle, piece):
    units = [(0, 1), (1, 3)]
    quiet = muted(bundle, units)
    told = loss(bundle, quiet, units, piece)
    assert told.units == ("1:2", "2:4")
    assert sum(told.nats) == pytest.approx(bundle.decoder.score(piece).sum() / piece.n_notes)
    assert sum(told.nats_muted) == pytest.approx(quiet.decoder.score(piece).sum() / piece.n_notes)


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
