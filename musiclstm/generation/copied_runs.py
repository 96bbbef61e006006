"""What the copy check compares: the runs of a piece, hashed, of its whole texture and of each part.

Notes stand in a line; each says its shift, part, duration and the interval from the pitched note
before it (a drum its key), so that transposition changes nothing. Runs of :data:`RUN` such steps
from note to note are hashed. There are two kinds of line. The texture has all notes in row order. A
part has its own notes only, and they are hashed as if they were of a part that no model has: which
part it was does not matter, and no hash of a part is one of a texture. In a piece of one part the
line is the same, and stands as the texture alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary

RUN = 8  # steps from note to note, thus nine notes; shorter runs are the common stock of any style
SEVERAL = -1  # instead of the part of a piece that has one alone
COLUMNS: Mapping[str, type[np.integer[Any]]] = {
    "hashes": np.uint64,
    "piece": np.int32,
    "place": np.int32,
    "bar": np.int16,
}
# An odd multiplier with well mixed bits (the golden ratio in 64 bits, as Knuth suggests).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_PARTS = 64  # ids of parts in a hash; models have at most 16
_ANY_PART, _ANY_DRUMS = _PARTS - 1, _PARTS - 2

IntArray = npt.NDArray[np.int64]


class Line(NamedTuple):
    """Notes one after the other, int64 ``(n,)`` each.

    Attributes:
        onset: In steps.
        part: Ids of the vocabulary.
        pitch: MIDI.
        duration: Ids of the vocabulary.
    """

    onset: IntArray
    part: IntArray
    pitch: IntArray
    duration: IntArray

    def chosen(self, which: slice | IntArray) -> "Line":
        """Some of the notes, in the order in which they are named."""
        return Line(*(values[which] for values in self))


def texture_of(encoded: Encoded, vocabulary: Vocabulary) -> Line:
    """All notes of a piece in row order."""
    v, rows = vocabulary, encoded.events
    shift = rows[:, Field.SHIFT]
    onset = np.cumsum(v.steps_of(shift), dtype=np.int64)  # waits are part of the gap
    is_note = shift <= v.max_shift
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    notes = np.flatnonzero(is_note & ~np.concatenate([[False], tied[:-1]]))  # no continuations
    part, pitch, duration = (
        rows[notes, name].astype(np.int64) for name in (Field.PART, Field.PITCH, Field.DURATION)
    )
    return Line(onset[notes], part, pitch, duration)


def part_by_part(texture: Line) -> Line:
    """The notes of the first part, then those of the next; within a part the order stays."""
    return texture.chosen(np.argsort(texture.part, kind="stable"))


def only_part(texture: Line) -> int:
    """The part that all notes are of, or :data:`SEVERAL` (none, where there is no note)."""
    part = texture.part
    return int(part[0]) if len(part) and (part == part[0]).all() else SEVERAL


def run_hashes(
    line: Line, vocabulary: Vocabulary, heard_as: npt.ArrayLike | None = None, run: int = RUN
) -> npt.NDArray[np.uint64]:
    """Hashes of all runs of a line, also of those that pass from part to part.

    Args:
        line: Of n notes.
        vocabulary: Says which parts are drums.
        heard_as: Ids of parts, 0-63, to hash instead of the notes' own: ``(n,)`` or one for all.
        run: Steps from note to note in a run, >= 1.

    Returns:
        uint64 ``(n - run,)``, or none.
    """
    n = len(line.onset)
    if n <= run:
        return np.zeros(0, np.uint64)
    drum = vocabulary.drum_parts[line.part]
    part = np.broadcast_to(line.part if heard_as is None else np.asarray(heard_as), n)
    pitched = np.maximum.accumulate(np.where(drum, -1, np.arange(n)))[:-1]
    before = np.where(pitched < 0, line.pitch[1:], line.pitch[pitched])
    interval = line.pitch[1:] - np.where(drum[1:], 0, before)
    code = ((np.diff(line.onset) * _PARTS + part[1:]) * 512 + interval + 256) * 16384
    code += line.duration[1:]
    with np.errstate(over="ignore"):
        mixed = code.astype(np.uint64) * _MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
        hashes = np.zeros(n - run, np.uint64)
        for offset in range(run):
            hashes = hashes * _MULTIPLIER + mixed[offset : offset + len(hashes)]
    return hashes


def any_part(vocabulary: Vocabulary) -> IntArray:
    """For each part the id under which parts are hashed; drums are mistaken for nothing else."""
    return np.where(vocabulary.drum_parts, _ANY_DRUMS, _ANY_PART).astype(np.int64)


class PieceRuns(NamedTuple):
    """All runs of a piece that are kept.

    Attributes:
        hashes: uint64 ``(k,)``.
        place: int64 ``(k,)``: neighbours in one line have neighbouring places, and between two
            lines places are left out. First the texture, from 0, then part after part.
        onset: int64 ``(k,)``: where each begins, in steps.
        alone: See :func:`only_part`.
    """

    hashes: npt.NDArray[np.uint64]
    place: IntArray
    onset: IntArray
    alone: int


def runs_of(encoded: Encoded, vocabulary: Vocabulary) -> PieceRuns:
    """All runs of a piece: of its texture, and, where it has several parts, of each."""
    texture = texture_of(encoded, vocabulary)
    hashes = run_hashes(texture, vocabulary)
    begins, alone = texture.onset[: len(hashes)], only_part(texture)
    if alone != SEVERAL:
        return PieceRuns(hashes, np.arange(len(hashes)), begins, alone)
    parts = part_by_part(texture)
    of_parts = run_hashes(parts, vocabulary, any_part(vocabulary)[parts.part])
    within = np.flatnonzero(parts.part[: len(of_parts)] == parts.part[RUN:])
    return PieceRuns(
        np.concatenate([hashes, of_parts[within]]),
        np.concatenate([np.arange(len(hashes)), len(texture.onset) + within]),
        np.concatenate([begins, parts.onset[within]]),
        alone,
    )


def count_runs(encoded: Encoded, vocabulary: Vocabulary) -> int:
    """How many :func:`runs_of` a piece there are."""
    texture = texture_of(encoded, vocabulary)
    lengths = [len(texture.onset)]
    if only_part(texture) == SEVERAL:
        lengths += np.bincount(texture.part).tolist()
    return sum(max(0, length - RUN) for length in lengths)


def novelty_arrays(
    pieces: Sequence[Encoded], vocabulary: Vocabulary, share: int = 0, shares: int = 1
) -> dict[str, npt.NDArray[Any]]:
    """What the copy check needs of a training set, for ``novelty.npz``.

    Args:
        pieces: What is learned from.
        vocabulary: Of their rows.
        share: Of the range of hashes, which part: 0 to ``shares - 1``. Hashes are spread evenly, so
            parts of the range are parts of the set, and end to end they are the whole, in order.
        shares: Into how many parts the range is divided, 1-2**31.

    Returns:
        ``hashes``, ``piece``, ``place`` and ``bar`` of each run, sorted by hash, then by piece and
        place; and of all pieces ``sources`` and ``alone``, int8: its part where a piece has only
        one, else -1.
    """
    found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in COLUMNS}
    alone = []
    for number, piece in enumerate(pieces):
        runs = runs_of(piece, vocabulary)
        alone.append(runs.alone)
        # the upper halves of the hashes, scaled to the number of shares
        here = np.flatnonzero(((runs.hashes >> _HALF) * np.uint64(shares)) >> _HALF == share)
        bars = piece.meter_map.locate(runs.onset[here], vocabulary.steps_per_quarter).bar
        found["hashes"].append(runs.hashes[here])
        found["piece"].append(np.full(len(here), number, np.int32))
        found["place"].append(runs.place[here].astype(np.int32))
        found["bar"].append(np.clip(bars, -1, 2**15 - 1).astype(np.int16))
    joined = {
        name: np.concatenate([np.zeros(0, kind), *found.pop(name)])
        for name, kind in COLUMNS.items()
    }
    order = np.argsort(joined["hashes"], kind="stable")
    return {
        **{name: values[order] for name, values in joined.items()},
        "sources": np.array([piece.source for piece in pieces], dtype=np.str_),
        "alone": np.array(alone, np.int8),
    }
