"""Fitting: which of the model's parts plays which part of a piece.

One to one as far as it goes; what is left over is merged into the nearest, and what the model
cannot play at all is dropped. Both are said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclstm.encoding.parts import (
    Habits,
    ModelPart,
    describe,
    median_pitch,
    normalised_name,
    part_tables,
    program_family,
)
from musiclstm.score import Column, NoteArray, Part, Score, canonical

_FOREIGN_FAMILY_COST = 24.0  # two octaves: a flute is nearer to a violin than to a bass flute


@dataclass(frozen=True)
class FittedParts:
    """A score whose parts each have a model part of their own.

    Attributes:
        score: The score, with extra parts merged and impossible ones dropped.
        part_map: For each part of ``score`` the id of its model part.
        goals: For each part of the score before it was fitted the model part that plays it; None
            for those that were dropped.
        merged: Names of the parts that were merged into a neighbour.
        dropped: Names of the parts that no model part can play (drums in a model without drums).
    """

    score: Score
    part_map: tuple[int, ...]
    goals: tuple[int | None, ...]
    merged: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def fit_parts(score: Score, model_parts: Sequence[ModelPart]) -> FittedParts:
    """Give each part of a score the model part that is most like it.

    Parts are matched one to one: by name, then within a program family, then across families; in
    the latter two the higher of two parts gets the higher model part, so that a piece in a low key
    keeps its soprano. What is left over is merged into the nearest part, and drums are dropped
    where the model has none (and the reverse).

    Args:
        score: Any score.
        model_parts: The parts of a vocabulary.
    """
    tables = part_tables(score)
    costs = np.array(
        [[_unlikeness(part, table, model) for model in model_parts] for part, table in tables]
    ).reshape(len(tables), len(model_parts))
    chosen = _matched(tables, model_parts)
    merged, dropped = [], []
    owner = {column: row for row, column in chosen.items()}
    target: dict[int, int] = {row: row for row in chosen}
    for row, (part, table) in enumerate(tables):
        if row in chosen:
            continue
        if len(table) == 0 or not np.isfinite(costs[row]).any():
            dropped.append(part.name or f"part {row}")
            continue
        target[row] = owner[int(np.argmin(costs[row]))]
        merged.append(part.name or f"part {row}")
    goals = tuple(chosen.get(target.get(row, -1)) for row in range(len(tables)))
    if not merged and not dropped:
        return FittedParts(score, tuple(chosen[row] for row in range(len(tables))), goals)
    kept = sorted(chosen)
    renumbered = np.full(len(tables), -1)
    for row, owning in target.items():
        renumbered[row] = kept.index(owning)
    notes = score.notes.copy()
    notes[:, Column.PART] = renumbered[notes[:, Column.PART]]
    parts = tuple(score.parts[row] for row in kept)
    table, _ = canonical(notes[notes[:, Column.PART] >= 0], [part.is_drum for part in parts])
    fitted = replace(score, notes=table, parts=parts)
    part_map = tuple(chosen[row] for row in kept)
    return FittedParts(fitted, part_map, goals, tuple(merged), tuple(dropped))


def widened(model_parts: Sequence[ModelPart], scores: Sequence[Score]) -> tuple[ModelPart, ...]:
    """The parts of a model with the habits of more music: range, chords, one note at a time.

    Args:
        model_parts: The parts of a vocabulary that is gone on with.
        scores: The music that it will learn now; gone through once.
    """
    habits = [Habits() for _ in model_parts]
    for score in scores:
        fitted = fit_parts(score, model_parts)
        for (_, table), goal in zip(part_tables(fitted.score), fitted.part_map, strict=True):
            habits[goal].add(Part(), table)
    return tuple(
        _with_habits_of(part, describe(part.is_drum, own)) if own.notes else part
        for part, own in zip(model_parts, habits, strict=True)
    )


def _with_habits_of(part: ModelPart, other: ModelPart) -> ModelPart:
    return replace(
        part,
        low=min(part.low, other.low),
        high=max(part.high, other.high),
        chord=max(part.chord, other.chord),
        monophonic=part.monophonic and other.monophonic,
    )


def _is_drum(part: Part | ModelPart) -> int:
    return int(part.is_drum)


def _matched(
    tables: Sequence[tuple[Part, NoteArray]], model_parts: Sequence[ModelPart]
) -> dict[int, int]:
    """The model part of each part, as far as there is one for each; see :func:`fit_parts`."""
    chosen: dict[int, int] = {}

    def free(rows: Sequence[int]) -> tuple[list[int], list[int]]:
        left = [row for row in rows if row not in chosen]
        return left, [goal for goal in range(len(model_parts)) if goal not in chosen.values()]

    # empty parts come last: the track of titles and tempos must not take the alto's place
    for heard in (True, False):
        rows = [row for row, (_, table) in enumerate(tables) if (len(table) > 0) == heard]
        for row in rows:
            part = tables[row][0]
            name = part.is_drum, normalised_name(part.name)
            for goal in free(rows)[1] if name[1] else []:
                model = model_parts[goal]
                if name == (model.is_drum, normalised_name(model.name)):
                    chosen[row] = goal
                    break
        # the family first, then drums with drums and anything pitched with anything pitched
        for group in (program_family, _is_drum):
            left, goals = free(rows)
            for kind in sorted({group(tables[row][0]) for row in left}):
                of_kind = [row for row in left if group(tables[row][0]) == kind]
                to_kind = [goal for goal in goals if group(model_parts[goal]) == kind]
                heights = [median_pitch(tables[row][1]) for row in of_kind]
                medians = [model_parts[goal].median for goal in to_kind]
                for place, model_place in _aligned(heights, medians):
                    chosen[of_kind[place]] = to_kind[model_place]
    return chosen


def _aligned(heights: Sequence[float], medians: Sequence[float]) -> list[tuple[int, int]]:
    """Pair as many as can be paired, higher with higher, with the least sum of differences.

    Source: alignment by dynamic programming (Needleman & Wunsch 1970).

    >>> _aligned([55, 67, 72], [70, 50])
    [(2, 0), (0, 1)]
    """
    down = sorted(range(len(heights)), key=lambda place: -heights[place])
    across = sorted(range(len(medians)), key=lambda place: -medians[place])
    # best[i][j]: of the i highest and the j highest, minus the pairs and the sum of differences
    best = [[(0, 0.0)] * (len(across) + 1) for _ in range(len(down) + 1)]
    for i, one in enumerate(down, 1):
        for j, other in enumerate(across, 1):
            pairs, cost = best[i - 1][j - 1]
            paired = (pairs - 1, cost + abs(heights[one] - medians[other]))
            best[i][j] = min(paired, best[i - 1][j], best[i][j - 1])
    found, i, j = [], len(down), len(across)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((down[i], across[j]))
    return found[::-1]


def _unlikeness(part: Part, table: NoteArray, model: ModelPart) -> float:
    """How little a part resembles a model part, in semitones; infinite: it cannot play it."""
    if part.is_drum != model.is_drum:
        return np.inf
    name = normalised_name(part.name)
    if name and name == normalised_name(model.name):
        return -1.0
    foreign = part.program // 8 != model.program // 8
    return abs(median_pitch(table) - model.median) + _FOREIGN_FAMILY_COST * foreign
