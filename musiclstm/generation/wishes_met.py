"""Which wishes a piece does not meet, in words."""

import numpy as np

from musiclstm.features.chord_symbols import chord_spans, parse_progression
from musiclstm.features.harmony import is_cadence, share_on_chords
from musiclstm.generation.wishes import Wishes
from musiclstm.score import Column, Key, Score

ON_CHORDS = 0.85  # of the sounding time: passing notes are music too
_NEAR = 1.25  # times as dense as asked for, or as sparse
_OUTSIDE = 0.02  # of a part's notes


def unmet(score: Score, wishes: Wishes, key: Key | None) -> tuple[str, ...]:
    """Say what of the wishes a piece does not meet.

    Args:
        score: The piece.
        wishes: What was asked of it.
        key: Its key, for the cadence.
    """
    said = []
    bars = max(score.bars, 1)
    if wishes.chords is not None:
        progression = parse_progression(wishes.chords)
        spans = chord_spans(progression, score.meter_map, bars, score.steps_per_quarter)
        share = share_on_chords(score, spans)
        if share < ON_CHORDS:
            said.append(f"only {share:.0%} of the sounding time lies on the chords asked for")
    for name, (low, high) in wishes.ranges.items():
        numbers = [n for n, part in enumerate(score.parts) if part.name.lower() == name]
        pitch = score.notes[np.isin(score.notes[:, Column.PART], numbers), Column.PITCH]
        outside = float(((pitch < low) | (pitch > high)).mean()) if len(pitch) else 0.0
        if outside > _OUTSIDE:
            said.append(f"{outside:.0%} of the notes of {name} lie outside the range asked for")
    if wishes.density is not None:
        density = len(score.notes) / bars
        if not wishes.density / _NEAR <= density <= wishes.density * _NEAR:
            said.append(f"{density:.1f} notes a bar, not the {wishes.density:g} asked for")
    if wishes.end == "cadence" and not (key is not None and is_cadence(score, key)):
        said.append("the end is no cadence; another seed may find one")
    return tuple(said)
