"""What a training depends on: with the corpus and the machine, this decides the weights."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from musiclstm.errors import TrainingError
from musiclstm.model import NetworkConfig

WARM_UP_STEPS = 20  # steps to the full learning rate, so that Adam's averages settle first
FINAL_RATE = 0.02  # the cosine ends at this share of the full rate


@dataclass(frozen=True)
class TrainingConfig:
    """Hyper-parameters of a training.

    Attributes:
        network: Widths, depth, and what is silenced or spoilt in training.
        steps: Number of steps; 0 until minutes or epochs have been turned into steps.
        seed: Of weights, order, transposition, noise and dropout; >= 0.
        lanes: Pieces played side by side in a batch, 1-1024.
        window: Rows that are played, and back-propagated through, at a time, 2-8192.
        learning_rate: At its highest, > 0.
        weight_decay: Times the learning rate it is the share of each kernel and table that a step
            takes away (AdamW, Loshchilov & Hutter 2019), 0-1.
        clip_norm: Largest norm of the gradient (Pascanu et al. 2013), > 0.
        average: Momentum of the averaged weights, 0-1.
        evaluations: How often the held-out pieces are scored, >= 1.
        patience: Evaluations without a better score before training stops early, >= 1.
        valid_share: Share of the pieces that is held out, 0-0.5.
        unconditioned: How often a piece is shown with all conditions unspecified, as likelihoods
            are published, 0-1; else each is hidden now and then.
        samples: How many pieces are composed on the way, to listen to.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    steps: int = 0
    seed: int = 0
    lanes: int = 32
    window: int = 128
    learning_rate: float = 4e-3
    weight_decay: float = 0.3
    clip_norm: float = 1.0
    average: float = 0.995
    evaluations: int = 20
    patience: int = 5
    valid_share: float = 0.1
    unconditioned: float = 0.3
    samples: int = 3

    def __post_init__(self) -> None:
        checks = {
            "steps": self.steps >= 0,
            "seed": 0 <= self.seed < 2**31,
            "lanes": 1 <= self.lanes <= 1024,
            "window": 2 <= self.window <= 8192,
            "learning_rate": 0 < self.learning_rate < 1,
            "weight_decay": 0 <= self.weight_decay < 1,
            "clip_norm": self.clip_norm > 0,
            "average": 0 <= self.average < 1,
            "evaluations": self.evaluations >= 1,
            "patience": self.patience >= 1,
            "valid_share": 0 <= self.valid_share <= 0.5,
            "unconditioned": 0 <= self.unconditioned <= 1,
            "samples": self.samples >= 0,
        }
        for name, fine in checks.items():
            if not fine:
                raise TrainingError(f"{name} = {getattr(self, name)!r} is out of range")

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then a cosine down to the last step (Loshchilov & Hutter 2017).

        The warm-up does not depend on the number of steps, which is not known while it is measured
        how many fit into the minutes asked for.
        """
        if step < WARM_UP_STEPS:
            return self.learning_rate * (step + 1) / WARM_UP_STEPS
        done = min(1.0, (step - WARM_UP_STEPS) / max(1, self.steps - WARM_UP_STEPS))
        share = FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate * share

    def as_dict(self) -> dict[str, Any]:
        """For ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Undo :meth:`as_dict`."""
        try:
            network = NetworkConfig.from_dict(values["network"])
            return cls(**{**values, "network": network})
        except (TypeError, KeyError) as error:
            raise TrainingError(f"the training's settings are damaged: {error}") from error


# Few weights learn little by heart: the smaller the network, the less is done against it.
PRESETS: Mapping[str, TrainingConfig] = {
    "tiny": TrainingConfig(
        NetworkConfig(
            units=64,
            onset_units=64,
            voice_units=48,
            note_units=48,
            head_units=64,
            dropout=0.1,
            head_dropout=0.1,
            feature_dropout=0.03,
            noise=0.03,
        ),
        weight_decay=0.05,
    ),
    "small": TrainingConfig(
        NetworkConfig(
            units=128,
            onset_units=128,
            voice_units=96,
            note_units=96,
            head_units=128,
            dropout=0.3,
            head_dropout=0.2,
            feature_dropout=0.06,
            noise=0.06,
        ),
        weight_decay=0.1,
    ),
    "default": TrainingConfig(),
    "large": TrainingConfig(
        NetworkConfig(
            units=512,
            onset_units=256,
            voice_units=256,
            note_units=256,
            head_units=256,
            dropout=0.6,
        ),
        learning_rate=3e-3,
        weight_decay=0.5,
    ),
}


def preset(name: str, **changes: Any) -> TrainingConfig:
    """A preset, with some of its values changed.

    Raises:
        TrainingError: If there is no such preset.
    """
    if name not in PRESETS:
        raise TrainingError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")
    return replace(PRESETS[name], **changes)
