"""Runs that are shared with a training piece, written anew.

What is written anew is made as the piece was: under the same wishes, within what was open of it,
and with what was to be kept of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.errors import RequestError
from musiclstm.features.chord_symbols import parse_progression
from musiclstm.generation.frame import Region, given_rows
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.primer import Primer, steps_of
from musiclstm.generation.rewriting import Manner, rewrite
from musiclstm.generation.rules import bar_line
from musiclstm.generation.wishes import Wishes, first_bar
from musiclstm.model import Bundle
from musiclstm.score import Column, MeterMap, Score

BoolArray = npt.NDArray[np.bool_]
_Place = tuple[int | None, tuple[int, int]]

TRIES = 12
_MOST_VAIN = 3  # tries of one bar of a run that change nothing, or cost what was to be kept
_OTHER_CHANCE = 10**9  # added to a piece's number: what is written anew draws other numbers
_KEPT = {  # what must be the same before and after, and what it is called
    "rhythm": ((Column.ONSET, Column.DURATION, Column.PART), "rhythm"),
    "pitch": ((Column.PITCH, Column.PART), "pitches"),
}


def uncopied(
    bundle: Bundle,
    check: CopyCheck,
    reading: Primer,
    new: BoolArray,
    regions: Sequence[Region],
    wishes: Wishes,
    most: int,
    manner: Manner,
) -> tuple[Primer, BoolArray, tuple[str, ...]]:
    """Write a bar of each run anew that is too long, as often as it takes.

    The bar nearest to the middle of the run is taken of which anything is open: what is left of the
    run on either side is half as long.

    Args:
        bundle: A trained model.
        check: What it was trained on.
        reading: The piece.
        new: Which of its notes may give way, bool ``(notes,)``.
        regions: What was open of it, at least one; what they keep is kept here too.
        wishes: What was asked of it, without length and meter, which it has by now.
        most: Notes that a run may have.
        manner: Seed and so on of the piece.

    Returns:
        The piece, which of its notes are new, and what is to be said of it.
    """
    draft, stays = reading.given, ~new
    written, vain = set[int](), Counter[tuple[_Place, int]]()
    stuck: dict[_Place, bool] = {}  # whether of the runs that must stay all is given
    for attempt in range(TRIES):
        runs = [run for run in check.runs(reading.encoded, most) if _place(run) not in stuck]
        if not runs:
            break
        run = max(runs, key=lambda run: run.notes)
        place = _place(run)
        tired = {bar for (of, bar), tries in vain.items() if of == place and tries == _MOST_VAIN}
        bar, own = _open(reading, new, run, regions, bundle.vocabulary, tired)
        if not own:
            stuck[place] = not tired
            continue
        index = _OTHER_CHANCE + manner.index * TRIES + attempt
        again = replace(manner, index=index, progress=None)
        asked = _from_there(wishes, regions, own, reading.encoded.meter_map, bundle.vocabulary)
        found = _rewritten(bundle, reading, own, again, asked)
        if found is None:
            vain[place, bar] += 1
            continue
        reading = found
        written.add(bar)
        given = {row for row, old in zip(_rows(draft, reading.given), stays, strict=True) if old}
        new = np.array([row not in given for row in _rows(reading.given)], bool)
    count = len(written & _changed_bars(draft, reading.given))
    bars = "1 bar that stands" if count == 1 else f"{count} bars that stand"
    remarks = [f"wrote {bars} in a training piece anew"] if count else []
    left = check.runs(reading.encoded, most)
    if left:
        remarks.append(_said_of(max(left, key=lambda run: run.notes), stuck, regions[0].keep))
    return reading, new, tuple(remarks)


def _said_of(run: Copied, stuck: dict[_Place, bool], keep: str) -> str:
    """Why a run is still there."""
    where, kept = f"{run.source}, bar {run.bar}", f"the {_KEPT[keep][1]} kept" if keep else ""
    if stuck.get(_place(run)):
        return f"{run.notes} notes of what was given stand in {where}"
    if kept and _place(run) in stuck:
        return f"{run.notes} notes stand in {where}, and cannot be written anew with {kept}"
    with_it = f" with {kept}" if kept else ""
    return f"a run of {run.notes} notes still stands in {where}, after {TRIES} tries{with_it}"


def _place(run: Copied) -> _Place:
    return run.part, run.steps


def _rows(score: Score, on_grid_of: Score | None = None) -> list[tuple[int, ...]]:
    """The notes of a score, on the grid of another that is as fine or a multiple."""
    finer = on_grid_of.steps_per_quarter // score.steps_per_quarter if on_grid_of else 1
    notes = score.notes.copy()
    notes[:, [Column.ONSET, Column.DURATION]] *= finer
    return [tuple(row) for row in notes.tolist()]


def _changed_bars(before: Score, after: Score) -> set[int]:
    """The bars, from 0, in which two versions of a piece begin other notes."""
    other = {*_rows(before, after)} ^ {*_rows(after)}
    onset = np.array([row[Column.ONSET] for row in other], np.int32)
    return {*np.ravel(after.meter_map.locate(onset, after.steps_per_quarter).bar).tolist()}


def _open(
    reading: Primer,
    new: BoolArray,
    run: Copied,
    regions: Sequence[Region],
    v: Vocabulary,
    but: set[int],
) -> tuple[int, list[Region]]:
    """What of a run is open: a bar, and in it those of the run's parts that have nothing given."""
    meter_map, q = reading.encoded.meter_map, v.steps_per_quarter
    first, middle, last = (
        int(meter_map.locate(step, q).bar)
        for step in (run.steps[0], sum(run.steps) // 2, run.steps[1])
    )
    rows, _ = given_rows(reading.encoded, v)
    parts = {run.part} if run.part is not None else {*rows[:, Field.PART].tolist()}
    steps = steps_of(reading.given, q)
    for bar in sorted({*range(first, last + 1)} - but, key=lambda bar: abs(bar - middle)):
        start = bar_line(meter_map, bar, q) if bar >= 0 else 0
        end = bar_line(meter_map, bar + 1, q)
        here = ~new & (start <= steps) & (steps < end)
        held = {reading.goals[part] for part in reading.given.notes[here, Column.PART].tolist()}
        own = [
            replace(region, start=max(region.start, start), end=min(region.end, end))
            for region in sorted(regions, key=lambda region: region.part)
            if region.part in parts - held and region.start < end and start < region.end
        ]
        if own:
            return bar, own
    return middle, []


def _from_there(
    wishes: Wishes,
    regions: Sequence[Region],
    own: Sequence[Region],
    meter_map: MeterMap,
    v: Vocabulary,
) -> Wishes:
    """The wishes with the progression from the bar on that is written anew."""
    if wishes.chords is None:
        return wishes
    first, here = (
        first_bar(meter_map, min(region.start for region in some), v.steps_per_quarter)
        for some in (regions, own)
    )
    bars = [" ".join(chord.figure for chord in bar) for bar in parse_progression(wishes.chords)]
    turn = (here - first) % len(bars)
    return replace(wishes, chords=" | ".join([*bars[turn:], *bars[:turn]]))


def _rewritten(
    bundle: Bundle, reading: Primer, own: Sequence[Region], manner: Manner, wishes: Wishes
) -> Primer | None:
    """The piece with some of it written anew; None if it is as it was, or not as promised."""
    try:
        found = rewrite(bundle, reading, own, manner, wishes).reading
    except RequestError:  # there is no way through
        return None
    before, after = Counter(_rows(reading.given, found.given)), Counter(_rows(found.given))
    if before == after:
        return None
    if keep := own[0].keep:
        columns, _ = _KEPT[keep]
        kept = [
            Counter(tuple(row[of] for of in columns) for row in rows.elements())
            for rows in (before, after)
        ]
        if kept[0] != kept[1]:
            return None
    return found
