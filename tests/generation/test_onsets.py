"""Onsets chosen among candidates: what is drawn, what is taken, and where the pieces stand then."""

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field
from musiclstm.errors import RequestError
from musiclstm.generation import Resampling, Sampling
from musiclstm.generation.onsets import Draws, Onsets
from musiclstm.generation.rules import SoftRules
from musiclstm.model import load_bundle
from musiclstm.score import MeterMap, Part, Score
from tests.bundles import chorales, tiny_bundle

AS_IT_IS = dict.fromkeys(Field, Sampling())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", chorales()))


@pytest.fixture(scope="module")
def soloist(tmp_path_factory):
    """A model of one part with five pitches."""
    rows = [[24 * n, 24, 60 + n % 5, 80, 0] for n in range(40)]
    score, _ = Score.build(rows, [Part(name="flute")])
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("solo") / "m", [score]))


def onsets_of(bundle, pieces, resampling, seed=0, conditions=Conditions()):  # noqa: B008
    v = bundle.vocabulary
    parts = tuple(range(len(v.parts)))
    state = bundle.decoder.start([conditions] * pieces, parts, pieces, meter_map=MeterMap())
    rules = SoftRules.start(v, [MeterMap()] * pieces, [10**4] * pieces)
    rngs = [np.random.default_rng([seed, number]) for number in range(pieces)]
    draws = Draws(rngs, resampling.candidates)
    return Onsets(bundle, state, rules, draws, AS_IT_IS, resampling)


@pytest.mark.parametrize("candidates", [1, 2, 5])
def test_rows_of_an_onset_stand_together(bundle, candidates):
    v = bundle.vocabulary
    onsets = onsets_of(bundle, 6, Resampling(candidates))
    for number in range(12):
        for rows in onsets.compose():
            shifts = rows[:, Field.SHIFT]
            assert (shifts[1:] == 0).all()
            assert number == 0 or shifts[0] > 0
            assert len(rows) == 1 or shifts[0] <= v.max_shift


@pytest.mark.parametrize("candidates", [1, 4])
def test_the_pieces_stand_where_their_rows_have_led_them(bundle, candidates):
    """However candidates wait for each other, a piece is what its own rows alone would make it."""
    decoder, pieces = bundle.decoder, 5
    onsets = onsets_of(bundle, pieces, Resampling(candidates))
    single = [onsets.state.select([piece]) for piece in range(pieces)]
    for _ in range(8):
        for piece, rows in enumerate(onsets.compose()):
            for row in rows:
                single[piece] = decoder.advance(single[piece], row[None])
    for piece, state in enumerate(single):
        here = onsets.state.select([piece])
        assert all(np.array_equal(a, b) for a, b in zip(here.tracker, state.tracker, strict=True))
        assert np.allclose(here.output, state.output, atol=1e-5)
        event = np.zeros((1, 5), np.int32)
        ours, theirs = (decoder.log_probs(s, Field.SHIFT, event) for s in (here, state))
        assert np.allclose(ours, theirs, atol=1e-5)


def test_a_piece_does_not_depend_on_those_beside_it(bundle):
    many, few = (onsets_of(bundle, pieces, Resampling(3)) for pieces in (7, 2))
    for _ in range(6):
        for ours, theirs in zip(many.compose()[:2], few.compose(), strict=True):
            assert np.array_equal(ours, theirs)


def first_pitches(bundle, resampling, pieces=500):
    rows = onsets_of(bundle, pieces, resampling).compose()
    most = bundle.vocabulary.max_shift
    return np.array([row[0, Field.PITCH] for row in rows if row[0, Field.SHIFT] <= most])


def test_what_is_taken_is_as_likely_as_said(soloist):
    """With weight w the pitch p comes as often as p(1 + w) says, renormalised."""
    v, decoder = soloist.vocabulary, soloist.decoder
    weights = {name: value.copy() for name, value in soloist.weights.items()}
    weights["head.pitch.out_bias"][60:65] = np.log([0.4, 0.3, 0.15, 0.1, 0.05])
    weights["head.pitch.out_kernel"][:] = 0
    weights["head.pitch.interval_kernel"][:] = 0
    weights["head.shift.out_kernel"][:] = 0
    weights["head.shift.out_bias"][0] = 50  # all agree on when
    weights["head.duration.out_bias"][:] = -50
    weights["head.duration.out_bias"][23] = 50
    decoder = type(decoder)(soloist.network, v, weights)
    soloist.__dict__["decoder"] = decoder
    event = np.zeros((1, 5), np.int32)
    state = decoder.start(Conditions(), (0,))
    logs = decoder.log_probs(state, Field.PITCH, event)[0, 60:65]
    for weight, candidates in ((0.0, 4), (1.0, 24)):
        expected = np.exp(logs * (1 + weight))
        expected /= expected.sum()
        found = first_pitches(soloist, Resampling(candidates, weight, 0.0))
        shares = np.bincount(found - 60, minlength=5) / len(found)
        assert np.abs(shares - expected).max() < 0.07  # three standard errors


def test_when_and_who_are_left_to_chance(bundle):
    """However much likely pitches are preferred, as many notes are struck as without."""
    counts = [
        np.mean([len(rows) for rows in onsets_of(bundle, 400, resampling).compose()])
        for resampling in (Resampling(1), Resampling(8, 5.0, 5.0))
    ]
    assert abs(counts[0] - counts[1]) < 0.35


@pytest.mark.parametrize(
    "wrong", [{"candidates": 65}, {"candidates": 0}, {"pitch_weight": -1}, {"duration_weight": 11}]
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(RequestError, match=r"65|0|-1|11"):
        Resampling(**wrong)


# --- loops ----------------------------------------------------------------------------------


def test_it_does_not_go_on_for_ever(soloist):
    """A part that would play one note a thousand times in a thousand is brought off it."""
    weights = {name: np.zeros_like(value) for name, value in soloist.weights.items()}
    weights["head.shift.out_bias"][24] = 50
    weights["head.duration.out_bias"][23] = 50
    weights["head.pitch.out_bias"][62] = 4.0
    decoder = type(soloist.decoder)(soloist.network, soloist.vocabulary, weights)
    held = {}
    for candidates in (1, 30):
        bundle = load_bundle(soloist.path)
        bundle.__dict__["decoder"] = decoder
        onsets = onsets_of(bundle, 4, Resampling(candidates, 0.0, 0.0))
        pitches = np.array([[rows[0, Field.PITCH] for rows in onsets.compose()] for _ in range(60)])
        held[candidates] = max(longest_run(column) for column in pitches.T)
    assert held[30] <= 8 < held[1]


def longest_run(values):
    ends = np.flatnonzero(np.append(np.diff(values) != 0, True))
    return int(np.diff(ends, prepend=-1).max())
