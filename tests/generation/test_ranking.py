"""Which of several pieces comes first, and what is said of each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import encode
from musiclstm.generation import CopyCheck, Typical, rank
from musiclstm.generation.ranking import MOST
from musiclstm.generation.typical import nats_per_note
from musiclstm.model import load_bundle
from musiclstm.score import Column, Part, Score
from tests.bundles import chorale, tiny_bundle

TRAINING = [chorale(f"learned {n}", seed=n, bars=8) for n in range(12)]
HELD_OUT = [chorale(f"held out {n}", seed=100 + n, bars=8) for n in range(8)]
# of five chords many a run is in two pieces by chance: these have no longer ones than usual
NEW = [chorale(f"new {n}", seed=n, bars=8) for n in (201, 202, 205, 206)]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A bundle that says nothing of what is typical."""
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "m", TRAINING))


@pytest.fixture(scope="module")
def bundle(bare):
    training, held_out = encoded(bare, TRAINING), encoded(bare, HELD_OUT)
    return with_typical(bare, Typical.of_pieces(bare, training, held_out))


def with_typical(bundle, found):
    return replace(bundle, corpus={**bundle.corpus, "typical": found.as_dict()})


def encoded(bundle, pieces):
    return [encode(score, bundle.vocabulary) for score in pieces]


def shuffled(score, seed=0):
    """The same rhythm, each part's pitches in another order."""
    rng, notes = np.random.default_rng(seed), score.notes.copy()
    for part in range(len(score.parts)):
        own = np.flatnonzero(notes[:, Column.PART] == part)
        notes[own, Column.PITCH] = rng.permutation(notes[own, Column.PITCH])
    return replace(score, notes=notes)


def loop(score):
    """One chord, a quarter long, for as long as the piece."""
    first = score.notes[: len(score.parts)]
    rows = [
        [24 * n, 24, int(row[Column.PITCH]), 80, int(row[Column.PART])]
        for n in range(score.end // 24)
        for row in first
    ]
    return replace(score, notes=Score.build(rows, score.parts)[0].notes)


def test_pieces_like_the_corpus_come_before_spoiled_ones_and_copies(bundle):
    spoiled = [*(shuffled(score) for score in NEW), *(loop(score) for score in NEW)]
    pieces = encoded(bundle, [*TRAINING[:4], *spoiled, *NEW])
    found = rank(bundle, pieces)
    new = set(range(12, 16))
    assert {one.index for one in found[:4]} == new
    assert sorted(one.index for one in found) == list(range(16))
    of = {one.index: one for one in found}
    for index in range(4):
        assert of[index].copied == MOST
        assert f"of learned {index} (usual" in of[index].why
        assert of[index].features < 2, "it has the features of the corpus, being of it"
    for index in range(4, 12):
        assert of[index].features > 1.3 * max(of[one].features for one in new)


def test_too_likely_and_too_unlikely_both_count(bare):
    pieces = encoded(bare, [*NEW, shuffled(NEW[0]), loop(NEW[0])])
    nats = sorted((nats_per_note(bare, piece), index) for index, piece in enumerate(pieces))
    (low, first), (high, last) = nats[0], nats[-1]

    def order(middle):
        usual = {"nats": [middle, (high - low) / 4], "copied": None, "features": {}}
        asked = replace(bare, corpus={**bare.corpus, "typical": usual}, path=bare.path / "none")
        check = CopyCheck({}, bare.vocabulary)
        return rank(asked, pieces, check)

    assert [order(low)[place].index for place in (0, -1)] == [first, last]
    assert [order(high)[place].index for place in (0, -1)] == [last, first]
    between = {one.index: one for one in order((low + high) / 2)}
    assert between[first].nats == pytest.approx(-2, abs=1e-3)
    assert between[last].nats == pytest.approx(2, abs=1e-3)
    assert between[first].score == pytest.approx(between[last].score, abs=1e-3)
    assert "more predictable than the corpus" in between[first].why
    assert "less predictable than the corpus" in between[last].why
    assert "copies not looked for" in between[last].why


def test_the_three_count_alike(bundle):
    for one in rank(bundle, encoded(bundle, [*NEW, TRAINING[0], loop(NEW[1])])):
        parts = (one.nats, one.features, one.copied)
        assert one.score == pytest.approx(np.sqrt(np.sum(np.square(parts))))
        assert one.score <= np.sqrt(3) * MOST
        assert -MOST <= one.nats <= MOST
        assert 0 <= one.features <= MOST
        assert 0 <= one.copied <= MOST


def test_a_bundle_that_does_not_know_ranks_by_what_is_copied(bare):
    """And says that it knows no more."""
    half = TRAINING[0].notes[TRAINING[0].notes[:, Column.ONSET] < TRAINING[0].end // 2]
    tail = NEW[0].notes[NEW[0].notes[:, Column.ONSET] >= TRAINING[0].end // 2]
    rows = np.concatenate([half, tail])
    mixed = Score.build(rows, NEW[0].parts, meter_map=NEW[0].meter_map)[0]
    found = rank(bare, encoded(bare, [TRAINING[0], mixed, NEW[0]]))
    assert [one.index for one in found] == [2, 1, 0]
    assert found[2].copied == found[2].score == MOST
    for one in found:
        assert (one.nats, one.features) == (None, None)
        assert "the model does not say what is usual" in one.why
        assert "features not compared" in one.why


def test_equals_stay_in_order(bundle):
    piece = encoded(bundle, NEW[:1])[0]
    assert [one.index for one in rank(bundle, [piece] * 5)] == list(range(5))
    assert rank(bundle, []) == []


def test_it_is_said_in_what_a_piece_differs(bundle):
    twice = NEW[0].notes.copy()
    twice[:, Column.ONSET] //= 2
    twice[:, Column.DURATION] = np.maximum(twice[:, Column.DURATION] // 2, 1)
    wide = NEW[0].notes.copy()
    wide[wide[:, Column.PART] == 3, Column.PITCH] -= 24
    for notes, words in ((twice, "note"), (wide, "range")):
        score = Score.build(notes, NEW[0].parts, meter_map=NEW[0].meter_map)[0]
        why = rank(bundle, encoded(bundle, [score]))[0].why
        assert f"most unlike it in {words}" in why or f"in length of {words}" in why, why


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 40))
def test_any_pieces_get_a_line_each(bundle, kinds, length):
    """Silence, a single note, drums, another's parts: all have a place."""
    melody = [[24 * n, 24, 60 + n % 5, 80, 0] for n in range(length)]
    makers = [
        lambda: NEW[0],
        lambda: Score.build(melody, [Part(name="soprano")])[0],
        lambda: Score.build(melody[:1], [Part(name="alto")])[0],
        lambda: Score.build(melody, [Part(is_drum=True)])[0],
        lambda: shuffled(NEW[1]),
        lambda: loop(NEW[2]),
    ]
    pieces = encoded(bundle, [makers[kind]() for kind in kinds])
    found = rank(bundle, pieces)
    assert sorted(one.index for one in found) == list(range(len(pieces)))
    assert [one.score for one in found] == sorted(one.score for one in found)
    for one in found:
        assert one.why.isprintable()
        assert np.isfinite(one.score)
    alone = [rank(bundle, [piece])[0].score for piece in pieces]
    assert {one.index: one.score for one in found} == dict(enumerate(alone))


def test_a_strange_name_is_printed_safely(bundle):
    check = CopyCheck.of(bundle)
    names = np.array(["a\n\x1b[2J" + "x" * 500] * len(TRAINING))
    check = replace(check, arrays={**check.arrays, "sources": names})
    why = rank(bundle, encoded(bundle, TRAINING[:1]), check)[0].why
    assert why.isprintable()
    assert len(why) < 400
