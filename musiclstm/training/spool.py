"""Event rows of a corpus on disk: written once, piece by piece, and mapped into memory.

The rows of ten thousand pieces need not fit into memory: the operating system brings in the pages
that are being read, and takes back those that are not when memory is short.
"""

import mmap
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field
from musiclstm.errors import TrainingError

# Half the disk and half the pages of int32. The largest id there can be is the tie of the finest
# grid: 8 quarters of 960 steps.
ROW_TYPE = np.int16
_NO_ROWS = np.zeros((0, len(Field)), np.int32)


def spooled(pieces: Iterable[Encoded], folder: Path | None = None) -> tuple[Encoded, ...]:
    """Put the rows of pieces into one file, and give each piece a view of its own.

    The file has no name, or on Windows one that goes with the process: it vanishes when the last
    view does, and after ``kill -9`` too. Where a disk knows only files with names it has one for
    some microseconds, such as :func:`musiclstm.files.sweep_temporaries` removes.

    Args:
        pieces: Encoded one by one; of each only what surrounds its rows is held in memory.
        folder: On whose disk; where many systems keep temporary files is memory, so better not
            there. None: there all the same.

    Returns:
        The pieces; ``events`` is read-only, of type :data:`ROW_TYPE`.

    Raises:
        TrainingError: If the disk has no room.
    """
    place = folder or Path(tempfile.gettempdir())
    kept, ends = [], [0]
    try:
        file = tempfile.TemporaryFile(prefix=".rows.", suffix=".tmp", dir=folder)  # noqa: SIM115
    except OSError as error:
        raise _no_room(place, 0, error) from error
    with file:
        for piece in pieces:
            rows = np.ascontiguousarray(piece.events, ROW_TYPE)
            try:
                file.write(rows.tobytes())
            except OSError as error:
                raise _no_room(place, ends[-1], error) from error
            ends.append(ends[-1] + len(rows))
            kept.append(replace(piece, events=_NO_ROWS))
        if not kept:
            return ()
        try:
            # written, not filled through the map: there a full disk would be a fatal signal
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise _no_room(place, ends[-1], error) from error
    table: npt.NDArray[Any] = np.frombuffer(mapped, ROW_TYPE).reshape(-1, len(Field))
    return tuple(
        replace(piece, events=table[begin:end])
        for piece, begin, end in zip(kept, ends[:-1], ends[1:], strict=True)
    )


def _no_room(place: Path, rows: int, error: OSError) -> TrainingError:
    size = rows * len(Field) * np.dtype(ROW_TYPE).itemsize / 2**20
    return TrainingError(
        f"{place} has no room for the encoded music, {size:,.0f} MB so far ({error.strerror}); "
        "make some, or write the model to another disk"
    )
