"""Taking the past away from models: what is left is what it should be, and nothing else moves."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Field, build_vocabulary, decode, encode, prepare
from musiclstm.errors import MusicLSTMError
from musiclstm.evaluation.baselines import NGram
from musiclstm.lab.listening import listening
from musiclstm.lab.listening_histories import CUT, SHUFFLED, STATE, Moment, cut, moments_of, shuffle
from musiclstm.lab.listening_losses import ListeningSettings, Losses, hearing, measure
from musiclstm.lab.listening_models import (
    Prepared,
    bundle_listener,
    ngram_listener,
    plain_listener,
    state_cut,
)
from musiclstm.lab.outcome import json_ready
from musiclstm.lab.plain import Pieces, PlainModel, PlainSettings, Rows
from musiclstm.lab.plain_keras import Trained
from musiclstm.model import load_bundle
from musiclstm.score import MeterMap, Score
from tests.bundles import chorale, chorales, tiny_bundle
from tests.strategies import scores

BAR = 96
SMALL = ListeningSettings(
    pieces=3, moments=3, notes=3, bars=(0, 0.5, 1, 1000), resamples=50, seed=3
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("lab") / "model"))


@pytest.fixture(scope="module")
def pieces(bundle):
    return [encode(score, bundle.vocabulary) for score in (*chorales(), chorale("long", bars=7))]


def plain_model(bundle) -> PlainModel:
    """A tanh network with random weights."""
    v, rng = bundle.vocabulary, np.random.default_rng(5)
    shapes = {
        "table": (sum(v.sizes) + 5, 4),
        "cell.0.kernel": (4, 4),
        "cell.0.recurrent_kernel": (4, 4),
        "cell.0.bias": (4,),
        "heads.kernel": (4, 15),
        "heads.bias": (15,),
    }
    for field in Field:
        name = field.name.lower()
        shapes[f"{name}.table"] = (max(sum(v.sizes[:field]), 1), 3)
        shapes[f"{name}.kernel"], shapes[f"{name}.bias"] = (3, v.size(field)), (v.size(field),)
    weights = {name: rng.normal(0, 0.6, shape) for name, shape in shapes.items()}
    return PlainModel(PlainSettings(kind="rnn", units=4, head_units=3), v, weights)


def later(score: Score, origin: int, meter_map: MeterMap) -> Score:
    """The piece from a step on, made of its notes."""
    notes = score.notes[score.notes[:, 0] >= origin].copy()
    notes[:, 0] -= origin
    return Score.build(notes, score.parts, meter_map=meter_map)[0]


# --- what is left -----------------------------------------------------------------------------


@settings(max_examples=25)
@given(score=scores(max_parts=4, min_notes=6), origin=st.integers(0, 400))
def test_a_cut_piece_is_the_piece_from_there_on(score, origin):
    v = build_vocabulary([score])
    encoded = encode(score, v)
    rng = np.random.default_rng(0)
    for moment in moments_of(encoded, v, 3, 4, rng):
        start = min(origin, moment.step)
        left = cut(encoded, moment, start, v)
        whole = decode(encoded, v).notes
        upto = replace(encoded, events=_closed(encoded.events[: moment.stop], v))
        expected = decode(upto, v).notes
        if left is None:
            assert not (whole[:, 0] < start).any()
            continue
        found = decode(replace(left.piece, events=_closed(left.piece.events, v)), v).notes
        expected = expected[expected[:, 0] >= start] - [start, 0, 0, 0, 0]
        np.testing.assert_array_equal(found, expected)
        asked = left.piece.events[-left.asked :]
        np.testing.assert_array_equal(asked[1:], encoded.events[moment.row + 1 : moment.stop])
        np.testing.assert_array_equal(asked[0, 1:], encoded.events[moment.row, 1:])
        # barlines are where they were
        if score.meter_map.specified and len(score.meter_map.meters) == 1:
            q, steps = v.steps_per_quarter, np.arange(start, start + 300)
            before = score.meter_map.locate(steps, q).position
            np.testing.assert_array_equal(
                left.piece.meter_map.locate(steps - start, q).position, before
            )


def _closed(events, v):
    """Rows with an END behind them; what was to go on there is not."""
    events = events.copy()
    if events[-1, Field.DURATION] == v.tie:
        events[-1, Field.DURATION] -= 1
    return np.concatenate([events, [[v.end, 0, 0, 0, 0]]]).astype(np.int32)


@settings(max_examples=25)
@given(score=scores(max_parts=3, min_notes=12, max_notes=60), seed=st.integers(0, 9))
def test_shuffled_bars_are_the_bars_in_another_order(score, seed):
    v = build_vocabulary([score])
    encoded = encode(score, v)
    rng = np.random.default_rng(seed)
    for moment in moments_of(encoded, v, 2, 4, rng):
        found = shuffle(encoded, moment, moment.step, v, rng)
        if found is None:
            continue
        new = decode(replace(found.piece, events=_closed(found.piece.events, v)), v).notes.copy()
        whole = replace(encoded, events=_closed(encoded.events[: moment.stop], v))
        old = decode(whole, v).notes.copy()
        assert len(new) == len(old)
        # each part has the same pitches at the same places of a bar
        q = v.steps_per_quarter
        for notes in (new, old):
            notes[:, 0] = score.meter_map.locate(notes[:, 0], q).position
        fields = [0, 2, 3, 4]
        assert sorted(new[:, fields].tolist()) == sorted(old[:, fields].tolist())
        asked = found.piece.events[-found.asked :]
        np.testing.assert_array_equal(asked[1:], encoded.events[moment.row + 1 : moment.stop])
        np.testing.assert_array_equal(asked[0, 1:], encoded.events[moment.row, 1:])
        assert prepare(found.piece, v).legal.any(axis=1).all()


def test_shuffling_changes_an_order_and_not_what_is_near(bundle, pieces):
    v, piece = bundle.vocabulary, pieces[-1]
    step = np.cumsum(v.steps_of(piece.events[:, Field.SHIFT]))
    row = int(np.searchsorted(step, 5 * BAR))
    moment = Moment(row, row + 4, int(step[row]), BAR)
    found = shuffle(piece, moment, 3 * BAR, v, np.random.default_rng(1))
    assert found is not None
    new = np.cumsum(v.steps_of(found.piece.events[:, Field.SHIFT]))
    far, near = new < 3 * BAR, new >= 3 * BAR
    old = piece.events[: moment.stop]
    np.testing.assert_array_equal(
        found.piece.events[near][1:], old[step[: len(old)] >= 3 * BAR][1:]
    )
    bars = [found.piece.events[(new >= b * BAR) & (new < (b + 1) * BAR), 1:4] for b in range(3)]
    assert far.any()
    before = [old[(step[: len(old)] // BAR) == b, 1:4] for b in range(3)]
    assert any(not np.array_equal(a, b) for a, b in zip(bars, before, strict=True))
    assert shuffle(piece, moment, BAR, v, np.random.default_rng(1)) is None  # one bar alone


def test_moments_are_onsets_of_different_bars_and_do_not_overlap(bundle, pieces):
    v = bundle.vocabulary
    for piece in pieces:
        found = moments_of(piece, v, 3, 6, np.random.default_rng(0))
        assert found
        for now, then in pairwise(found):
            assert now.stop <= then.row
        bars = piece.meter_map.locate([m.step for m in found], v.steps_per_quarter).bar
        assert len(set(bars.tolist())) == len(found)
        for moment in found:
            assert piece.events[moment.row, Field.SHIFT] > 0
            assert moment.row < moment.stop <= len(piece.events) - 1


# --- what models say --------------------------------------------------------------------------


def test_a_distance_beyond_the_piece_changes_exactly_nothing(bundle, pieces):
    v = bundle.vocabulary
    listeners = {
        "bundle": bundle_listener(bundle.decoder),
        "plain": plain_listener(plain_model(bundle)),
        "n-gram": ngram_listener(NGram.fit(pieces, v)),
    }
    found = measure(pieces, v, listeners, SMALL, decoder=bundle.decoder)
    ways = {(each.model, each.way) for each in found}
    assert ways == {*((n, w) for n in listeners for w in (CUT, SHUFFLED)), ("bundle", STATE)}
    for each in found:
        assert (each.lost[:, -1] == 0).all()
        assert not each.beyond[:, -1].any()
        assert np.isfinite(each.lost).all()
        assert (each.lost[~each.beyond] == 0).all()
        assert np.abs(each.lost[:, 0]).max() > 1e-3
    whole = {each.way: each.whole for each in found if each.model == "bundle"}
    np.testing.assert_allclose(whole[STATE], whole[CUT], rtol=1e-5)


@pytest.mark.parametrize("distance", [0, 0.5, 1])
def test_cutting_all_is_scoring_the_piece_from_there_on(bundle, distance):
    v = bundle.vocabulary
    score = chorale("long", bars=6, seed=3, pickup=24)
    piece = encode(score, v)
    moments = moments_of(piece, v, 4, 3, np.random.default_rng(2))[1:]
    origins = [m.step - int(distance * BAR) for m in moments]
    left = [cut(piece, m, o, v) for m, o in zip(moments, origins, strict=True)]
    ready = [Prepared(h.piece, prepare(h.piece, v), h.asked) for h in left if h is not None]
    assert len(ready) == len(moments)
    ngram, plain = NGram.fit([piece], v), plain_model(bundle)
    listeners = {
        bundle_listener(bundle.decoder): bundle.decoder.score,
        plain_listener(plain): lambda e: plain.nats([Rows.of(e, v)])[0],
        ngram_listener(ngram): ngram.nats,
    }
    for listener, scored in listeners.items():
        for nats, moment, origin in zip(listener(ready), moments, origins, strict=True):
            pickup = (24 - origin) % BAR
            alone = encode(later(score, origin, MeterMap(score.meter_map.meters, pickup)), v)
            assert alone.part_map == piece.part_map
            behind = len(piece.events) - moment.stop
            expected = scored(alone)[: len(alone.events) - behind][-len(nats) :]
            np.testing.assert_allclose(nats, expected, rtol=1e-4, atol=1e-5)


def test_an_emptied_state_is_the_recurrence_begun_there(bundle, pieces):
    """Row by row, by the decoder's own steps, with h and c set to zero on the way."""
    v, decoder, encoded = bundle.vocabulary, bundle.decoder, pieces[-1]
    moments = moments_of(encoded, v, 3, 3, np.random.default_rng(4))
    begins = [moments[0].row, moments[1].row - 5, 0]
    found = state_cut(decoder, prepare(encoded, v), moments, begins)
    whole = decoder.score(encoded)
    np.testing.assert_allclose(found[2], whole[moments[2].row : moments[2].stop], atol=1e-5)
    for moment, begin, nats in zip(moments, begins, found, strict=True):
        state = decoder.start(Conditions(), encoded.part_map, 1, meter_map=encoded.meter_map)
        for row in range(moment.stop):
            event = encoded.events[row : row + 1]
            if row >= moment.row:
                logs = [
                    decoder.log_probs(state, field, event)[0, event[0, field]] for field in Field
                ]
                np.testing.assert_allclose(nats[row - moment.row], [-x for x in logs], atol=1e-4)
            if row == begin - 1:
                state = replace(state, h=np.zeros_like(state.h), c=np.zeros_like(state.c))
            state = decoder.advance(state, event)
    assert np.abs(found[0] - whole[moments[0].row : moments[0].stop]).max() > 1e-3


# --- what is said -----------------------------------------------------------------------------


def losses_of(lost, beyond=None, bars=(0.0, 1.0, 2.0, 4.0)) -> Losses:
    """One moment of one note in each piece."""
    lost = np.asarray(lost, float)
    there = np.ones(lost.shape, bool) if beyond is None else np.asarray(beyond)
    count = len(lost)
    one = np.ones(count)
    return Losses("m", CUT, np.array(bars), np.arange(count), one, 2 * one, lost, there)


def test_memory_is_where_less_than_a_hundredth_is_lost_from_there_on():
    rng = np.random.default_rng(0)
    near = losses_of(np.tile([1.0, 0.2, 0.005, 0.001], (8, 1)) + rng.normal(0, 1e-5, (8, 4)))
    found = hearing(near, 100, rng)
    assert (found.memory, found.interval, found.whole) == (2, (2, 2), 2)
    assert found.share.tolist() == pytest.approx([1, 0.2, 0.005, 0.001], rel=0.1)
    # it comes back: what is heard farther away counts
    back = losses_of(np.tile([1.0, 0.001, 0.2, 0.001], (8, 1)) + rng.normal(0, 1e-5, (8, 4)))
    assert hearing(back, 100, rng).memory == 4
    far = losses_of(np.tile([1.0, 0.5, 0.4, 0.3], (8, 1)) + rng.normal(0, 1e-5, (8, 4)))
    assert hearing(far, 100, rng).memory == np.inf


def test_pieces_that_do_not_reach_so_far_say_nothing_of_it():
    lost = np.tile([1.0, 0.2, 0.005, 0.0], (8, 1))
    lost[:6, 2] = [0.5] * 6
    beyond = np.ones((8, 4), bool)
    beyond[2:, 3] = False
    found = hearing(losses_of(lost, beyond), 100, np.random.default_rng(0))
    assert found.pieces.tolist() == [8, 8, 8, 2]
    assert np.isnan(found.lost[3])
    assert found.memory == np.inf  # two bars are the farthest that enough pieces reach


def test_where_nothing_is_lost_there_is_no_memory_to_speak_of():
    rng = np.random.default_rng(1)
    found = hearing(losses_of(rng.normal(0, 1, (9, 4)) * [0.01, 1, 1, 1]), 100, rng)
    lost = hearing(losses_of([[0.1, 0, 0, 0], [-0.1, 0, 0, 0]] * 4), 100, rng)
    assert lost.memory is None
    assert lost.interval is None
    assert lost.clear is None
    assert found.error[1] > 0


def test_the_outcome_holds_all_models_and_says_their_memory(bundle, pieces):
    v = bundle.vocabulary
    model = plain_model(bundle)
    trained = {"tanh-RNN": Trained(model, model), "LSTM, forget bias 1": Trained(model, model)}
    music = Pieces(v, {"train": pieces[:3], "new": pieces[3:]})
    found = listening(SMALL, music, bundle=bundle, trained=trained)
    again = listening(SMALL, music, bundle=bundle, trained=trained)
    assert json_ready(found.numbers) == json_ready(again.numbers)
    heard = json_ready(found.numbers)["heard"]
    assert [(each["model"], each["way"]) for each in heard[:3]] == [
        (bundle.name, STATE),
        (bundle.name, CUT),
        (bundle.name, SHUFFLED),
    ]
    assert len(heard) == 9
    for each in heard:
        assert f"{each['model']}, " in found.found
    for block in found.blocks:
        if block.kind == "table":
            assert all(len(row) == len(block.columns) for row in block.rows)


def test_listening_needs_held_out_pieces_and_one_vocabulary(bundle, pieces):
    with pytest.raises(MusicLSTMError, match="held out"):
        listening(SMALL, Pieces(bundle.vocabulary, {"train": pieces}), trained={})
    other = replace(bundle.vocabulary, steps_per_quarter=12, counts={})
    with pytest.raises(MusicLSTMError, match="another vocabulary"):
        listening(SMALL, Pieces(other, {"valid": pieces}), bundle=bundle, trained={})


def test_quick_is_smaller_than_full():
    quick, full = ListeningSettings.quick(), ListeningSettings()
    assert quick.bars == full.bars
    assert quick.pieces * quick.moments < full.pieces * full.moments
    assert replace(quick.networks, steps=full.networks.steps, lanes=full.networks.lanes) == (
        full.networks
    )
