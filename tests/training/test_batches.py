"""Windows, lanes, and what a resumed run must see again."""

from dataclasses import replace
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
    Window,
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
        notes += (batch["counts"][..., Field.VELOCITY] & ~batch["continues"]).sum()
    for piece, found in zip(maker.pieces, rows, strict=True):
        assert np.concatenate(found).tolist() == piece.events.tolist()
    assert notes == sum(piece.n_notes for piece in maker.pieces)


def test_the_context_of_a_window_starts_with_the_row_before_it(maker):
    piece = prepare(maker.pieces[2], maker.vocabulary)
    windows = next(s for s in maker.single_pass() if any(w and w.start == 8 for w in s))
    lane = next(lane for lane, w in enumerate(windows) if w and w.start == 8)
    batch = maker.make(windows)
    for name, values in vars(piece.context).items():
        assert np.array_equal(batch[name][lane], values[8:17]), name
        assert batch[name].dtype == values.dtype
    for name in ("inputs", "after_ids"):
        assert np.array_equal(batch[name][lane], getattr(piece, name)[8:16]), name
    for name in ("targets", "legal", "counts"):
        assert np.array_equal(batch[name][lane], getattr(piece, name)[9:17]), name


def test_padding_counts_for_nothing_and_divides_by_nothing(maker):
    windows = [*next(maker.single_pass())[:1], None, None]
    batch = maker.make(windows)
    assert not batch["counts"][1:].any()
    assert not batch["continues"][1:].any()
    assert (batch["bar"] >= 1).all()
    assert batch["legal"][1:].all()
    assert batch["fresh"].all()


def test_training_batches_come_again_from_the_seed(maker):
    maker.augment, maker.noise = True, 0.3
    first = [maker.make(windows) for windows in islice(maker.training_schedule(5), 6)]
    skipped = maker.training_schedule(5)
    for _ in range(3):
        next(skipped)
    again = BatchMaker(maker.pieces, maker.vocabulary, 3, 8, augment=True, noise=0.3)
    later = [again.make(windows) for windows in islice(skipped, 3)]
    for ours, theirs in zip(first[3:], later, strict=True):
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


# Whatever is spoilt, what is asked for, what is legal and what speaks for it are true.
TRUE = {
    *("targets", "legal", "counts", "continues", "fresh", "conditions", "after_ids"),
    *("remaining", "struck", "place", "bar", "note_shares", "motion_ids"),
    *("sonority_ids", "moves_from"),
    *("pitch_candidates", "pitch_matches", "duration_candidates", "duration_matches"),
}


def played(maker, **changes):
    """Batches of a maker with other settings."""
    changed = replace(maker, _ready=[], **changes)
    schedule = changed.training_schedule(5) if changed.augment else changed.single_pass()
    return [changed.make(windows) for windows in islice(schedule, 8)]


def test_noise_spoils_what_is_remembered_and_nothing_else(maker):
    spoilt, plain = (played(maker, augment=True, noise=noise) for noise in (0.5, 0.0))
    differs = {
        name
        for ours, theirs in zip(spoilt, plain, strict=True)
        for name in ours
        if not np.array_equal(ours[name], theirs[name])
    }
    assert {"inputs", "voice_ids"} <= differs
    assert not differs & TRUE


def test_noise_is_another_at_each_visit(maker):
    (ours, theirs) = (
        BatchMaker(maker.pieces[2:3], maker.vocabulary, 1, 40, augment=True, noise=0.5)
        for _ in range(2)
    )
    first, second, other = (
        m.make([Window(Visit(0, seed), 0)])["inputs"]
        for m, seed in ((ours, (1, 3, 0, 0)), (theirs, (1, 3, 0, 0)), (ours, (1, 3, 1, 0)))
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_likelihood_knows_no_noise(maker):
    for ours, theirs in zip(played(maker, noise=0.9), played(maker), strict=True):
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_conditions_are_hidden_now_and_then():
    conditions = Conditions("folk", Key(2), "3/4", 90.0, 16)
    rng = np.random.default_rng(0)
    seen = [hide(conditions, rng, 0.3) for _ in range(2000)]
    share_all = sum(c == Conditions() for c in seen) / len(seen)
    share_key = sum(c.key is None for c in seen) / len(seen)
    assert share_all == pytest.approx(0.3, abs=0.05)
    assert share_key == pytest.approx(0.3 + 0.7 * 0.2, abs=0.05)
    assert all(hide(conditions, rng, 1.0) == Conditions() for _ in range(50))


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
