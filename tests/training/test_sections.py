"""A section says of its rows what the whole piece says of them, to the last bit."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary, encode, prepare
from musiclstm.score import Part, Score
from musiclstm.training import batches
from musiclstm.training.batches import BatchMaker
from musiclstm.training.sections import section
from tests.strategies import scores


def same_entries(encoded, vocabulary, first, stop, bars=None):
    """Hold a section's entries against those of the piece."""
    whole = prepare(encoded, vocabulary, bars=bars)
    cut, place = section(encoded, first, stop, vocabulary)
    part = prepare(cut, vocabulary, bars=bars)
    ours, theirs = slice(place, place + stop - first + 1), slice(first, stop + 1)
    for name in ("inputs", "legal", "counts"):
        assert np.array_equal(getattr(part, name)[ours], getattr(whole, name)[theirs]), name
    for name, values in vars(whole.context).items():
        assert np.array_equal(getattr(part.context, name)[ours], values[theirs]), name
    # the last entry's own looks a row ahead; its window never asks for it
    assert np.array_equal(part.after[ours][:-1], whole.after[theirs][:-1])


@settings(deadline=None, max_examples=300)
@given(scores(max_parts=3, max_notes=30), st.data())
def test_nothing_that_matters_is_forgotten(score, data):
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    rows = len(encoded.events)
    first = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(first, rows))
    same_entries(encoded, vocabulary, first, stop, data.draw(st.sampled_from([None, 7])))


def test_what_still_sounds_is_not_forgotten():
    """A cluster of one part that dies away note by note, some of it tied."""
    notes = [[0, 1 + 7 * i + 200 * (i % 3 == 0), 40 + i, 80, 0] for i in range(12)]
    notes += [[i, 1, 70 + j, 80, 0] for i in range(1, 90) for j in range(5)]
    score = Score.build(notes, [Part()])[0]
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    rows = len(encoded.events)
    for first in range(rows):
        same_entries(encoded, vocabulary, first, min(first + 3, rows))


def long_piece(n=3000):
    """A melody over a bell that is struck at the beginning only, and one that sounds throughout."""
    notes = [[24 * i, 24, 60 + i * 7 % 12, 80, 0] for i in range(n)]
    notes += [[24 * i, 12, 90, 80, 1] for i in range(3)]
    notes.append([0, 24 * n, 30, 80, 2])
    return Score.build(notes, [Part(name="a"), Part(name="b"), Part(name="c")])[0]


def test_what_is_remembered_is_little():
    score = long_piece()
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    cut, place = section(encoded, 2500, 2600, vocabulary)
    same_entries(encoded, vocabulary, 2500, 2600)
    # 2,000 quarters of the melody are gone; their rests and the ties of the long note remain
    assert len(cut.events) < 100 + 2500 // 4 + 2500 // 8 + 20
    assert place == len(cut.events) - 100


def test_batches_are_the_same_whatever_is_made_ready_at_a_time(monkeypatch):
    score = long_piece(300)
    vocabulary = build_vocabulary([score])
    pieces = [encode(score, vocabulary), encode(score.transposed(2), vocabulary)]
    pieces[1] = replace(pieces[1], events=pieces[1].events.astype(np.int16))

    def made(rows, augment):
        monkeypatch.setattr(batches, "SECTION_ROWS", rows)
        maker = BatchMaker(pieces, vocabulary, lanes=2, window=8, augment=augment)
        schedule = maker.training_schedule(3) if augment else maker.single_pass()
        return [maker.make(next(schedule)) for _ in range(30)]

    for augment in (False, True):
        for small, large in zip(made(16, augment), made(10_000, augment), strict=True):
            assert all(np.array_equal(small[name], large[name]) for name in large)


def test_a_lane_holds_no_more_than_a_section():
    score = long_piece(20_000)
    vocabulary = build_vocabulary([score])
    maker = BatchMaker([encode(score, vocabulary)], vocabulary, 1, 128, augment=False)
    schedule = maker.single_pass()
    longest = 0
    for _ in range(60):
        maker.make(next(schedule))
        longest = max(longest, len(maker._ready[0].piece))
    assert longest < 20_000 / 2
