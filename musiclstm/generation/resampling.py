"""How one of several candidates is taken, and the random numbers that all of it takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.errors import RequestError

IndexArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

MOST_CANDIDATES = 64
AGAIN = len(Field)  # which number is for a shift that is drawn a second time
_DRAWS = 64  # rows for which random numbers are drawn at once


@dataclass(frozen=True)
class Resampling:
    """How one of an onset's candidates is taken.

    With p and d the sums of the log-probabilities of a candidate's pitches and durations, and h
    what the habits of the corpus have against it, it is as likely as
    exp(pitch_weight * p + duration_weight * d + h). The defaults are those that
    ``benchmarks/samples.py`` chose on the valid split of the JSB chorales.

    Attributes:
        candidates: How many are drawn, 1-64; with 1 nothing is left to be taken.
        pitch_weight: How much their pitches count, 0-10.
        duration_weight: How much their durations count, 0-10.
        endings: How many endings of a piece are drawn (:mod:`.endings`), 1-64.
    """

    candidates: int = 8
    pitch_weight: float = 1.5
    duration_weight: float = 0.5
    endings: int = 8

    def __post_init__(self) -> None:
        for name in ("candidates", "endings"):
            count = getattr(self, name)
            if type(count) is not int or not 1 <= count <= MOST_CANDIDATES:
                raise RequestError(
                    f"{count} {name} cannot be drawn; ask for 1 to {MOST_CANDIDATES}"
                )
        for name in ("pitch_weight", "duration_weight"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= 10:
                raise RequestError(f"{name} {value!r} is out of range; use 0 to 10")

    def as_dict(self) -> dict[str, Any]:
        """For the text event in a file, and a bundle's defaults."""
        return asdict(self)


def take_one(scores: FloatArray, uniform: float) -> int:
    """Draw one of several as likely as exp(score), renormalised.

    >>> take_one(np.log([0.25, 0.05, 0.7]), 0.6)
    2

    Args:
        scores: ``(n,)``, ``-inf`` for those that cannot be; one at least can.
        uniform: A random number in [0, 1).
    """
    cumulated = np.cumsum(np.exp(scores - scores.max()))
    return int((cumulated > uniform * cumulated[-1]).argmax())


class Draws:
    """Uniform random numbers, each piece's from its own source.

    Args:
        rngs: One for each piece.
        candidates: How many each piece draws.
    """

    def __init__(self, rngs: Sequence[np.random.Generator], candidates: int) -> None:
        self._rngs = list(rngs)
        # for each candidate those of a row; and a last one for the taking
        self._shape = (_DRAWS, candidates + 1, len(Field) + 1)
        self._block = np.empty((len(rngs), *self._shape))
        self._used = _DRAWS

    def select(self, pieces: IndexArray) -> None:
        """Go on with these pieces; copies of one, side by side, get numbers of their own."""
        rngs: list[np.random.Generator] = []
        self._block = self._block[pieces]
        for number, piece in enumerate(pieces.tolist()):
            rng = self._rngs[piece]
            if number and piece == pieces[number - 1]:
                # spawned one after the other: the same ones whatever is beside the piece
                rng = self._rngs[piece].spawn(1)[0]
                self._block[number] = rng.random(self._shape)
            rngs.append(rng)
        self._rngs = rngs

    def row(self) -> FloatArray:
        """The next numbers of every piece, ``(pieces, candidates + 1, 6)``."""
        if self._used == _DRAWS:
            for piece, rng in enumerate(self._rngs):
                self._block[piece] = rng.random(self._shape)
            self._used = 0
        self._used += 1
        found: FloatArray = self._block[:, self._used - 1]
        return found
