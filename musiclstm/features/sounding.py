"""What sounds when: the stretches of a piece in which nothing begins or ends.

Conventions: time is the step; drums have no pitch and are left out. What is measured on stretches
weighted with their lengths is exact, whatever the grid and however long the piece.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.score import Column, Score
from musiclstm.score.notes import NoteArray

# Roots times the shapes of three and four notes that thirds above one another make in a key:
# major, minor, diminished; dominant, major, minor, half-diminished and diminished sevenths.
CHORDS = (
    (0, 4, 7),
    (0, 3, 7),
    (0, 3, 6),
    (0, 4, 7, 10),
    (0, 4, 7, 11),
    (0, 3, 7, 10),
    (0, 3, 6, 10),
    (0, 3, 6, 9),
)


class Sounding(NamedTuple):
    """The stretches of a piece, from step 0 to its end.

    Attributes:
        length: Of each in steps, int64 ``(K,)``, at least 1.
        pitches: Which sound in it, bool ``(K, 128)``. Two parts in unison make one pitch.
    """

    length: npt.NDArray[np.int64]
    pitches: npt.NDArray[np.bool_]

    @property
    def pitch_classes(self) -> npt.NDArray[np.bool_]:
        """Which pitch classes sound in each stretch, bool ``(K, 12)``, C first."""
        classes = np.zeros((len(self.length), 132), bool)
        classes[:, :128] = self.pitches
        found: npt.NDArray[np.bool_] = np.logical_or.reduce(classes.reshape(-1, 11, 12), axis=1)
        return found


def pitched_notes(score: Score) -> NoteArray:
    """The notes without those of drums, ``(n, 5)``."""
    drums = np.array([part.is_drum for part in score.parts], bool)
    pitched: NoteArray = score.notes[~drums[score.notes[:, Column.PART]]]
    return pitched


def sounding(score: Score) -> Sounding:
    """Find what sounds when.

    Args:
        score: Any piece.

    Returns:
        No stretch at all where there is no note.

    >>> from musiclstm.score import Part
    >>> found = sounding(Score([[0, 24, 60, 80, 0], [12, 12, 64, 80, 0]], (Part(),)))
    >>> found.length.tolist(), found.pitches.sum(axis=1).tolist()
    ([12, 12], [1, 2])
    """
    notes = pitched_notes(score).astype(np.int64)
    onset = notes[:, Column.ONSET]
    end = onset + notes[:, Column.DURATION]
    bounds = np.unique(np.concatenate([[0, score.end], onset, end]))
    changes = np.zeros((len(bounds), 128), np.int32)
    np.add.at(changes, (np.searchsorted(bounds, onset), notes[:, Column.PITCH]), 1)
    np.add.at(changes, (np.searchsorted(bounds, end), notes[:, Column.PITCH]), -1)
    return Sounding(np.diff(bounds), np.cumsum(changes, axis=0)[:-1] > 0)


def harmonic_change_rate(score: Score) -> float:
    """Count how often a quarter the set of sounding pitch classes becomes another.

    Silence is no harmony: what sounds after a rest is compared with what sounded before it, and
    only the quarters that sound count.

    Args:
        score: Any piece.

    Returns:
        Changes a quarter, >= 0; 0 where nothing sounds.

    >>> from musiclstm.score import Part
    >>> rows = [[0, 24, 60, 80, 0], [24, 24, 62, 80, 0], [48, 48, 74, 80, 0]]
    >>> harmonic_change_rate(Score(rows, (Part(),)))
    0.25
    """
    length, classes = _harmonies(score)
    if not len(length):
        return 0.0
    changes = np.count_nonzero((classes[1:] != classes[:-1]).any(axis=1))
    return float(changes * score.steps_per_quarter / length.sum())


def chordal_share(score: Score) -> float:
    """Measure how much of the sounding time fits into a triad or a seventh chord.

    A time fits where all pitch classes that sound belong to one chord of :data:`CHORDS` over one
    root; a single note or a third always does, a suspension or a passing note seldom.

    Args:
        score: Any piece.

    Returns:
        0 to 1; 0 where nothing sounds.

    >>> from musiclstm.score import Part
    >>> rows = [[0, 48, 60, 80, 0], [0, 48, 64, 80, 0], [24, 24, 65, 80, 0]]
    >>> chordal_share(Score(rows, (Part(),)))  # C and E, then F with them
    1.0
    >>> chordal_share(Score([[0, 48, 60, 80, 0], [12, 36, 61, 80, 0], [12, 36, 62, 80, 0]],
    ...               (Part(),)))
    0.25
    """
    length, classes = _harmonies(score)
    if not len(length):
        return 0.0
    chords = np.zeros((12 * len(CHORDS), 12), bool)
    for number, shape in enumerate(CHORDS):
        for root in range(12):
            chords[12 * number + root, [(root + third) % 12 for third in shape]] = True
    outside = classes.astype(np.int32) @ (~chords).astype(np.int32).T  # (K, chords)
    return float(length[(outside == 0).any(axis=1)].sum() / length.sum())


def _harmonies(score: Score) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The stretches that are not silent: lengths ``(K,)`` and pitch classes ``(K, 12)``."""
    found = sounding(score)
    heard = found.pitches.any(axis=1)
    return found.length[heard], found.pitch_classes[heard]
