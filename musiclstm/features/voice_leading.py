"""How four voices go together: parallels, crossings, spacing, ranges, the last bass note.

Conventions: a *voice grid* is int ``(T, V)``, the pitch of each voice at each step, the highest
voice first, -1 where it is silent. Voices go by their place in that order, not by what is higher at
the moment. How fine the grid is does not matter: what is counted are moves, or steps to be taken as
a share of all steps.

Calibration: on the 77 test pieces of the JSB chorales (16th grid, 18,900 steps) these definitions
give 0.23 parallel fifths and 0.08 parallel octaves and unisons a piece, and 1.99 crossed and 1.59
wide pairs of neighbouring voices a 100 steps.
"""

from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.errors import ScoreError
from musiclstm.features.key import find_key
from musiclstm.score import Column, Key, Score

Grid = npt.NDArray[np.int64]

SILENCE = -1
FIFTH, OCTAVE = 7, 0  # semitones, octaves cast out; a unison is an octave here
WIDEST = 12  # semitones between neighbouring upper voices
# Soprano, alto, tenor and bass as textbooks of harmony give them to choirs: C4-G5, G3-D5, C3-G4
# and E2-D4. Bach goes beyond now and then.
RANGES = ((60, 79), (55, 74), (48, 67), (40, 62))


class VoiceLeading(NamedTuple):
    """What is counted in a piece of four voices; sums over pieces are sums of these.

    Attributes:
        pieces: 1.
        steps: Of the piece.
        notes: Of the piece.
        parallel_fifths: See :func:`parallels`.
        parallel_octaves: Octaves and unisons; see :func:`parallels`.
        crossings: See :func:`crossings`.
        wide_spacings: See :func:`wide_spacings`.
        out_of_range: Notes beyond :data:`RANGES`.
        off_tonic: 1 unless the piece ends on the tonic of the key that its notes sound most like,
            whatever key is written; see :func:`ends_on_tonic`.
    """

    pieces: int
    steps: int
    notes: int
    parallel_fifths: int
    parallel_octaves: int
    crossings: int
    wide_spacings: int
    out_of_range: int
    off_tonic: int


def voice_leading(score: Score) -> VoiceLeading:
    """Count all of it in a piece of four parts, soprano first.

    Raises:
        ScoreError: If it has not four parts.
    """
    if len(score.parts) != len(RANGES):
        raise ScoreError(f"{score.source or 'a piece'} has {len(score.parts)} parts, not four")
    grid = voice_grid(score)
    return VoiceLeading(
        pieces=1,
        steps=len(grid),
        notes=len(score.notes),
        parallel_fifths=parallels(grid, FIFTH),
        parallel_octaves=parallels(grid, OCTAVE),
        crossings=crossings(grid),
        wide_spacings=wide_spacings(grid),
        out_of_range=out_of_range(score),
        off_tonic=int(not ends_on_tonic(score, find_key(score))),
    )


def voice_grid(score: Score) -> Grid:
    """Lay a piece out as a voice grid, one voice a part.

    Of notes that sound together in a part the highest is taken.

    Returns:
        int64 ``(score.end, parts)``.

    >>> from musiclstm.score import Part
    >>> voice_grid(Score([[0, 2, 67, 80, 0], [1, 1, 48, 80, 1]], (Part(), Part()))).tolist()
    [[67, -1], [67, 48]]
    """
    grid = np.full((score.end, len(score.parts)), SILENCE, np.int64)
    for onset, duration, pitch, _, part in score.notes.tolist():
        held = grid[onset : onset + duration, part]
        np.maximum(held, pitch, out=held)
    return grid


def parallels(grid: Grid, interval: int) -> int:
    """Count parallel motion in a perfect interval, over all pairs of voices.

    Counted is a pair of voices that both move at the same step, in the same direction, with the
    interval before and after. Octaves are cast out of it: a fifth that goes to a twelfth counts,
    and a unison that goes to an octave. It is taken from the lower voice up to the higher one, so
    that a fourth between crossed voices is a fifth here (3 of the 18 in the test pieces).

    Args:
        grid: A voice grid, ``(T, V)``.
        interval: Semitones, 0-11: :data:`FIFTH` or :data:`OCTAVE`.

    >>> parallels(np.array([[67, 60], [69, 62], [69, 62], [67, 60]]), FIFTH)
    2
    """
    sounds = (grid[:-1] != SILENCE) & (grid[1:] != SILENCE)
    moves = np.where(sounds, np.sign(np.diff(grid, axis=0)), 0)
    count = np.intp(0)
    for upper, lower in combinations(range(grid.shape[1]), 2):
        together = (moves[:, upper] != 0) & (moves[:, upper] == moves[:, lower])
        has = (grid[:, upper] - grid[:, lower]) % 12 == interval
        count += np.count_nonzero(together & has[:-1] & has[1:])
    return int(count)


def crossings(grid: Grid) -> int:
    """Count the steps at which a voice is below the next lower one, over all such pairs.

    >>> crossings(np.array([[67, 60, 62, 48], [67, 60, 60, 48], [60, 62, 64, 48]]))
    3
    """
    return sum(int(np.count_nonzero(gap < 0)) for gap in _gaps(grid))


def wide_spacings(grid: Grid) -> int:
    """Count the steps at which neighbouring voices are more than an octave apart.

    Over all pairs of neighbours but the lowest: the bass may be as far below as it likes.

    >>> wide_spacings(np.array([[72, 60, 48, 30], [73, 60, 47, 30]]))
    2
    """
    return sum(int(np.count_nonzero(gap > WIDEST)) for gap in _gaps(grid)[:-1])


def _gaps(grid: Grid) -> list[Grid]:
    """Semitones between neighbours, from the top, at the steps where both sound."""
    found = []
    for upper, lower in pairwise(grid.T):
        both = (upper != SILENCE) & (lower != SILENCE)
        found.append(upper[both] - lower[both])
    return found


def out_of_range(score: Score) -> int:
    """Count the notes that lie beyond :data:`RANGES`, part by part."""
    low, high = np.array(RANGES)[score.notes[:, Column.PART]].T
    pitch = score.notes[:, Column.PITCH]
    return int(np.count_nonzero((pitch < low) | (pitch > high)))


def ends_on_tonic(score: Score, key: Key | None = None) -> bool:
    """Whether the lowest part's last note is the tonic.

    What is above it is not looked at: Bach leaves the fifth out, or ends minor in major.

    Args:
        score: Its last part is the lowest.
        key: By default the one written in the score, else the one found.
    """
    key = key or score.key or find_key(score)
    bass = score.notes[score.notes[:, Column.PART] == len(score.parts) - 1]
    if key is None or not len(bass):
        return False
    return bool(bass[-1, Column.PITCH] % 12 == key.tonic)
