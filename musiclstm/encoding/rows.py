"""`Score` ⇄ event rows: one row a note, and exactly one table for each score.

What is canonical:

* rows stand in the order of ``(onset, rank of part in the row order, pitch)``;
* a gap of at most a whole note is the ``shift`` of the row after it; a longer gap is preceded by as
  many WAIT rows as leave 1 to ``4q`` steps for that shift;
* a note longer than ``8q`` steps has the duration TIE, and rows with the same part, pitch and
  velocity and shift 0 follow it at once until the rest fits (1 to ``8q``);
* the last row is END; WAIT and END rows have zeros in the fields after ``shift``.

So ``decode(encode(score))`` gives back notes and parts exactly (velocity up to its bin of four),
and the probability of a score is the product of its rows' probabilities, with nothing left over.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.conditions import Conditions, conditions_of
from musiclstm.encoding.fitting import fit_parts
from musiclstm.encoding.vocabulary import Field, Vocabulary
from musiclstm.errors import EncodingError
from musiclstm.score import Column, MeterMap, Part, Score, Tempo

EventArray = npt.NDArray[np.int32]

_VELOCITY_BIN = 4  # 128 velocities in 32 bins


@dataclass(frozen=True, eq=False)
class Encoded:
    """A piece as the model sees it.

    Attributes:
        events: int32 ``(rows, 5)``, ids in the order of :class:`Field`; the last row is END.
        conditions: What is known of the whole piece.
        part_map: For each of ``parts`` the id of its model part; no id twice.
        parts: The piece's own parts, as they will be written again.
        meter_map: Given, never predicted.
        merged: Names of parts that were merged into a neighbour, for the report.
        dropped: Names of parts that the vocabulary cannot play.
        source: Where the piece came from.
        n_notes: Number of notes: rows that are neither WAIT, END nor the continuation of a tie.
    """

    events: EventArray
    conditions: Conditions
    part_map: tuple[int, ...]
    parts: tuple[Part, ...]
    meter_map: MeterMap
    merged: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    source: str = ""
    n_notes: int = 0


def velocity_id(velocity: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The bin of MIDI velocities 1-127: 0-31."""
    return (np.asarray(velocity, np.int32) // _VELOCITY_BIN).astype(np.int32)


def velocity_of(ids: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The middle of a velocity bin: 2, 6, ... 126."""
    return (np.asarray(ids, np.int32) * _VELOCITY_BIN + _VELOCITY_BIN // 2).astype(np.int32)


def encode(score: Score, vocabulary: Vocabulary) -> Encoded:
    """Turn a score into event rows.

    Args:
        score: On the vocabulary's grid. Parts are fitted to the model's.
        vocabulary: What the ids mean.

    Raises:
        EncodingError: If the score is on another grid.
    """
    if score.steps_per_quarter != vocabulary.steps_per_quarter:
        raise EncodingError(
            f"{score.source or 'the score'} has {score.steps_per_quarter} steps a quarter, the "
            f"vocabulary {vocabulary.steps_per_quarter}; read it again with the latter"
        )
    fitted = fit_parts(score, vocabulary.parts)
    events, n_notes = _rows(fitted.score, fitted.part_map, vocabulary)
    return Encoded(
        events=events,
        conditions=conditions_of(fitted.score),
        part_map=fitted.part_map,
        parts=fitted.score.parts,
        meter_map=score.meter_map,
        merged=fitted.merged,
        dropped=fitted.dropped,
        source=score.source,
        n_notes=n_notes,
    )


def _rows(score: Score, part_map: tuple[int, ...], v: Vocabulary) -> tuple[EventArray, int]:
    notes = score.notes
    n = len(notes)
    if n == 0:
        return np.array([[v.end, 0, 0, 0, 0]], np.int32), 0
    part = np.asarray(part_map, np.int32)[notes[:, Column.PART]]
    order = np.lexsort((notes[:, Column.PITCH], v.ranks[part], notes[:, Column.ONSET]))
    notes, part = notes[order], part[order]
    gaps = np.diff(notes[:, Column.ONSET], prepend=0)
    waits = np.maximum(-(-gaps // v.max_shift) - 1, 0)
    ties = -(-notes[:, Column.DURATION] // v.max_duration) - 1
    # each note takes its waits, its own row and its continuations; END comes last
    heads = np.cumsum(waits + 1 + ties) - ties - 1
    total = int(heads[-1] + ties[-1]) + 2
    rows = np.zeros((total, len(Field)), np.int32)
    rows[:, Field.SHIFT] = v.wait
    rows[-1, Field.SHIFT] = v.end
    owner = np.repeat(np.arange(n), 1 + ties)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(1 + ties) - 1 - ties, 1 + ties)
    at = heads[owner] + nth
    last = nth == ties[owner]
    rows[at, Field.SHIFT] = np.where(nth == 0, (gaps - waits * v.max_shift)[owner], 0)
    rows[at, Field.PART] = part[owner]
    rows[at, Field.PITCH] = notes[owner, Column.PITCH]
    rest = notes[:, Column.DURATION] - ties * v.max_duration
    rows[at, Field.DURATION] = np.where(last, rest[owner] - 1, v.tie)
    rows[at, Field.VELOCITY] = velocity_id(notes[owner, Column.VELOCITY])
    return rows, n


def decode(encoded: Encoded, vocabulary: Vocabulary) -> Score:
    """Turn event rows into a score.

    The piece's parts and meters come back as they were; tempo, key and style from the conditions.

    Raises:
        EncodingError: If the rows are not the table of any score: the offending row is named.
    """
    v = vocabulary
    rows = _checked(encoded.events, v)
    shift = rows[:, Field.SHIFT]
    steps = v.steps_of(shift)
    onset = np.cumsum(steps)
    is_note = shift <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    continues = np.concatenate([[False], tied[:-1]])
    duration = np.where(tied, v.max_duration, rows[:, Field.DURATION] + 1) * is_note
    head = is_note & ~continues
    starts = np.flatnonzero(head)
    total = np.add.reduceat(duration, starts) if starts.size else np.zeros(0, np.int64)
    to_part = np.full(len(v.parts), -1)
    to_part[list(encoded.part_map)] = np.arange(len(encoded.part_map))
    part = to_part[rows[starts, Field.PART]]
    if (part < 0).any():
        row = int(starts[np.argmax(part < 0)])
        raise EncodingError(f"row {row} uses a part that this piece does not have")
    notes = np.stack(
        [
            onset[starts],
            total,
            rows[starts, Field.PITCH],
            velocity_of(rows[starts, Field.VELOCITY]),
            part,
        ],
        axis=1,
    )
    conditions = encoded.conditions
    score, _ = Score.build(
        notes,
        encoded.parts,
        steps_per_quarter=v.steps_per_quarter,
        tempos=(Tempo(0, conditions.tempo),) if conditions.tempo else (),
        meter_map=encoded.meter_map,
        key=conditions.key,
        style=conditions.style or "",
        source=encoded.source,
    )
    return score


def _checked(events: npt.ArrayLike, v: Vocabulary) -> EventArray:
    rows = np.asarray(events, np.int32)
    if rows.ndim != 2 or rows.shape[1] != len(Field) or not len(rows):
        raise EncodingError(f"event rows have shape (rows, 5), not {rows.shape}")
    for name in Field:
        bad = np.flatnonzero((rows[:, name] < 0) | (rows[:, name] >= v.size(name)))
        if bad.size:
            row = int(bad[0])
            raise EncodingError(f"row {row}: {name.name.lower()} id {rows[row, name]} is unknown")
    ends = np.flatnonzero(rows[:, Field.SHIFT] == v.end)
    if ends.tolist() != [len(rows) - 1]:
        raise EncodingError("event rows have exactly one END, and it is the last row")
    is_note = rows[:, Field.SHIFT] <= v.max_shift
    after_tie = np.flatnonzero(is_note & (rows[:, Field.DURATION] == v.tie)) + 1
    broken = ~is_note[after_tie] | (rows[after_tie, Field.SHIFT] != 0)
    for name in (Field.PART, Field.PITCH, Field.VELOCITY):
        broken |= rows[after_tie, name] != rows[after_tie - 1, name]
    if broken.any():
        raise EncodingError(f"row {int(after_tie[np.argmax(broken)])} does not go on with the tie")
    return rows
