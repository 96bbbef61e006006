"""Many sets of hashes -> the pairs of them that share much, in memory that hardly grows with them.

The sets are written to a temporary file, as one sorted list of (hash, set) for every million of
entries, and read again by ranges of hashes: what shares a hash lies side by side then, and is
counted. Hashes are spread evenly, so what was read of a set is a fair sample of it. Once that says
of a pair, at odds of millions to one, that it does not share what matters, it is counted no more:
of the pairs that any two pieces of a style make, hardly one is left after the first range. Below a
million of entries nothing is left out.
"""

import tempfile
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.errors import MusicLSTMError

HashArray = npt.NDArray[np.uint64]
IndexArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_SETS_PER_HASH = 64  # scales and repeated chords: they tell nothing, and cost a square
MIN_HASHES = 8  # in fewer, chance could be half
_ENTRIES_AT_ONCE = 1_000_000  # 8 MB, and some 50 while they are counted
_PAIRS_AT_ONCE = 300_000  # 2 MB, and some 40 while they are counted
_PAIRS_HELD = 1_000_000  # 12 MB, and twice that while some are added
_RANGES = 256  # of hashes, to be read together as far as they fit
_SAMPLE = 64  # hashes of a set, after which it meets no others than it has met
_DEVIATIONS = 5  # chance to lose a pair that just matters: 1 in 3 million, and less if it does more


class Pairs(NamedTuple):
    """Pairs of sets, in any order.

    Attributes:
        left: The set that was added earlier.
        right: The other.
        share: What they share of the smaller, 0-1.
    """

    left: IndexArray
    right: IndexArray
    share: npt.NDArray[np.float64]


class Overlap:
    """Sets of hashes, and which of them share much.

    Args:
        most_sets: How many will be added at most. The more, the fewer bits of a hash are kept: 50
            for 10,000, so that of a hundred million hashes a few are mistaken for others.
    """

    def __init__(self, most_sets: int) -> None:
        self._bits = np.uint64(max(1, (most_sets - 1).bit_length()))
        self._count = 0
        self._waiting: list[HashArray] = []
        self._waiting_entries = 0
        self._file: IO[bytes] | None = None
        self._bounds: list[IndexArray] = []  # where the ranges of each sorted list begin and end

    def __enter__(self) -> "Overlap":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, hashes: HashArray) -> None:
        """Add a set; they are numbered from 0 as they come.

        Args:
            hashes: Distinct, and spread over all 64 bits.
        """
        self._waiting.append(hashes >> self._bits << self._bits | np.uint64(self._count))
        self._waiting_entries += len(hashes)
        self._count += 1
        if self._waiting_entries >= _ENTRIES_AT_ONCE:
            self._write(self._sorted())

    def pairs(self, share: float) -> Pairs:
        """Find the pairs that share much.

        Hashes in more than :data:`MAX_SETS_PER_HASH` sets are left aside; sets that have fewer
        than :data:`MIN_HASHES` others share nothing.

        Args:
            share: Of the smaller set, how much at least, 0-1.
        """
        found = _Found(self._count, share)
        for entries in self._ranges():
            for hashes, owner in self._chunks(entries):
                found.add(hashes, owner)
            if self._file is not None:
                found.let_go()
        return found.pairs()

    def _sorted(self) -> HashArray:
        entries = np.concatenate([*self._waiting, np.zeros(0, np.uint64)])
        entries.sort()
        self._waiting, self._waiting_entries = [], 0
        return entries

    def _write(self, entries: HashArray) -> None:
        """Append a sorted list to the file."""
        firsts = np.arange(1, _RANGES, dtype=np.uint64) << np.uint64(56)
        inner = np.searchsorted(entries, firsts)
        begin = self._bounds[-1][-1] if self._bounds else 0
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="musiclstm-")  # noqa: SIM115
            self._file.seek(0, 2)
            self._file.write(entries.data)
        except OSError as error:
            raise MusicLSTMError(
                f"no room to compare pieces in {tempfile.gettempdir()} ({error.strerror}); "
                "free some, or let TMPDIR name another folder"
            ) from error
        self._bounds.append(begin + np.concatenate([[0], inner, [len(entries)]]))

    def _ranges(self) -> Iterator[HashArray]:
        """All entries in order, about as many at once as may be."""
        if self._file is None:
            yield self._sorted()
            return
        self._write(self._sorted())
        bounds = np.stack(self._bounds)
        sizes = np.diff(bounds, axis=1).sum(axis=0)
        first = 0
        while first < _RANGES:
            fitting = np.searchsorted(np.cumsum(sizes[first:]), _ENTRIES_AT_ONCE, side="right")
            last = first + max(1, int(fitting))
            parts = [self._read(*ends) for ends in bounds[:, [first, last]].tolist()]
            entries = np.concatenate(parts)
            entries.sort()
            yield entries
            first = last

    def _read(self, begin: int, end: int) -> HashArray:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._file.seek(begin * 8)
        return np.frombuffer(self._file.read((end - begin) * 8), np.uint64)

    def _chunks(self, entries: HashArray) -> Iterator[tuple[HashArray, IndexArray]]:
        """Hashes that tell something, and whose they are, with not too many pairs at once."""
        hashes = entries >> self._bits
        starts = np.flatnonzero(_firsts(hashes))
        sizes = np.diff(starts, append=len(hashes))
        telling = np.repeat(sizes <= MAX_SETS_PER_HASH, sizes)
        sizes = sizes[sizes <= MAX_SETS_PER_HASH]
        owner = (entries[telling] & ((np.uint64(1) << self._bits) - np.uint64(1))).astype(np.int64)
        hashes = hashes[telling]
        ends, pairs = np.cumsum(sizes), np.cumsum(sizes * (sizes - 1) // 2)
        done, at = 0, 0
        while done < len(sizes):
            most = (pairs[done - 1] if done else 0) + _PAIRS_AT_ONCE
            done = max(done + 1, int(np.searchsorted(pairs, most, side="right")))
            chunk = slice(at, int(ends[done - 1]))
            yield hashes[chunk], owner[chunk]
            at = chunk.stop


class _Found:
    """Pairs, and what they share so far."""

    def __init__(self, count: int, share: float) -> None:
        self._count, self._share = count, share
        self._sizes = np.zeros(count, np.int64)
        self._codes = np.zeros(0, np.int64)  # sorted: left * count + right
        self._shared = np.zeros(0, np.int32)
        self._paired = np.zeros(count, bool)  # sets that are in these pairs
        self._waiting: list[IndexArray] = []  # codes to be added, as often as a hash is shared
        self._most = _PAIRS_HELD

    def add(self, hashes: HashArray, owner: IndexArray) -> None:
        """Count some hashes, all sets of each: sorted, and by set where they are equal."""
        meeting = self._sizes[owner] < _SAMPLE
        again = self._paired[owner] & ~meeting
        self._sizes += np.bincount(owner, minlength=self._count)
        if meeting.any():
            self._waiting.append(self._met(hashes, owner, meeting))
        # what is merged seldom is merged quickly: a table is copied each time
        if again.any() or sum(map(len, self._waiting)) > max(_PAIRS_HELD, len(self._codes)) // 2:
            self._merge()
        if again.any():
            codes, shared = _counted(self._neighbours(hashes[again], owner[again]))
            place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
            known = self._codes[place] == codes
            self._shared[place[known]] += shared[known]
        if len(self._codes) > self._most:
            self.let_go()
            self._most = max(_PAIRS_HELD, 2 * len(self._codes))

    def let_go(self) -> None:
        """Forget the pairs that would need a miracle.

        Of n hashes seen of the smaller set, a pair that matters shares ``share * n``, give or take
        a standard deviation of at most ``sqrt(n) / 2``.
        """
        self._merge()
        keep = np.zeros(len(self._codes), bool)
        self._paired[:] = False
        for block, left, right, seen in self._blocks():
            least = self._share * seen - _DEVIATIONS / 2 * np.sqrt(seen)
            keep[block] = here = self._shared[block] >= least
            self._paired[left[here]] = self._paired[right[here]] = True
        self._codes, self._shared = self._codes[keep], self._shared[keep]

    def pairs(self) -> Pairs:
        """Those that share enough."""
        self._merge()
        found = []
        for block, left, right, smaller in self._blocks():
            shared = self._shared[block]
            enough = (shared >= self._share * smaller) & (smaller >= MIN_HASHES)
            found.append((left[enough], right[enough], shared[enough] / smaller[enough]))
        return Pairs(*map(np.concatenate, zip(*found, strict=True)))

    def _blocks(self) -> Iterator[tuple[slice, IndexArray, IndexArray, IndexArray]]:
        """Pairs, not too many at once: where they are, left, right, and the smaller size so far."""
        for begin in range(0, max(1, len(self._codes)), _PAIRS_AT_ONCE):
            block = slice(begin, begin + _PAIRS_AT_ONCE)
            left, right = np.divmod(self._codes[block], self._count)
            yield block, left, right, np.minimum(self._sizes[left], self._sizes[right])

    def _met(self, hashes: HashArray, owner: IndexArray, meeting: BoolArray) -> IndexArray:
        """The pairs of which one at least is meeting others, as often as they share a hash."""
        new = _firsts(hashes)
        begin = np.flatnonzero(new)
        group = np.cumsum(new) - 1
        size = np.diff(begin, append=len(hashes))
        one = np.flatnonzero(meeting & (size[group] > 1))
        times = size[group[one]]
        within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        other = np.repeat(begin[group[one]], times) + within
        one = np.repeat(one, times)
        # where both are meeting, the pair is seen from either side
        once = (other > one) | (~meeting[other] & (other < one))
        low, high = np.minimum(one, other)[once], np.maximum(one, other)[once]
        self._paired[owner[low]] = self._paired[owner[high]] = True
        codes: IndexArray = owner[low] * self._count + owner[high]
        return codes

    def _neighbours(self, hashes: HashArray, owner: IndexArray) -> IndexArray:
        """All pairs, as often as they share a hash.

        The neighbour at distance d is a pair only where the one at distance d - 1 was, so the work
        shrinks with every round.
        """
        found, here, distance = [np.zeros(0, np.int64)], np.arange(len(hashes)), 0
        while here.size:
            distance += 1
            here = here[: np.searchsorted(here, len(hashes) - distance)]
            here = here[hashes[here] == hashes[here + distance]]
            found.append(owner[here] * self._count + owner[here + distance])
        return np.concatenate(found)

    def _merge(self) -> None:
        """Add what waits to the pairs that are known, and to those that are not."""
        if not self._waiting:
            return
        codes, shared = _counted(np.concatenate(self._waiting))
        self._waiting = []
        place = np.searchsorted(self._codes, codes)
        known = np.zeros(len(codes), bool)
        inside = place < len(self._codes)
        known[inside] = self._codes[place[inside]] == codes[inside]
        self._shared[place[known]] += shared[known]
        new = ~known
        self._codes = np.insert(self._codes, place[new], codes[new])
        self._shared = np.insert(self._shared, place[new], shared[new])


def _firsts(values: npt.NDArray[Any]) -> BoolArray:
    """Where a value in sorted order is another than the one before."""
    new = np.ones(len(values), bool)
    new[1:] = values[1:] != values[:-1]
    return new


def _counted(codes: IndexArray) -> tuple[IndexArray, npt.NDArray[np.int32]]:
    """Sort codes, and count how often each stands there."""
    codes.sort()
    begin = np.flatnonzero(_firsts(codes))
    return codes[begin], np.diff(begin, append=len(codes)).astype(np.int32)
