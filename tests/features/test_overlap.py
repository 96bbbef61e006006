import errno
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import MusicLSTMError
from musiclstm.features import overlap
from musiclstm.features.overlap import MAX_SETS_PER_HASH, MIN_HASHES, Overlap
from musiclstm.features.shingles import scatter


def found(sets, share=0.5):
    """The pairs and their shares, as a dictionary."""
    with Overlap(len(sets)) as gathered:
        for members in sets:
            numbers = np.array(sorted(members), np.uint64)
            gathered.add(np.sort(scatter(numbers)))
        pairs = gathered.pairs(share)
    return {
        (int(left), int(right)): float(part)
        for left, right, part in zip(pairs.left, pairs.right, pairs.share, strict=True)
    }


def counted_one_by_one(sets, share=0.5):
    """What the definition says."""
    holders = {}
    for members in sets:
        for member in members:
            holders[member] = holders.get(member, 0) + 1
    telling = [{m for m in members if holders[m] <= MAX_SETS_PER_HASH} for members in sets]
    pairs = {}
    for right in range(len(sets)):
        for left in range(right):
            smaller = min(len(telling[left]), len(telling[right]))
            common = len(telling[left] & telling[right])
            if smaller >= MIN_HASHES and common >= share * smaller:
                pairs[left, right] = common / smaller
    return pairs


def through_a_file(monkeypatch, entries=500):
    """Make all limits so small that they matter."""
    monkeypatch.setattr(overlap, "_ENTRIES_AT_ONCE", entries)
    monkeypatch.setattr(overlap, "_PAIRS_AT_ONCE", 50)
    monkeypatch.setattr(overlap, "_PAIRS_HELD", 100)


def a_style(rng, count=60, size=400, vocabulary=4000):
    """Sets that all share a tenth, of which each fifth shares much with the one before."""
    sets = []
    for number in range(count):
        members = set(rng.choice(vocabulary, int(rng.integers(MIN_HASHES, size)), False).tolist())
        if number % 5 == 4:  # 40 to 80% of it
            kept = rng.permutation(sorted(sets[-1]))[: round(len(sets[-1]) * rng.uniform(0.4, 0.8))]
            members = set(kept.tolist()) | {10_000 + m for m in members}
        sets.append(members)
    return sets


@given(st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=30), max_size=12))
def test_pairs_are_those_of_the_definition(sets):
    assert found(sets) == pytest.approx(counted_one_by_one(sets))


@pytest.mark.parametrize("seed", range(3))
def test_in_memory_nothing_is_left_out(seed):
    sets = a_style(np.random.default_rng(seed))
    expected = counted_one_by_one(sets, 0.4)
    assert len(expected) > 5
    assert found(sets, 0.4) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_a_file_and_few_pairs_at_once_change_nothing(seed, monkeypatch):
    sets = a_style(np.random.default_rng(seed))
    expected = found(sets)
    through_a_file(monkeypatch)
    assert found(sets) == pytest.approx(expected)


def test_a_small_set_is_found_in_a_large_one_whenever_it_is_met(monkeypatch):
    """The large one has been read far enough to be settled before the small one is met."""
    rng = np.random.default_rng(0)
    large = set(range(5000))
    small = [set(rng.choice(5000, 12, replace=False).tolist()) for _ in range(20)]
    others = [set(range(6000 + 100 * n, 6100 + 100 * n)) for n in range(20)]
    through_a_file(monkeypatch)
    pairs = found([*others, *small[:10], large, *small[10:]])
    met = [*((n, 30) for n in range(20, 30)), *((30, n) for n in range(31, 41))]
    assert {pair: pairs.get(pair) for pair in met} == dict.fromkeys(met, 1.0)


def test_pairs_that_share_little_are_let_go(monkeypatch):
    """Else the pairs of 10,000 pieces in one style would be 50 million."""
    held = []

    class Watched(overlap._Found):
        def add(self, hashes, owner):
            super().add(hashes, owner)
            held.append(len(self._codes))

    rng = np.random.default_rng(0)
    sets = [set(rng.choice(20_000, 1000, replace=False).tolist()) for _ in range(60)]
    sets.append(set(sorted(sets[0])[:600]))
    through_a_file(monkeypatch, entries=2000)
    monkeypatch.setattr(overlap, "_Found", Watched)
    assert list(found(sets)) == [(0, 60)]
    assert max(held) > 500
    assert held[-1] == 1


def test_what_many_have_tells_nothing():
    common = set(range(20))
    sets = [common | {100 * n + k for k in range(1, 21)} for n in range(1, MAX_SETS_PER_HASH + 1)]
    assert len(found(sets)) == len(sets) * (len(sets) - 1) // 2
    sets.append(common | {99_000 + k for k in range(20)})
    assert found(sets) == {}


def test_nothing_has_no_pairs():
    assert found([]) == {}
    assert found([{1}]) == {}


def test_a_full_disk_is_told(monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(overlap, "_ENTRIES_AT_ONCE", 10)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(MusicLSTMError, match=r"no room to compare pieces .*No space left"):
        found([set(range(20))])
