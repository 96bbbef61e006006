"""What followed when the past was last like now: the longest earlier match, and what it suggests.

Notes of a part are alike in pitch and duration id, rows in shift, part, pitch and duration id. For
each place of a sequence, the *match* is the earlier place before which most is alike, the later of
two that are equal; what came next there is a candidate for what comes next here. Three sequences
suggest one: the part's own notes, the rows of all parts, and the notes of the *leading* part, the
first in row order that the piece has: where that one was last like now, what did this part do then?

Memory is bounded: the candidate is among the last :data:`REACH` notes or rows, and what is alike
counts up to :data:`LONGEST`. How long a place's matches with all earlier ones are follows from the
place before it, as in the table of longest common suffixes: one longer where the new items are
alike, else 0. Here that is done for a whole sequence at once, length by length, with a bit for each
distance; the tracker keeps the last row of the table (:mod:`.remembered`).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import IntArray

REACH = 512  # notes of a part, or rows
LONGEST = 32  # beyond it the later of two matches counts, not the longer
MATCH_LENGTHS = 12
# How many of the latest notes of each part and of the latest rows candidates depend on. The first
# row of a cut piece has another shift than it had, hence one more.
MATCH_NOTES = REACH + LONGEST
MATCH_ROWS = REACH + LONGEST + 1

# Each length up to 7 for itself, then 8-9, 10-13, 14-21, and all beyond.
_BUCKETS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 8, *(9,) * 4, *(10,) * 8, *(11,) * (LONGEST + 2 - 22))
BUCKETS = np.array(_BUCKETS, np.int32)  # for each length from 0 to LONGEST + 1, its id


class Matches(NamedTuple):
    """The matches of every place of a sequence, or of several laid end to end.

    Attributes:
        back: How many places before it the match of a place is, ``(n,)``; 0 where there is none.
        length: How many items are alike, up to and with the place, ``(n,)``.
        given_back: How many places before it the candidate for an item is, once it is known in
            part, ``(n,)``; 0 where there is none.
        given_length: How many items are alike there, this one included, ``(n,)``.
    """

    back: IntArray
    length: IntArray
    given_back: IntArray
    given_length: IntArray


def longest_matches(
    items: npt.NDArray[np.integer[Any]],
    starts: npt.NDArray[np.intp],
    known: npt.NDArray[np.integer[Any]] | None = None,
) -> Matches:
    """Find the match of every place.

    Args:
        items: What is alike where it is equal, ``(n,)``, 0 up.
        starts: Where each sequence begins in ``items``, ascending from 0.
        known: What is known of an item before it as a whole is, ``(n,)``, 0 up; equal items have it
            equal. Without it nothing is *given*.

    Returns:
        All int32 ``(n,)``.
    """
    n = len(items)
    found = np.zeros((4, n), np.int32)
    if not n:
        return Matches(*found)
    lengths = np.diff(starts, append=n)
    reach = int(min(REACH, -(-max(lengths.max() - 1, 1) // 64) * 64))
    alike = _alike(items, starts, lengths, reach)
    first = np.zeros(n, bool)
    first[starts] = True
    places = np.arange(n)
    if known is not None:
        follows = _alike(known, starts, lengths, reach)
        _note(found[2:], places, follows, 1)
    # table[i]: at which distances as many items as the round says are alike, up to places[i]
    table = alike
    for length in range(1, LONGEST + 1):
        some = np.flatnonzero(table.any(axis=1))
        if not some.size:
            break
        places, table = places[some], table[some]
        _note(found[:2], places, table, length)
        inside = np.flatnonzero(places < n - 1)
        places, table = places[inside] + 1, table[inside]
        if known is not None:
            # a sequence's first item is like nothing: what is before it is of another sequence
            _note(found[2:], places, table & follows[places], length + 1)
        table = table & alike[places]
    return Matches(*found)


def _alike(
    items: npt.NDArray[np.integer[Any]],
    starts: npt.NDArray[np.intp],
    lengths: npt.NDArray[np.intp],
    reach: int,
) -> npt.NDArray[np.uint64]:
    """Which of the ``reach`` items before it each item is like: bits, the furthest one first."""
    bits = np.zeros((len(items), reach // 8), np.uint8)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        own = items[start : start + length]
        before = np.concatenate([np.full(reach, -1, own.dtype), own[:-1]])
        windows = np.lib.stride_tricks.sliding_window_view(before, reach)
        for low in range(0, length, _AT_ONCE):
            same = windows[low : low + _AT_ONCE] == own[low : low + _AT_ONCE, None]
            bits[start + low : start + low + len(same)] = np.packbits(
                same, axis=1, bitorder="little"
            )
    return bits.view(np.uint64)


def _note(
    found: npt.NDArray[np.int32],
    places: npt.NDArray[np.intp],
    table: npt.NDArray[np.uint64],
    length: int,
) -> None:
    """Write down for each place that has any the nearest distance, and the length."""
    latest = table.view(np.uint8)[:, ::-1]
    byte = (latest != 0).argmax(axis=1)
    value = latest[np.arange(len(latest)), byte]
    some = value != 0
    found[0, places[some]] = (8 * byte + _LEADING_ZEROS[value])[some] + 1
    found[1, places[some]] = length


_AT_ONCE = 4096  # items compared at a time: two megabytes
_LEADING_ZEROS = np.array([8 - value.bit_length() for value in range(256)], np.int32)
