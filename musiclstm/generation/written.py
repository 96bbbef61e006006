"""What the model adds to a musician's piece, written as the musician reads it.

Given notes stay to the tick. New ones come from the model's grid, its parts and its octave to those
of the piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary, velocity_of
from musiclstm.generation.frame import ends_of, heads, most_at_once
from musiclstm.generation.primer import Primer, read_as, steps_of
from musiclstm.score import Column, MeterMap, Part
from musiclstm.score.notes import canonical

IntArray = npt.NDArray[np.int32]
LongArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MOST_STEPS_PER_QUARTER = 960


def written_back(
    primer: Primer,
    rows: IntArray,
    onset: IntArray,
    v: Vocabulary,
    gone: BoolArray,
    parts: Mapping[int, Part],
    *,
    homes: frozenset[int] | None = None,
    keep: str = "",
) -> tuple[Primer, BoolArray]:
    """The given notes as they came, and the new ones among them.

    Args:
        primer: What was given.
        rows: New rows as the model writes them, notes and continuations, int32 ``(n, 5)``.
        onset: Their steps.
        v: What they mean.
        gone: Which notes of ``primer.given`` give way, bool ``(notes,)``.
        parts: For each model part what it is written as, where it is new to the piece.
        homes: Given parts that take new notes; by default all.
        keep: What the new notes have of those that give way: nothing, ``"rhythm"``, or ``"pitch"``,
            one after the other.

    Returns:
        The piece as it is now, with its notes on a grid on which none of the given ones moves; and
        which are new.
    """
    given = primer.given
    fine = _grid(primer, v)
    score = given.on_grid(fine)
    old = given.notes.astype(np.int64)
    old[:, [Column.ONSET, Column.DURATION]] *= fine // given.steps_per_quarter
    all_parts, goals, at_home = list(score.parts), list(primer.goals), dict[int, list[int]]()
    for goal in sorted({*rows[:, Field.PART].tolist(), *parts}):
        at_home[goal] = [n for n in primer.homes(goal) if homes is None or n in homes]
        if not at_home[goal]:
            at_home[goal] = [len(all_parts)]
            all_parts.append(parts[goal])
            goals.append(goal)
    if keep == "rhythm":
        new = _in_given_rhythm(rows, onset, old, primer, v, gone)
    else:
        new = _new_notes(rows, onset, v, fine)
        drums = np.array([part.is_drum for part in v.parts])
        new[:, Column.PITCH] -= np.where(drums[new[:, Column.PART]], 0, primer.semitones)
        if keep == "pitch":
            new = _at_given_pitches(new, primer, v, gone)
        else:
            new = _dealt(new, at_home, old)
    count = len(new)
    new = new[(new[:, Column.PITCH] >= 0) & (new[:, Column.PITCH] <= 127)]
    new = _around(new, old[~gone])
    drum_parts = [part.is_drum for part in all_parts]
    table, repairs = canonical(np.concatenate([old[~gone], new]), drum_parts)
    remarks = primer.remarks
    if len(new) < count:
        remarks = (*remarks, f"{count - len(new)} new notes found no room beside yours: left out")
    if repairs.merged:
        remarks = (*remarks, f"{repairs.merged} notes within one of the model's steps became one")
    score = replace(score, notes=table, parts=tuple(all_parts))
    places = {(row[Column.ONSET], row[Column.PITCH], row[Column.PART]) for row in new.tolist()}
    is_new = [(row[0], row[2], row[4]) in places for row in table.tolist()]
    encoded = read_as(score, goals, primer.semitones, v)
    reading = Primer(score, encoded, primer.semitones, tuple(goals), remarks)
    return reading, np.array(is_new, bool)


def _grid(primer: Primer, v: Vocabulary) -> int:
    """A grid that holds the piece's, and the model's too where it can."""
    given = primer.given.steps_per_quarter
    fine = int(np.lcm(given, v.steps_per_quarter))
    return fine if fine <= MOST_STEPS_PER_QUARTER else given


def _new_notes(rows: IntArray, onset: IntArray, v: Vocabulary, fine: int) -> LongArray:
    """A note table of rows on a finer grid; parts and pitches are still the model's."""
    begins = np.flatnonzero(heads(rows, v))
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
    rows: IntArray, onset: IntArray, old: LongArray, primer: Primer, v: Vocabulary, gone: BoolArray
) -> LongArray:
    """The notes that give way at the pitches of the new ones, the lowest at the lowest.

    Notes that the model reads as one, of two parts perhaps, stay in unison.
    """
    new: dict[tuple[int | None, int], list[int]] = {}
    at = heads(rows, v)
    for row, step in zip(rows[at].tolist(), onset[at].tolist(), strict=True):
        new.setdefault((row[Field.PART], step), []).append(row[Field.PITCH])
    steps = steps_of(primer.given, v.steps_per_quarter).tolist()
    goals = [primer.goals[part] for part in old[:, Column.PART].tolist()]
    drums = [part.is_drum for part in primer.given.parts]
    before: dict[tuple[int | None, int], set[int]] = {}
    for number in np.flatnonzero(gone).tolist():
        before.setdefault((goals[number], steps[number]), set()).add(old[number, Column.PITCH])
    found = old[gone]
    for row, number in zip(found, np.flatnonzero(gone).tolist(), strict=True):
        here = goals[number], steps[number]
        place = sorted(before[here]).index(row[Column.PITCH])
        shift = 0 if drums[row[Column.PART]] else primer.semitones
        row[Column.PITCH] = sorted(new[here])[place] - shift
    return found


def _at_given_pitches(new: LongArray, primer: Primer, v: Vocabulary, gone: BoolArray) -> LongArray:
    """New notes in the parts of those whose pitches they have, in unison where these were.

    Args:
        new: In order, in the model's parts.
        primer: The piece.
        v: Of the model.
        gone: Which of its notes give way, bool ``(notes,)``.
    """
    steps = steps_of(primer.given, v.steps_per_quarter)[gone].tolist()
    of_goal: dict[int | None, dict[tuple[int, int], list[int]]] = {}
    for (_, _, pitch, _, part), step in zip(primer.given.notes[gone].tolist(), steps, strict=True):
        places = of_goal.setdefault(primer.goals[part], {})
        places.setdefault((step, pitch), []).append(part)
    queues = {goal: [of[place] for place in sorted(of)] for goal, of in of_goal.items()}
    found = [
        [*row[: Column.PART], part]
        for row in new.tolist()
        for part in queues[row[Column.PART]].pop(0)
    ]
    return np.array(found, np.int64).reshape(-1, len(Column))


@dataclass
class _Home:
    """A given part that takes new notes.

    Attributes:
        part: Its number.
        middle: The median of its pitches.
        voices: How many of its notes sound at once at most.
        ends: When new notes end in it.
    """

    part: int
    middle: float
    voices: int
    ends: list[int]


def _dealt(new: LongArray, homes: Mapping[int, Sequence[int]], old: LongArray) -> LongArray:
    """New notes in the parts of the piece.

    Where several parts are read as one, the hands of a pianist or two flutes, a note goes to the
    one whose notes lie nearest, of those that have a voice free.
    """
    of_goal = {goal: [_home(part, old) for part in parts] for goal, parts in homes.items()}
    new = new[np.lexsort((-new[:, Column.PITCH], new[:, Column.ONSET]))]
    for row in new:
        there = of_goal[int(row[Column.PART])]
        onset, pitch = int(row[Column.ONSET]), int(row[Column.PITCH])
        for home in there:
            home.ends = [end for end in home.ends if end > onset]
        free = [home for home in there if len(home.ends) < home.voices] or there
        home = min(free, key=lambda home: abs(home.middle - pitch))
        home.ends.append(onset + int(row[Column.DURATION]))
        row[Column.PART] = home.part
    return new


def _home(part: int, old: LongArray) -> _Home:
    own = old[old[:, Column.PART] == part]
    middle = float(np.median(own[:, Column.PITCH])) if len(own) else 60.0
    onset = own[:, Column.ONSET]
    return _Home(part, middle, max(1, most_at_once(onset, onset + own[:, Column.DURATION])), [])


def _around(new: LongArray, old: LongArray) -> LongArray:
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
    step = round(begins * q / v.steps_per_quarter)
    place = score.meter_map.locate(step, q)
    line = step - int(place.position)
    notes = score.notes[new].copy()
    notes[:, Column.ONSET] -= line
    since = max(line, 0)  # a pickup's bar begins before the piece
    meters = [meter for meter in score.meter_map.meters if meter.step <= since][-1:]
    later = [replace(m, step=m.step - line) for m in score.meter_map.meters if m.step > since]
    tempos = [tempo for tempo in score.tempos if tempo.step <= since][-1:]
    alone = replace(
        score,
        notes=notes[notes[:, Column.ONSET] >= 0],
        meter_map=MeterMap((*(replace(meter, step=0) for meter in meters), *later)),
        tempos=(
            *(replace(tempo, step=0) for tempo in tempos),
            *(replace(t, step=t.step - line) for t in score.tempos if t.step > since),
        ),
    )
    encoded = read_as(alone, reading.goals, reading.semitones, v)
    return replace(reading, given=alone, encoded=encoded)
