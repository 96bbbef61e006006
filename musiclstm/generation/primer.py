"""A musician's piece as the model reads it.

Given notes are carried beside the ids: whatever the model makes of them (another grid, other parts,
another key), they are written back as they came (:mod:`.written`). What was made of them is said in
words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, encode
from musiclstm.encoding.fitting import FittedParts, fit_parts
from musiclstm.errors import RequestError
from musiclstm.generation.frame import given_rows, heads
from musiclstm.score import Column, Part, Score
from musiclstm.score.notes import canonical

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

MAX_BARS = 1000
_OUTSIDE = 0.02  # a share of notes outside a part's range that is no reason to transpose
_FURTHEST = 48  # semitones


@dataclass(frozen=True)
class Primer:
    """A piece that was handed in.

    Attributes:
        given: As it came.
        encoded: As the model reads it.
        semitones: By how much that is higher.
        goals: For each part of ``given`` the model part that plays it; None where none can.
        remarks: What was made of it, in words.
    """

    given: Score
    encoded: Encoded
    semitones: int
    goals: tuple[int | None, ...]
    remarks: tuple[str, ...]

    def homes(self, part: int) -> list[int]:
        """The parts of ``given`` that are read as a model part; there may be none, or several."""
        return [number for number, goal in enumerate(self.goals) if goal == part]


def fit(
    given: Score,
    vocabulary: Vocabulary,
    ranges: Sequence[tuple[int, int]],
    names: Sequence[str] = (),
) -> Primer:
    """Fit a piece to a model.

    Args:
        given: Any piece with notes.
        vocabulary: Of the model.
        ranges: Lowest and highest pitch of each model part, inclusive.
        names: Of each part of ``given`` the model part that it is to be; empty for the likest.

    Raises:
        RequestError: If the piece has no notes that the model can play.
    """
    v, remarks = vocabulary, []
    if not len(given.notes):
        raise RequestError(f"{given.source or 'the piece'} has no notes; hand in one that has")
    bars = given.bars
    if bars > MAX_BARS:
        raise RequestError(
            f"{given.source or 'the piece'} has {bars:,} bars; hand in one of at most {MAX_BARS:,}"
        )
    score = given.on_grid(v.steps_per_quarter)
    moved = _moved(given, v.steps_per_quarter)
    if moved:
        remarks.append(
            f"{moved} of {len(given.notes)} notes stand between the model's steps: it reads them "
            "at the nearest, and they are written as they came"
        )
    parts = zip(score.parts, names or [""] * len(score.parts), strict=True)
    score = replace(score, parts=tuple(replace(of, name=name or of.name) for of, name in parts))
    fitted = fit_parts(score, v.parts)
    if not len(fitted.score.notes):
        raise RequestError(
            f"{given.source or 'the piece'} has no notes that this model can play; "
            f"its parts are {', '.join(part.name for part in v.parts)}"
        )
    remarks += _said_of_parts(given, fitted, v, any(names))
    semitones = _into_range(fitted.score, [ranges[goal] for goal in fitted.part_map])
    if semitones:
        remarks.append(
            f"read {abs(semitones)} semitones {'higher' if semitones > 0 else 'lower'}, where the "
            "model's parts lie, and written where it was"
        )
    encoded = read_as(given, fitted.goals, semitones, v)
    return Primer(given, encoded, semitones, fitted.goals, tuple(remarks))


def read_as(given: Score, goals: Sequence[int | None], semitones: int, v: Vocabulary) -> Encoded:
    """A piece as the model reads it.

    Args:
        given: The piece.
        goals: Of each of its parts the model part that plays it; None for those it does not hear.
        semitones: By how much it is read higher.
        v: Of the model.
    """
    score = given.on_grid(v.steps_per_quarter)
    used = sorted({goal for goal in goals if goal is not None})
    place = np.array([-1 if goal is None else used.index(goal) for goal in goals], np.int32)
    notes = score.notes.copy()
    notes[:, Column.PART] = place[notes[:, Column.PART]]
    parts = tuple(Part(v.parts[n].program, v.parts[n].is_drum, v.parts[n].name) for n in used)
    table, _ = canonical(notes[notes[:, Column.PART] >= 0], [part.is_drum for part in parts])
    return encode(replace(score, notes=table, parts=parts).transposed(semitones), v)


def _said_of_parts(given: Score, fitted: FittedParts, v: Vocabulary, named: bool) -> list[str]:
    """Whose part is whose, where that is not plain."""
    notes = np.bincount(given.notes[:, Column.PART], minlength=len(given.parts))
    said, taken = [], set[int]()
    for number, (part, goal) in enumerate(zip(given.parts, fitted.goals, strict=True)):
        name = repr(part.name or f"part {number + 1}")
        if not notes[number]:
            continue
        if goal is None:
            said.append(f"the model cannot play {name} and does not hear it; it stays as it is")
        elif goal in taken:
            said.append(f"{name} is read as one with the model's {v.parts[goal].name}")
        elif not named and part.name.lower() != v.parts[goal].name:
            said.append(f"{name} is the model's {v.parts[goal].name}")
        if goal is not None:
            taken.add(goal)
    return said


def _moved(given: Score, steps_per_quarter: int) -> int:
    """How many notes begin or end between the steps of a grid."""
    ends = given.notes[:, Column.ONSET] + given.notes[:, Column.DURATION]
    steps = np.stack([given.notes[:, Column.ONSET], ends]).astype(np.int64) * steps_per_quarter
    off = (steps % given.steps_per_quarter != 0).any(axis=0)
    drums = np.array([part.is_drum for part in given.parts])
    return int(np.count_nonzero(off & ~drums[given.notes[:, Column.PART]]))


def _into_range(score: Score, ranges: Sequence[tuple[int, int]]) -> int:
    """By how many semitones the piece lies best in its parts' ranges; whole octaves come first."""
    drums = np.array([part.is_drum for part in score.parts])
    notes = score.notes[~drums[score.notes[:, Column.PART]]]
    if not len(notes):
        return 0
    low, high = np.array(ranges).T
    pitch, part = notes[:, Column.PITCH], notes[:, Column.PART]
    lowest, highest = int(pitch.min()), int(pitch.max())

    def outside(semitones: int) -> float:
        there = pitch + semitones
        return float(((there < low[part]) | (there > high[part])).mean())

    possible = [
        by
        for by in sorted(range(-_FURTHEST, _FURTHEST + 1), key=lambda by: (abs(by), by))
        if lowest + by >= 0 and highest + by <= 127
    ]
    octaves = [by for by in possible if by % 12 == 0]
    for by in octaves:
        if outside(by) <= _OUTSIDE:
            return by
    return min(possible, key=lambda by: (round(outside(by), 2), abs(by)))


def steps_of(score: Score, steps_per_quarter: int) -> IntArray:
    """The steps of a score's onsets on another grid, as :meth:`Score.on_grid` finds them."""
    old = score.steps_per_quarter
    onset = score.notes[:, Column.ONSET].astype(np.int64)
    found: IntArray = ((onset * 2 * steps_per_quarter + old) // (2 * old)).astype(np.int32)
    return found


def rows_read_from(primer: Primer, parts: frozenset[int], v: Vocabulary) -> BoolArray:
    """Which rows of a piece as the model reads it stand for notes of some given parts.

    Args:
        primer: The piece.
        parts: Numbers of given parts.
        v: Of the model.

    Returns:
        Bool ``(rows,)``, of its rows that are notes, in the order of
        :func:`~musiclstm.generation.frame.given_rows`. Where given parts are read as one and meet
        in a note it counts for each of them.
    """
    notes, steps = primer.given.notes, steps_of(primer.given, v.steps_per_quarter)
    drums = [part.is_drum for part in primer.given.parts]
    places = {
        (primer.goals[part], step, pitch + (0 if drums[part] else primer.semitones))
        for (_, _, pitch, _, part), step in zip(notes.tolist(), steps.tolist(), strict=True)
        if part in parts
    }
    rows, onset = given_rows(primer.encoded, v)
    found = [
        (row[Field.PART], step, row[Field.PITCH]) in places
        for row, step in zip(rows.tolist(), onset.tolist(), strict=True)
    ]
    first = np.maximum.accumulate(np.where(heads(rows, v), np.arange(len(rows)), 0))
    result: BoolArray = np.array(found, bool)[first] if len(rows) else np.zeros(0, bool)
    return result


def rows_of_piece(piece: Encoded, v: Vocabulary) -> IntArray:
    """All rows of a piece up to its last note, int32 ``(n, 5)``."""
    notes = np.flatnonzero(piece.events[:, Field.SHIFT] <= v.max_shift)
    return piece.events[: notes[-1] + 1 if notes.size else 0].astype(np.int32)


def new_rows(rows: IntArray, given: int, v: Vocabulary) -> tuple[IntArray, IntArray]:
    """The rows of notes after the given ones, and their steps.

    Args:
        rows: Of a whole piece, int32 ``(n, 5)``.
        given: How many of them are given.
        v: What they mean.
    """
    onset = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    own = (np.arange(len(rows)) >= given) & (rows[:, Field.SHIFT] <= v.max_shift)
    return rows[own], onset[own].astype(np.int32)
