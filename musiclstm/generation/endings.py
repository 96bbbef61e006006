"""Endings: from two bars before its end on a piece is drawn several times, and one is taken.

A piece of a given length must come to an end where that length is, whether or not the music has
come to one. As with the candidates of an onset (:mod:`.onsets`) several ways to get there are
drawn, and one is taken with a chance that grows with how likely the model finds it that the piece
is over there, and with whether it stands on its tonic.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Vocabulary
from musiclstm.generation.guard import Rescue
from musiclstm.generation.moves import sounding
from musiclstm.generation.resampling import take_one
from musiclstm.generation.rules import bar_line
from musiclstm.generation.wishes import Plan
from musiclstm.score import Key

EventArray = npt.NDArray[np.int32]

_BARS = 2  # before the end; a shorter piece has one ending, the first that comes
OFF_TONIC = np.log(0.02)  # what an ending elsewhere loses


class Ending(NamedTuple):
    """A piece that has been brought to an end.

    Attributes:
        rows: All its rows, int32 ``(n, 5)``.
        complete: Whether it came to its own end, with END.
        likely: The log-probability of END where it stands.
        rescues: What the guard did on the way.
    """

    rows: EventArray
    complete: bool
    likely: float
    rescues: tuple[Rescue, ...] = ()


def begins_at(plan: Plan, v: Vocabulary) -> int | None:
    """The step from which on a piece's endings are drawn; None for one that is too short."""
    bars = plan.conditions.bars or 0
    return bar_line(plan.meter_map, bars - _BARS, v.steps_per_quarter) if bars > _BARS else None


def take(endings: Sequence[Ending], key: Key | None, v: Vocabulary, uniform: float) -> Ending:
    """One of a piece's endings.

    Args:
        endings: At least one.
        key: Of the piece.
        v: What the rows mean.
        uniform: A random number.
    """
    likely = np.array([ending.likely for ending in endings])
    if key is not None and len(endings) > 1:
        lowest = [lowest_at_the_end(ending.rows, v) for ending in endings]
        likely += [OFF_TONIC * (low is None or low % 12 != key.tonic) for low in lowest]
    likely -= [1e3 * (not ending.complete) for ending in endings]
    likely -= [1e2 * any(not rescue.helped for rescue in ending.rescues) for ending in endings]
    return endings[take_one(likely, uniform)]


def lowest_at_the_end(rows: EventArray, v: Vocabulary) -> int | None:
    """The lowest pitch that sounds from the last onset on; drums have none.

    Args:
        rows: Of a piece, int32 ``(n, 5)``.
        v: What they mean.
    """
    notes = sounding(rows, v)
    ends = {(part, pitch): end for _, part, pitch, end in notes if not v.parts[part].is_drum}
    last = notes[-1][0] if notes else 0
    return min((pitch for (_, pitch), end in ends.items() if end > last), default=None)
