"""A corpus and hyper-parameters enter; a model folder leaves, with its learning curve and card.

Importing this package does not import Keras: :func:`train` does, once it has said what it found.
"""

from musiclstm.training.config import PRESETS, TrainingConfig, preset
from musiclstm.training.report import Evaluation, Progress, Reporter, Silent, Summary
from musiclstm.training.train import train

__all__ = [
    "PRESETS",
    "Evaluation",
    "Progress",
    "Reporter",
    "Silent",
    "Summary",
    "TrainingConfig",
    "preset",
    "train",
]
