"""Form: which bars come again, how far back, and how much of a piece is made of repeats.

A bar is described by how long each pitch class sounds on each of its beats; two bars are as like as
the cosine of the angle between their descriptions. Rhythm finer than a beat, octaves and the
instruments that play are not heard: a theme in another register is the same theme.

Conventions: bars are those of the first meter, four quarters where none is specified, and are
counted from step 0. A bar in which nothing sounds is like no other.

Source: self-similarity matrices after J. Foote, "Visualizing music and audio using
self-similarity" (1999), here of notes instead of sound; :func:`structureness` says its own.
"""

import numpy as np
import numpy.typing as npt

from musiclstm.features.fitness import best_of, fitness
from musiclstm.features.sounding import pitched_notes
from musiclstm.features.texture import bar_steps
from musiclstm.score import Column, Score

FloatArray = npt.NDArray[np.float64]

MOST_BARS = 32  # of which form is looked for: the work grows with the cube
SAME = 0.95  # likeness from which on a bar is a repeat: a passing note may differ
_BEATS_A_BAR = 16  # at most; longer bars are described in so many stretches
_MOST_STEPS = 1_000_000  # that are described: ten thousand quarters, or an hour and a half


def bars_described(score: Score, most: int = 2_000) -> FloatArray:
    """Describe each bar by how long each pitch class sounds on each beat.

    Args:
        score: Any piece; drums are left out.
        most: Bars; those after them are left out, and those beyond a million steps.

    Returns:
        ``(bars, beats * 12)``, each bar of length 1 (or 0 where nothing sounds).
    """
    length = bar_steps(score)
    beats = min(_BEATS_A_BAR, max(1, round(length / score.steps_per_quarter)))
    bars = min(most, -(-score.end // length), -(-_MOST_STEPS // length))
    notes = pitched_notes(score).astype(np.int64)
    # a quarter of a step finer than a beat never matters: each step belongs to one beat
    beat_of = np.arange(bars * length) % length * beats // length
    beat_of += np.arange(bars * length) // length * beats
    described = np.zeros((bars * beats, 12))
    for onset, duration, pitch in notes[:, [Column.ONSET, Column.DURATION, Column.PITCH]].tolist():
        touched = beat_of[onset : onset + duration]
        if len(touched):
            counts = np.bincount(touched - touched[0])
            described[touched[0] : touched[0] + len(counts), pitch % 12] += counts
    flat = described.reshape(bars, beats * 12)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    found: FloatArray = np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 0)
    return found


def self_similarity(score: Score, most: int = MOST_BARS) -> FloatArray:
    """How like each bar is to each other.

    Args:
        score: Any piece.
        most: Bars from the beginning that are looked at.

    Returns:
        ``(bars, bars)``, symmetric, 0 to 1; 1 on the diagonal where anything sounds.

    >>> from musiclstm.score import Part
    >>> rows = [[96 * bar, 96, pitch, 80, 0] for bar, pitch in enumerate((60, 62, 60))]
    >>> self_similarity(Score(rows, (Part(),))).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    described = bars_described(score, most)
    found: FloatArray = np.clip(described @ described.T, 0.0, 1.0)
    return found


def repeat_distances(score: Score) -> npt.NDArray[np.int64]:
    """For each bar how many bars back it was last heard.

    Args:
        score: Any piece.

    Returns:
        int64 ``(bars,)``; 0 for a bar that is new, or silent.

    >>> from musiclstm.score import Part
    >>> rows = [[96 * bar, 96, pitch, 80, 0] for bar, pitch in enumerate((60, 62, 60, 60))]
    >>> repeat_distances(Score(rows, (Part(),))).tolist()
    [0, 0, 2, 1]
    """
    described = bars_described(score)
    found = np.zeros(len(described), np.int64)
    for bar in range(1, len(described)):
        like = np.flatnonzero(described[:bar] @ described[bar] >= SAME)
        if like.size:
            found[bar] = bar - like[-1]
    return found


def repeated_share(score: Score) -> float:
    """The share of the bars that were heard before, 0 to 1."""
    distances = repeat_distances(score)
    return float((distances > 0).mean()) if len(distances) else 0.0


def structureness(score: Score, shortest: int, longest: int = MOST_BARS) -> float:
    """Measure how well the best repeated passage of some length explains the piece.

    Args:
        score: Any piece; its first :data:`MOST_BARS` bars are looked at.
        shortest: Length of the passage in bars, >= 1.
        longest: The same at most.

    Returns:
        The greatest fitness (:mod:`.fitness`) of any passage of such a length: 0 (nothing comes
        again) to below 1.

    Source: S.-L. Wu and Y.-H. Yang, "The Jazz Transformer on the Front Line", ISMIR 2020, 4.3
    (structureness indicator). Theirs is of sound, with lengths in seconds; ours of bars, so that
    tempo does not matter.
    """
    return best_of(fitness(self_similarity(score)), shortest, longest)
