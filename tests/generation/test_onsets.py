"""Onsets chosen among candidates: what is drawn, what is taken, and where the pieces stand then."""

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field
from musiclstm.errors import RequestError
from musiclstm.generation import Resampling, Sampling
from musiclstm.generation.onsets import Onsets
from musiclstm.generation.resampling import Draws
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


def play(onsets, most):
    """The first ``most`` onsets of each piece."""
    found = [[] for _ in range(len(onsets))]
    while min(map(len, found)) < most:
        for piece, rows in onsets.step():
            found[piece].append(rows)
    return [of_piece[:most] for of_piece in found]


@pytest.mark.parametrize("candidates", [1, 2, 5])
def test_rows_of_an_onset_stand_together(bundle, candidates):
    v = bundle.vocabulary
    for piece in play(onsets_of(bundle, 6, Resampling(candidates)), 12):
        for number, rows in enumerate(piece):
            shifts = rows[:, Field.SHIFT]
            assert (shifts[1:] == 0).all()
            assert number == 0 or shifts[0] > 0
            assert len(rows) == 1 or shifts[0] <= v.max_shift


@pytest.mark.parametrize("candidates", [1, 4])
def test_the_pieces_stand_where_their_rows_have_led_them(bundle, candidates):
    """Whichever candidate is taken, a piece is what its own rows alone would make it."""
    decoder, pieces = bundle.decoder, 5
    onsets = onsets_of(bundle, pieces, Resampling(candidates))
    single = [onsets.state.select([candidates * piece]) for piece in range(pieces)]
    found = [[] for _ in range(pieces)]
    for _ in range(30):
        for piece, rows in onsets.step():
            found[piece] += list(rows)
    for piece in range(pieces):
        for row in [*found[piece], *onsets.so_far(piece)]:
            single[piece] = decoder.advance(single[piece], row[None])
        state, here = single[piece], onsets.state.select([candidates * piece])
        assert all(np.array_equal(a, b) for a, b in zip(here.tracker, state.tracker, strict=True))
        assert np.allclose(here.output, state.output, atol=1e-5)
        event = np.zeros((1, 5), np.int32)
        ours, theirs = (decoder.log_probs(s, Field.SHIFT, event) for s in (here, state))
        assert np.allclose(ours, theirs, atol=1e-5)


def test_a_piece_does_not_depend_on_those_beside_it(bundle):
    many, few = (play(onsets_of(bundle, pieces, Resampling(3)), 6)[:2] for pieces in (7, 2))
    for ours, theirs in zip(many, few, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    """A model of a piano in a narrow range and a flute with rests: chords, ties and WAITs."""
    rng = np.random.default_rng(0)
    rows = [[24 * n, 24, int(p), 80, 0] for n in range(40) for p in 60 + rng.integers(0, 4, 2)]
    rows += [[480 * n, 400, 72 + n % 3, 80, 1] for n in range(4)]
    score, _ = Score.build(rows, [Part(name="piano"), Part(name="flute", program=73)])
    folder = tiny_bundle(tmp_path_factory.mktemp("hands") / "m", [score])
    bundle = load_bundle(folder)
    weights = {name: value.copy() for name, value in bundle.weights.items()}
    v = bundle.vocabulary
    for field, likely in (("shift", [0, 0, 24, v.wait]), ("duration", [11, 23, v.tie])):
        weights[f"head.{field}.out_kernel"][:] = 0
        weights[f"head.{field}.out_bias"][:] = -9
        weights[f"head.{field}.out_bias"][likely] = 3
    bundle.__dict__["decoder"] = type(bundle.decoder)(bundle.network, v, weights)
    return bundle


def test_whoever_cannot_follow_becomes_the_leader(hands):
    """Every candidate's rows are legal, and its state is what they alone would make it."""
    k, decoder = 6, hands.decoder
    onsets = onsets_of(hands, 3, Resampling(k))
    pasts = [onsets_of(hands, 3, Resampling(1)).state.select([piece]) for piece in range(3)]
    for step in range(60 * 3):
        piece = step % 3
        if piece == 0:
            for number, rows in onsets.step():
                for row in rows:
                    pasts[number] = decoder.advance(pasts[number], row[None])
        past = pasts[piece]
        for candidate in range(k):
            state = past
            for row in onsets.so_far(piece, candidate):
                part = hands.vocabulary.parts[row[Field.PART]]
                assert part.low <= row[Field.PITCH] <= part.high, "no rule has given way"
                for field in Field:
                    assert decoder.log_probs(state, field, row[None])[0, row[field]] > -np.inf
                state = decoder.advance(state, row[None])
            here = onsets.state.select([piece * k + candidate])
            assert all(
                np.array_equal(a, b) for a, b in zip(here.tracker, state.tracker, strict=True)
            )


def test_rests_of_others_change_nothing(hands):
    """A row without a note in one piece leaves no trace in the candidates of another."""
    beside, alone = (play(onsets_of(hands, pieces, Resampling(3)), 60)[0] for pieces in (6, 1))
    assert sum(rows[0, 0] == hands.vocabulary.wait for rows in alone) > 3
    assert all(np.array_equal(a, b) for a, b in zip(beside, alone, strict=True))


def first_pitches(bundle, resampling, pieces=500):
    rows = [piece[0] for piece in play(onsets_of(bundle, pieces, resampling), 1)]
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
        np.mean([len(piece[0]) for piece in play(onsets_of(bundle, 400, resampling), 1)])
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
        pitches = [[rows[0, Field.PITCH] for rows in piece] for piece in play(onsets, 60)]
        held[candidates] = max(longest_run(np.array(piece)) for piece in pitches)
    assert held[30] <= 8 < held[1]


def longest_run(values):
    ends = np.flatnonzero(np.append(np.diff(values) != 0, True))
    return int(np.diff(ends, prepend=-1).max())
