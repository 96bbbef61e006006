"""A musician's piece as the model reads it, and what the model adds as the musician will read it.

Given notes are carried beside the ids: whatever the model makes of them (another grid, other parts,
another key), they are written back as they came. What was made of them is said in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, encode, velocity_of
from musiclstm.encoding.fitting import FittedParts, fit_parts
from musiclstm.errors import RequestError
from musiclstm.generation.frame import ends_of
from musiclstm.score import Column, MeterMap, Part, Score
from musiclstm.score.notes import canonical

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

MOST_STEPS_PER_QUARTER = 960
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

    def home(self, part: int) -> int | None:
        """The part of ``given`` as which a model part is written; None where there is none."""
        return self.goals.index(part) if part in self.goals else None


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


def written_back(
    primer: Primer,
    rows: IntArray,
    onset: IntArray,
    v: Vocabulary,
    gone: BoolArray,
    parts: Mapping[int, Part],
    rhythm_kept: bool = False,
) -> tuple[Primer, BoolArray]:
    """The given notes as they came, and the new ones among them.

    Args:
        primer: What was given.
        rows: New rows as the model writes them, notes and continuations, int32 ``(n, 5)``.
        onset: Their steps.
        v: What they mean.
        gone: Which notes of ``primer.given`` give way, bool ``(notes,)``.
        parts: For each model part what it is written as, where it is new to the piece.
        rhythm_kept: Whether the new notes are those that give way, at other pitches.

    Returns:
        The piece as it is now, with its notes on the finer of the two grids; and which are new.
    """
    given = primer.given
    fine = int(np.lcm(given.steps_per_quarter, v.steps_per_quarter))
    fine = fine if fine <= MOST_STEPS_PER_QUARTER else given.steps_per_quarter
    score = given.on_grid(fine)
    all_parts, homes = list(score.parts), dict[int, int]()
    for goal in sorted({*rows[:, Field.PART].tolist(), *parts}):
        home = primer.home(goal)
        homes[goal] = len(all_parts) if home is None else home
        if home is None:
            all_parts.append(parts[goal])
    scale = fine // given.steps_per_quarter
    old = given.notes.astype(np.int64)
    old[:, [Column.ONSET, Column.DURATION]] *= scale
    new = _new_notes(rows, onset, v, fine)
    if rhythm_kept:
        new = _in_given_rhythm(new, old, primer, v, fine, gone)
    else:
        new[:, Column.PART] = [homes[part] for part in new[:, Column.PART].tolist()]
    drums = np.array([part.is_drum for part in all_parts])
    new[:, Column.PITCH] -= np.where(drums[new[:, Column.PART]], 0, primer.semitones)
    new = new[(new[:, Column.PITCH] >= 0) & (new[:, Column.PITCH] <= 127)]
    new = _around(new, old[~gone])
    table, _ = canonical(np.concatenate([old[~gone], new]), drums.tolist())
    score = replace(score, notes=table, parts=tuple(all_parts))
    places = {(row[Column.ONSET], row[Column.PITCH], row[Column.PART]) for row in new.tolist()}
    is_new = [(row[0], row[2], row[4]) in places for row in table.tolist()]
    goals = [*primer.goals, *(None for _ in all_parts[len(primer.goals) :])]
    for goal, home in homes.items():
        goals[home] = goal
    encoded = read_as(score, goals, primer.semitones, v)
    reading = Primer(score, encoded, primer.semitones, tuple(goals), primer.remarks)
    return reading, np.array(is_new, bool)


def steps_of(score: Score, steps_per_quarter: int) -> IntArray:
    """The steps of a score's onsets on another grid, as :meth:`Score.on_grid` finds them."""
    old = score.steps_per_quarter
    onset = score.notes[:, Column.ONSET].astype(np.int64)
    found: IntArray = ((onset * 2 * steps_per_quarter + old) // (2 * old)).astype(np.int32)
    return found


def _new_notes(rows: IntArray, onset: IntArray, v: Vocabulary, fine: int) -> npt.NDArray[np.int64]:
    """A note table of rows on a finer grid; parts and pitches are still the model's."""
    tied = rows[:, Field.DURATION] == v.tie
    begins = np.flatnonzero(~np.concatenate([[False], tied[:-1]])[: len(rows)])
    last = np.append(begins[1:], len(rows))[: len(begins)] - 1  # that says when the note ends
    ends = ends_of(rows, onset, v)
    new = np.zeros((len(begins), len(Column)), np.int64)
    factor = fine / v.steps_per_quarter
    new[:, Column.ONSET] = np.round(onset[begins] * factor)
    new[:, Column.DURATION] = np.round(ends[last] * factor)
    new[:, Column.DURATION] = np.maximum(new[:, Column.DURATION] - new[:, Column.ONSET], 1)
    new[:, Column.PITCH] = rows[begins, Field.PITCH]
    new[:, Column.VELOCITY] = velocity_of(rows[begins, Field.VELOCITY])
    new[:, Column.PART] = rows[begins, Field.PART]
    return new


def _in_given_rhythm(
    new: npt.NDArray[np.int64],
    old: npt.NDArray[np.int64],
    primer: Primer,
    v: Vocabulary,
    fine: int,
    gone: BoolArray,
) -> npt.NDArray[np.int64]:
    """The notes that give way at the pitches of the new ones, the lowest at the lowest."""
    pitches: dict[tuple[int, int], list[int]] = {}
    for onset, _, pitch, _, part in new.tolist():
        pitches.setdefault((part, onset * v.steps_per_quarter // fine), []).append(pitch)
    steps, found = steps_of(primer.given, v.steps_per_quarter), []
    for number in np.flatnonzero(gone).tolist():
        goal = primer.goals[int(old[number, Column.PART])]
        here = pitches.get((-1 if goal is None else goal, int(steps[number])), [])
        if here:  # of two notes that the model reads as one the second stays away
            row = old[number].copy()
            row[Column.PITCH] = here.pop(0)
            found.append(row)
    return np.array(found, np.int64).reshape(-1, len(Column))


def _around(new: npt.NDArray[np.int64], old: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """New notes that touch no given one of their part and pitch.

    What the model reads at the nearest step may really stand a little beside it.
    """
    given: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for onset, duration, pitch, _, part in old.tolist():
        given.setdefault((part, pitch), []).append((onset, onset + duration))
    kept = []
    for row in new.tolist():
        onset, stop = row[Column.ONSET], row[Column.ONSET] + row[Column.DURATION]
        for start, end in given.get((row[Column.PART], row[Column.PITCH]), ()):
            if start <= onset < end:
                onset = end
            elif onset < start < stop:
                stop = start
        if onset < stop:
            row[Column.ONSET], row[Column.DURATION] = onset, stop - onset
            kept.append(row)
    return np.array(kept, np.int64).reshape(-1, len(Column))


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


def without_beginning(reading: Primer, new: BoolArray, begins: int, v: Vocabulary) -> Primer:
    """The new notes of a piece alone, from the barline before them on.

    Args:
        reading: The piece.
        new: Which of its notes are new.
        begins: The step, on the model's grid, at which they begin.
        v: Of the model.
    """
    score = reading.given
    q = score.steps_per_quarter
    step = begins * q // v.steps_per_quarter
    place = score.meter_map.locate(step, q)
    line = step - int(place.position)
    notes = score.notes[new].copy()
    notes[:, Column.ONSET] -= line
    meters = [meter for meter in score.meter_map.meters if meter.step <= max(line, 0)][-1:]
    later = [replace(m, step=m.step - line) for m in score.meter_map.meters if m.step > line]
    tempos = [tempo for tempo in score.tempos if tempo.step <= line][-1:]
    alone = replace(
        score,
        notes=notes[notes[:, Column.ONSET] >= 0],
        meter_map=MeterMap((*(replace(meter, step=0) for meter in meters), *later)),
        tempos=(
            *(replace(tempo, step=0) for tempo in tempos),
            *(replace(t, step=t.step - line) for t in score.tempos if t.step > line),
        ),
    )
    encoded = read_as(alone, reading.goals, reading.semitones, v)
    return replace(reading, given=alone, encoded=encoded)
