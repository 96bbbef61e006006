"""What holds for every contender of a comparison, and how their likelihoods are added up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field
from musiclstm.training import TrainingConfig

Nats = npt.NDArray[np.float64]
Tell = Callable[[str], None]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Terms:
    """What holds for every contender.

    Attributes:
        config: Of our network; rivals take its sizes.
        minutes: How long each may train.
        trial_minutes: How long each trial takes; 0 for no trials.
        seed: Of all chance.
        threads: That PyTorch may use.
    """

    config: TrainingConfig
    minutes: float
    trial_minutes: float
    seed: int
    threads: int


def per_note(nats: Callable[[Encoded], npt.NDArray[Any]], pieces: Sequence[Encoded]) -> Nats:
    """All nats of each field over all notes."""
    total = np.zeros(len(Field))
    for piece in pieces:
        total += nats(piece).sum(axis=0, dtype=np.float64)
    return total / max(sum(piece.n_notes for piece in pieces), 1)
