"""Transposition of rows is transposition of the music, and no soprano sings what none does."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    Field,
    build_vocabulary,
    decode,
    encode,
    transpose,
    transpositions,
    velocity_id,
)
from musiclstm.encoding.augment import MAX_TRANSPOSITION
from musiclstm.score import Column, Key, Part, Score
from tests.bundles import chorale, chorales
from tests.strategies import scores


def binned(notes):
    table = notes.copy()
    table[:, Column.VELOCITY] = velocity_id(table[:, Column.VELOCITY])
    return table.tolist()


@settings(max_examples=60, deadline=None)
@given(scores(max_parts=5, min_pitch=6, max_pitch=121, performed=False), st.integers(-6, 6))
def test_rows_and_scores_move_alike(score, semitones):
    """Decoding transposed rows gives the transposed score; encoding it gives the rows again."""
    heard = np.unique(score.notes[:, Column.PART]).tolist()  # silence has no height to move
    written = replace(score.keep_parts(heard), key=score.key or Key(0))
    v = build_vocabulary([written])
    rows = transpose(encode(written, v), semitones, v)
    again, moved = decode(rows, v), written.transposed(semitones)
    assert binned(again.notes) == binned(moved.notes)
    assert (again.parts, again.key) == (moved.parts, moved.key)
    # which model part a voice has must not depend on the key
    assert encode(moved, v).part_map == rows.part_map
    assert encode(moved, v).events.tolist() == rows.events.tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(scores(max_parts=4), min_size=1, max_size=3))
def test_no_part_leaves_the_range_of_the_corpus(corpus):
    v = build_vocabulary(corpus)
    for score in corpus:
        encoded = encode(score, v)
        lowest, highest = transpositions(encoded, v)
        assert -MAX_TRANSPOSITION <= lowest <= 0 <= highest <= MAX_TRANSPOSITION
        for semitones in (lowest, highest):
            rows = transpose(encoded, semitones, v).events
            rows = rows[rows[:, Field.SHIFT] <= v.max_shift]
            assert (rows[:, Field.PITCH] >= 0).all()
            assert (rows[:, Field.PITCH] <= 127).all()


def test_the_narrowest_part_decides():
    """The range of the corpus is one piece's for the bass, and a third wider for the soprano."""
    low, high = chorale("low", seed=1), chorale("high", seed=1)
    notes = high.notes.copy()
    notes[notes[:, Column.PART] == 0, Column.PITCH] += 4
    wide, _ = Score.build(notes, high.parts, key=high.key)
    v = build_vocabulary([low, wide])
    assert transpositions(encode(low, v), v) == (0, 0)
    both = build_vocabulary([low, low.transposed(3), low.transposed(-2)])
    assert transpositions(encode(low, both), both) == (-2, 3)


def test_every_part_stays_in_its_own_range():
    corpus = chorales()
    v = build_vocabulary(corpus)
    for score in corpus:
        encoded = encode(score, v)
        for semitones in range(*np.add(transpositions(encoded, v), (0, 1))):
            rows = transpose(encoded, semitones, v).events
            rows = rows[rows[:, Field.SHIFT] <= v.max_shift]
            for part_id in encoded.part_map:
                pitches = rows[rows[:, Field.PART] == part_id, Field.PITCH]
                assert pitches.min() >= v.parts[part_id].low
                assert pitches.max() <= v.parts[part_id].high


def test_drums_stay_and_do_not_hold_the_others_back():
    rows = [[24 * n, 1, 38, 80, 0] for n in range(4)] + [[24 * n, 24, 60, 80, 1] for n in range(4)]
    score, _ = Score.build(rows, [Part(is_drum=True), Part(0)], key=Key(0))
    v = build_vocabulary([score, score.transposed(5)])
    encoded = encode(score, v)
    assert transpositions(encoded, v) == (0, 5)
    moved = decode(transpose(encoded, 5, v), v).notes
    assert set(moved[moved[:, Column.PART] == 0, Column.PITCH]) == {38}
    assert set(moved[moved[:, Column.PART] == 1, Column.PITCH]) == {65}


def test_waits_and_end_stay_rows_without_a_pitch():
    score, _ = Score.build([[500, 24, 60, 80, 0]], [Part()], key=Key(0))
    v = build_vocabulary([score, score.transposed(2)])
    events = transpose(encode(score, v), 2, v).events
    silent = events[:, Field.SHIFT] > v.max_shift
    assert (events[silent, 1:] == 0).all()
    assert events[~silent, Field.PITCH].tolist() == [62]


def test_the_original_is_left_alone():
    score = chorale()
    v = build_vocabulary([score, score.transposed(1)])
    encoded = encode(score, v)
    before = encoded.events.copy()
    assert transpose(encoded, 0, v) is encoded
    transpose(encoded, 1, v)
    assert np.array_equal(encoded.events, before)
