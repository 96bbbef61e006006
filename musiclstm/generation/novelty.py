"""The copy check: the longest run that a piece shares with a training piece, in any key.

A piece is read as the sequence of its notes in row order; each says its shift, part, duration and
the interval from the note before it, so that transposition changes nothing. Runs of
:data:`RUN` such notes are hashed; the bundle keeps the hashes of the whole training set, sorted,
with piece and bar. A longer run is a chain of neighbouring matches in one piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.model import Bundle

RUN = 8  # notes; shorter runs are the common stock of any style
# An odd multiplier with well mixed bits (the golden ratio in 64 bits, as Knuth suggests).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MOST_MATCHES = 10_000  # places looked at for one piece; a run of repeated notes is everywhere


@dataclass(frozen=True)
class Copied:
    """A run that a piece shares with a training piece.

    Attributes:
        notes: Its length; 0 where no run of at least :data:`RUN` notes is shared.
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
    steps = np.where(shift == v.wait, v.max_shift, np.where(shift == v.end, 0, shift))
    onset = np.cumsum(steps)
    notes = np.flatnonzero(shift <= v.max_shift)
    if len(notes) <= RUN:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    table = rows[notes].astype(np.int64)
    gap = np.diff(onset[notes])  # waits are part of the gap
    interval = np.diff(table[:, Field.PITCH]) * ~v.drum_parts[table[1:, Field.PART]]
    interval += np.where(v.drum_parts[table[1:, Field.PART]], table[1:, Field.PITCH], 0)
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
    pieces: Sequence[Encoded], vocabulary: Vocabulary
) -> dict[str, npt.NDArray[Any]]:
    """What the copy check needs of a training set, for ``novelty.npz``."""
    found = [run_hashes(piece, vocabulary) for piece in pieces]
    hashes = np.concatenate([h for h, _ in found]) if found else np.zeros(0, np.uint64)
    bars = np.concatenate([b for _, b in found]) if found else np.zeros(0, np.int32)
    piece = np.repeat(np.arange(len(found), dtype=np.int32), [len(h) for h, _ in found])
    place = np.concatenate([np.arange(len(h), dtype=np.int32) for h, _ in found] or [piece])
    order = np.argsort(hashes, kind="stable")
    return {
        "hashes": hashes[order],
        "piece": piece[order],
        "place": place[order],
        "bar": np.clip(bars, -1, 2**15 - 1).astype(np.int16)[order],
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
        """The copy check of a bundle."""
        arrays = bundle.novelty()
        complete = {"hashes", "piece", "place", "bar", "sources"} <= set(arrays)
        return cls(arrays if complete else {}, bundle.vocabulary)

    def longest(self, encoded: Encoded) -> Copied | None:
        """The longest run that a piece shares with the training set; None where unknown."""
        if not self.arrays:
            return None
        a = self.arrays
        hashes, bars = run_hashes(encoded, self.vocabulary)
        low = np.searchsorted(a["hashes"], hashes, side="left")
        count = np.searchsorted(a["hashes"], hashes, side="right") - low
        if not count.any():
            return Copied()
        count = np.where(np.cumsum(count) > _MOST_MATCHES, np.minimum(count, 1), count)
        own = np.repeat(np.arange(len(hashes)), count)
        at = (
            np.repeat(low, count) + np.arange(len(own)) - np.repeat(np.cumsum(count) - count, count)
        )
        piece, place = a["piece"][at].astype(np.int64), a["place"][at].astype(np.int64)
        # matches that follow one another in one piece have the same difference of places
        order = np.lexsort((own, place - own, piece))
        piece, place, own, at = piece[order], place[order], own[order], at[order]
        goes_on = (np.diff(own) == 1) & (np.diff(place) == 1) & (np.diff(piece) == 0)
        starts = np.concatenate([[0], np.flatnonzero(~goes_on) + 1])
        lengths = np.diff(np.append(starts, len(own)))
        best = int(starts[np.argmax(lengths)])
        return Copied(
            notes=int(lengths.max()) + RUN,  # n intervals make n + 1 notes
            source=str(a["sources"][piece[best]]),
            bar=int(a["bar"][at[best]]) + 1,
            own_bar=int(bars[own[best]]) + 1,
        )
