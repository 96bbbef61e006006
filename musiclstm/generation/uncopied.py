"""Runs that are shared with a training piece, written anew."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Conditions, Field, Vocabulary
from musiclstm.generation.frame import Region, given_rows
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.primer import Primer, steps_of
from musiclstm.generation.rewriting import Manner, rewrite
from musiclstm.generation.rules import bar_line
from musiclstm.generation.wishes import Wishes
from musiclstm.model import Bundle
from musiclstm.score import Column

BoolArray = npt.NDArray[np.bool_]

TRIES = 12
_OTHER_CHANCE = 10**9  # added to a piece's number: what is written anew draws other numbers


def uncopied(
    bundle: Bundle,
    check: CopyCheck,
    reading: Primer,
    new: BoolArray,
    conditions: Conditions,
    most: int,
    manner: Manner,
) -> tuple[Primer, BoolArray, tuple[str, ...]]:
    """Write a bar of each run anew that is too long, as often as it takes.

    The bar in the middle of the run is taken: what is left of it on either side is half as long.

    Args:
        bundle: A trained model.
        check: What it was trained on.
        reading: The piece.
        new: Which of its notes may give way, bool ``(notes,)``.
        conditions: What the model was told.
        most: Notes that a run may have.
        manner: Seed and so on of the piece.

    Returns:
        The piece, which of its notes are new, and what is to be said of it.
    """
    given = {tuple(row) for row in reading.given.notes[~new].tolist()}
    stuck: set[tuple[int | None, tuple[int, int]]] = set()
    rewritten = 0
    for attempt in range(TRIES):
        runs = [run for run in check.runs(reading.encoded, most) if _place(run) not in stuck]
        if not runs:
            break
        run = max(runs, key=lambda run: run.notes)
        regions = _regions(reading, new, run, bundle.vocabulary)
        if not regions:
            stuck.add(_place(run))
            continue
        index = _OTHER_CHANCE + manner.index * TRIES + attempt
        again = replace(manner, index=index, progress=None)
        found = rewrite(bundle, reading, regions, again, Wishes(style=conditions.style))
        reading, rewritten = found.reading, rewritten + 1
        new = np.array([tuple(row) not in given for row in reading.given.notes.tolist()], bool)
    left = check.runs(reading.encoded, most)
    bars = "1 bar that stands" if rewritten == 1 else f"{rewritten} bars that stand"
    remarks = [f"wrote {bars} in a training piece anew"] if rewritten else []
    if left:
        run = max(left, key=lambda run: run.notes)
        where = "what was given" if _place(run) in stuck else f"{TRIES} tries"
        remarks.append(
            f"a run of {run.notes} notes still stands in {run.source}, bar {run.bar}, after {where}"
            if where.endswith("tries")
            else f"{run.notes} notes of {where} stand in {run.source}, bar {run.bar}"
        )
    return reading, new, tuple(remarks)


def _place(run: Copied) -> tuple[int | None, tuple[int, int]]:
    return run.part, run.steps


def _regions(reading: Primer, new: BoolArray, run: Copied, v: Vocabulary) -> list[Region]:
    """The bar in the middle of a run, in those of its parts that have nothing given there."""
    meter_map, q = reading.encoded.meter_map, v.steps_per_quarter
    middle = (run.steps[0] + run.steps[1]) // 2
    bar = int(meter_map.locate(middle, q).bar)
    start = bar_line(meter_map, bar, q) if bar >= 0 else 0
    end = bar_line(meter_map, bar + 1, q)
    rows, _ = given_rows(reading.encoded, v)
    parts = {run.part} if run.part is not None else {*rows[:, Field.PART].tolist()}
    steps = steps_of(reading.given, q)
    here = ~new & (start <= steps) & (steps < end)
    held = {reading.goals[part] for part in reading.given.notes[here, Column.PART].tolist()}
    return [Region(part, start, end) for part in sorted(parts - held)]
