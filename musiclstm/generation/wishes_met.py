"""Which wishes a piece does not meet, in words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiclstm.features.chord_symbols import chord_spans, parse_progression
from musiclstm.features.harmony import is_cadence, middle, share_on_chords
from musiclstm.generation.wishes import Wishes, first_bar
from musiclstm.score import Column, Key, Score

BoolArray = npt.NDArray[np.bool_]

ON_CHORDS = 0.85  # of the sounding time: passing notes are music too
_NEAR = 1.25  # times as dense as asked for, or as sparse
_OUTSIDE = 0.02  # of a part's notes


def unmet(
    score: Score,
    new: BoolArray,
    wishes: Wishes,
    key: Key | None,
    begins: int,
    names: Sequence[str | None] | None = None,
    keep: str = "",
) -> tuple[str, ...]:
    """Say what of the wishes a piece does not meet.

    Args:
        score: The piece.
        new: Which of its notes were composed, bool ``(notes,)``; of the others nothing is asked.
        wishes: What was asked of it.
        key: Its key, for the cadence.
        begins: The step at which what was composed begins.
        names: For each part of the score the name of the model part that plays it, None where none
            does; by default they have the same names.
        keep: What of the given notes was kept, as in :class:`~musiclstm.generation.frame.Region`.
    """
    said = []
    q, notes = score.steps_per_quarter, score.notes[new]
    if not len(notes):
        return ()
    names = [part.name.lower() for part in score.parts] if names is None else names
    if wishes.chords is not None:
        progression, bars = parse_progression(wishes.chords), max(score.bars, 1)
        first = first_bar(score.meter_map, begins, q)
        spans = chord_spans(progression, score.meter_map, bars, q, first)
        share = share_on_chords(replace(score, notes=notes), spans)
        if share < ON_CHORDS:
            said.append(f"only {share:.0%} of the sounding time lies on the chords asked for")
    for name, (low, high) in wishes.ranges.items():
        numbers = [number for number, known in enumerate(names) if known == name]
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
        said.append(f"the end is no cadence; {_of_the_end(score, new, key, keep)}")
    return tuple(said)


def _of_the_end(score: Score, new: BoolArray, key: Key | None, keep: str) -> str:
    """What can be done about an end that is no cadence: nothing, where it was given."""
    notes = score.notes
    drums = np.array([part.is_drum for part in score.parts])[notes[:, Column.PART]]
    last = notes[~drums, Column.ONSET].max(initial=0)
    sounds = ~drums & (notes[:, Column.ONSET] + notes[:, Column.DURATION] > last)
    if not (sounds & new).any():
        return "it was given, and stays as it is"
    place = score.meter_map.locate(last, score.steps_per_quarter)
    if keep == "rhythm" and int(place.position) not in (0, middle(place)):
        return "the rhythm that is kept ends on a weak beat"
    given = notes[sounds & ~new, Column.PITCH]
    if key is not None and len(given):
        third = (3, 4) if key.mode == "minor" else (4,)
        foreign = ~np.isin((given - key.tonic) % 12, (0, *third, 7))
        # nothing new lies below a given bass
        bass = given.min() < notes[new & ~drums, Column.PITCH].min()
        if foreign.any() or (bass and given.min() % 12 != key.tonic):
            return "what was given there allows none"
    return "another seed may find one"
