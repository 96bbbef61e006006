"""Whose a model folder is: free, begun, or held by a training that runs.

A training holds its folder from before it reads a note until it ends. The hold is a lock that the
operating system gives back however the process ends, ``kill -9`` included.
"""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from musiclstm.errors import TrainingError
from musiclstm.files import UnwritableError, free_path, sweep_temporaries
from musiclstm.model.bundle import CORPUS, NOVELTY, VOCABULARY
from musiclstm.training.checkpoint import FOLDER, STATE, has_checkpoint, load_progress

_LOCK = "lock"
SAMPLES = "samples"
# what is written before the first step; weights and curve come with the first evaluation
_BEGINNINGS = frozenset({VOCABULARY, CORPUS, NOVELTY, FOLDER})
# network disks that know no locks
_NO_LOCKS = frozenset(
    getattr(errno, name)
    for name in ("ENOLCK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP")
    if hasattr(errno, name)
)


def is_shell(folder: Path) -> bool:
    """Whether a folder holds nothing but the beginning of a training that never came to a step."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir() if not path.name.endswith(".tmp")}
    if not names <= _BEGINNINGS:
        return False
    inside = folder / FOLDER
    kept = {path.name for path in inside.iterdir()} if inside.is_dir() else set()
    if not {name for name in kept if not name.endswith(".tmp")} <= {_LOCK, STATE}:
        return False
    try:
        return not has_checkpoint(folder) or int(load_progress(folder)["step"]) == 0
    except TrainingError:
        return False


def settle(wished: Path, say: Callable[[str], None]) -> Path:
    """Find the folder for a new training: the one wished for, or the next free number.

    Args:
        wished: The model folder.
        say: Is told where it goes, if not simply there.

    Raises:
        TrainingError: If another training holds the folder.
    """
    if not os.path.lexists(wished):
        return wished
    # one that is being written must not be passed by: the user would wait for two
    if (wished / FOLDER / _LOCK).exists():
        with suppress(UnwritableError), _locked(wished, lambda _: None):
            pass
    if is_shell(wished):
        if (wished / FOLDER).exists():
            say(f"{wished} holds a training that never came to its first step; beginning again")
        return wished
    free = free_path(wished)
    hint = " (--resume would go on with it)" if has_checkpoint(wished) else ""
    say(f"{wished} is there already{hint}; writing to {free}")
    return free


@contextmanager
def claimed(folder: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold a model folder, and clear away what a killed training has left in it.

    May be nested within one thread. A folder that was made for this and got nothing is removed
    again.

    Args:
        folder: The model folder; it is made.
        say: Is told if this disk knows no locks.

    Raises:
        TrainingError: If another training holds it.
        UnwritableError: If nothing can be written there.
    """
    made = [path for path in (folder, folder / FOLDER) if not path.exists()]
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=".probe.", suffix=".tmp", dir=folder) as probe:
            probe.write(b"?")
    except OSError as error:
        _remove_if_empty(folder, made)
        raise UnwritableError(folder, error) from error
    with _locked(folder, say) as outermost:
        try:
            if outermost:
                for place in (folder, folder / FOLDER, folder / SAMPLES):
                    sweep_temporaries(place)
            yield
        finally:
            if outermost and made:
                _remove_if_empty(folder, made)


@contextmanager
def _locked(folder: Path, say: Callable[[str], None]) -> Iterator[bool]:
    """Hold the lock of a folder; yields whether it was not held already by this thread."""
    # a singleton, so that the command line can hold the folder around the training that holds it
    lock = FileLock(folder.resolve() / FOLDER / _LOCK, blocking=False, is_singleton=True)
    outermost = not lock.is_locked
    try:
        lock.acquire()
    except Timeout as error:
        raise TrainingError(
            f"another training is writing to {folder}: wait until it ends, or choose another name"
        ) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise UnwritableError(folder, error) from error
        say(f"the disk of {folder} knows no locks: see to it that no second training writes there")
        yield outermost
        return
    try:
        yield outermost
    finally:
        lock.release()


def _remove_if_empty(folder: Path, made: list[Path]) -> None:
    """Remove folders that were made for nothing."""
    with suppress(OSError):
        if {path.name for path in (folder / FOLDER).iterdir()} <= {_LOCK}:
            (folder / FOLDER / _LOCK).unlink(missing_ok=True)  # Windows refuses: then it stays
            for path in reversed(made):
                path.rmdir()
