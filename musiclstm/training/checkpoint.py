"""Checkpoints: everything that the next step depends on, in one file that is replaced whole.

They live in ``checkpoint/`` inside the model folder and are never shipped. As in the bundle there
is no pickle: arrays by name, and what is no array as JSON in the header.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from musiclstm.errors import TrainingError
from musiclstm.files import atomic_write_bytes

FOLDER = "checkpoint"
_FILE = "state.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A training in mid-course.

    Attributes:
        arrays: Of :meth:`musiclstm.training.step.Trainer.snapshot`, and ``best.*``.
        progress: Step, history, best score and the like: plain JSON values.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    progress: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint over the last one, atomically."""
    # not ascontiguousarray, which makes a vector of a number
    arrays = {name: np.asarray(value, order="C") for name, value in checkpoint.arrays.items()}
    data = save(arrays, metadata={"progress": json.dumps(dict(checkpoint.progress))})
    atomic_write_bytes(folder / FOLDER / _FILE, data)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is something to resume."""
    return (folder / FOLDER / _FILE).is_file()


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a model folder.

    Raises:
        TrainingError: If there is none, or it is damaged.
    """
    path = folder / FOLDER / _FILE
    if not path.is_file():
        raise TrainingError(f"{folder} has no checkpoint to resume; train without --resume")
    try:
        with safe_open(str(path), framework="np") as file:
            progress = json.loads((file.metadata() or {})["progress"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(f"{path} is damaged ({error}); train without --resume") from error
    return Checkpoint(arrays, progress)
