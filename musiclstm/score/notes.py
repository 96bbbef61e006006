"""The note table, and what makes it canonical.

A table is an ``int32`` array of shape ``(n, 5)`` with the columns of :class:`Column`. It is
*canonical* when

* rows are sorted by ``(onset, part, pitch)``,
* within a part no pitch is struck again before it has ended, nor twice at one onset,
* a drum hit lasts one step,

so that one piece of music has exactly one table. :func:`canonical` makes any table so, and counts
what it changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from musiclstm.errors import ScoreError

NoteArray = npt.NDArray[np.int32]

MAX_STEP = 2**30 - 1  # onset + duration fits int32; 24 steps a quarter make this 6,000 hours
MAX_PARTS = 4096


class Column(IntEnum):
    """Columns of a note table."""

    ONSET = 0
    DURATION = 1
    PITCH = 2
    VELOCITY = 3
    PART = 4


# inclusive ranges
_RANGES = (
    (Column.ONSET, 0, MAX_STEP),
    (Column.DURATION, 1, MAX_STEP),
    (Column.PITCH, 0, 127),
    (Column.VELOCITY, 1, 127),
)


@dataclass(frozen=True)
class Repairs:
    """What :func:`canonical` changed.

    Attributes:
        merged: Notes dropped because the same pitch began at the same step in the same part.
        cut: Notes shortened because their pitch was struck again while it sounded.
    """

    merged: int = 0
    cut: int = 0


def note_table(notes: npt.ArrayLike) -> NoteArray:
    """Copy any table of integers to ``int32``.

    Raises:
        ScoreError: If a value is no integer, or does not fit.
    """
    wide = np.asarray(notes)
    if not wide.size:
        wide = np.zeros((0, len(Column)), np.int32)
    if wide.dtype.kind not in "iu":  # seconds, most likely: better refused than cut off
        raise ScoreError(f"a note table holds whole numbers that fit 64 bits, not {wide.dtype}")
    if wide.size and (wide.max() > 2**31 - 1 or wide.min() < -(2**31)):
        raise ScoreError("a note value does not fit 32 bits")
    return wide.astype(np.int32)


def check_ranges(notes: NoteArray, n_parts: int) -> None:
    """Refuse a table whose numbers are no music.

    Raises:
        ScoreError: Naming the first offending row, column and value.
    """
    if notes.ndim != 2 or notes.shape[1] != len(Column):
        raise ScoreError(f"a note table has shape (n, 5), not {notes.shape}")
    for column, low, high in (*_RANGES, (Column.PART, 0, n_parts - 1)):
        values = notes[:, column]
        bad = np.flatnonzero((values < low) | (values > high))
        if bad.size:
            row = int(bad[0])
            raise ScoreError(
                f"note {row}: {column.name.lower()} {values[row]} is outside {low} to {high}"
            )


def is_canonical(notes: NoteArray, drum_parts: Sequence[bool]) -> bool:
    """Whether :func:`canonical` would change nothing; ten times as fast as finding out by doing.

    Args:
        notes: ``int32`` of shape ``(n, 5)``, in range (see :func:`check_ranges`).
        drum_parts: For each part, whether it is a drum kit.
    """
    onset, duration, pitch, _, part = notes.T
    if any(drum_parts) and (duration[np.asarray(drum_parts, bool)[part]] != 1).any():
        return False
    key = part.astype(np.int64) * 128 + pitch
    moment = onset * np.int64(len(drum_parts) * 128) + key
    if (moment[1:] <= moment[:-1]).any():
        return False
    # the rows are in order of onset, and stay so within a key
    order = np.argsort(key.astype(np.uint16) if len(drum_parts) <= 512 else key, kind="stable")
    key, onset, duration = key[order], onset[order], duration[order]
    return not ((key[1:] == key[:-1]) & (onset[1:] - onset[:-1] < duration[:-1])).any()


def canonical(notes: npt.ArrayLike, drum_parts: Sequence[bool]) -> tuple[NoteArray, Repairs]:
    """Make a table canonical.

    Args:
        notes: Integers of shape ``(n, 5)``, in any order.
        drum_parts: For each part, whether it is a drum kit.

    Returns:
        The canonical table and what was changed. Of notes that begin together at one pitch in one
        part the longest stays.

    Raises:
        ScoreError: If a value is out of range or no integer, or the table has another shape.

    >>> canonical([[0, 9, 60, 80, 0], [0, 4, 60, 80, 0], [6, 2, 60, 80, 0]], [False])[0].tolist()
    [[0, 6, 60, 80, 0], [6, 2, 60, 80, 0]]
    """
    table = note_table(notes)
    check_ranges(table, len(drum_parts))
    onset, duration, pitch, velocity, part = table.T
    if any(drum_parts):
        duration = np.where(np.asarray(drum_parts, bool)[part], 1, duration)
    # longest first among equals, louder first among those, so that the order of input is no matter
    order = np.lexsort((-velocity, -duration, onset, pitch, part))
    onset, duration, pitch, velocity, part = (
        values[order] for values in (onset, duration, pitch, velocity, part)
    )
    if len(onset) > 1:
        same_key = (part[1:] == part[:-1]) & (pitch[1:] == pitch[:-1])
        keep = np.concatenate([[True], ~(same_key & (onset[1:] == onset[:-1]))])
    else:
        keep = np.ones(len(onset), bool)
    merged = int(np.count_nonzero(~keep))
    onset, duration, pitch, velocity, part = (
        values[keep] for values in (onset, duration, pitch, velocity, part)
    )
    if len(onset) > 1:
        again = (part[1:] == part[:-1]) & (pitch[1:] == pitch[:-1])
        room = np.where(again, onset[1:] - onset[:-1], MAX_STEP)
        cut = int(np.count_nonzero(duration[:-1] > room))
        duration = np.concatenate([np.minimum(duration[:-1], room), duration[-1:]])
    else:
        cut = 0
    result = np.stack([onset, duration, pitch, velocity, part], axis=1).astype(np.int32)
    result = result[np.lexsort((result[:, Column.PITCH], part, onset))]
    return result, Repairs(merged, cut)
