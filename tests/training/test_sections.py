"""A section says of its rows what the whole piece says of them, to the last bit but of shares."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    MATCH_NOTES,
    MATCH_ROWS,
    Conditions,
    build_vocabulary,
    encode,
    prepare,
)
from musiclstm.score import Key, Part, Score
from musiclstm.training import batches
from musiclstm.training.batches import BatchMaker
from musiclstm.training.sections import SECTION_ROWS, section
from tests.strategies import scores

KNOWN = (Conditions(), Conditions(bars=7, key=Key(9, "minor")))


def same_entries(encoded, vocabulary, first, stop, conditions=KNOWN[0]):
    """Hold a section's entries against those of the piece."""
    whole = prepare(encoded, vocabulary, conditions=conditions)
    cut = section(encoded, first, stop, vocabulary)
    part = prepare(cut.piece, vocabulary, conditions=conditions, faded=cut.faded)
    ours, theirs = slice(cut.place, cut.place + stop - first + 1), slice(first, stop + 1)
    for name in ("inputs", "targets", "legal", "counts"):
        assert np.array_equal(getattr(part, name)[ours], getattr(whole, name)[theirs]), name
    for name, values in vars(whole.context).items():
        found, expected = getattr(part.context, name)[ours], values[theirs]
        if name.endswith("_shares"):  # sums of the past, added up in another order
            assert np.allclose(found, expected, rtol=0, atol=1e-5), name
        else:
            assert np.array_equal(found, expected), name
    # the last entry's own looks a row ahead; its window never asks for it
    assert np.array_equal(part.after_ids[ours][:-1], whole.after_ids[theirs][:-1])


@settings(deadline=None, max_examples=300)
@given(scores(max_parts=3, max_notes=30), st.data())
def test_nothing_that_matters_is_forgotten(score, data):
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    rows = len(encoded.events)
    first = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(first, rows))
    same_entries(encoded, vocabulary, first, stop, data.draw(st.sampled_from(KNOWN)))


@settings(deadline=None, max_examples=30)
@given(scores(max_parts=3, min_notes=2, max_notes=12), st.integers(0, 99), st.data())
def test_what_came_long_ago_is_not_missed(score, salt, data):
    """Longer than all that is remembered, and full of what was there before."""
    tune = score.notes[score.notes[:, 1] < 200]
    repeats = 1 + 2 * max(MATCH_ROWS, MATCH_NOTES) // max(1, len(tune))
    rng = np.random.default_rng(salt)
    notes = np.tile(tune, (repeats, 1))
    notes[:, 0] += np.repeat(np.arange(repeats) * (score.end + 5), len(tune))
    # a wrong note now and then, so that no match goes back to the beginning
    wrong = rng.random(len(notes)) < 0.03
    notes[wrong, 2] = rng.integers(0, 128, np.count_nonzero(wrong))
    long = Score.build(notes, score.parts, meter_map=score.meter_map)[0]
    vocabulary = build_vocabulary([long])
    encoded = encode(long, vocabulary)
    rows = len(encoded.events)
    first = data.draw(st.integers(rows // 2, rows))
    same_entries(encoded, vocabulary, first, min(first + 40, rows))


@pytest.mark.parametrize("others", [0, 2])
def test_a_match_goes_back_as_far_as_in_the_whole_piece(others):
    """A theme comes again after fewer notes, just as many, and more than may be looked back."""
    rng = np.random.default_rng(0)
    theme = [[24 * i, 12 + 6 * (i % 3), 60 + i % 11, 80, 0] for i in range(40)]
    for gap in range(MATCH_NOTES - 100, MATCH_NOTES + 8, 9):
        middle = rng.integers(90, 120, gap).tolist()
        notes = [
            *theme,
            *([24 * (40 + i), 6, pitch, 80, 0] for i, pitch in enumerate(middle)),
            *([24 * (40 + gap) + onset, *rest] for onset, *rest in theme),
        ]
        last = 24 * (80 + gap)
        for part in range(1, 1 + others):  # of which all rows together see the less
            notes += [[t, 24, int(rng.integers(20, 50)), 80, part] for t in range(0, last, 24)]
        score = Score.build(notes, [Part(name=f"{n}") for n in range(1 + others)])[0]
        vocabulary = build_vocabulary([score])
        encoded = encode(score, vocabulary)
        rows = len(encoded.events)
        for left in (40, 20, 5):
            same_entries(encoded, vocabulary, rows - left * (1 + others), rows)


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
    cut = section(encoded, 2500, 2600, vocabulary)
    same_entries(encoded, vocabulary, 2500, 2600)
    # of the melody all but its latest is gone; its rests and the ties of the long note remain
    latest = MATCH_ROWS + MATCH_NOTES
    assert len(cut.piece.events) < 100 + latest + 2500 // 4 + 2500 // 8 + 20
    assert cut.place == len(cut.piece.events) - 100


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
            for name, values in large.items():
                assert np.allclose(small[name], values, rtol=0, atol=1e-5), name


def test_a_lane_holds_no_more_than_a_section():
    score = long_piece(20_000)
    vocabulary = build_vocabulary([score])
    maker = BatchMaker([encode(score, vocabulary)], vocabulary, 1, 128, augment=False)
    schedule = maker.single_pass()
    for _ in range(60):
        maker.make(next(schedule))
        ready = maker._ready[0].piece
        # and its arrays are no views of larger ones
        for values in (*vars(ready.context).values(), ready.inputs, ready.legal, ready.counts):
            held = values if values.base is None else values.base
            assert len(held) <= SECTION_ROWS + 1
