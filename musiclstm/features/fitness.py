"""How well one passage explains a piece: how much is like it, and how much of it that covers.

Source: M. Müller, N. Jiang and P. Grosche, "A Robust Fitness Measure for Capturing Repetitions in
Music Recordings With Applications to Audio Thumbnailing", IEEE TASLP 21 (2013), sections III-IV:
path families over a self-similarity matrix, their score and their coverage. Deviations: likeness
below :data:`THRESHOLD` counts as :data:`PENALTY`, as theirs does after their own thresholding; the
matrix is of bars, small enough that all passages are tried.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

THRESHOLD = 0.6  # likeness of bars; below it two have little in common
PENALTY = -2.0
_STEPS = ((1, 1), (1, 2), (2, 1))  # along the piece, along the passage


def fitness(similarity: FloatArray) -> FloatArray:
    """The fitness of every passage of a piece.

    Args:
        similarity: Of bars, ``(n, n)``, symmetric, 0 to 1.

    Returns:
        ``(n, n)``: of the passage of ``length`` bars that begins at ``start``, at
        ``[length - 1, start]``, 0 to 1; 0 where it would not fit.
    """
    n = len(similarity)
    found = np.zeros((n, n))
    if not n:
        return found
    like = np.where(similarity >= THRESHOLD, similarity, PENALTY)
    np.fill_diagonal(like, 1.0)
    for length in range(1, n + 1):
        starts = np.arange(n - length + 1)
        # of each passage the likeness of every bar of the piece to its bars
        columns = like[:, starts[:, None] + np.arange(length)].transpose(1, 0, 2)
        found[length - 1, starts] = _fitness(columns)
    return found


def best_of(found: FloatArray, shortest: int, longest: int) -> float:
    """The greatest fitness of any passage of some length.

    Args:
        found: Of :func:`fitness`.
        shortest: Bars, >= 1.
        longest: Bars.

    Returns:
        0 where there is no passage of such a length.
    """
    return float(found[shortest - 1 : longest].max(initial=0.0))


def _fitness(like: FloatArray) -> FloatArray:
    """Fitness of passages of one length.

    Args:
        like: ``(passages, n, length)``.

    Of each place the best score so far, the bars of the path family that led to it, and the bars
    of the piece that it covers. Column 0 waits between two paths.
    """
    passages, n, length = like.shape
    score = np.full((passages, n + 2, length + 1), -np.inf)
    steps = np.zeros((passages, n + 2, length + 1))
    covered = np.zeros((passages, n + 2, length + 1))
    score[:, 1, 0] = 0.0  # before the first bar; row 0 is out of reach
    tables = (score, steps, covered)
    for row in range(2, n + 2):
        ended, waited = score[:, row - 1, length], score[:, row - 1, 0]
        take = ended > waited
        for table in tables:
            table[:, row, 0] = np.where(take, table[:, row - 1, length], table[:, row - 1, 0])
        # a path begins with the passage's first bar
        score[:, row, 1] = score[:, row, 0] + like[:, row - 2, 0]
        steps[:, row, 1] = steps[:, row, 0] + 1
        covered[:, row, 1] = covered[:, row, 0] + 1
        for column in range(2, length + 1):
            cells = [(row - down, column - right) for down, right in _STEPS if right < column]
            best = score[:, *cells[0]]
            taken = [table[:, *cells[0]] for table in (steps, covered)]
            rows = np.ones(passages)  # of the piece that the step covers
            for place in cells[1:]:
                better = score[:, *place] > best
                best = np.where(better, score[:, *place], best)
                taken = [
                    np.where(better, table[:, *place], of)
                    for table, of in zip((steps, covered), taken, strict=True)
                ]
                rows = np.where(better, row - place[0], rows)
            score[:, row, column] = best + like[:, row - 2, column - 1]
            steps[:, row, column] = taken[0] + 1
            covered[:, row, column] = taken[1] + rows
    take = score[:, n + 1, length] > score[:, n + 1, 0]
    total, along, rows = (np.where(take, t[:, n + 1, length], t[:, n + 1, 0]) for t in tables)
    # the passage explains itself: that is taken off
    precision = np.maximum(0.0, (total - length) / np.maximum(along, 1.0))
    coverage = np.maximum(0.0, (rows - length) / n)
    both = precision + coverage
    found: FloatArray = np.divide(
        2 * precision * coverage, both, out=np.zeros_like(both), where=both > 0
    )
    return found
