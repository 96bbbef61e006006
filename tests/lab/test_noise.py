import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import Field, build_vocabulary, encode
from musiclstm.errors import TrainingError
from musiclstm.evaluation import Uniform
from musiclstm.lab.mistakes import beginning, notes_of, with_mistakes
from musiclstm.lab.noise import NoiseSettings, noise
from musiclstm.lab.noise_means import BINS, KINDS, mean_over_pieces
from musiclstm.lab.row_ngram import RowNGram
from musiclstm.model import load_bundle
from musiclstm.rendering.document import Picture, Table
from tests.bundles import chorale, chorales, tiny_bundle
from tests.strategies import scores

SMALL = NoiseSettings(
    rates=(0.05, 0.2), draws=1, lone=3, most_notes=10_000, piece_notes=60, learned=4, order=3
)


def encoded_pair(score):
    v = build_vocabulary([score])
    return encode(score, v), v


@given(scores(min_notes=1), st.sampled_from(list(KINDS)), st.integers(0, 9), st.integers(0, 99))
def test_a_piece_with_mistakes_is_a_legal_piece_of_as_many_notes(score, kind, count, seed):
    piece, v = encoded_pair(score)
    wrong = with_mistakes(piece, count, KINDS[kind], np.random.default_rng(seed), v)
    assert np.isfinite(Uniform(v).nats(wrong.piece)).all()  # what is illegal costs infinitely much
    before, after = notes_of(piece, v), wrong.notes
    assert sorted(wrong.was) == list(range(len(before)))
    assert np.count_nonzero(wrong.touched) <= count
    kept = ~wrong.touched
    for name in ("onset", "end", "part", "pitch"):
        assert (getattr(after, name)[kept] == getattr(before, name)[wrong.was][kept]).all()
    changed = (after.pitch != before.pitch[wrong.was]) | (after.onset != before.onset[wrong.was])
    assert (changed == wrong.touched).all()
    assert (after.end - after.onset == (before.end - before.onset)[wrong.was]).all()


@given(scores(min_notes=1), st.sampled_from(list(KINDS)), st.integers(0, 99))
def test_what_is_compared_is_the_same_event(score, kind, seed):
    piece, v = encoded_pair(score)
    wrong = with_mistakes(piece, 3, KINDS[kind], np.random.default_rng(seed), v)
    before = notes_of(piece, v)
    for place in np.flatnonzero(wrong.comparable):
        was = wrong.was[place]
        now = wrong.piece.events[wrong.notes.head[place] : wrong.notes.last[place] + 1]
        assert (now == piece.events[before.head[was] : before.last[was] + 1]).all()


@given(scores(min_notes=1))
def test_without_mistakes_nothing_changes(score):
    piece, v = encoded_pair(score)
    for options in KINDS.values():
        wrong = with_mistakes(piece, 0, options, np.random.default_rng(0), v)
        assert (wrong.piece.events == piece.events).all()
        assert wrong.comparable.all()


def test_nats_of_notes_add_up_to_those_of_the_rows_but_for_the_end():
    piece, v = encoded_pair(chorale(bars=6))
    nats = np.random.default_rng(0).random((len(piece.events), len(Field)))
    assert notes_of(piece, v).sums(nats).sum() == pytest.approx(nats[:-1].sum())


def test_the_beginning_of_a_piece_is_a_piece():
    piece, v = encoded_pair(chorale(bars=6))
    cut = beginning(piece, 9, v)
    assert cut.n_notes == len(notes_of(cut, v)) == 9
    assert np.isfinite(Uniform(v).nats(cut)).all()
    assert beginning(piece, 10_000, v) is piece


def test_a_plain_ngram_forgets_after_as_many_rows_as_it_says():
    piece, v = encoded_pair(chorale(bars=8, seed=3))
    model = RowNGram.fit([piece, encode(chorale(seed=4), v)], v, 4)
    wrong = with_mistakes(piece, 1, KINDS["wrong pitches"], np.random.default_rng(1), v)
    (at,) = np.flatnonzero(wrong.touched)
    damage = (model.nats(wrong.piece) - model.nats(piece)).sum(axis=1)
    row = wrong.notes.head[at]
    assert not damage[:row].any()
    assert damage[row : row + 4].any()
    assert not damage[row + 4 :].any()


def test_a_plain_ngram_is_a_distribution():
    v = build_vocabulary([chorale()])
    piece = encode(chorale(seed=1), v)
    model = RowNGram.fit([piece], v, 3)
    nats = []
    for part in range(v.size(Field.PART)):
        rows = piece.events.copy()
        rows[5, Field.PART] = part
        changed = type(piece)(rows, piece.conditions, piece.part_map, piece.parts, piece.meter_map)
        nats.append(model.nats(changed)[5, Field.PART])
    assert np.exp(-np.array(nats)).sum() == pytest.approx(1, abs=1e-5)


def test_the_past_of_a_mistake_is_not_harmed(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    v = bundle.vocabulary
    piece = encode(chorale(seed=7), v)
    for options in KINDS.values():
        wrong = with_mistakes(piece, 1, options, np.random.default_rng(2), v)
        first = min(int(np.argmax(wrong.touched)), int(wrong.was[np.argmax(wrong.touched)]))
        now = wrong.notes.sums(bundle.decoder.score(wrong.piece))
        then = notes_of(piece, v).sums(bundle.decoder.score(piece))
        assert now[:first] == pytest.approx(then[:first], abs=1e-4)
        assert np.abs(now - then[wrong.was])[first:].max() > 1e-3


def test_a_mean_over_pieces_by_hand():
    mean = mean_over_pieces([2.0, 6.0], [2, 2])
    assert mean.value == 2.0
    assert mean.error == pytest.approx(1.0)  # of the two means 1 and 3
    assert np.isnan(mean_over_pieces([2.0, 0.0], [2, 0]).error)
    assert mean_over_pieces([], []).notes == 0


def test_the_outcome_says_what_was_measured(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    v = bundle.vocabulary
    learned = [encode(score, v) for score in chorales()]
    held_out = [encode(chorale(f"new{seed}", seed=seed), v) for seed in (21, 22, 23)]
    told = []
    outcome = noise(SMALL, bundle, learned, held_out, tell=told.append)
    assert outcome.name == "noise"
    assert told[-1] == "piece 3 of 3"
    rates = {(row["kind"], row["rate"]): row for row in outcome.numbers["rates"]}
    assert set(rates) == {(kind, rate) for kind in KINDS for rate in SMALL.rates}
    worst = rates["wrong pitches", 0.2]
    assert worst["touched"] == pytest.approx(0.2, abs=0.03)
    for name in ("LSTM", "n-gram", "plain 3-gram"):
        assert f"{worst['damage'][name]['value']:+.2f} for the {name}" in outcome.found
    # the plain n-gram is the control: where it can know nothing, nothing is found
    plain = [
        row["damage"]["plain 3-gram"]["value"]
        for row in outcome.numbers["after"]
        if row["kind"] == "wrong pitches" and row["first"] > 2
    ]
    assert plain[:3] == pytest.approx([0] * 3, abs=1e-6)
    tables = [block for block in outcome.blocks if isinstance(block, Table)]
    assert len(tables[1].rows) == len(KINDS) * len(BINS)
    assert isinstance(outcome.blocks[0], Picture)


def test_the_same_seed_makes_the_same_mistakes(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    held_out = [encode(chorale(seed=seed), bundle.vocabulary) for seed in (21, 22)]
    first, again = (noise(SMALL, bundle, [], held_out) for _ in range(2))
    assert first.numbers == again.numbers
    assert list(first.numbers["clean"]) == ["LSTM"]  # nothing to count, no n-gram


def test_noise_needs_held_out_pieces(tmp_path):
    with pytest.raises(TrainingError, match="not learned from"):
        noise(SMALL, load_bundle(tiny_bundle(tmp_path / "tiny")), [], [])
