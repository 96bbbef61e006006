"""The layout of a piano roll: which bars stand in which row, and how large everything is.

All lengths are inches; ``top`` counts downwards from the top of the roll.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiclstm.score import Column, Score

QUARTERS_PER_ROW = 32  # eight bars of 4/4: a period, as wide as a page
INCHES_PER_QUARTER = 0.4
MAX_ROWS = 30
LOWEST_SPAN = 25  # semitones shown at least: two octaves


@dataclass(frozen=True)
class System:
    """One row.

    Attributes:
        start: Its first step.
        end: The step after its last.
        top: Where it begins on the page.
        bars: Steps of the bar lines within.
        beats: Steps of the beats within that are no bar lines.
        labels: Step, text, and whether the text is a meter (else a bar number).
    """

    start: int
    end: int
    top: float
    bars: npt.NDArray[np.int64]
    beats: npt.NDArray[np.int64]
    labels: list[tuple[int, str, bool]]


@dataclass(frozen=True)
class Page:
    """All rows.

    Attributes:
        systems: From top to bottom.
        pitches: The pitches shown, without gaps; empty where only drums play.
        drums: The drum keys that are struck, from low to high.
        inches_per_step: Scale of time.
        pitch_height: Height of a semitone.
        drum_height: Height of a drum's lane.
        drum_gap: Between the pitches and the drums below.
        width: Of the page, margins included.
        height: Of the rows, bottom margin included.
        left: Left margin.
        right: Right margin.
    """

    systems: list[System]
    pitches: list[int]
    drums: list[int]
    inches_per_step: float
    pitch_height: float
    drum_height: float
    drum_gap: float
    width: float
    height: float
    left: float
    right: float


def lay_out(score: Score) -> Page:
    """Break a score into rows of whole bars, and size them.

    Rows begin at every fourth or eighth bar where that fits, so that phrases stand under each
    other. All rows have one scale of time and one of pitch.
    """
    drum_parts = np.array([part.is_drum for part in score.parts], bool)
    is_drum = drum_parts[score.notes[:, Column.PART]]
    drums = np.unique(score.notes[is_drum, Column.PITCH]).tolist()
    pitches = _pitches_shown(score.notes[~is_drum, Column.PITCH], needed=not drums)
    pitch_height = float(np.clip(2.6 / max(1, len(pitches)), 0.038, 0.075))
    drum_height = 0.12
    drum_gap = 0.06
    row_height = len(pitches) * pitch_height + len(drums) * drum_height
    row_height += drum_gap * bool(drums and pitches)

    grid = score.steps_per_quarter
    lines = _bar_lines(score)
    longest_row = max(QUARTERS_PER_ROW * grid, -(-int(lines[-1]) // MAX_ROWS))
    breaks = _break_rows(lines, longest_row, score.meter_map.pickup_steps)
    longest = int(np.diff(breaks).max())
    inches_per_step = INCHES_PER_QUARTER / grid
    # squeezed beyond the usual width, stretched a little where the piece is short
    inches_per_step = min(inches_per_step, QUARTERS_PER_ROW * INCHES_PER_QUARTER / longest)
    if len(breaks) == 2:
        inches_per_step *= float(np.clip(6.0 / (longest * inches_per_step), 1.0, 4.0))

    left, right = (0.95 if drums else 0.6), 0.35
    systems = []
    for row, (start, end) in enumerate(pairwise(breaks)):
        top = 0.25 + row * (row_height + 0.36)
        bars = lines[(lines >= start) & (lines < end)]
        systems.append(
            System(start, end, top, bars, _beats(score, start, end), _labels(score, bars))
        )
    return Page(
        systems=systems,
        pitches=pitches,
        drums=drums,
        inches_per_step=inches_per_step,
        pitch_height=pitch_height,
        drum_height=drum_height,
        drum_gap=drum_gap,
        width=left + longest * inches_per_step + right,
        height=systems[-1].top + row_height + 0.3,
        left=left,
        right=right,
    )


def _pitches_shown(pitches: npt.NDArray[np.int32], *, needed: bool) -> list[int]:
    """Show what is played with a margin, two octaves at least."""
    if not len(pitches):
        return list(range(48, 73)) if needed else []
    low, high = int(pitches.min()) - 2, int(pitches.max()) + 2
    missing = max(0, LOWEST_SPAN - (high - low + 1))
    low, high = low - missing // 2, high + missing - missing // 2
    return list(range(max(0, low), min(127, high) + 1))


def _bar_lines(score: Score) -> npt.NDArray[np.int64]:
    """Find every bar line from step 0 to the first at or after the end of the piece."""
    grid, end = score.steps_per_quarter, max(1, score.end)
    steps = np.arange(end + 1)
    places = score.meter_map.locate(steps, grid)
    lines = np.flatnonzero(np.diff(places.bar, prepend=places.bar[0] - 1))
    last = lines[-1]
    if last < end:
        lines = np.append(lines, last + int(places.bar_steps[last]) - int(places.position[last]))
    return lines.astype(np.int64)


def _break_rows(lines: npt.NDArray[np.int64], longest_row: int, pickup_steps: int) -> list[int]:
    """Choose the bar lines at which rows begin, and the end. A pickup comes on top of its row."""
    breaks, first = [int(lines[0])], 0
    while first < len(lines) - 1:
        pickup = int(first == 0 and 0 < pickup_steps < lines[-1])
        reach = lines[first + pickup] + longest_row
        bars = int(np.searchsorted(lines, reach, side="right")) - 1 - first - pickup
        if first + pickup + bars < len(lines) - 1:
            bars -= bars % 8 if bars >= 8 else bars % 4 if bars >= 4 else 0
        first = min(first + max(1, pickup + bars), len(lines) - 1)
        breaks.append(int(lines[first]))
    return breaks


def _beats(score: Score, start: int, end: int) -> npt.NDArray[np.int64]:
    steps = np.arange(start, end)
    places = score.meter_map.locate(steps, score.steps_per_quarter)
    beats: npt.NDArray[np.int64] = steps[
        (places.position % places.beat_steps == 0) & (places.position > 0)
    ]
    return beats


def _labels(score: Score, bars: npt.NDArray[np.int64]) -> list[tuple[int, str, bool]]:
    """Number the bars of a row, the first full one 1; name a meter where it changes."""
    numbers = score.meter_map.locate(bars, score.steps_per_quarter).bar
    labels = [
        (int(step), str(number + 1), False)
        for step, number in zip(bars, numbers, strict=True)
        if number >= 0
    ]
    changes = {meter.step: meter.name for meter in score.meter_map.meters[1:]}
    labels += [(step, changes[step], True) for step, _, _ in labels if step in changes]
    return labels
