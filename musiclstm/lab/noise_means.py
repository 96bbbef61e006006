"""Means of the noise experiment: what mistakes add to the nats of notes that were left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.lab.mistakes import Options, moved_onsets, wrong_pitches

FloatArray = npt.NDArray[np.float64]

KINDS: Mapping[str, Options] = {"wrong pitches": wrong_pitches, "moved onsets": moved_onsets}
ONE = {"wrong pitches": "wrong pitch", "moved onsets": "moved onset"}
# first and last distance of each bin, in notes after a lone mistake
BINS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64))
_SURE = 2.0  # standard errors


class Mean(NamedTuple):
    """A mean over notes, and how sure it is.

    Attributes:
        value: In nats a note.
        error: Standard error over pieces; NaN of a single one.
        notes: How many notes it is of.
    """

    value: float
    error: float
    notes: int

    @property
    def words(self) -> str:
        """As in a table."""
        return f"{self.value:+.3f} ± {self.error:.3f}" if self.notes else "–"

    @property
    def sure(self) -> bool:
        """Whether it is above zero, as far as its standard error says."""
        return bool(self.notes and self.value > _SURE * self.error)


def mean_over_pieces(sums: Sequence[float], counts: Sequence[int]) -> Mean:
    """The mean of all notes, with the error of a ratio of two sums over pieces.

    Args:
        sums: Over the notes of each piece.
        counts: How many they are.

    Source: W. G. Cochran, "Sampling Techniques" (3rd edition, 1977), equation 6.13, pieces taken as
    drawn from infinitely many.
    """
    total, n = float(np.sum(sums)), int(np.sum(counts))
    if not n:
        return Mean(float("nan"), float("nan"), 0)
    mean, pieces = total / n, np.count_nonzero(counts)
    if pieces < 2:
        return Mean(mean, float("nan"), n)
    rest = np.asarray(sums) - mean * np.asarray(counts)
    return Mean(mean, float(np.sqrt(pieces / (pieces - 1) * np.sum(rest**2)) / n), n)


class Tally:
    """Sums and counts by what they are of, model and piece."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self._sums: dict[Any, FloatArray] = {}
        self._counts: dict[Any, npt.NDArray[np.int64]] = {}

    def add(self, key: Any, piece: int, values: FloatArray) -> None:
        """Count the notes of a piece in.

        Args:
            key: What of.
            piece: Its number.
            values: Nats of each note, ``(n,)``.
        """
        sums = self._sums.setdefault(key, np.zeros(self._pieces))
        counts = self._counts.setdefault(key, np.zeros(self._pieces, np.int64))
        sums[piece] += values.sum()
        counts[piece] += len(values)

    def mean(self, key: Any) -> Mean:
        """The mean of what was counted under a key."""
        none = np.zeros(self._pieces)
        found = self._sums.get(key, none), self._counts.get(key, none.astype(np.int64))
        return mean_over_pieces(found[0].tolist(), found[1].tolist())


@dataclass(frozen=True)
class Measured:
    """All means.

    Attributes:
        clean: Nats a note of each model where nothing is wrong.
        rates: Damage by kind, rate and model.
        after: Damage by kind, bin and model.
        touched: Share of notes that really were wrong, by kind and rate.
        pieces: How many there were.
    """

    clean: Mapping[str, Mean]
    rates: Mapping[tuple[str, float, str], Mean]
    after: Mapping[tuple[str, int, str], Mean]
    touched: Mapping[tuple[str, float], float]
    pieces: int

    def in_all(self, kind: str, model: str, bins: int = len(BINS)) -> float:
        """Nats that a lone mistake costs the notes up to the end of a bin."""
        return float(
            sum(
                (last - first + 1) * self.after[kind, place, model].value
                for place, (first, last) in enumerate(BINS[:bins])
                if self.after[kind, place, model].notes
            )
        )
