"""Which pitches a piece uses: how many, how far apart, how much in one scale, in what steps.

Conventions: pitch classes are 0-11, C = 0; notes count once each, however long they are; drums are
left out; a piece without notes has the value 0.

Source: the metrics of MusPy 0.5 (H.-W. Dong, K. Chen, J. McAuley and T. Berg-Kirkpatrick, "MusPy: A
Toolkit for Symbolic Music Generation", ISMIR 2020; github.com/salu133445/muspy, ``muspy.metrics``),
except :func:`melodic_interval`, :func:`melodic_motion` and :func:`pitch_class_entropy_of_bars`.
MusPy answers NaN where we answer 0.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.features.sounding import pitched_notes
from musiclstm.features.texture import bar_steps
from musiclstm.score import Column, Key, Score

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_NATURAL_MINOR = (0, 2, 3, 5, 7, 8, 10)


def pitch_range(score: Score) -> int:
    """Measure the semitones from the lowest to the highest note.

    >>> from musiclstm.score import Part
    >>> pitch_range(Score([[0, 24, 48, 80, 0], [24, 24, 67, 80, 0]], (Part(),)))
    19
    """
    pitches = pitched_notes(score)[:, Column.PITCH]
    return int(pitches.max() - pitches.min()) if len(pitches) else 0


def pitch_count(score: Score) -> int:
    """Count the different pitches used, 0-128; MusPy's ``n_pitches_used``."""
    return len(np.unique(pitched_notes(score)[:, Column.PITCH]))


def pitch_entropy(score: Score) -> float:
    """Measure how evenly notes are spread over the pitches.

    Returns:
        Shannon entropy in bits, 0 (one pitch) to 7 (all alike).
    """
    return _entropy(np.bincount(pitched_notes(score)[:, Column.PITCH], minlength=128))


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
    return _entropy(_notes_by_class(score))


def pitch_class_entropy_of_bars(score: Score, bars: int = 1) -> float:
    """Measure how evenly notes are spread over the pitch classes within a few bars.

    Args:
        score: Any piece; windows follow one another from step 0, without overlap. Where no meter
            is specified a bar has four quarters, else it is as long as one of the first meter.
        bars: Length of a window, >= 1; Wu and Yang take 1 and 4.

    Returns:
        Mean entropy of the windows that have notes, 0 to 3.58 bits. The lower, the clearer the
        harmony.

    Source: S.-L. Wu and Y.-H. Yang, "The Jazz Transformer on the Front Line", ISMIR 2020, 4.1 (H1
    and H4). Theirs slide by a bar.

    >>> from musiclstm.score import Part
    >>> score = Score([[0, 96, 60, 80, 0], [96, 48, 60, 80, 0], [144, 48, 67, 80, 0]], (Part(),))
    >>> pitch_class_entropy_of_bars(score)
    0.5
    """
    notes = pitched_notes(score)
    if not len(notes):
        return 0.0
    window = notes[:, Column.ONSET] // (bars * bar_steps(score))
    counts = np.zeros((int(window[-1]) + 1, 12), np.int64)
    np.add.at(counts, (window, notes[:, Column.PITCH] % 12), 1)
    return float(np.mean([_entropy(of) for of in counts[counts.any(axis=1)]]))


def pitch_in_scale_rate(score: Score, key: Key) -> float:
    """Measure the share of the notes that lie in a key's scale, natural minor for minor.

    Returns:
        0 to 1.

    >>> from musiclstm.score import Key, Part
    >>> score = Score([[0, 24, 60, 80, 0], [24, 24, 61, 80, 0]], (Part(),))
    >>> pitch_in_scale_rate(score, Key(0))
    0.5
    """
    counts = _notes_by_class(score)
    scale = _MAJOR if key.mode == "major" else _NATURAL_MINOR
    return float(counts[(np.array(scale) + key.tonic) % 12].sum() / max(1, counts.sum()))


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


def melodic_motion(score: Score) -> float:
    """Measure how far parts move from note to note: mean over the parts, in semitones.

    A part without notes does not count, nor a drum; 0 where there is no other.
    """
    parts = np.unique(score.notes[:, Column.PART]).tolist()
    pitched = [part for part in parts if not score.parts[part].is_drum]
    return float(np.mean([melodic_interval(score, part) for part in pitched])) if pitched else 0.0


def _entropy(counts: npt.NDArray[np.integer[Any]]) -> float:
    """Shannon entropy in bits; 0 where nothing is counted."""
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(abs((shares * np.log2(shares)).sum()))


def _notes_by_class(score: Score) -> npt.NDArray[np.intp]:
    """How many notes have each pitch class, ``(12,)``."""
    return np.bincount(pitched_notes(score)[:, Column.PITCH] % 12, minlength=12)
