"""The equations are Keras' and the decoder's, and the tables follow from them."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Field, encode
from musiclstm.errors import RequestError
from musiclstm.lab.cell import CellSettings, cell, lstm_step, off_decoder, read, telling_units, walk
from musiclstm.lab.equations import GATES, SOURCES, sigmoid
from musiclstm.model import load_bundle
from musiclstm.rendering.document import Picture, Table
from tests.bundles import chorale, tiny_bundle

SMALL = CellSettings(note=9, units=3, against_keras=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("cell") / "tiny"))


@pytest.fixture(scope="module")
def piece(bundle):
    return encode(chorale(bars=3), bundle.vocabulary)


def layer(rng, width, units, scale=1.0):
    return tuple(
        rng.normal(0, scale, shape) for shape in ((width, 4 * units), (units, 4 * units), 4 * units)
    )


@settings(max_examples=12)
@given(
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.integers(1, 20),
    st.integers(1, 9),
    st.integers(1, 9),
    st.floats(0.1, 3),
)
def test_a_whole_sequence_is_kerass(seed, batch, steps, width, units, scale):
    rng = np.random.default_rng(seed)
    weights = layer(rng, width, units, scale)
    x = rng.normal(size=(batch, steps, width))
    theirs = keras.layers.LSTM(units, return_sequences=True, return_state=True, dtype="float64")
    theirs.build((None, None, width))
    theirs.set_weights(weights)
    y, _, last_c = (np.asarray(each) for each in theirs(x))
    h = c = np.zeros((batch, units))
    for t in range(steps):
        h, c = (step := lstm_step(x[:, t], h, c, *weights)).h, step.c
        np.testing.assert_allclose(h, y[:, t], atol=1e-6, rtol=0)
    np.testing.assert_allclose(c, last_c, atol=1e-6, rtol=0)


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 5))
def test_every_value_follows_from_those_before_it(seed, width, units):
    rng = np.random.default_rng(seed)
    kernel, recurrent, bias = layer(rng, width, units)
    x, h, c = rng.normal(size=width), rng.normal(size=units), rng.normal(size=units)
    step = lstm_step(x, h, c, kernel, recurrent, bias)
    sums = [sum(x[j] * kernel[j, n] for j in range(width)) for n in range(4 * units)]
    sums = [a + sum(h[j] * recurrent[j, n] for j in range(units)) for n, a in enumerate(sums)]
    np.testing.assert_allclose(step.sums, sums + bias, atol=1e-12)
    assert all(((gate > 0) & (gate < 1)).all() for gate in (step.i, step.f, step.o))
    for unit in range(units):
        a_i, a_f, a_g, a_o = step.sums[unit::units]
        assert step.i[unit] == pytest.approx(1 / (1 + np.exp(-a_i)))
        assert step.f[unit] == pytest.approx(1 / (1 + np.exp(-a_f)))
        assert step.o[unit] == pytest.approx(1 / (1 + np.exp(-a_o)))
        assert step.c[unit] == pytest.approx(step.f[unit] * c[unit] + step.i[unit] * np.tanh(a_g))
        assert step.h[unit] == pytest.approx(step.o[unit] * np.tanh(step.c[unit]))


def test_what_sums_are_far_off_opens_or_closes_without_a_warning():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_the_layers_of_a_piece_are_the_decoders(bundle, piece):
    walks = walk(bundle, read(bundle, piece).x)
    assert off_decoder(bundle, piece, walks) < 1e-5
    walks[1].steps[-1].h[0] += 0.1  # it can tell
    assert off_decoder(bundle, piece, walks) > 0.09


def test_what_a_note_says_is_all_that_is_read(bundle, piece):
    reading = read(bundle, piece)
    assert len(reading.sources) == len(SOURCES) - 2
    np.testing.assert_allclose(sum(reading.sources), reading.x, atol=1e-12)
    pitch = SOURCES.index("pitch")
    same = piece.events[:, Field.PITCH] == piece.events[0, Field.PITCH]
    said = reading.sources[pitch][1:][same]
    np.testing.assert_array_equal(said[:-1], said[1:])  # a pitch says what it says
    whole = reading.sources[-1]
    assert (whole == whole[0]).all()
    assert whole.any()


def test_one_writes_one_forgets_and_one_keeps():
    step = lstm_step(
        np.zeros(1),
        np.zeros(3),
        (c := np.array([0.0, 5.0, 3.0])),
        np.zeros((1, 12)),
        np.zeros((3, 12)),
        np.array([9, -9, -9, 0, -9, 9, 4, 0, 0, 0, 0, 0]),
    )
    assert telling_units(step, c, 3) == [0, 1, 2]
    assert telling_units(step, c, 1) == [0]
    assert sorted(telling_units(step, c, 99)) == [0, 1, 2]


def test_the_outcome_holds_the_numbers_that_it_shows(bundle, piece):
    outcome = cell(SMALL, bundle, piece)
    pictures = [block for block in outcome.blocks if isinstance(block, Picture)]
    equations, heard = (block for block in outcome.blocks if isinstance(block, Table))
    assert len(pictures) == 2
    assert all(each.png.startswith(b"\x89PNG") for each in pictures)
    numbers = outcome.numbers
    rows = {row[0]: [float(cell_) for cell_ in row[1:]] for row in equations.rows}
    f, kept, written = (rows[name] for name in ("f = 1 / (1 + exp(-a_f))", "f c", "i g"))
    np.testing.assert_allclose(np.multiply(f, rows["c before"]), kept, atol=2e-4)
    np.testing.assert_allclose(np.add(kept, written), rows["c now = f c + i g"], atol=2e-4)
    assert f == pytest.approx(numbers["step"]["f"], abs=1e-4)
    values = np.array([[float(cell_) for cell_ in row[1:]] for row in heard.rows])
    np.testing.assert_allclose(values[:-1].sum(axis=0), values[-1], atol=0.01)
    assert values[-1] == pytest.approx(np.array(numbers["step"]["sums"]).T.ravel(), abs=1e-3)
    assert set(numbers["read"]) == set(GATES)
    assert numbers["greatest_difference"]["decoder"] < 1e-5
    assert f"Unit {numbers['units'][0]} held" in outcome.found


def test_keras_is_asked_for_the_whole_piece(bundle, piece):
    outcome = cell(CellSettings(note=1), bundle, piece)
    off = outcome.numbers["greatest_difference"]
    assert off["keras float64"] < 1e-9
    assert off["keras float32"] < 1e-5
    assert "Keras" in outcome.found


def test_behind_the_end_the_last_note_is_shown(bundle, piece):
    outcome = cell(CellSettings(note=10_000, against_keras=False), bundle, piece)
    assert outcome.numbers["note"] == piece.n_notes


def test_silence_cannot_be_read(bundle, piece):
    with pytest.raises(RequestError, match="no note"):
        cell(SMALL, bundle, replace(piece, events=piece.events[-1:]))
