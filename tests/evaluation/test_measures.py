"""Likelihood, calibration, order and new runs, held to numbers worked out by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import Field, build_vocabulary, encode
from musiclstm.evaluation.calibration import BINS, calibration, measured
from musiclstm.evaluation.likelihood import measure
from musiclstm.evaluation.new_runs import new_shares
from musiclstm.evaluation.order import shuffled
from musiclstm.model import load_bundle
from musiclstm.score import Column, Key
from tests.bundles import chorale, chorales, tiny_bundle
from tests.strategies import scores


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "tiny"))


def fresh(bundle, count=3):
    return [encode(chorale(f"f{n}", seed=50 + n), bundle.vocabulary) for n in range(count)]


# --- likelihood -----------------------------------------------------------------------------


def test_nats_a_note_are_those_of_all_notes(bundle):
    pieces, told = fresh(bundle), []
    found = measure(bundle.decoder.score, pieces, told.append)
    total = sum(float(bundle.decoder.score(piece).sum(dtype=float)) for piece in pieces)
    assert found.total == pytest.approx(total / sum(piece.n_notes for piece in pieces))
    assert found.perplexity == pytest.approx(math.exp(found.total))
    assert (found.pieces, told) == (3, [1, 2, 3])


def test_the_error_is_that_of_the_mean_where_pieces_are_as_long_as_each_other(bundle):
    pieces = fresh(bundle, 4)
    notes = pieces[0].n_notes
    worth = iter([1.0, 2.0, 3.0, 6.0])
    same = [type(piece)(**{**vars(piece), "n_notes": notes}) for piece in pieces]
    found = measure(lambda _: np.full((1, 5), next(worth) * notes / 5), same)
    assert found.total == pytest.approx(3.0)
    assert found.error == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 2)


def test_one_piece_has_no_error_and_none_no_nats(bundle):
    assert math.isnan(measure(bundle.decoder.score, fresh(bundle, 1)).error)
    with pytest.raises(ValueError, match="no notes"):
        measure(bundle.decoder.score, [])


# --- expectations and calibration -----------------------------------------------------------


def test_expectations_are_what_the_steps_say(bundle):
    piece = fresh(bundle, 1)[0]
    decoder = bundle.decoder
    state = decoder.start(type(piece.conditions)(), piece.part_map, meter_map=piece.meter_map)
    whole = dict(decoder.expectations(piece))
    for number, row in enumerate(piece.events[:12]):
        event = np.zeros((1, 5), np.int32)
        for field in Field:
            logs = decoder.log_probs(state, field, event)[0]
            np.testing.assert_allclose(whole[field][number], logs, atol=1e-4)
            event[0, field] = row[field]
        state = decoder.advance(state, event)


def test_forecasts_of_a_model_add_up_to_its_notes(bundle):
    pieces = fresh(bundle)
    found = calibration(bundle, pieces)
    assert found.notes == sum(piece.n_notes for piece in pieces)
    came = np.nansum(found.happened * found.forecasts)
    assert came == pytest.approx(found.notes)  # of each note's pitches exactly one came
    assert np.nansum(found.expected * found.forecasts) == pytest.approx(found.notes, rel=1e-4)


def test_a_true_coin_is_well_calibrated_and_a_boast_is_not():
    rng = np.random.default_rng(0)
    chances = rng.random(20_000)
    came = (rng.random(20_000) < chances).astype(float)
    assert measured(chances, came, chances, came).error < 0.02
    boast = measured(chances, came, np.sqrt(chances), came)
    assert boast.error == pytest.approx(2 / 3 - 1 / 2, abs=0.02)
    assert boast.sure > boast.right


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_bins_lose_nothing(forecasts):
    chances, came = (np.array(values, float) for values in zip(*forecasts, strict=True))
    found = measured(chances, came, chances, came)
    assert found.forecasts.sum() == len(forecasts)
    assert len(found.expected) == BINS
    assert 0 <= found.error <= 1


# --- order ----------------------------------------------------------------------------------


def pitches(score, part):
    return score.notes[score.notes[:, Column.PART] == part, Column.PITCH].tolist()


@given(scores(), st.integers(0, 9))
def test_shuffling_invents_nothing(score, seed):
    mixed = shuffled(score, np.random.default_rng(seed))
    for part in range(len(score.parts)):
        assert set(pitches(mixed, part)) <= set(pitches(score, part))
    assert set(mixed.notes[:, Column.ONSET].tolist()) == set(score.notes[:, Column.ONSET].tolist())


def test_shuffling_moves_pitches_within_a_part():
    score = chorale(seed=3, bars=16)
    mixed = shuffled(score, np.random.default_rng(0))
    for part in range(4):
        assert sorted(pitches(mixed, part)) == sorted(pitches(score, part))
        assert pitches(mixed, part) != pitches(score, part)


# --- new runs -------------------------------------------------------------------------------


def by_hand(piece, notes):
    """Runs as tuples of what they are made of: intervals, gaps and durations, part by part."""
    found = []
    rows = piece.events[:-1].astype(int)
    onset = np.cumsum(rows[:, Field.SHIFT])
    for part in np.unique(rows[:, Field.PART]):
        mine = rows[:, Field.PART] == part
        own = list(
            zip(onset[mine], rows[mine, Field.PITCH], rows[mine, Field.DURATION], strict=True)
        )
        steps = [(b[0] - a[0], b[1] - a[1], b[2]) for a, b in pairwise(own)]
        found += [tuple(steps[at : at + notes - 1]) for at in range(len(steps) - notes + 2)]
    return found


def test_shares_are_those_counted_by_hand():
    music = [*chorales(), *(chorale(f"x{n}", seed=20 + n, bars=6) for n in range(4))]
    v = build_vocabulary(music)
    pieces = [encode(score, v) for score in music]
    training, others = pieces[:6], pieces[6:]
    shares = new_shares(training, {"others": others, "own": training}, v, (2, 3, 5, 8))
    assert shares["own"] == [0.0] * 4
    for notes, share in zip((2, 3, 5, 8), shares["others"], strict=True):
        known = {run for piece in training for run in by_hand(piece, notes)}
        runs = [run for piece in others for run in by_hand(piece, notes)]
        assert share == pytest.approx(np.mean([run not in known for run in runs]))


def test_transposing_makes_nothing_new():
    score, higher = (chorale(seed=5, bars=8, key=Key(tonic)) for tonic in (0, 3))
    v = build_vocabulary([score, higher])
    shares = new_shares([encode(score, v)], {"higher": [encode(higher, v)]}, v)
    assert shares["higher"] == [0.0] * len(shares["higher"])


def test_runs_longer_than_any_piece_are_not_known():
    score = chorale(bars=1)
    v = build_vocabulary([score])
    piece = encode(score, v)
    assert math.isnan(new_shares([piece], {"it": [piece]}, v, (200,))["it"][0])
