"""Many sets of hashes -> the pairs of them that share much, exactly, in some 150 MB.

The sets are written to a temporary file, as one sorted list of (hash, set) for every million of
entries, and read again by ranges of hashes: what shares a hash lies side by side then, and is
counted. Hashes are spread evenly, so each range is a fair sample of every set; where pairs become
too many to be held, those that after so many samples are far from the share that matters are let
go.
"""

import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.errors import MusicLSTMError

HashArray = npt.NDArray[np.uint64]
IndexArray = npt.NDArray[np.int64]

MAX_SETS_PER_HASH = 64  # scales and repeated chords: they tell nothing, and cost a square
MIN_HASHES = 8  # in fewer, chance could be half
_ENTRIES_AT_ONCE = 1_000_000  # 8 MB, and some 50 while they are counted
_PAIRS_AT_ONCE = 1_000_000  # as much again
_PAIRS_HELD = 3_000_000  # 36 MB, and twice that while some are added
_RANGES = 256  # of hashes, to be read together as far as they fit
_DEVIATIONS = 6  # chance to lose a pair that matters: 1 in a billion


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
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
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
        self._held = _PAIRS_HELD

    def add(self, hashes: HashArray, owner: IndexArray) -> None:
        """Count all of some hashes: sorted, with sets in order where they are equal."""
        self._sizes += np.bincount(owner, minlength=self._count)
        # The neighbour at distance d is a pair only where the one at distance d - 1 was, so the
        # work shrinks with every round.
        found, here, distance = [], np.arange(len(hashes)), 0
        while here.size:
            distance += 1
            here = here[: np.searchsorted(here, len(hashes) - distance)]
            here = here[hashes[here] == hashes[here + distance]]
            found.append(owner[here] * self._count + owner[here + distance])
        codes = np.concatenate([*found, np.zeros(0, np.int64)])
        codes.sort()
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
        self._merge(codes[starts], np.diff(starts, append=len(codes)).astype(np.int32))
        if len(self._codes) > self._held:
            self._let_go()

    def pairs(self) -> Pairs:
        """Those that share enough."""
        left, right = np.divmod(self._codes, self._count)
        smaller = np.minimum(self._sizes[left], self._sizes[right])
        enough = (self._shared >= self._share * smaller) & (smaller >= MIN_HASHES)
        return Pairs(left[enough], right[enough], self._shared[enough] / smaller[enough])

    def _merge(self, codes: IndexArray, shared: npt.NDArray[np.int32]) -> None:
        place = np.searchsorted(self._codes, codes)
        known = np.zeros(len(codes), bool)
        inside = place < len(self._codes)
        known[inside] = self._codes[place[inside]] == codes[inside]
        self._shared[place[known]] += shared[known]
        new = ~known
        self._codes = np.insert(self._codes, place[new], codes[new])
        self._shared = np.insert(self._shared, place[new], shared[new])

    def _let_go(self) -> None:
        """Forget the pairs that would need a miracle.

        Of n hashes seen of the smaller set, a pair that matters shares ``share * n``, give or take
        a standard deviation of at most ``sqrt(n) / 2``.
        """
        left, right = np.divmod(self._codes, self._count)
        seen = np.minimum(self._sizes[left], self._sizes[right])
        keep = self._shared >= self._share * seen - _DEVIATIONS / 2 * np.sqrt(seen)
        self._codes, self._shared = self._codes[keep], self._shared[keep]
        self._held = max(_PAIRS_HELD, 2 * len(self._codes))
