"""The n-gram and its lesser kin: exact probabilities of legal rows, from the past alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Field, build_vocabulary, encode, prepare
from musiclstm.errors import EncodingError
from musiclstm.evaluation import NGram, Uniform, Unigram
from musiclstm.evaluation.backoff import Chain, Counts, keys_of
from musiclstm.evaluation.columns import view
from musiclstm.evaluation.viewpoints import VIEWPOINTS, As, symbols
from musiclstm.evaluation.weighing import Said, Weights
from tests.bundles import chorale, chorales
from tests.strategies import scores
from tests.training.tiny import piece as melody


@pytest.fixture(scope="module")
def corpus():
    music = [*chorales(), *(chorale(f"more{n}", seed=10 + n, bars=6) for n in range(12))]
    vocabulary = build_vocabulary(music)
    pieces = [encode(score, vocabulary) for score in music]
    return vocabulary.with_counts([piece.events for piece in pieces]), pieces


@pytest.fixture(scope="module")
def ngram(corpus):
    vocabulary, pieces = corpus
    return NGram.fit(pieces, vocabulary)


@pytest.fixture(scope="module")
def models(corpus, ngram):
    vocabulary, _ = corpus
    return {"uniform": Uniform(vocabulary), "unigram": Unigram(vocabulary), "ngram": ngram}


def fresh(vocabulary, seed=99):
    return encode(chorale("fresh", seed=seed, bars=5), vocabulary)


# --- all of them ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["uniform", "unigram", "ngram"])
def test_nats_have_the_shape_of_the_rows(models, corpus, name):
    piece = fresh(corpus[0])
    nats = models[name].nats(piece)
    assert nats.shape == piece.events.shape
    assert np.isfinite(nats).all()
    assert (nats >= -1e-5).all()
    assert (nats[-1, 1:] == 0).all()  # END is a shift alone


@pytest.mark.parametrize("name", ["uniform", "unigram", "ngram"])
@pytest.mark.parametrize("field", list(Field))
def test_the_legal_ids_of_a_field_sum_to_1(name, field):
    """Each legal id in turn is put in the place of what came."""
    music = [melody(number) for number in range(12)]  # chorales leave nothing open
    vocabulary = build_vocabulary(music)
    pieces = [encode(score, vocabulary) for score in music]
    vocabulary = vocabulary.with_counts([piece.events for piece in pieces])
    makers = {"uniform": Uniform, "unigram": Unigram}
    model = makers[name](vocabulary) if name in makers else NGram.fit(pieces[1:], vocabulary)
    piece, row = pieces[0], 11
    legal = prepare(piece, vocabulary).legal[row + 1, vocabulary.slices[field]]
    total = 0.0
    for chosen in np.flatnonzero(legal):
        if field == Field.SHIFT and chosen > vocabulary.max_shift:
            events = piece.events[: row + 1].copy()
            events[row] = [chosen, 0, 0, 0, 0]
            if chosen == vocabulary.wait:  # the row after it has to be there
                events = np.concatenate([events, [[1, *piece.events[row, 1:]]], piece.events[-1:]])
        else:
            events = np.concatenate([piece.events[: row + 1], piece.events[-1:]])
            events[row, field] = chosen
            if field == Field.DURATION and chosen == vocabulary.tie:
                again = events[row].copy()
                again[Field.SHIFT], again[Field.DURATION] = 0, 0
                events = np.concatenate([events[: row + 1], again[None], events[-1:]])
        nats = model.nats(replace(piece, events=events.astype(np.int32)))
        total += float(np.exp(-nats[row, field]))
    assert total == pytest.approx(1, abs=2e-5)


@settings(max_examples=25, deadline=None)
@given(music=scores(), cut=st.integers(0, 30), seed=st.integers(0, 9))
def test_the_future_changes_nothing_before_it(music, cut, seed):
    """Of two pieces with the same beginning every field of it is as likely."""
    vocabulary = build_vocabulary([music])
    piece = encode(music, vocabulary)
    pieces = [piece, encode(replace(music, notes=music.notes[::2].copy()), vocabulary)]
    vocabulary = vocabulary.with_counts([piece.events])
    model = NGram.fit(pieces[:1], vocabulary)
    cut = min(cut, len(piece.events) - 1)
    if cut and piece.events[cut - 1, Field.DURATION] == vocabulary.tie:
        cut -= 1
    if cut and piece.events[cut - 1, Field.SHIFT] > vocabulary.max_shift:
        cut -= 1
    while cut and piece.events[cut - 1, Field.DURATION] == vocabulary.tie:
        cut -= 1
    shorter = replace(piece, events=np.concatenate([piece.events[:cut], piece.events[-1:]]))
    before, after = model.nats(piece)[:cut], model.nats(shorter)[:cut]
    np.testing.assert_allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("field", list(Field)[:-1])
def test_a_field_is_not_told_to_those_before_it(ngram, corpus, field):
    """Change the fields from one on: what was predicted earlier in the row does not move."""
    vocabulary, _ = corpus
    piece = fresh(vocabulary)
    nats = ngram.nats(piece)
    moved = 0
    for row in range(4, len(piece.events) - 1):
        later = list(Field)[field + 1 :]
        events = np.concatenate([piece.events[: row + 1], piece.events[-1:]])
        for each, change in zip(later, (0, 1, 5, 3), strict=False):
            if each in (Field.PITCH, Field.DURATION, Field.VELOCITY):
                events[row, each] += 1 + change
        other = ngram.nats(replace(piece, events=events))
        np.testing.assert_allclose(other[:row], nats[:row], atol=1e-5)
        np.testing.assert_allclose(other[row, : field + 1], nats[row, : field + 1], atol=1e-5)
        moved += not np.allclose(other[row], nats[row], atol=1e-5)
    assert moved


# --- the n-gram -----------------------------------------------------------------------------


def test_each_knows_more_than_the_one_before(models, corpus):
    piece = fresh(corpus[0])
    uniform, unigram, ngram = (float(models[name].nats(piece).sum()) for name in models)
    assert ngram < 0.6 * unigram < 0.6 * uniform


def test_transposed_music_is_as_likely_but_for_the_range(ngram, corpus):
    vocabulary, _ = corpus
    piece = fresh(vocabulary)
    events = piece.events.copy()
    events[:-1, Field.PITCH] += 12
    nats, other = ngram.nats(piece), ngram.nats(replace(piece, events=events))
    np.testing.assert_allclose(nats[:, :2], other[:, :2], atol=1e-5)
    assert not np.allclose(nats[:, Field.PITCH], other[:, Field.PITCH], atol=1e-3)


def test_one_piece_is_enough(corpus):
    vocabulary, pieces = corpus
    assert np.isfinite(NGram.fit(pieces[:1], vocabulary).nats(fresh(vocabulary))).all()


def test_nothing_is_refused(corpus):
    with pytest.raises(EncodingError, match="no music to count"):
        NGram.fit([], corpus[0])


def test_every_context_exists_and_base_too(corpus):
    seen = view(fresh(corpus[0]), corpus[0])
    for points in VIEWPOINTS.values():
        for point in points:
            names = {name for names in point.contexts for name in names.split()}
            assert names <= set(seen.columns)
            assert not point.base or point.base in seen.columns


def test_symbols_are_within_their_number(corpus):
    vocabulary, pieces = corpus
    seen = view(pieces[0], vocabulary)
    for field, points in VIEWPOINTS.items():
        size = vocabulary.size(field)
        n = len(seen.targets)
        ids = np.broadcast_to(np.arange(size, dtype=np.int32), (n, size))
        for point in points:
            found, many = symbols(point, ids, seen.columns, size)
            assert found.min() >= 0
            assert found.max() < many
            if point.kind is As.STEP:  # one symbol an id
                assert (np.diff(found, axis=1) == 1).all()


# --- counts and weights ---------------------------------------------------------------------


def test_witten_bell_by_hand():
    """Context 1 has met a, a, b: p(a) = (2 + 2 p') / (3 + 2), with p' of no context."""
    symbols = np.array([0, 0, 1, 2], np.int32)
    keys = [keys_of([], 4), keys_of([np.array([1, 1, 1, 5])], 4)]
    chain = Chain.fit(keys, symbols, 4)
    asked = [keys_of([], 2), keys_of([np.array([1, 7])], 2)]
    said, depth = chain.say(asked)
    shorter = (np.array([2, 1, 1, 0]) + 3 / 4) / (4 + 3)
    np.testing.assert_allclose(said[1], shorter, rtol=1e-6)
    np.testing.assert_allclose(said[0], (np.array([2, 1, 0, 0]) + 2 * shorter) / 5, rtol=1e-6)
    assert depth.tolist() == [2, 1]


@given(
    st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 6)), min_size=1, max_size=40),
    st.lists(st.integers(-2, 3), min_size=1, max_size=10),
)
def test_chains_sum_to_1(seen, asked):
    context, found = np.array(seen, np.int32).T
    keys = [keys_of([], len(found)), keys_of([context], len(found))]
    chain = Chain.fit(keys, found, 7)
    said, _ = chain.say([keys_of([], len(asked)), keys_of([np.array(asked)], len(asked))])
    np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-5)
    assert (said > 0).all()


def test_counts_are_counts():
    counts = Counts.of(keys_of([np.array([3, 3, 3, 4])], 4), np.array([1, 1, 0, 1], np.int32))
    assert sorted(counts.totals.tolist()) == [1, 3]
    assert sorted(counts.counts.tolist()) == [1, 1, 2]


def test_equal_rows_have_equal_keys_whatever_their_type():
    wide, narrow = np.array([1, -1, 7]), np.array([1, -1, 7], np.int16)
    assert (keys_of([wide], 3) == keys_of([narrow], 3)).all()
    assert len(set(keys_of([wide], 3).tolist())) == 3
    assert (keys_of([wide, wide[::-1]], 3) != keys_of([wide[::-1], wide], 3)).any()


def test_the_viewpoint_that_knows_gets_the_weight():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 400)
    knows = np.log(np.where(np.arange(3) == targets[:, None], 0.6, 0.2)).astype(np.float32)
    guesses = np.log(rng.dirichlet(np.ones(3), 400)).astype(np.float32)
    said = Said(
        np.stack([knows, guesses]),
        np.zeros((2, 400), np.int32),
        np.ones((400, 3), bool),
        targets,
    )
    even = Weights.even([0, 0])
    fitted = even.fitted([said])
    assert fitted.nats(said).sum() < even.nats(said).sum()
    assert fitted.values[0] > 5 * abs(fitted.values[1])
