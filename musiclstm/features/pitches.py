"""Which pitches a piece uses: how many, how far apart, how much in one scale, in what steps.

Conventions: pitch classes are 0-11, C = 0; notes count once each, however long they are; drums are
left out; a piece without notes has the value 0.

Source: the metrics of MusPy 0.5 (H.-W. Dong, K. Chen, J. McAuley and T. Berg-Kirkpatrick, "MusPy: A
Toolkit for Symbolic Music Generation", ISMIR 2020; github.com/salu133445/muspy, ``muspy.metrics``),
except :func:`melodic_interval`. MusPy answers NaN where we answer 0.
"""

import numpy as np
import numpy.typing as npt

from musiclstm.features.sounding import pitched_notes
from musiclstm.score import Column, Score

_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def pitch_range(score: Score) -> int:
    """Measure the semitones from the lowest to the highest note.

    >>> from musiclstm.score import Part
    >>> pitch_range(Score([[0, 24, 48, 80, 0], [24, 24, 67, 80, 0]], (Part(),)))
    19
    """
    pitches = pitched_notes(score)[:, Column.PITCH]
    return int(pitches.max() - pitches.min()) if len(pitches) else 0


def pitch_class_count(score: Score) -> int:
    """Count the pitch classes used, 0-12; MusPy's ``n_pitch_classes_used``."""
    return int(np.count_nonzero(_notes_by_class(score)))


def pitch_class_entropy(score: Score) -> float:
    """Measure how evenly notes are spread over the pitch classes.

    Returns:
        Shannon entropy in bits, 0 (one pitch class) to log2 12 = 3.58 (all alike).

    >>> from musiclstm.score import Part
    >>> pitch_class_entropy(Score([[0, 24, 48, 80, 0], [24, 96, 67, 80, 0]], (Part(),)))
    1.0
    """
    counts = _notes_by_class(score)
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(abs((shares * np.log2(shares)).sum()))


def scale_consistency(score: Score) -> float:
    """Measure the share of the notes in the scale that holds most of them.

    Of all major and natural minor scales; those are twelve, since a minor scale has the notes of
    its relative major one.

    Returns:
        0 to 1.

    >>> from musiclstm.score import Part
    >>> rows = [[24 * n, 24, pitch, 80, 0] for n, pitch in enumerate((60, 61, 62, 64))]
    >>> scale_consistency(Score(rows, (Part(),)))
    0.75
    """
    counts = _notes_by_class(score)
    degrees = (np.arange(12)[:, None] + _MAJOR) % 12
    return float(counts[degrees].sum(axis=1).max() / max(1, counts.sum()))


def melodic_interval(score: Score, part: int) -> float:
    """Measure how far a part moves from one note to the next.

    Of notes that begin together in the part the highest counts. A rest between two notes does not
    matter; a note struck again is an interval of 0.

    Args:
        score: Any piece.
        part: Index of the part.

    Returns:
        Mean of the absolute intervals in semitones; 0 with fewer than two onsets, and for drums.

    >>> from musiclstm.score import Part
    >>> rows = [[24 * n, 24, pitch, 80, 0] for n, pitch in enumerate((60, 62, 57))]
    >>> melodic_interval(Score(rows, (Part(),)), 0)
    3.5
    """
    notes = pitched_notes(score)
    notes = notes[notes[:, Column.PART] == part]
    # rows are sorted by onset and, within the part, by pitch: the last of an onset is the highest
    last = np.diff(notes[:, Column.ONSET], append=-1) != 0
    highest = notes[last, Column.PITCH]
    intervals = np.abs(np.diff(highest))
    return float(intervals.mean()) if len(intervals) else 0.0


def _notes_by_class(score: Score) -> npt.NDArray[np.intp]:
    """How many notes have each pitch class, ``(12,)``."""
    return np.bincount(pitched_notes(score)[:, Column.PITCH] % 12, minlength=12)
