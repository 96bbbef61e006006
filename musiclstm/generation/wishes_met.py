"""Which wishes a piece does not meet, in words."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiclstm.features.chord_symbols import chord_spans, parse_progression
from musiclstm.features.harmony import is_cadence, share_on_chords
from musiclstm.generation.wishes import Wishes, first_bar
from musiclstm.score import Column, Key, Score

BoolArray = npt.NDArray[np.bool_]

ON_CHORDS = 0.85  # of the sounding time: passing notes are music too
_NEAR = 1.25  # times as dense as asked for, or as sparse
_OUTSIDE = 0.02  # of a part's notes


def unmet(
    score: Score, new: BoolArray, wishes: Wishes, key: Key | None, begins: int
) -> tuple[str, ...]:
    """Say what of the wishes a piece does not meet.

    Args:
        score: The piece.
        new: Which of its notes were composed, bool ``(notes,)``; of the others nothing is asked.
        wishes: What was asked of it.
        key: Its key, for the cadence.
        begins: The step at which what was composed begins.
    """
    said = []
    q, notes = score.steps_per_quarter, score.notes[new]
    if not len(notes):
        return ()
    if wishes.chords is not None:
        progression, bars = parse_progression(wishes.chords), max(score.bars, 1)
        first = first_bar(score.meter_map, begins, q)
        spans = chord_spans(progression, score.meter_map, bars, q, first)
        share = share_on_chords(replace(score, notes=notes), spans)
        if share < ON_CHORDS:
            said.append(f"only {share:.0%} of the sounding time lies on the chords asked for")
    for name, (low, high) in wishes.ranges.items():
        numbers = [n for n, part in enumerate(score.parts) if part.name.lower() == name]
        pitch = notes[np.isin(notes[:, Column.PART], numbers), Column.PITCH]
        outside = float(((pitch < low) | (pitch > high)).mean()) if len(pitch) else 0.0
        if outside > _OUTSIDE:
            said.append(f"{outside:.0%} of the notes of {name} lie outside the range asked for")
    if wishes.density is not None:
        # all that sounds in the bars that have something new
        bars_of = score.meter_map.locate(score.notes[:, Column.ONSET], q).bar
        own = np.unique(bars_of[new])
        density = float(np.isin(bars_of, own).sum() / len(own))
        if not wishes.density / _NEAR <= density <= wishes.density * _NEAR:
            said.append(f"{density:.1f} notes a bar, not the {wishes.density:g} asked for")
    if wishes.end == "cadence" and not (key is not None and is_cadence(score, key)):
        said.append("the end is no cadence; another seed may find one")
    return tuple(said)
