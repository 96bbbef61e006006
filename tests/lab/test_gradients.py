"""Gradients over lag, against finite differences; and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import Field
from musiclstm.errors import TrainingError
from musiclstm.lab.gradient_norms import (
    Curve,
    GradientsSettings,
    Norms,
    curves_of,
    draw_sequences,
    gradients_over_lag,
)
from musiclstm.lab.gradients import gradients
from musiclstm.lab.outcome import json_ready
from musiclstm.lab.plain import Pieces, PlainModel, PlainSettings, Rows, textbook
from tests.bundles import chorale, training_set

LAGS = 6
TINY = PlainSettings(units=4, head_units=3, steps=2, lanes=2, window=8)


@pytest.fixture(scope="module")
def music():
    return training_set([chorale(f"piece{n}", bars=3, seed=n) for n in range(3)])


def model_of(kind: str, layers: int, music) -> PlainModel:
    """A network with random weights in double precision."""
    v, rng = music.vocabulary, np.random.default_rng([layers, len(kind)])
    s = PlainSettings(kind=kind, units=4, layers=layers, head_units=3)
    wide = 16 if kind == "lstm" else 4
    shapes = {"table": (sum(v.sizes) + 5, 4), "heads.kernel": (4, 15), "heads.bias": (15,)}
    for layer in range(layers):
        shapes[f"cell.{layer}.kernel"] = shapes[f"cell.{layer}.recurrent_kernel"] = (4, wide)
        shapes[f"cell.{layer}.bias"] = (wide,)
    for field in Field:
        name = field.name.lower()
        shapes[f"{name}.table"] = (max(sum(v.sizes[:field]), 1), 3)
        shapes[f"{name}.kernel"], shapes[f"{name}.bias"] = (3, v.size(field)), (v.size(field),)
    weights = {name: rng.normal(0, 0.6, shape) for name, shape in shapes.items()}
    return PlainModel(s, v, weights)


def nats_with(model, inputs, last, pushed: dict) -> float:
    """The last row's nats, every step by itself, with something added to a state on the way."""
    w, v = model.weights, model.vocabulary
    first = np.concatenate([[0], np.cumsum([size + 1 for size in v.sizes])[:-1]])
    layers, units = model.settings.layers, model.settings.units
    h, c = np.zeros((2, layers, units))
    for t, ids in enumerate(inputs):
        x = w["table"][ids + first].sum(axis=0)
        for n in range(layers):
            a = x @ w[f"cell.{n}.kernel"] + h[n] @ w[f"cell.{n}.recurrent_kernel"]
            a = a + w[f"cell.{n}.bias"]
            if model.settings.kind == "rnn":
                h[n] = np.tanh(a)
            else:
                i, f, g, o = np.split(a, 4)
                i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
                c[n] = f * c[n] + i * np.tanh(g) + pushed.get((t, n, "c"), 0)
                h[n] = o * np.tanh(c[n])
            h[n] = h[n] + pushed.get((t, n, "h"), 0)
            x = h[n]
    found = model.heads(x[None], last)
    return -sum(float(logs[0, last.targets[0, n]]) for n, (_, logs) in enumerate(found))


@pytest.mark.parametrize(("kind", "layers"), [("rnn", 1), ("rnn", 2), ("lstm", 1), ("lstm", 2)])
def test_norms_are_those_of_finite_differences(kind, layers, music):
    model = model_of(kind, layers, music)
    rows = Rows.of(music.pieces[0], music.vocabulary)
    inputs, last = rows.inputs[: LAGS + 1], Rows(*(a[LAGS : LAGS + 1] for a in rows))
    assert last.counts.all()
    norms = gradients_over_lag(model, inputs[None], last)
    small = 1e-5
    for of, found in zip(("h", "c"), norms, strict=True):
        if kind == "rnn" and of == "c":
            assert not found.any()
            continue
        for lag in range(LAGS + 1):
            squares = 0.0
            for layer in range(layers):
                for push in np.eye(4) * small:
                    place = (LAGS - lag, layer, of)
                    up, down = (
                        nats_with(model, inputs, last, {place: sign * push}) for sign in (1, -1)
                    )
                    squares += ((up - down) / (2 * small)) ** 2
            assert found[0, lag] == pytest.approx(np.sqrt(squares), rel=1e-5, abs=1e-9)


def test_sequences_are_whole_stretches_that_end_in_notes(music):
    found = draw_sequences(music, 10, 4, np.random.default_rng(0))
    assert found.inputs.shape == (4, 11, 5)
    assert found.last.counts.all()
    assert found.last.legal.shape[0] == 4
    # so long is no piece: the lag gives way, and not the number of stretches
    found = draw_sequences(music, 10_000, 6, np.random.default_rng(0))
    assert len(found.inputs) == 6
    assert 10 < found.inputs.shape[1] < max(len(piece.events) for piece in music.pieces)
    with pytest.raises(TrainingError, match="few notes"):
        draw_sequences(Pieces(music.vocabulary, {}), 10, 4, np.random.default_rng(0))


def test_half_life_and_factor_are_those_of_an_exponential():
    decaying = 0.5 ** (np.arange(41) / 4)
    curve = Curve("a", True, "h", decaying, np.stack([decaying] * 2), 1.0)
    assert curve.half_life == pytest.approx(4)
    assert curve.factor == pytest.approx(0.5**0.25)
    growing = Curve("a", True, "h", 1.1 ** np.arange(41), np.ones((2, 41)), 1.0)
    assert growing.factor == pytest.approx(1.1)
    assert growing.half_life is None


def test_curves_are_medians_relative_to_lag_zero():
    h = np.array([[2.0, 1.0], [4.0, 1.0], [1.0, 1.0]])
    (curve,) = curves_of("a", False, Norms(h, np.zeros_like(h)))
    assert curve.median.tolist() == [1, 0.5]
    assert curve.at_0 == 2
    np.testing.assert_allclose(curve.quartiles[:, 1], [0.375, 0.75])


def test_the_outcome_says_what_its_numbers_say(music):
    settings = GradientsSettings(
        networks=TINY, lags=12, sequences=4, exploding_steps=3, radius=4.0, seed=1
    )
    found = gradients(settings, music)
    numbers = json_ready(found.numbers)
    assert {(c["name"], c["trained"], c["of"]) for c in numbers["curves"]} == {
        *((name, done, "h") for name in textbook(TINY) for done in (False, True)),
        *((f"LSTM, forget bias {n}", done, "c") for n in (0, 1) for done in (False, True)),
        ("tanh-RNN, radius 4", False, "h"),
    }
    after = {
        c["name"]: c["median"][-1] for c in numbers["curves"] if c["trained"] and c["of"] == "h"
    }
    best, worst = max(after, key=after.get), min(after, key=after.get)
    assert f"survives best in {best} and least in {worst}" in found.found
    assert len(numbers["explosion"]["clipped"]["loss"]) == 3
    assert numbers["sequences"] == 4
    kinds = [block.kind for block in found.blocks]
    assert kinds == ["picture", "table", "picture", "table"]
    for block in found.blocks:
        if block.kind == "table":
            assert all(len(row) == len(block.columns) for row in block.rows)


def test_quick_is_smaller_than_full():
    quick, full = GradientsSettings.quick(), GradientsSettings()
    assert quick.sequences >= 32
    assert quick.networks.steps < full.networks.steps
    assert replace(quick.networks, steps=full.networks.steps, lanes=full.networks.lanes) == (
        full.networks
    )
