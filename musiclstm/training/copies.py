"""``novelty.npz`` of a training set that need not fit into memory.

The arrays of :func:`musiclstm.generation.copied_runs.novelty_arrays` are made share by share of the
hashes, and the shares are written one after the other.
"""

import math
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Vocabulary
from musiclstm.files import UnwritableError, atomic_writer
from musiclstm.generation.copied_runs import COLUMNS, count_runs, novelty_arrays

MOST_RUNS = 50_000_000  # 18 bytes each: what a bundle may hold
_RUNS_AT_ONCE = 4_000_000  # sorted in memory: 250 MB, what TensorFlow takes later


def write_copies(
    path: Path, pieces: Sequence[Encoded], vocabulary: Vocabulary, *, at_once: int = _RUNS_AT_ONCE
) -> int:
    """Write what the copy check needs of a training set, atomically.

    Args:
        path: Where to.
        pieces: What is learned from.
        vocabulary: Of their rows.
        at_once: How many runs may be in memory, about; 1 up.

    Returns:
        How many pieces are in it: all, unless there is more music than a bundle may hold.

    Raises:
        UnwritableError: If there is no room.
    """
    ends = np.cumsum([count_runs(piece, vocabulary) for piece in pieces], dtype=np.int64)
    known = int(np.searchsorted(ends, MOST_RUNS, side="right"))
    runs = int(ends[known - 1]) if known else 0
    shares = max(1, math.ceil(runs / at_once))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            columns: dict[str, IO[bytes]] = {
                name: stack.enter_context(
                    tempfile.TemporaryFile(prefix=".copies.", suffix=".tmp", dir=path.parent)
                )
                for name in COLUMNS
            }
            for share in range(shares):
                found = novelty_arrays(pieces[:known], vocabulary, share, shares)
                for name, column in columns.items():
                    column.write(found[name].tobytes())
            with atomic_writer(path) as file:
                of_pieces = {name: found[name] for name in found if name not in COLUMNS}
                _write_archive(file, columns, runs, of_pieces)
    except OSError as error:
        raise UnwritableError(path, error) from error
    return known


def _write_archive(
    file: IO[bytes],
    columns: Mapping[str, IO[bytes]],
    runs: int,
    of_pieces: Mapping[str, npt.NDArray[Any]],
) -> None:
    """Write an archive as `numpy.savez_compressed` does, from columns that lie on disk."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kind in COLUMNS.items():
            header = {
                "descr": np.lib.format.dtype_to_descr(np.dtype(kind)),
                "fortran_order": False,
                "shape": (runs,),
            }
            columns[name].seek(0)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                shutil.copyfileobj(columns[name], member)
        for name, values in of_pieces.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values)
