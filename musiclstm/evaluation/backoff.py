"""Interpolated n-gram estimates: counts in ever longer contexts, each smoothed by the one before.

A *chain* of contexts goes from none at all to long ones. With n occurrences of a context, c of them
followed by symbol x, and t different symbols after it,

    p(x | context) = (c + t p(x | shorter context)) / (n + t)

and before the shortest context all symbols are equally likely. A context that was never seen says
what the shorter one says.

Source: T. C. Bell, J. G. Cleary and I. H. Witten, "Text Compression" (1990), method C of I. H.
Witten and T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37
(1991), in its interpolated form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

KeyArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

# Multiplicative hashing: the fractional part of the golden ratio, and an odd number of many bits
# (D. E. Knuth, "The Art of Computer Programming" 3, 6.4).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint64(0xBF58476D1CE4E5B9)
_FOLD = np.uint64(29)


def keys_of(columns: Sequence[npt.NDArray[np.integer]], n: int) -> KeyArray:
    """One number for each row of some columns: equal rows have equal numbers.

    Unequal rows have equal numbers once in 10^19 pairs.

    Args:
        columns: Integers ``(n,)`` each; none at all is one context for all rows.
        n: Number of rows.
    """
    keys = np.full(n, _GOLDEN, np.uint64)
    for column in columns:
        keys ^= column.astype(np.int64).view(np.uint64) + _GOLDEN
        keys *= _ODD
        keys ^= keys >> _FOLD
    return keys


@dataclass(frozen=True)
class Counts:
    """How often each symbol followed each context.

    Attributes:
        keys: The contexts, ascending, ``(C,)``.
        begins: Where the symbols of each begin, and where those of the last end, ``(C + 1,)``.
        totals: Occurrences of each context, ``(C,)``.
        symbols: Symbols that followed, context by context, int16 ``(S,)``.
        counts: How often each did, ``(S,)``.
    """

    keys: KeyArray
    begins: npt.NDArray[np.int64]
    totals: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.int16]
    counts: IntArray

    @classmethod
    def of(cls, keys: KeyArray, symbols: IntArray) -> "Counts":
        """Count.

        Args:
            keys: Context of each occurrence, ``(n,)``.
            symbols: What followed it, ``(n,)``.
        """
        order = np.lexsort((symbols, keys))
        keys, symbols = keys[order], symbols[order]
        other = np.ones(len(keys), bool)
        other[1:] = keys[1:] != keys[:-1]
        fresh = other.copy()
        fresh[1:] |= symbols[1:] != symbols[:-1]
        pairs, contexts = np.flatnonzero(fresh), np.flatnonzero(other)
        return cls(
            keys=keys[contexts],
            begins=np.append(np.searchsorted(pairs, contexts), len(pairs)),
            totals=np.diff(contexts, append=len(keys)),
            symbols=symbols[pairs].astype(np.int16),
            counts=np.diff(pairs, append=len(keys)).astype(np.int32),
        )

    def interpolate(
        self, shorter: FloatArray, keys: KeyArray
    ) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Smooth these counts by what the shorter context says.

        Args:
            shorter: Its probabilities ``(n, symbols)``; changed in place.
            keys: Context of each row, ``(n,)``.

        Returns:
            The probabilities, and of each row whether its context was ever seen.
        """
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[at] == keys
        rows = np.flatnonzero(known)
        at = at[rows]
        kinds = self.begins[at + 1] - self.begins[at]
        whole = self.totals[at] + kinds
        shorter[rows] *= (kinds / whole)[:, None].astype(np.float32)
        # the symbols of all rows, one row behind the other
        first = np.repeat(self.begins[at] - (np.cumsum(kinds) - kinds), kinds)
        entries = first + np.arange(len(first))
        shares = self.counts[entries] / np.repeat(whole, kinds)
        shorter[np.repeat(rows, kinds), self.symbols[entries]] += shares.astype(np.float32)
        return shorter, known


@dataclass(frozen=True)
class Chain:
    """Counts from the shortest context to the longest.

    Attributes:
        orders: The counts.
        size: Number of symbols.
    """

    orders: tuple[Counts, ...]
    size: int

    @classmethod
    def fit(cls, keys: Sequence[KeyArray], symbols: IntArray, size: int) -> "Chain":
        """Count symbols in contexts of every length.

        Args:
            keys: For each length, the shortest first, the context of each occurrence ``(n,)``.
            symbols: What followed, 0 to ``size - 1``, ``(n,)``.
            size: Number of symbols.
        """
        return cls(tuple(Counts.of(each, symbols) for each in keys), size)

    def say(self, keys: Sequence[KeyArray]) -> tuple[FloatArray, IntArray]:
        """The probability of each symbol.

        Args:
            keys: As in :meth:`fit`, of n rows.

        Returns:
            float32 ``(n, size)``, rows that sum to 1, none of them 0; and for each row how many of
            its contexts were ever seen, ``(n,)``.
        """
        said = np.full((len(keys[0]), self.size), 1 / self.size, np.float32)
        depth = np.zeros(len(keys[0]), np.int32)
        for counts, own in zip(self.orders, keys, strict=True):
            said, known = counts.interpolate(said, own)
            depth += known
        return said, depth
