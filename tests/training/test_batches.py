"""Windows, lanes, and what a resumed run must see again."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Field, build_vocabulary, encode, prepare
from musiclstm.score import Key, Part, Score
from musiclstm.training.batches import (
    BatchMaker,
    Schedule,
    Visit,
    endless_visits,
    hide,
    prefetch,
    windows_per_epoch,
)


def melody(n, first=60):
    notes = [[12 * i, 12, first + (3 * i) % 10, 80, 0] for i in range(n)]
    return Score.build(notes, [Part(name="melody")])[0]


@pytest.fixture
def maker():
    scores = [melody(n, 55 + n % 5) for n in (5, 17, 40, 8)]
    vocabulary = build_vocabulary(scores)
    pieces = [encode(score, vocabulary) for score in scores]
    return BatchMaker(pieces, vocabulary, lanes=3, window=8, augment=False)


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 4), st.integers(2, 16))
def test_a_single_pass_plays_every_row_once(lengths, lanes, window):
    visits = (Visit(piece, ()) for piece in range(len(lengths)))
    played = [[] for _ in lengths]
    for windows in Schedule(lengths, visits, lanes, window):
        for now in filter(None, windows):
            played[now.visit.piece].append(now.start)
    assert played == [list(range(0, length, window)) for length in lengths]


def test_an_epoch_plays_every_piece_once():
    visits = list(islice(endless_visits(7, seed=1), 21))
    for epoch in range(3):
        assert sorted(v.piece for v in visits[7 * epoch : 7 * epoch + 7]) == list(range(7))
    assert [v.piece for v in visits[:7]] != [v.piece for v in visits[7:14]]
    assert visits == list(islice(endless_visits(7, seed=1), 21))
    assert len({v.seed for v in visits}) == 21
    assert windows_per_epoch([1, 8, 9], 8) == 4


def test_batches_hold_the_pieces(maker):
    rows = [[] for _ in maker.pieces]
    notes = 0
    for windows in maker.single_pass():
        batch = maker.make(windows)
        for lane, window in enumerate(windows):
            if window is None:
                assert not batch["counts"][lane].any()
                continue
            assert batch["fresh"][lane] == (window.start == 0)
            rows[window.visit.piece].append(batch["targets"][lane][batch["counts"][lane, :, 0]])
        notes += batch["counts"][..., Field.VELOCITY].sum()
    for piece, found in zip(maker.pieces, rows, strict=True):
        assert np.concatenate(found).tolist() == piece.events.tolist()
    assert notes == sum(piece.n_notes for piece in maker.pieces)


def test_the_context_of_a_window_starts_with_the_row_before_it(maker):
    piece = prepare(maker.pieces[2], maker.vocabulary)
    windows = next(s for s in maker.single_pass() if any(w and w.start == 8 for w in s))
    lane = next(lane for lane, w in enumerate(windows) if w and w.start == 8)
    batch = maker.make(windows)
    assert np.array_equal(batch["onset_ids"][lane], piece.context.onset_ids[8:17])
    assert np.array_equal(batch["inputs"][lane], piece.inputs[8:16])
    assert np.array_equal(batch["legal"][lane], piece.legal[9:17])


def test_training_batches_come_again_from_the_seed(maker):
    maker.augment = True
    first = [maker.make(windows) for windows in islice(maker.training_schedule(5), 6)]
    skipped = maker.training_schedule(5)
    for _ in range(3):
        next(skipped)
    again = BatchMaker(maker.pieces, maker.vocabulary, 3, 8, augment=True)
    later = [again.make(windows) for windows in islice(skipped, 3)]
    for ours, theirs in zip(first[3:], later, strict=True):
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_conditions_are_hidden_now_and_then():
    conditions = Conditions("folk", Key(2), "3/4", 90.0, 16)
    rng = np.random.default_rng(0)
    seen = [hide(conditions, rng) for _ in range(2000)]
    share_all = sum(c == Conditions() for c in seen) / len(seen)
    share_key = sum(c.key is None for c in seen) / len(seen)
    assert share_all == pytest.approx(0.3, abs=0.05)
    assert share_key == pytest.approx(0.3 + 0.7 * 0.2, abs=0.05)


def test_prefetch_hands_errors_over():
    def broken(windows):
        raise ValueError("no such batch")

    with pytest.raises(ValueError, match="no such batch"):
        list(prefetch(broken, iter([[None]])))


def test_prefetch_stops_with_its_consumer(maker):
    batches = prefetch(maker.make, maker.training_schedule(0))
    next(batches)
    batches.close()
    with pytest.raises(StopIteration):
        next(batches)
