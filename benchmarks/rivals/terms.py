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


CORES = 2  # on as many minutes are counted


@dataclass(frozen=True)
class Terms:
    """What holds for every contender.

    Attributes:
        config: Of our network; rivals take its sizes.
        minutes: How long each may train on :data:`CORES` cores.
        trial_minutes: How long each trial takes there; 0 for no trials.
        seed: Of all chance.
        threads: That PyTorch may use.
    """

    config: TrainingConfig
    minutes: float
    trial_minutes: float
    seed: int
    threads: int

    @property
    def seconds(self) -> float:
        """Of the processor, all cores together, that a rival may train."""
        return 60 * CORES * self.minutes

    @property
    def trial_seconds(self) -> float:
        """The same of a trial."""
        return 60 * CORES * self.trial_minutes


def per_note(nats: Callable[[Encoded], npt.NDArray[Any]], pieces: Sequence[Encoded]) -> Nats:
    """All nats of each field over all notes."""
    total = np.zeros(len(Field))
    for piece in pieces:
        total += nats(piece).sum(axis=0, dtype=np.float64)
    return total / max(sum(piece.n_notes for piece in pieces), 1)
