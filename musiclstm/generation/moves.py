"""How parts move from one onset to the next, and how they stand to each other."""

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
    ends = dict[tuple[int, int], int]()
    steps = np.cumsum(v.steps_of(rows[:, Field.SHIFT])).tolist()
    here, goes_on = -1, False
    for step, (shift, part, pitch, duration, _) in zip(steps, rows.tolist(), strict=True):
        if shift > v.max_shift:
            continue
        if step > here:
            here = step
            before.append(
                [p if end >= step else -1 for p, end in zip(last, end_of_last, strict=True)]
            )
            now.append([p if end > step else -1 for p, end in zip(last, silent, strict=True)])
        if drums[part]:
            continue
        # a tied note goes on where it would have ended
        begins = max(step, ends.get((part, pitch), 0)) if goes_on else step
        ends[part, pitch] = end = begins + min(duration + 1, v.max_duration)
        silent[part] = max(silent[part], end)
        last[part], end_of_last[part], now[-1][part] = pitch, end, pitch
        goes_on = duration == v.tie
    shape = (len(now), n)
    return np.array(before, np.int32).reshape(shape), np.array(now, np.int32).reshape(shape)


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
