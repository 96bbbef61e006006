"""What is measured of a piece, generated or not: features, voice leading, signs of trouble."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.jsb_grids import VOICES
from musiclstm.features import (
    bar_steps,
    chordal_share,
    empty_beat_rate,
    groove_consistency,
    harmonic_change_rate,
    melodic_interval,
    note_density,
    note_length,
    pitch_class_entropy,
    pitch_range,
    polyphony,
    scale_consistency,
    voice_grid,
    voice_leading,
)
from musiclstm.features.voice_leading import SILENCE, Grid
from musiclstm.score import Score

Features = Mapping[str, Callable[[Score], float]]


def features_for(parts: Sequence[str]) -> Features:
    """What is measured of pieces with these parts, by name."""
    return {
        "pitch_class_entropy": pitch_class_entropy,
        "scale_consistency": scale_consistency,
        "pitch_range": pitch_range,
        "polyphony": polyphony,
        "note_density": note_density,
        "note_length": note_length,
        **{
            f"intervals_{name}": partial(melodic_interval, part=part)
            for part, name in enumerate(parts)
        },
        "groove_consistency": groove_consistency,
        "empty_beats": empty_beat_rate,
        "harmonic_changes": harmonic_change_rate,
    }


FEATURES = features_for(VOICES)

SHORT_BARS = 4
MOST_EQUAL_BARS = 4
FAULTS = {
    "short": f"end within {SHORT_BARS} bars",
    "stuck": f"have one bar more than {MOST_EQUAL_BARS} times running",
    "silent": "are silent for a bar",
    "endless": "did not come to an end",
}


class Measured(NamedTuple):
    """A set of n pieces.

    Attributes:
        features: float64 ``(n, FEATURES)``.
        voices: A row of ``VoiceLeading`` a piece, int64 ``(n, fields)``.
        faults: bool ``(n, FAULTS)``.
        chordal: Share of the sounding time that fits into a chord, float64 ``(n,)``.
        copied: Notes of the longest run shared with a training piece, int64 ``(n,)``; 0 where it is
            shorter than the copy check notices.
    """

    features: npt.NDArray[np.float64]
    voices: npt.NDArray[np.int64]
    faults: npt.NDArray[np.bool_]
    chordal: npt.NDArray[np.float64]
    copied: npt.NDArray[np.int64]


def measure(
    scores: Sequence[Score], copied: Sequence[int], complete: Sequence[bool] | None = None
) -> Measured:
    """Measure a set of pieces.

    Args:
        scores: Four parts each, soprano first.
        copied: See :class:`Measured`.
        complete: Whether each came to its own end; all of them by default.
    """
    ended = [True] * len(scores) if complete is None else complete
    return Measured(
        features_of(scores),
        np.array([voice_leading(score) for score in scores], np.int64),
        np.array([faults(score, end) for score, end in zip(scores, ended, strict=True)]),
        np.array([chordal_share(score) for score in scores]),
        np.array(copied, np.int64),
    )


def features_of(scores: Sequence[Score], features: Features = FEATURES) -> npt.NDArray[np.float64]:
    """Every feature of every piece, ``(n, features)``."""
    return np.array([[of(score) for of in features.values()] for score in scores], np.float64)


def faults(score: Score, complete: bool = True) -> list[bool]:
    """Which of :data:`FAULTS` a piece has."""
    bar, grid = bar_steps(score), voice_grid(score)
    return [
        score.end <= SHORT_BARS * bar,
        equal_bars(grid, bar) > MOST_EQUAL_BARS,
        longest_silence(grid) >= bar,
        not complete,
    ]


def equal_bars(grid: Grid, bar: int) -> int:
    """How many bars running sound the same, at the most; a chord held over them does too.

    Args:
        grid: A voice grid, ``(T, V)``.
        bar: Steps of a bar; bars are counted from step 0, and a last one that is cut short is left
            out.
    """
    bars = grid[: len(grid) // bar * bar].reshape(-1, bar * grid.shape[1])
    same = (bars[1:] == bars[:-1]).all(axis=1)
    return _longest(same) + min(1, len(bars))


def longest_silence(grid: Grid) -> int:
    """The longest stretch, in steps, in which no voice sounds."""
    return _longest((grid == SILENCE).all(axis=1))


def _longest(flags: npt.NDArray[np.bool_]) -> int:
    """The length of the longest run of True."""
    bounds = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return int(np.diff(bounds)[::2].max(initial=0))
