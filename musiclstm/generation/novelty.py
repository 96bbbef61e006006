"""The copy check: the longest run that a piece shares with a training piece, in any key.

A piece is read as the sequence of its notes in row order; each says its shift, part, duration and
the interval from the pitched note before it (a drum its key), so that transposition changes
nothing. Runs of :data:`RUN` such steps from note to note are hashed; the bundle keeps the hashes of
the whole training set, sorted, with piece and bar. A longer run is a chain of neighbouring matches
in one piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.model import Bundle
from musiclstm.model.finding import NOVELTY
from musiclstm.model.reading import damaged

RUN = 8  # steps from note to note, thus nine notes; shorter runs are the common stock of any style
# An odd multiplier with well mixed bits (the golden ratio in 64 bits, as Knuth suggests).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Runs followed at once; a run of repeated notes is everywhere. The oldest are kept.
_MOST_CHAINS = 10_000
_PLACE_BITS = 32
_HALF = np.uint64(32)
COLUMNS: Mapping[str, type[np.integer[Any]]] = {
    "hashes": np.uint64,
    "piece": np.int32,
    "place": np.int32,
    "bar": np.int16,
}
_MOST_PLACES = 2**31 - 2  # the next place is an int32 too
_KINDS = {"hashes": "u", "piece": "i", "place": "i", "bar": "i", "sources": "U"}


@dataclass(frozen=True)
class Copied:
    """A run that a piece shares with a training piece.

    Attributes:
        notes: Its length; 0 where no run of more than :data:`RUN` notes is shared.
        source: The training piece.
        bar: Bar of the training piece in which the run begins, counted from 1 (0: the pickup).
        own_bar: The same in the piece itself.
    """

    notes: int = 0
    source: str = ""
    bar: int = 0
    own_bar: int = 0


def run_hashes(encoded: Encoded, vocabulary: Vocabulary) -> tuple[npt.NDArray[Any], ...]:
    """Hashes of all runs of a piece.

    Args:
        encoded: The piece.
        vocabulary: Of its rows.

    Returns:
        uint64 ``(n - RUN,)`` for n notes, and int32 of the same length: the bar in which each run
        begins.
    """
    v, rows = vocabulary, encoded.events
    shift = rows[:, Field.SHIFT]
    steps = v.steps_of(shift)
    onset = np.cumsum(steps)
    is_note = shift <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    notes = np.flatnonzero(is_note & ~np.concatenate([[False], tied[:-1]]))  # no continuations
    if len(notes) <= RUN:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    table = rows[notes].astype(np.int64)
    gap = np.diff(onset[notes])  # waits are part of the gap
    drum = v.drum_parts[table[:, Field.PART]]
    pitched = np.maximum.accumulate(np.where(drum, -1, np.arange(len(notes))))[:-1]
    before = np.where(pitched < 0, table[1:, Field.PITCH], table[pitched, Field.PITCH])
    interval = table[1:, Field.PITCH] - np.where(drum[1:], 0, before)
    code = ((gap * 64 + table[1:, Field.PART]) * 512 + interval + 256) * 16384
    code += table[1:, Field.DURATION]
    with np.errstate(over="ignore"):
        mixed = code.astype(np.uint64) * _MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
        hashes = np.zeros(len(code) - RUN + 1, np.uint64)
        for offset in range(RUN):
            hashes = hashes * _MULTIPLIER + mixed[offset : offset + len(hashes)]
    bars = encoded.meter_map.locate(onset[notes[: len(hashes)]], v.steps_per_quarter).bar
    return hashes, bars


def novelty_arrays(
    pieces: Sequence[Encoded], vocabulary: Vocabulary, share: int = 0, shares: int = 1
) -> dict[str, npt.NDArray[Any]]:
    """What the copy check needs of a training set, for ``novelty.npz``.

    Args:
        pieces: What is learned from.
        vocabulary: Of their rows.
        share: Of the range of hashes, which part: 0 to ``shares - 1``. Hashes are spread evenly, so
            parts of the range are parts of the set, and end to end they are the whole, in order.
        shares: Into how many parts the range is divided, 1-2**31.

    Returns:
        ``hashes``, ``piece``, ``place`` and ``bar`` of each run, sorted by hash, then by piece and
        place; and ``sources``, of all pieces.
    """
    found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in COLUMNS}
    for number, piece in enumerate(pieces):
        hashes, bars = run_hashes(piece, vocabulary)
        # the upper halves of the hashes, scaled to the number of shares
        here = np.flatnonzero(((hashes >> _HALF) * np.uint64(shares)) >> _HALF == share)
        found["hashes"].append(hashes[here])
        found["piece"].append(np.full(len(here), number, np.int32))
        found["place"].append(here.astype(np.int32))
        found["bar"].append(np.clip(bars[here], -1, 2**15 - 1).astype(np.int16))
    joined = {
        name: np.concatenate([np.zeros(0, kind), *found.pop(name)])
        for name, kind in COLUMNS.items()
    }
    order = np.argsort(joined["hashes"], kind="stable")
    return {
        **{name: values[order] for name, values in joined.items()},
        "sources": np.array([piece.source for piece in pieces], dtype=np.str_),
    }


@dataclass(frozen=True)
class CopyCheck:
    """The training set of a bundle, ready to be compared with.

    Attributes:
        arrays: Of :func:`novelty_arrays`; empty where the bundle has none.
        vocabulary: Of the bundle.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, bundle: Bundle) -> "CopyCheck":
        """The copy check of a bundle.

        Raises:
            BundleError: If its arrays are damaged.
        """
        arrays = bundle.novelty()
        check = cls(arrays, bundle.vocabulary)
        if arrays and not (_fit_together(arrays) and check.in_order()):
            raise damaged(bundle.path / NOVELTY, "its arrays do not fit together")
        return check

    def in_order(self) -> bool:
        """Whether hashes ascend, and of equal hashes the places: searching relies on it."""
        hashes, places = self.arrays["hashes"], self._places
        same = hashes[1:] == hashes[:-1]
        ascends = np.where(same, places[1:] > places[:-1], hashes[1:] > hashes[:-1])
        return bool(ascends.all())

    def longest(self, encoded: Encoded) -> Copied | None:
        """The longest run that a piece shares with the training set; None where unknown.

        Of runs of one length the first in the piece, and of its sources the first.
        """
        if not self.arrays:
            return None
        hashes, bars = run_hashes(encoded, self.vocabulary)
        low = np.searchsorted(self.arrays["hashes"], hashes, side="left")
        high = np.searchsorted(self.arrays["hashes"], hashes, side="right")
        # a chain is a run that goes on: where it is now, and since when; the oldest come first
        at = since = none = np.zeros(0, np.int64)
        length, begins, last = 0, 0, 0
        for own, meets in enumerate((low < high).tolist()):
            if not meets:  # as with most of what is new: no chain goes on, none begins
                at = since = none
                continue
            here = self._places[low[own] : high[own]]
            goes_on = np.isin(at + 1, here, assume_unique=True)
            at, since = at[goes_on] + 1, since[goes_on]
            room = _MOST_CHAINS - len(at)
            fresh = here[:_MOST_CHAINS]
            fresh = fresh[~np.isin(fresh, at, assume_unique=True)][:room]
            at = np.concatenate([at, fresh])
            since = np.concatenate([since, np.full(len(fresh), own)])
            if len(at) and own - since[0] + 1 > length:
                length, begins, last = own - int(since[0]) + 1, int(since[0]), int(at[0])
        if not length:
            return Copied()
        first = last - length + 1
        entry = low[begins] + np.searchsorted(self._places[low[begins] : high[begins]], first)
        return Copied(
            notes=length + RUN,  # n steps join n + 1 notes
            source=str(self.arrays["sources"][first >> _PLACE_BITS]),
            bar=int(self.arrays["bar"][entry]) + 1,
            own_bar=int(bars[begins]) + 1,
        )

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """Piece and place of each hash in one number, so that the next place is one more."""
        piece, place = self.arrays["piece"], self.arrays["place"]
        places: npt.NDArray[np.int64] = (piece.astype(np.int64) << _PLACE_BITS) + place
        return places


def _fit_together(arrays: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether the arrays are such as :func:`novelty_arrays` makes."""
    if set(arrays) != set(_KINDS):
        return False
    if any(arrays[name].ndim != 1 or arrays[name].dtype.kind != _KINDS[name] for name in _KINDS):
        return False
    n, sources = len(arrays["hashes"]), len(arrays["sources"])
    if any(len(arrays[name]) != n for name in ("piece", "place", "bar")):
        return False
    ranges = {"piece": (0, sources - 1), "place": (0, _MOST_PLACES), "bar": (-1, _MOST_PLACES)}
    return not n or all(
        low <= arrays[name].min() and arrays[name].max() <= high
        for name, (low, high) in ranges.items()
    )
