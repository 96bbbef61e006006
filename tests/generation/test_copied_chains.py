"""Chains are all there, each whole, and none within another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.generation import copied_chains
from musiclstm.generation.copied_chains import Chain, chains, outermost

_GAP = 2  # between the places of two lines


def sorted_places(lines):
    """Letters of all lines in order, and with them the places."""
    entries, place = [], 0
    for line in lines:
        entries += [(letter, place + number) for number, letter in enumerate(line)]
        place += len(line) + _GAP
    entries.sort()
    return [letter for letter, _ in entries], np.array([at for _, at in entries], np.int64)


def found_in(own, lines):
    letters, places = sorted_places(lines)
    low, high = (np.searchsorted(letters, own, side=side) for side in ("left", "right"))
    return list(chains(places, low, high)), places


def substrings(own, lines):
    """Every stretch of ``own`` that is one of a line and lies within no other such, by brute force.

    Of each: first, last, and all places where it stands.
    """
    found = {}
    for first in range(len(own)):
        for last in range(first, len(own)):
            place, where = 0, []
            for line in lines:
                length = last - first + 1
                where += [
                    place + at
                    for at in range(len(line) - length + 1)
                    if line[at : at + length] == own[first : last + 1]
                ]
                place += len(line) + _GAP
            if where:
                found[first, last] = where
    return {
        (first, last): where
        for (first, last), where in found.items()
        if (first - 1, last) not in found and (first, last + 1) not in found
    }


letters = st.lists(st.sampled_from("aab"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(letters, st.lists(letters, max_size=3))
def test_they_are_what_comparing_everything_finds(own, lines):
    found, places = found_in(own, lines)
    expected = substrings(own, lines)
    assert [(chain.first, chain.last) for chain in found] == sorted(expected)
    for chain in found:
        assert places[chain.entry] in expected[chain.first, chain.last]


def test_of_equal_places_the_first_is_named():
    found, places = found_in(list("abc"), [list("xabc"), list("abc")])
    assert [(chain.first, chain.last, places[chain.entry]) for chain in found] == [(0, 2, 1)]


@pytest.mark.parametrize("most", [1, 3, 10])
def test_where_too_many_go_on_the_oldest_are_followed(monkeypatch, most):
    """The oldest chain is the longest one, whatever is left out."""
    monkeypatch.setattr(copied_chains, "MOST_CHAINS", most)
    found, places = found_in(list("a" * 50), [list("a" * 60), list("a" * 70)])
    assert [(chain.first, chain.last, places[chain.entry]) for chain in found] == [(0, 49, 0)]


def test_of_several_searches_the_outermost_remain():
    places = np.array([30, 20, 10, 0])
    one = [Chain(0, 5, 0), Chain(4, 9, 0)]
    two = [Chain(0, 5, 1), Chain(1, 5, 2), Chain(2, 8, 3), Chain(4, 9, 3)]
    assert outermost([*one, *two], places) == [Chain(0, 5, 1), Chain(2, 8, 3), Chain(4, 9, 3)]
    assert outermost([], places) == []
