"""How dense and how even a piece is: notes a quarter, voices at once, empty beats, rhythm of bars.

Conventions: where no meter is specified a bar has four quarters; where one is, its first meter's
bars are counted from step 0. A piece without notes has the value 0.

Source: :func:`polyphony`, :func:`polyphony_rate`, :func:`empty_beat_rate`, :func:`empty_bar_rate`
and :func:`groove_consistency` are metrics of MusPy 0.5 (Dong et al., ISMIR 2020;
github.com/salu133445/muspy, ``muspy.metrics``) with its conventions, so that its figures agree with
ours; only where it answers NaN we answer 0. Groove consistency comes from S.-L. Wu and Y.-H. Yang,
"The Jazz Transformer on the Front Line", ISMIR 2020.
"""

import numpy as np

from musiclstm.features.sounding import sounding
from musiclstm.score import Column, Score


def note_density(score: Score) -> float:
    """Count the notes a quarter, all parts together.

    >>> from musiclstm.score import Part
    >>> note_density(Score([[0, 24, 60, 80, 0], [24, 72, 62, 80, 0]], (Part(),)))
    0.5
    """
    return len(score.notes) * score.steps_per_quarter / max(1, score.end)


def note_length(score: Score) -> float:
    """Measure the mean length of a note in quarters.

    >>> from musiclstm.score import Part
    >>> note_length(Score([[0, 24, 60, 80, 0], [24, 72, 62, 80, 0]], (Part(),)))
    2.0
    """
    if not len(score.notes):
        return 0.0
    return float(score.notes[:, Column.DURATION].mean() / score.steps_per_quarter)


def polyphony(score: Score) -> float:
    """Count the different pitches that sound at once, on average over the time that is not silent.

    Drums are left out. Two parts in unison are one pitch.

    Returns:
        >= 1; 0 where nothing sounds.

    >>> from musiclstm.score import Part
    >>> polyphony(Score([[0, 24, 60, 80, 0], [12, 12, 64, 80, 0]], (Part(),)))
    1.5
    """
    found = sounding(score)
    pitches = found.pitches.sum(axis=1)
    heard = found.length[pitches > 0].sum()
    return float((pitches * found.length).sum() / max(1, heard))


def polyphony_rate(score: Score, threshold: int = 2) -> float:
    """Measure the share of the whole time in which more than ``threshold`` pitches sound.

    Args:
        score: Any piece; drums are left out.
        threshold: >= 0.

    Returns:
        0 to 1.
    """
    found = sounding(score)
    many = found.pitches.sum(axis=1) > threshold
    return float(found.length[many].sum() / max(1, score.end))


def empty_beat_rate(score: Score) -> float:
    """Measure the share of quarters in which no note sounds.

    As MusPy counts, a note still belongs to the quarter on whose first step it ends, and the
    quarter in which the piece ends is one even where the piece ends on its first step.

    Returns:
        0 to below 1.

    >>> from musiclstm.score import Part
    >>> empty_beat_rate(Score([[0, 24, 60, 80, 0], [72, 23, 60, 80, 0]], (Part(),)))
    0.25
    """
    return _empty_share(score, score.steps_per_quarter)


def empty_bar_rate(score: Score) -> float:
    """Measure the share of bars in which no note sounds; counted like :func:`empty_beat_rate`."""
    return _empty_share(score, bar_steps(score))


def groove_consistency(score: Score) -> float:
    """Measure how much alike the rhythms of neighbouring bars are.

    A bar's rhythm is, for each of its steps, whether a note begins there, in whatever part. As
    MusPy counts, the bar in which the piece ends is one even where it ends on its first step.

    Returns:
        1 minus the share of steps in which two neighbouring bars differ, 0 to 1; 0 with fewer than
        two bars. It depends on the grid: the finer, the nearer to 1.

    >>> from musiclstm.score import Part
    >>> rows = [[0, 1, 60, 80, 0], [2, 1, 60, 80, 0], [4, 3, 60, 80, 0]]
    >>> groove_consistency(Score(rows, (Part(),), steps_per_quarter=1))
    0.75
    """
    length = bar_steps(score)
    neighbours = score.end // length
    if not neighbours:
        return 0.0
    onsets = np.unique(score.notes[:, Column.ONSET]).astype(np.int64)
    bars = onsets // length
    # an onset is compared with the bar after it and the one before it; the outer bars lack one
    compared = np.count_nonzero(bars > 0) + np.count_nonzero(bars < neighbours)
    matched = 2 * np.count_nonzero(np.isin(onsets + length, onsets))
    return float(1 - (compared - matched) / (length * neighbours))


def bar_steps(score: Score) -> int:
    """The length of a bar in steps: of the first meter, or four quarters."""
    return int(score.meter_map.stretches(score.steps_per_quarter).bar_steps[0])


def _empty_share(score: Score, steps: int) -> float:
    """The share of windows of so many steps that no note touches, its last step's end included."""
    if not len(score.notes):
        return 0.0
    onset = score.notes[:, Column.ONSET].astype(np.int64)  # in order
    first = onset // steps
    last = (onset + score.notes[:, Column.DURATION]) // steps
    reach = np.maximum.accumulate(last)
    before = np.append(-1, reach[:-1])
    covered = np.maximum(reach - np.maximum(first - 1, before), 0).sum()
    return float(1 - covered / (score.end // steps + 1))
