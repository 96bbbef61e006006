"""decode(encode(s)) is s, and what is canonical about the rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from musiclstm.encoding import Field, build_vocabulary, decode, encode, velocity_id
from musiclstm.errors import EncodingError
from musiclstm.score import Column, Meter, MeterMap, Part, Score
from tests.strategies import scores


def binned(notes):
    """Notes with velocities replaced by their bins: all that encoding may lose."""
    table = notes.copy()
    table[:, Column.VELOCITY] = velocity_id(table[:, Column.VELOCITY])
    return table.tolist()


@settings(max_examples=300, deadline=None)
@given(scores(max_parts=8, steps_per_quarter=None))
def test_round_trip_is_exact(score):
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    again = decode(encoded, vocabulary)
    assert binned(again.notes) == binned(score.notes)
    assert again.parts == score.parts
    assert again.meter_map == score.meter_map
    assert encoded.n_notes == len(score.notes)


@settings(max_examples=100, deadline=None)
@given(scores(max_parts=4))
def test_a_score_has_one_table(score):
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    again = encode(decode(encoded, vocabulary), vocabulary)
    assert again.events.tolist() == encoded.events.tolist()


def one_part(notes, **attributes):
    score, _ = Score.build(notes, [Part(name="melody")], **attributes)
    return score


def test_long_gaps_wait_and_long_notes_tie():
    score = one_part([[200, 400, 60, 80, 0]])
    v = build_vocabulary([score])
    events = encode(score, v).events
    # 200 = 96 + 96 + 8; 400 = 192 + 192 + 16
    assert events[:, Field.SHIFT].tolist() == [v.wait, v.wait, 8, 0, 0, v.end]
    assert events[2:5, Field.DURATION].tolist() == [v.tie, v.tie, 15]
    assert events[2:5, Field.PITCH].tolist() == [60, 60, 60]


def test_limits_need_no_wait_and_no_tie():
    score = one_part([[96, 192, 60, 80, 0]])
    v = build_vocabulary([score])
    assert encode(score, v).events[:, Field.SHIFT].tolist() == [96, v.end]
    assert encode(score, v).events[0, Field.DURATION] == 191


def test_rows_within_an_onset_follow_the_row_order():
    names = ("soprano", "alto", "tenor", "bass")
    notes = [[0, 24, 72 - 7 * part, 80, part] for part in range(4)]
    score, _ = Score.build(notes, [Part(name=name) for name in names])
    v = build_vocabulary([score])
    assert [part.name for part in v.parts] == list(names)
    assert encode(score, v).events[:4, Field.PART].tolist() == [0, 3, 1, 2]


def test_an_empty_score_is_end():
    score = one_part(np.zeros((0, 5)))
    v = build_vocabulary([score])
    assert encode(score, v).events.tolist() == [[v.end, 0, 0, 0, 0]]


def test_conditions_come_back():
    score = one_part([[0, 24, 60, 80, 0]], meter_map=MeterMap((Meter(0, 3, 4),)), style="waltz")
    v = build_vocabulary([score])
    again = decode(encode(score, v), v)
    assert (again.style, again.meter_map) == ("waltz", score.meter_map)


def test_another_grid_is_refused():
    score = one_part([[0, 24, 60, 80, 0]])
    v = replace(build_vocabulary([score]), steps_per_quarter=4, counts={})
    with pytest.raises(EncodingError, match="24 steps a quarter, the vocabulary 4"):
        encode(score, v)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "shape"),
        ([[0, 0, 60, 5, 20]], "exactly one END"),
        ([[98, 0, 0, 0, 0], [98, 0, 0, 0, 0]], "exactly one END"),
        ([[0, 0, 200, 5, 20], [98, 0, 0, 0, 0]], "row 0: pitch id 200"),
        ([[0, 0, 60, 192, 20], [98, 0, 0, 0, 0]], "row 1 does not go on"),
        ([[0, 0, 60, 192, 20], [0, 0, 62, 5, 20], [98, 0, 0, 0, 0]], "row 1 does not go on"),
    ],
)
def test_rows_that_are_no_score_are_refused(rows, message):
    score = one_part([[0, 24, 60, 80, 0]])
    v = build_vocabulary([score])
    encoded = replace(encode(score, v), events=np.array(rows, np.int32).reshape(-1, 5))
    if not rows:
        encoded = replace(encoded, events=np.zeros((0, 5), np.int32))
    with pytest.raises(EncodingError, match=message):
        decode(encoded, v)
