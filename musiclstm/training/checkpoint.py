"""Checkpoints: everything that the next step depends on, in one file that is replaced whole.

They live in ``checkpoint/`` inside the model folder and are never shipped. As in the bundle there
is no pickle: arrays by name, and what is no array as JSON in the header.

The first is written before TensorFlow is loaded, at step 0: settings and wishes, and the weights to
begin with only where they come from another model. So whatever is killed can be resumed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
STATE = "state.safetensors"
START = "start."  # before the names of weights to begin with
_FORMAT = 3  # of what :attr:`Checkpoint.progress` holds


@dataclass(frozen=True)
class Checkpoint:
    """A training in mid-course.

    Attributes:
        arrays: Of :meth:`musiclstm.training.step.Trainer.snapshot`, and ``best.*``; at step 0
            ``start.*``, where the training goes on from another model.
        progress: Step, history, best score and the like: plain JSON values.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    progress: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint over the last one, atomically, and so that it outlives a power cut.

    Raises:
        UnwritableError: If it cannot be written; the last one is still there.
    """
    # not ascontiguousarray, which makes a vector of a number
    arrays = {name: np.asarray(value, order="C") for name, value in checkpoint.arrays.items()}
    progress = json.dumps({"format": _FORMAT, **checkpoint.progress})
    data = save(arrays, metadata={"progress": progress})
    atomic_write_bytes(folder / FOLDER / STATE, data, durable=True)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is something to resume."""
    return (folder / FOLDER / STATE).is_file()


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a model folder.

    Raises:
        TrainingError: If there is none, or it is damaged.
    """
    with _opened(folder) as (file, progress):
        return Checkpoint({name: file.get_tensor(name) for name in file.keys()}, progress)  # noqa: SIM118


def load_progress(folder: Path) -> Mapping[str, Any]:
    """Read of a checkpoint only :attr:`Checkpoint.progress`, at once however large it is.

    Raises:
        TrainingError: If there is none, or it is damaged.
    """
    with _opened(folder) as (_, progress):
        return progress


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    path = folder / FOLDER / STATE
    if not path.is_file():
        raise TrainingError(f"{folder} has no checkpoint to resume; train without --resume")
    try:
        with safe_open(str(path), framework="np") as file:
            progress = json.loads((file.metadata() or {})["progress"])
            if progress.get("format") != _FORMAT:
                raise TrainingError(
                    f"{path} was written by another version of musiclstm; train without --resume"
                )
            yield file, progress
    except (SafetensorError, KeyError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path} is damaged ({error}); train without --resume") from error
