"""What is usual of a corpus: what is measured, what is kept in a bundle, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary, decode, encode
from musiclstm.features import melodic_motion
from musiclstm.generation import CopyCheck, Typical, typical
from musiclstm.generation.typical import (
    FEATURES,
    MOST_ROWS,
    Usual,
    beginning,
    count_notes,
    features_of,
    nats_per_note,
)
from musiclstm.model import load_bundle
from musiclstm.model.bundle import CORPUS
from musiclstm.score import Part, Score
from tests.bundles import chorale, tiny_bundle
from tests.spoiling import edit, refused
from tests.strategies import scores

TRAINING = [chorale(f"learned {n}", seed=n, bars=8) for n in range(8)]
HELD_OUT = [chorale(f"held out {n}", seed=100 + n, bars=8) for n in range(6)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "m", TRAINING))


def encoded(bundle, pieces):
    return [encode(score, bundle.vocabulary) for score in pieces]


# --- what is usual --------------------------------------------------------------------------


def test_a_few_odd_ones_change_nothing():
    values = np.random.default_rng(0).normal(10, 2, 2000).tolist()
    usual = Usual.of(values, 0.1)
    assert usual == pytest.approx((10, 2), abs=0.15)
    odd = Usual.of([*values, *[1e4] * 20], 0.1)
    assert odd == pytest.approx(usual, rel=0.03)


def test_where_nearly_all_are_equal_something_is_allowed():
    assert Usual.of([3.0] * 50, 0.25) == (3, 0.25)
    # one in twenty is beyond the inner range: they alone say how far one may go
    assert Usual.of([0.0] * 19 + [40.0], 0.25) == (0, 2)


@given(
    st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=30),
    st.floats(-1e6, 1e6),
    st.floats(0.5, 10),
)
def test_deviations_are_bounded_and_rise(values, value, most):
    usual = Usual.of(values, 0.001)
    z = usual.z(value, most)
    assert -most <= z <= most
    assert z <= usual.z(value + 1, most)
    assert usual.z(usual.middle, most) == 0


# --- what is measured -----------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(scores())
def test_any_music_can_be_measured(score):
    found = features_of(score)
    assert set(found) == set(FEATURES)
    assert np.isfinite(list(found.values())).all()


def test_a_key_and_a_place_change_no_feature():
    score = TRAINING[0]
    notes = score.notes.copy()
    notes[:, 2] += 3
    assert features_of(replace(score, notes=notes)) == pytest.approx(features_of(score))


def test_melodies_move_in_their_own_parts():
    rows = [[24 * n, 24, 60 + 2 * n, 80, 0] for n in range(4)]
    rows += [[24 * n, 24, 40 + 4 * n, 80, 1] for n in range(4)]
    rows += [[24 * n, 1, 36 + 7 * (n % 2), 80, 2] for n in range(4)]
    parts = [Part(), Part(), Part(is_drum=True), Part()]
    assert melodic_motion(Score.build(rows, parts)[0]) == 3
    assert melodic_motion(Score.build(rows[8:], parts)[0]) == 0


@settings(deadline=None, max_examples=40)
@given(scores())
def test_notes_are_counted_as_they_were_written(score):
    v = build_vocabulary([score])
    piece = encode(score, v)
    assert count_notes(piece, v) == piece.n_notes == len(decode(piece, v).notes)


def test_a_long_piece_is_measured_at_its_beginning(bundle):
    v = bundle.vocabulary
    long = encode(chorale("long", seed=1, bars=90), v)
    assert len(long.events) > MOST_ROWS
    start = beginning(long, v)
    assert len(start.events) <= MOST_ROWS
    score = decode(start, v)
    # within the last onset rows have the model's order of parts, scores their own
    earlier, whole = (s.notes[s.notes[:, 0] < score.notes[-1, 0]] for s in (score, decode(long, v)))
    assert earlier.tolist() == whole.tolist()
    assert len(score.notes) > MOST_ROWS - 10
    # the end that was put there costs nothing
    whole = bundle.decoder.score(long)[: len(start.events) - 1].sum(dtype=float)
    assert nats_per_note(bundle, long) == pytest.approx(whole / len(score.notes), rel=1e-5)


@pytest.mark.parametrize("pitches", [(60,), (60, 64, 67)])
def test_a_tie_or_a_wait_at_the_cut_goes(pitches):
    """Notes of ten bars, with as much silence between: each takes several rows."""
    rows = [[1920 * n, 960, p, 80, 0] for n in range(400) for p in pitches]
    score = Score.build(rows, [Part(name="organ")])[0]
    v = build_vocabulary([score])
    start = beginning(encode(score, v), v)
    heard = decode(start, v).notes
    assert 0 < len(heard) < len(score.notes)
    assert heard[:, :3].tolist() == score.notes[: len(heard), :3].tolist()


def test_rows_on_disk_are_narrower(bundle):
    piece = encoded(bundle, HELD_OUT)[0]
    narrow = replace(piece, events=piece.events.astype(np.int16))
    assert nats_per_note(bundle, narrow) == nats_per_note(bundle, piece)


# --- of pieces ------------------------------------------------------------------------------


def test_likelihood_and_copies_are_those_of_held_out_pieces(bundle):
    training, held_out = encoded(bundle, TRAINING), encoded(bundle, HELD_OUT)
    found = Typical.of_pieces(bundle, training, held_out)
    nats = [float(bundle.decoder.score(piece).sum()) / piece.n_notes for piece in held_out]
    assert found.nats.middle == pytest.approx(np.median(nats), rel=1e-4)
    check = CopyCheck.of(bundle)
    runs = [check.longest(piece).notes for piece in held_out]
    assert found.copied.middle == np.median(runs)
    assert found.copied.middle < 0.8 * training[0].n_notes, "of a copy of itself it would be all"
    density = [FEATURES["note_density"].measure(score) for score in TRAINING]
    assert found.features["note_density"].middle == pytest.approx(np.median(density), rel=1e-4)


def test_few_pieces_say_little(bundle):
    training, held_out = encoded(bundle, TRAINING), encoded(bundle, HELD_OUT)
    some = Typical.of_pieces(bundle, training, held_out[:2])
    assert some.copied is None
    middle = np.median([nats_per_note(bundle, piece) for piece in held_out[:2]])
    assert some.nats.middle == pytest.approx(middle, rel=1e-4)
    spread = Usual.of([nats_per_note(bundle, piece) for piece in training], 0.05).spread
    assert some.nats.spread == pytest.approx(spread)
    none = Typical.of_pieces(bundle, training, [])
    middle = np.median([nats_per_note(bundle, piece) for piece in training])
    assert none.nats.middle == pytest.approx(middle, rel=1e-4)
    assert len(none.features) == len(FEATURES)
    assert Typical.of_pieces(bundle, training[:4], held_out[:4]) == Typical(None, None, {})
    assert Typical.of_pieces(bundle, [], []) == Typical(None, None, {})


def test_of_many_pieces_evenly_chosen_ones_are_measured(bundle, monkeypatch):
    pieces = encoded(bundle, TRAINING) * 200
    seen = []
    monkeypatch.setattr(
        typical, "nats_per_note", lambda _, piece: seen.append(piece.source) or float(len(seen))
    )
    found = Typical.of_pieces(bundle, pieces, pieces[:700])
    assert found.nats is not None
    assert 5 <= len(seen) <= 200
    assert sum(len(pieces[0].events) for _ in seen) < 20 * MOST_ROWS
    assert len(set(seen)) > 2, "not all from one place"


def test_a_huge_training_set_is_not_searched(bundle, monkeypatch):
    monkeypatch.setattr(typical, "_MOST_NOTES_COMPARED", 100)
    training, held_out = encoded(bundle, TRAINING), encoded(bundle, HELD_OUT)
    assert Typical.of_pieces(bundle, training, held_out).copied is None


# --- in a bundle ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return tiny_bundle(tmp_path / "m", TRAINING)


def keep(folder, values):
    edit(folder / CORPUS, lambda corpus: corpus.update(typical=values))


def test_a_bundle_keeps_it(folder):
    before = load_bundle(folder)
    assert Typical.of_bundle(before) == Typical(None, None, {})
    found = Typical.of_pieces(before, encoded(before, TRAINING), encoded(before, HELD_OUT))
    keep(folder, found.as_dict())
    after = load_bundle(folder)
    assert Typical.of_bundle(after) == found
    assert after.digest != before.digest, "it decides which piece is written"
    json.dumps(found.as_dict(), allow_nan=False)
    keep(folder, Typical(None, None, {}).as_dict())
    assert Typical.of_bundle(load_bundle(folder)) == Typical(None, None, {})


def test_features_of_a_later_version_are_passed_over(folder):
    keep(folder, {"features": {"swing": [1.0, 2.0], "polyphony": [3, 1]}, "mood": "good"})
    assert Typical.of_bundle(load_bundle(folder)).features == {"polyphony": Usual(3, 1)}


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"features": []},
        {"features": {}, "nats": []},
        {"features": {}, "nats": 1.0},
        {"features": {}, "nats": [1.0]},
        {"features": {}, "nats": [1.0, 0.0]},
        {"features": {}, "nats": [1.0, -1.0]},
        {"features": {}, "nats": [1.0, 1e-300]},
        {"features": {}, "nats": [10**90, 1.0]},
        {"features": {}, "copied": [9.0, True]},
        {"features": {}, "copied": "\x1b[2J"},
        {"features": {"polyphony": [1.0, 1e300]}},
        {"features": {"polyphony": {"middle": 1.0}}},
        {"features": {"\n\x1b[2J": [None, 1.0]}},
        {"features": {f"f{n}": [1.0, 1.0] for n in range(1000)}},
    ],
)
def test_what_is_nothing_usual_is_refused(folder, values):
    keep(folder, values)
    refused(folder, CORPUS)
