"""How likely pieces are under a model, in nats a note, field by field.

A note's nats are what it tells that the model did not expect; ``exp`` of them is the perplexity:
among how many equally likely notes the model is as undecided. Waits and the end of a piece count
with the notes. Nothing is known of the whole piece: every condition is unspecified.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field

Says = Callable[[Encoded], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Nats:
    """What a set of pieces costs.

    Attributes:
        pieces: How many, >= 1.
        notes: Notes in all of them.
        fields: Nats a note of shift, part, pitch, duration and velocity.
        error: Standard error of their sum, over pieces; NaN of a single piece.
    """

    pieces: int
    notes: int
    fields: tuple[float, ...]
    error: float

    @property
    def total(self) -> float:
        """Nats a note."""
        return math.fsum(self.fields)

    @property
    def perplexity(self) -> float:
        """Among how many equally likely notes the model is as undecided."""
        return math.exp(min(self.total, 700.0))


def measure(
    says: Says, pieces: Iterable[Encoded], told: Callable[[int], None] | None = None
) -> Nats:
    """What pieces cost under a model.

    Args:
        says: Nats of each field of each row of a piece, ``(rows, 5)``; as
            ``bundle.decoder.score`` or ``NGram.nats``.
        pieces: At least one that has a note.
        told: Called with the number of pieces done.

    Raises:
        ValueError: If there are no notes.

    Source: the standard error is that of a ratio of means (W. G. Cochran, "Sampling Techniques",
    1977, eq. 6.13), since long pieces weigh more than short ones.
    """
    sums, notes = [], []
    for done, piece in enumerate(pieces, start=1):
        sums.append(says(piece).sum(axis=0, dtype=np.float64))
        notes.append(piece.n_notes)
        if told is not None:
            told(done)
    count = sum(notes)
    if not count:
        raise ValueError("there are no notes to measure")
    fields = np.sum(sums, axis=0) / count
    off = np.sum(sums, axis=1) - fields.sum() * np.array(notes)
    n = len(notes)
    error = math.sqrt(float(np.square(off).sum()) * n / (n - 1)) / count if n > 1 else math.nan
    return Nats(n, count, tuple(fields.tolist()), error)


def as_dict(nats: Nats) -> dict[str, object]:
    """For ``--json``."""
    return {
        "pieces": nats.pieces,
        "notes": nats.notes,
        "nats_per_note": nats.total,
        "standard_error": None if math.isnan(nats.error) else nats.error,
        "perplexity": nats.perplexity,
        "by_field": {f.name.lower(): nats.fields[f] for f in Field},
    }
