"""Form: repeats that were written on purpose are found, and fitness is what an older way says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.features import repeat_distances, repeated_share, self_similarity, structureness
from musiclstm.features.fitness import PENALTY, THRESHOLD, fitness
from musiclstm.features.structure import bars_described
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

BARS = {"a": (60, 64, 67, 64), "b": (62, 65, 69, 65), "c": (59, 62, 67, 62), "d": (66, 70, 61, 66)}


def form(letters, meter=None, shift=0):
    """A melody in quarters, a letter a bar; "-" is silence."""
    rows = [
        [96 * bar + 24 * beat, 24, pitch + shift, 80, 0]
        for bar, letter in enumerate(letters)
        for beat, pitch in enumerate(BARS.get(letter, ()))
    ]
    meter_map = MeterMap((Meter(0, 4, 4),)) if meter is None else meter
    return Score.build(rows, [Part()], meter_map=meter_map)[0]


def test_distances_are_those_of_the_form():
    assert repeat_distances(form("abacab")).tolist() == [0, 0, 2, 0, 2, 4]
    assert repeated_share(form("abacab")) == 0.5


def test_silence_repeats_nothing():
    assert repeat_distances(form("a--a")).tolist() == [0, 0, 0, 3]
    assert self_similarity(form("a-a")).tolist()[1] == [0, 0, 0]


def test_octaves_do_not_matter_but_keys_do():
    low, high, other = form("ab"), form("ab", shift=12), form("ab", shift=5)
    np.testing.assert_allclose(bars_described(low), bars_described(high))
    assert (np.diag(bars_described(low) @ bars_described(other).T) < 0.9).all()


@settings(max_examples=20)
@given(scores())
def test_likeness_is_symmetric_and_within_bounds(score):
    matrix = self_similarity(score)
    assert (matrix == matrix.T).all()
    assert (matrix >= 0).all()
    assert (matrix <= 1).all()
    assert np.isin(np.diag(matrix).round(9), (0, 1)).all()
    assert 0 <= repeated_share(score) <= 1
    assert 0 <= structureness(score, 1) < 1


def test_structure_is_where_it_was_written():
    verse = form("abcdabcd")
    assert structureness(verse, 4, 4) > structureness(verse, 1, 2) > 0
    assert structureness(form("abcd"), 1) == 0
    assert structureness(form("abcd" * 4), 4, 4) == pytest.approx(0.75)


def slowly(similarity):
    """The same fitness, of one passage after the other, with whole paths kept."""
    n = len(similarity)
    like = np.where(similarity >= THRESHOLD, similarity, PENALTY)
    np.fill_diagonal(like, 1.0)
    found = np.zeros((n, n))
    for start in range(n):
        for end in range(start, n):
            length = end - start + 1
            # paths from the first bar of the passage to its last: where they lie, what they score
            paths = []
            for first in range(n):
                grown = [((first, 0),)]
                while grown:
                    path = grown.pop()
                    row, column = path[-1]
                    if column == length - 1:
                        score = sum(like[r, start + c] for r, c in path)
                        paths.append((first, row, score, len(path)))
                        continue
                    grown += [
                        (*path, (row + down, column + right))
                        for down, right in ((1, 1), (1, 2), (2, 1))
                        if row + down < n and column + right < length
                    ]
            best = [(0.0, 0, 0)] + [None] * n  # up to a row: score, steps, rows covered
            for row in range(1, n + 1):
                best[row] = best[row - 1]
                for first, last, score, steps in paths:
                    if last == row - 1:
                        before = best[first]
                        total = before[0] + score
                        if total > best[row][0] + 1e-12:
                            best[row] = (total, before[1] + steps, before[2] + last - first + 1)
            total, steps, rows = best[n]
            precision = max(0.0, (total - length) / max(steps, 1))
            coverage = max(0.0, (rows - length) / n)
            if precision + coverage > 0:
                found[length - 1, start] = 2 * precision * coverage / (precision + coverage)
    return found


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_fitness_is_what_all_paths_say(n, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.random((n, n)) ** 0.3  # no two families score alike
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1)
    np.testing.assert_allclose(fitness(matrix), slowly(matrix), atol=1e-9)


def test_longer_passages_of_a_loop_explain_no_more():
    found = fitness(self_similarity(form("ab" * 4)))
    assert all(a >= b - 0.2 for a, b in pairwise(found[1:, 0]))
    assert fitness(np.zeros((0, 0))).shape == (0, 0)


def test_a_note_far_away_costs_no_memory():
    far = Score([[0, 96, 60, 80, 0], [2**30 - 200, 96, 60, 80, 0]], (Part(),))
    assert len(bars_described(far)) == 2_000
    assert repeat_distances(far).sum() == 0
    assert structureness(far, 1) == 0
