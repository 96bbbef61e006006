"""How parts move from one onset to the next, how they stand to each other, and what sounds."""

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

CLASSES = 12


def moves_of(rows: IntArray, v: Vocabulary) -> tuple[IntArray, IntArray]:
    """Where each part stands before and at each onset, as :class:`Tracker` would say at its end.

    Args:
        rows: Of a piece from its beginning, without END, ``(n, 5)``.
        v: What they mean.

    Returns:
        Pitches, int32 ``(onsets, parts)`` each, -1 for none: the last that a part struck before,
        where that sounded up to the onset; and the last that it has struck at all, where the part
        sounds. Of drums nothing.
    """
    n, drums = len(v.parts), v.drum_parts.tolist()
    before, now = list[list[int]](), list[list[int]]()
    last, end_of_last, silent = [-1] * n, [-1] * n, [0] * n
    here = -1
    for step, part, pitch, end in sounding(rows, v):
        if step > here:
            here = step
            before.append([p if e >= step else -1 for p, e in zip(last, end_of_last, strict=True)])
            now.append([p if e > step else -1 for p, e in zip(last, silent, strict=True)])
        if not drums[part]:
            silent[part] = max(silent[part], end)
            last[part], end_of_last[part], now[-1][part] = pitch, end, pitch
    shape = (len(now), n)
    return np.array(before, np.int32).reshape(shape), np.array(now, np.int32).reshape(shape)


def sounding(rows: IntArray, v: Vocabulary) -> list[tuple[int, int, int, int]]:
    """Of each row of a note its onset, part, pitch and the step at which the pitch falls silent.

    Args:
        rows: Of a piece from its beginning, ``(n, 5)``.
        v: What they mean.
    """
    found, ends, goes_on = [], dict[tuple[int, int], int](), False
    steps = np.cumsum(v.steps_of(rows[:, Field.SHIFT])).tolist()
    for step, (shift, part, pitch, duration, _) in zip(steps, rows.tolist(), strict=True):
        if shift <= v.max_shift:
            # a tied note goes on where it would have ended
            begins = ends[part, pitch] if goes_on else step
            ends[part, pitch] = begins + min(duration + 1, v.max_duration)
            found.append((step, part, pitch, ends[part, pitch]))
            goes_on = duration == v.tie
    return found


def longest_silence(rows: IntArray, v: Vocabulary) -> int:
    """For how many steps nothing sounds before an onset, at most."""
    longest, silent = 0, 0
    for step, _, _, end in sounding(rows, v):
        longest, silent = max(longest, step - silent), max(silent, end)
    return longest


def similar_cells(before: IntArray, now: IntArray) -> npt.NDArray[np.intp]:
    """Which pairs of parts move in the same direction, and how.

    Args:
        before: ``(N, parts)``, -1 for none.
        now: The same.

    Returns:
        Of each pair twelve times the interval before plus that after, flat ``(N * pairs,)``; -1 for
        pairs that do not.
    """
    upper, lower = np.triu_indices(now.shape[1], 1)
    moves = np.sign(now - before) * ((before >= 0) & (now >= 0))
    together = (moves[:, upper] == moves[:, lower]) & (moves[:, upper] != 0)
    cells = (before[:, upper] - before[:, lower]) % CLASSES * CLASSES
    cells += (now[:, upper] - now[:, lower]) % CLASSES
    found: npt.NDArray[np.intp] = np.where(together, cells, -1).reshape(-1)
    return found


def intervals_of_moves(before: IntArray, now: IntArray) -> FloatArray:
    """How often pairs of which both move make each interval, before and after, ``(2, 12)``."""
    upper, lower = np.triu_indices(now.shape[1], 1)
    moves = (now != before) & (before >= 0) & (now >= 0)
    both = moves[:, upper] & moves[:, lower]
    return np.stack(
        [
            np.bincount((of[:, upper] - of[:, lower])[both] % CLASSES, minlength=CLASSES)
            for of in (before, now)
        ]
    ).astype(float)


def spaced(now: IntArray) -> tuple[BoolArray, BoolArray]:
    """Which neighbouring parts cross, and which are more than an octave apart.

    Args:
        now: Pitches of the parts, -1 for none, ``(N, parts)``; the highest part first.

    Returns:
        bool ``(N, parts - 1)`` each.
    """
    both = (now[:, :-1] >= 0) & (now[:, 1:] >= 0)
    gap = now[:, :-1] - now[:, 1:]
    return both & (gap < 0), both & (gap > CLASSES)
