"""Choosing from probabilities written by hand: no model, no music."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.errors import RequestError
from musiclstm.generation import Sampling, choose, probabilities

P = np.array([[0.1, 0.4, 0.2, 0.3]])


def logs(rows):
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(rows, float)).astype(np.float32)


def kept(rows, **wishes):
    return np.flatnonzero(probabilities(logs(rows), Sampling(**wishes))[0]).tolist()


samplings = st.builds(
    Sampling,
    temperature=st.floats(0.01, 10),
    top_k=st.integers(0, 8),
    top_p=st.floats(0.001, 1),
    min_p=st.floats(0, 0.999),
)


@st.composite
def log_probabilities(draw):
    """Up to four streams over up to eight ids, each with at least one legal id."""
    n = draw(st.integers(1, 8))
    weight = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-30, 1))
    row = st.lists(weight, min_size=n, max_size=n).filter(any)
    rows = np.array(draw(st.lists(row, min_size=1, max_size=4)))
    return logs(rows / rows.sum(axis=1, keepdims=True))


def test_at_temperature_1_nothing_changes():
    assert probabilities(logs(P), Sampling())[0] == pytest.approx(P[0])


def test_temperature_raises_to_a_power():
    squared = P[0] ** 2 / (P[0] ** 2).sum()
    assert probabilities(logs(P), Sampling(temperature=0.5))[0] == pytest.approx(squared)


def test_the_coldest_takes_the_likeliest_and_the_hottest_hardly_cares():
    cold = probabilities(logs(P), Sampling(temperature=0.01))[0]
    assert cold[1] > 1 - 1e-9
    hot = probabilities(logs(P), Sampling(temperature=10))[0]
    assert hot.max() / hot.min() == pytest.approx(4**0.1)


def test_the_coldest_divides_ties_fairly():
    cold = probabilities(logs([[0.4, 0.2, 0.4]]), Sampling(temperature=0.01))[0]
    assert cold.tolist() == pytest.approx([0.5, 0, 0.5])


@pytest.mark.parametrize(
    ("k", "ids"), [(0, [0, 1, 2, 3]), (1, [1]), (2, [1, 3]), (3, [1, 2, 3]), (4, [0, 1, 2, 3])]
)
def test_top_k(k, ids):
    assert kept(P, top_k=k) == ids


def test_top_k_beyond_all_ids_keeps_all():
    assert kept(P, top_k=1000) == [0, 1, 2, 3]


def test_top_k_keeps_k_of_a_tie():
    """Of equals the lower ids stay; and zero is never among the k."""
    assert kept([[0.25] * 4], top_k=1) == [0]
    assert kept([[0.1, 0.45, 0.45]], top_k=1) == [1]
    assert kept([[0, 1, 0, 0]], top_k=3) == [1]


@pytest.mark.parametrize(
    ("p", "ids"),
    [
        (0.001, [1]),
        (0.39, [1]),
        (0.41, [1, 3]),
        (0.69, [1, 3]),
        (0.71, [1, 2, 3]),
        (1, [0, 1, 2, 3]),
    ],
)
def test_top_p(p, ids):
    """The likeliest ids that together have that probability: the one that reaches it stays."""
    assert kept(P, top_p=p) == ids


def test_top_p_of_a_tie_keeps_no_more_than_it_must():
    assert kept([[0.25] * 4], top_p=0.5) == [0, 1]


@pytest.mark.parametrize(
    ("p", "ids"), [(0, [0, 1, 2, 3]), (0.3, [1, 2, 3]), (0.6, [1, 3]), (0.9, [1])]
)
def test_min_p(p, ids):
    assert kept(P, min_p=p) == ids


def test_min_p_keeps_all_of_a_tie():
    assert kept([[0.5, 0.5, 0]], min_p=0.999) == [0, 1]


def test_what_is_left_is_renormalised():
    assert probabilities(logs(P), Sampling(top_k=2))[0] == pytest.approx([0, 4 / 7, 0, 3 / 7])


def test_the_cuts_follow_one_another():
    """top_p is asked of what min_p and top_k left: 4/9 + 3/9 reach 0.7, 2/9 is cut."""
    assert kept(P, top_k=3, top_p=0.7) == [1, 3]
    assert kept(P, min_p=0.6, top_p=0.57) == [1]


def test_temperature_comes_first():
    assert kept(P, temperature=0.2, top_p=0.75) == [1]
    assert kept(P, temperature=5, min_p=0.7) == [0, 1, 2, 3]


@pytest.mark.parametrize("wishes", [{}, {"top_k": 1}, {"top_p": 0.01}, {"min_p": 0.9}])
def test_one_legal_id_is_certain(wishes):
    certain = np.array([[-np.inf, 0, -np.inf]], np.float32)
    for temperature in (0.01, 1, 10):
        sampling = Sampling(temperature=temperature, **wishes)
        assert probabilities(certain, sampling).tolist() == [[0, 1, 0]]
        for uniform in (0.0, 0.5, 1 - 2**-53):
            assert choose(certain, np.array([uniform]), sampling).tolist() == [1]


@settings(max_examples=300, deadline=None)
@given(log_probabilities(), samplings)
def test_what_is_drawn_from_is_a_distribution_over_legal_ids(log_probs, sampling):
    probs = probabilities(log_probs, sampling)
    assert probs.shape == log_probs.shape
    assert (probs >= 0).all()
    assert probs.sum(axis=1) == pytest.approx(1)
    assert (probs[np.isneginf(log_probs)] == 0).all()
    if sampling.top_k:
        assert ((probs > 0).sum(axis=1) <= sampling.top_k).all()
    likeliest = log_probs.argmax(axis=1)
    assert (probs[np.arange(len(probs)), likeliest] > 0).all()


@settings(max_examples=300, deadline=None)
@given(log_probabilities(), samplings, st.data())
def test_no_illegal_id_is_ever_chosen(log_probs, sampling, data):
    uniform = st.one_of(st.sampled_from([0.0, 5e-324, 1 - 2**-53]), st.floats(0, 1 - 2**-53))
    uniforms = np.array([data.draw(uniform) for _ in log_probs])
    ids = choose(log_probs, uniforms, sampling)
    assert ids.dtype == np.int32
    probs = probabilities(log_probs, sampling)
    assert (probs[np.arange(len(ids)), ids] > 0).all()


@settings(max_examples=100, deadline=None)
@given(log_probabilities(), samplings, st.data())
def test_streams_are_chosen_one_by_one(log_probs, sampling, data):
    uniforms = np.array([data.draw(st.floats(0, 0.999)) for _ in log_probs])
    alone = [int(choose(log_probs[[n]], uniforms[[n]], sampling)[0]) for n in range(len(log_probs))]
    assert choose(log_probs, uniforms, sampling).tolist() == alone


def test_the_input_is_left_alone():
    table = logs(P)
    before = table.copy()
    probabilities(table, Sampling(0.5, 2, 0.5, 0.1))
    assert np.array_equal(table, before)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=2),
        Sampling(top_k=2),
        Sampling(top_p=0.8),
        Sampling(min_p=0.4),
    ],
)
def test_frequencies_are_the_probabilities(sampling):
    """Chi-square over 40,000 draws; 16.3 is passed by chance once in a thousand at 3 degrees."""
    draws = 40_000
    uniforms = np.random.default_rng(7).random(draws)
    ids = choose(np.repeat(logs(P), draws, axis=0), uniforms, sampling)
    probs = probabilities(logs(P), sampling)[0]
    seen = np.bincount(ids, minlength=4)
    assert (seen[probs == 0] == 0).all()
    expected = draws * probs[probs > 0]
    assert (((seen[probs > 0] - expected) ** 2) / expected).sum() < 16.3


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"temperature": 0}, "temperature 0 is out of range; use 0.01 to 10"),
        ({"temperature": -1}, "temperature -1"),
        ({"temperature": 10.1}, "temperature 10.1"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"temperature": float("inf")}, "temperature inf"),
        ({"top_k": -1}, "top-k -1"),
        ({"top_k": 1.5}, "top-k 1.5"),
        ({"top_p": 0}, "top-p 0"),
        ({"top_p": 1.01}, "top-p 1.01"),
        ({"top_p": float("nan")}, "top-p nan"),
        ({"min_p": -0.1}, "min-p -0.1"),
        ({"min_p": 1}, "min-p 1"),
        ({"min_p": float("nan")}, "min-p nan"),
    ],
)
def test_what_is_out_of_range_is_refused(wishes, message):
    with pytest.raises(RequestError, match=message):
        Sampling(**wishes)


@given(samplings)
def test_it_comes_back_from_its_dict(sampling):
    assert Sampling(**sampling.as_dict()) == sampling


# --- top_p without sorting ------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(log_probabilities(), samplings)
def test_over_all_uniform_numbers_an_id_comes_as_often_as_it_should(log_probs, sampling):
    """Not by chance but by count: 5,000 evenly spaced numbers stand for the whole interval."""
    grid = (np.arange(5_000) + 0.5) / 5_000
    table = np.repeat(log_probs[:1], len(grid), axis=0)
    seen = np.bincount(choose(table, grid, sampling), minlength=table.shape[1]) / len(grid)
    # each border between ids, in the first draw and in the second, can hide one number
    assert seen == pytest.approx(probabilities(log_probs[:1], sampling)[0], abs=40 / len(grid))


def test_what_is_cut_off_goes_to_the_others_in_proportion():
    """Of a third that is cut off, the kept ids get back what they are worth."""
    grid = (np.arange(300_000) + 0.5) / 300_000
    rows = np.repeat(logs([[0.2, 0.4, 0.1, 0.3]]), len(grid), axis=0)
    seen = np.bincount(choose(rows, grid, Sampling(top_p=0.6)), minlength=4) / len(grid)
    assert seen == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=2e-5)


def test_a_constant_changes_nothing():
    uniforms = np.linspace(0, 0.999, 50)
    rows = np.repeat(logs(P), 50, axis=0)
    sampling = Sampling(top_p=0.8)
    assert (choose(rows + 8, uniforms, sampling) == choose(rows, uniforms, sampling)).all()
