"""The past of a moment in a piece, cut off or put out of order."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Encoded,
    Field,
    Vocabulary,
)
from musiclstm.score import Meter, MeterMap

Array = npt.NDArray[Any]

STATE, CUT, SHUFFLED = "state", "cut", "shuffled"


class Moment(NamedTuple):
    """Where a piece is asked what comes next.

    Attributes:
        row: Event row of the first note asked for; it is the first of its onset.
        stop: Event row after the last one.
        step: The onset.
        bar_steps: Length of a bar there, in steps.
    """

    row: int
    stop: int
    step: int
    bar_steps: int


def moments_of(
    encoded: Encoded, vocabulary: Vocabulary, count: int, notes: int, rng: np.random.Generator
) -> list[Moment]:
    """Choose moments: one onset in each bar after the first, and of these some, evenly spread.

    Args:
        encoded: The piece.
        vocabulary: What the ids mean.
        count: How many at most.
        notes: How many notes are asked for at each; fewer where the next moment comes sooner.
        rng: Says which onset of a bar.
    """
    v, rows = vocabulary, encoded.events
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    head, is_note = heads(rows, v), rows[:, Field.SHIFT] <= v.max_shift
    if not head.any():
        return []
    first = np.flatnonzero(head & (rows[:, Field.SHIFT] > 0))
    places = encoded.meter_map.locate(step, v.steps_per_quarter)
    first = first[step[first] >= step[head][0] + places.bar_steps[first]]
    bars = np.unique(places.bar[first])
    some = bars[np.arange(min(count, len(bars))) * len(bars) // max(1, min(count, len(bars)))]
    chosen = [int(rng.choice(first[places.bar[first] == bar])) for bar in some]
    found = []
    for n, row in enumerate(chosen):
        later = row + np.flatnonzero(head[row:])
        stop = int(later[notes]) if len(later) > notes else len(rows)
        if n + 1 < len(chosen):
            stop = min(stop, chosen[n + 1])
        # waits belong to the note after them, and END to none
        stop = row + int(np.flatnonzero(is_note[row:stop])[-1]) + 1
        found.append(Moment(row, stop, int(step[row]), int(places.bar_steps[row])))
    return found


def heads(rows: Array, v: Vocabulary) -> Array:
    """Which rows begin a note."""
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    found: Array = is_note & ~np.concatenate([[False], tied[:-1]])
    return found


class History(NamedTuple):
    """A piece up to the end of what is asked for at a moment, with the past that is left of it.

    Attributes:
        piece: Its rows; what is asked for are the last ones.
        asked: How many rows these are.
    """

    piece: Encoded
    asked: int


def cut(encoded: Encoded, moment: Moment, origin: int, v: Vocabulary) -> History | None:
    """Let a piece begin later.

    Args:
        encoded: The piece.
        moment: What is asked for.
        origin: The first step that is left, at most the moment's.
        v: What the ids mean.

    Returns:
        The piece from there on, its bars where they were; None where nothing was before.
    """
    rows = encoded.events[: moment.stop]
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    kept = is_note & (step >= origin)
    if kept[is_note].all():
        return None
    meters = _meters_from(encoded.meter_map, origin, v.steps_per_quarter)
    events = _written(rows[kept], step[kept] - origin, v)
    return History(
        replace(encoded, events=events, meter_map=meters, n_notes=int(heads(events, v).sum())),
        moment.stop - moment.row,
    )


def shuffle(
    encoded: Encoded, moment: Moment, origin: int, v: Vocabulary, rng: np.random.Generator
) -> History | None:
    """Let whole bars before a step change places.

    Args:
        encoded: The piece.
        moment: What is asked for.
        origin: From this step on everything stays.
        v: What the ids mean.
        rng: Says which bar goes where; at least two change places.

    Returns:
        The piece; None where there are no two bars of one length.
    """
    line, length = _bars_before(encoded.meter_map, origin, v.steps_per_quarter)
    places = np.arange(len(line))
    for each in np.unique(length):
        same = np.flatnonzero(length == each)
        if len(same) > 1:
            while (places[same] == same).all():
                places[same] = rng.permutation(same)
    rows = encoded.events[: moment.stop]
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    bar = np.searchsorted(line, step, side="right") - 1
    first, end = (int(line[0]), int(line[-1] + length[-1])) if len(line) else (0, 0)
    past = step < end
    moved = is_note & past & (step >= first)
    if (places == np.arange(len(line))).all() or not moved.any():
        return None
    kept = np.flatnonzero((is_note & ~past) | (past & heads(rows, v)))
    rows, step, bar = rows[kept].copy(), step[kept].astype(np.int64), bar[kept]
    moved, past = moved[kept], past[kept]
    # what is before the last barline ends at its own
    ends = np.where(moved, (line + length)[bar], first)
    longest = np.minimum(ends - step, v.max_duration) - 1
    rows[past, Field.DURATION] = np.minimum(rows[past, Field.DURATION], longest[past])
    step[moved] += (line[places] - line)[bar[moved]]
    order = np.argsort(step, kind="stable")
    events = _written(rows[order], step[order], v)
    return History(
        replace(encoded, events=events, n_notes=int(heads(events, v).sum())),
        moment.stop - moment.row,
    )


def _written(rows: Array, step: Array, v: Vocabulary) -> npt.NDArray[np.int32]:
    """The table of note rows at these steps: shifts, and waits where gaps are long; no END."""
    gaps = np.diff(step, prepend=0)
    waits = np.maximum(-(-gaps // v.max_shift) - 1, 0)
    places = np.cumsum(waits + 1) - 1
    table = np.zeros((int(places[-1]) + 1, len(Field)), np.int32)
    table[:, Field.SHIFT] = v.wait
    table[places] = rows
    table[places, Field.SHIFT] = gaps - waits * v.max_shift
    return table


def _meters_from(meter_map: MeterMap, origin: int, q: int) -> MeterMap:
    """The meters from a step on, which becomes step 0; barlines stay where they are."""
    if not meter_map.specified:
        return meter_map
    stretches = meter_map.stretches(q)
    now = max(int(np.searchsorted(stretches.start, origin, side="right")) - 1, 0)
    later = {
        int(start) - origin: meter
        for start, meter in zip(stretches.start, meter_map.meters, strict=True)
        if start > max(origin, stretches.start[now])
    }
    pickup = int((stretches.start[now] - origin) % stretches.bar_steps[now])
    if later:  # a change of meter may cut the bar short
        pickup = min(pickup, *later)
    first = replace(meter_map.meters[now], step=0)
    meters = (first, *(Meter(step, m.numerator, m.denominator) for step, m in later.items()))
    return MeterMap(meters, pickup)


def _bars_before(meter_map: MeterMap, origin: int, q: int) -> tuple[Array, Array]:
    """Barlines of the whole bars before a step, and the lengths of these bars."""
    stretches = meter_map.stretches(q)
    stops = np.minimum(np.append(stretches.start[1:], origin), origin)
    lines = [
        np.arange(start, stop, bar)
        for start, stop, bar in zip(stretches.start, stops, stretches.bar_steps, strict=True)
        if start < stop
    ]
    if not lines:
        none = np.zeros(0, np.int64)
        return none, none
    line = np.concatenate(lines)
    length = np.diff(np.append(line, origin))
    # the last one is whole if the step is a barline
    last = int(meter_map.locate(line[-1:], q).bar_steps[0])
    whole = len(line) if length[-1] >= last else len(line) - 1
    return line[:whole], length[:whole]
