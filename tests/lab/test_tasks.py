"""The sequences are those of the papers: lengths, places, noise and right answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.lab.tasks import (
    COPY_LENGTH,
    ORDER_CLASSES,
    ORDER_SYMBOLS,
    adding,
    copy,
    temporal_order,
)

seeds = st.integers(0, 2**32)


def drawn(task, seed, batch=40):
    return task.draw(np.random.default_rng(seed), batch)


@given(st.integers(24, 120), seeds)
def test_the_sum_is_that_of_the_two_marked_numbers(lag, seed):
    inputs, asked, answers = drawn(adding(lag), seed)
    numbers, marks = inputs[..., 0], inputs[..., 1]
    assert (numbers >= 0).all()
    assert (numbers < 1).all()
    assert ((marks == 1).sum(axis=1) == 2).all()
    np.testing.assert_allclose((numbers * (marks == 1)).sum(axis=1), answers[:, 0], rtol=1e-6)
    for row, last in zip(inputs, asked[:, 0], strict=True):
        assert lag <= last + 1 <= lag + lag // 10
        assert row[0, 1] == row[last, 1] == -1
        assert not row[last + 1 :].any()
        first, second = np.flatnonzero(row[:, 1] == 1)
        assert 1 <= first < 10
        assert last - second >= lag // 2  # neither number is heard in the second half


def test_all_places_that_may_be_marked_are():
    inputs, asked, _ = drawn(adding(40), 0, 4000)
    assert set(np.flatnonzero((inputs[..., 1] == 1).any(axis=0))) == set(range(1, 20))
    assert set(asked[:, 0] + 1) == set(range(40, 45))


def test_who_always_says_one_is_a_sixth_off():
    _, _, answers = drawn(adding(24), 1, 60_000)
    assert np.mean((answers - 1) ** 2) == pytest.approx(adding(24).baseline, rel=0.02)


def test_temporal_order_at_100_is_experiment_6a():
    task = temporal_order(100)
    inputs, asked, answers = drawn(task, 0, 3000)
    firsts, seconds = set(), set()
    for row, last, answer in zip(inputs, asked[:, 0], answers[:, 0], strict=True):
        said = "".join(ORDER_SYMBOLS[n] for n in row[: last + 1].argmax(axis=1))
        assert (row[: last + 1].sum(axis=1) == 1).all()
        assert not row[last + 1 :].any()
        assert said[0] == "E"
        assert said[-1] == "B"
        assert set(said[1:-1]) <= set("abcdXY")
        places = [place for place, symbol in enumerate(said, start=1) if symbol in "XY"]
        assert len(places) == 2
        firsts.add(places[0])
        seconds.add(places[1])
        assert ORDER_CLASSES[answer] == "".join(said[place - 1] for place in places)
    assert firsts == set(range(10, 21))
    assert seconds == set(range(50, 61))
    assert set(asked[:, 0] + 1) == set(range(100, 111))
    counts = np.bincount(answers[:, 0], minlength=4)
    assert counts.min() > 600


@given(st.integers(20, 200), seeds)
def test_there_are_always_two_that_count(lag, seed):
    inputs, _, _ = drawn(temporal_order(lag), seed)
    assert (inputs[..., ORDER_SYMBOLS.index("X") :].sum(axis=(1, 2)) == 2).all()


@given(st.integers(1, 60), seeds)
def test_what_is_to_be_copied_comes_back_after_the_signal(lag, seed):
    inputs, asked, answers = drawn(copy(lag), seed)
    symbols = inputs.argmax(axis=2)
    assert symbols.shape == answers.shape == asked.shape == (40, lag + 20)
    assert (inputs.sum(axis=2) == 1).all()
    np.testing.assert_array_equal(symbols[:, :COPY_LENGTH], answers[:, -COPY_LENGTH:])
    assert (symbols[:, COPY_LENGTH : COPY_LENGTH + lag - 1] == 8).all()
    assert (symbols[:, COPY_LENGTH + lag - 1] == 9).all()
    assert (symbols[:, -COPY_LENGTH:] == 8).all()
    assert (answers[:, :-COPY_LENGTH] == 8).all()


def test_baselines_of_classes_are_those_of_guessing():
    assert temporal_order(20).baseline == math.log(4)
    assert copy(3).baseline == math.log(8)


@pytest.mark.parametrize("make", [adding, temporal_order, copy])
def test_the_same_seed_draws_the_same(make):
    for left, right in zip(drawn(make(30), 5), drawn(make(30), 5), strict=True):
        np.testing.assert_array_equal(left, right)
    assert (drawn(make(30), 5).inputs != drawn(make(30), 6).inputs).any()


@pytest.mark.parametrize(("make", "lag"), [(adding, 23), (temporal_order, 19), (copy, 0)])
def test_too_short_is_said(make, lag):
    with pytest.raises(ValueError, match=f"lag {lag}"):
        make(lag)
