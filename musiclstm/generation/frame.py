"""A frame: what is given of a piece, and where the rest may be.

Given are notes; of some of them perhaps the rhythm alone, so that their pitches are *open*. Where a
part is *free* it may begin notes of its own, at will or, where its pitches are given, with the next
of its *queue*. Everywhere else a part plays what is given and nothing more.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.encoding.vocabulary import N_PITCHES
from musiclstm.generation.pitch_queue import FAR, Queue

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

OPEN = -1  # as the pitch of a row: its rhythm is given, its pitch is not


@dataclass(frozen=True)
class Region:
    """A stretch of a part that is written anew.

    Attributes:
        part: Model part.
        start: First step.
        end: Step after the last.
        keep: What of the notes that stand there is kept: nothing, ``"rhythm"`` or ``"pitch"``.
        drift: With kept pitches, by how many steps each may come sooner or later than it did.
    """

    part: int
    start: int
    end: int
    keep: str = ""
    drift: int = 0


@dataclass(frozen=True)
class Frame:
    """What is given, and where the rest may be.

    Attributes:
        rows: Given rows in row order, without waits and END; the shift is of no meaning, and the
            pitch may be :data:`OPEN`. int32 ``(n, 5)``.
        onset: Their steps, ``(n,)``.
        above: How many open notes of the same part stand above each at the same onset, up to the
            next of given pitch, ``(n,)``.
        below: The pitch of that one; 128 for none, ``(n,)``.
        free: Whether a part may begin a note of its own at a step, bool ``(parts, steps)``; beyond
            the last step none may.
        until: The step by which a note that a part begins at a step must have ended, ``(parts,
            steps)``.
        queues: Of each part the pitches that it must take; None where it is free to choose.
        begins: The first step at which anything is open; before it all is given.
        ends: The step after the last of these.
    """

    rows: IntArray
    onset: IntArray
    above: IntArray
    below: IntArray
    free: BoolArray
    until: IntArray
    queues: tuple[Queue | None, ...]
    begins: int
    ends: int

    @classmethod
    def of(
        cls,
        piece: Encoded,
        regions: Sequence[Region],
        v: Vocabulary,
        alone: BoolArray | None = None,
        held: BoolArray | None = None,
        nats: FloatArray | None = None,
    ) -> "Frame":
        """The frame that a piece makes around some of its stretches.

        Args:
            piece: What is given; what it has in the regions goes, but for what is to be kept.
            regions: None of a part overlap.
            v: What the rows mean.
            alone: Which parts of those that play one note at a time do so here too, bool
                ``(parts,)``; by default all of them.
            held: Which of its rows that are notes are given even in a region, bool ``(rows,)``; by
                default none.
            nats: How much the pitch of each of these surprises the model, ``(rows,)``; by default
                nothing.
        """
        rows, onset = given_rows(piece, v)
        nats = np.zeros(len(rows), np.float32) if nats is None else nats
        held = np.zeros(len(rows), bool) if held is None else held
        gone, opened = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
        steps = max((region.end for region in regions), default=0)
        free = np.zeros((len(v.parts), steps), bool)
        until = np.zeros((len(v.parts), steps), np.int32)
        ends = ends_of(rows, onset, v)
        for region in sorted(regions, key=lambda region: region.start):
            part = region.part
            inside = (rows[:, Field.PART] == part) & (region.start <= onset) & (onset < region.end)
            inside &= ~held
            if region.keep == "rhythm":
                opened |= inside
                continue
            gone |= inside
            free[part, region.start : region.end] = True
            # a note may last as long as one that it replaces
            last = max(region.end, int(ends[inside].max(initial=0)))
            until[part, region.start : region.end] = last
        stays, begin = ~gone, gone & heads(rows, v)
        opened_rows = rows.copy()
        opened_rows[opened, Field.PITCH] = OPEN
        above, below = _room_above(opened_rows[stays], onset[stays], v)
        frame = cls(
            rows=opened_rows[stays],
            onset=onset[stays],
            above=above,
            below=below,
            free=free,
            until=until,
            queues=(),
            begins=min((region.start for region in regions), default=FAR),
            ends=steps,
        )
        keeping = [region for region in regions if region.keep == "pitch"]
        queues = frame._queues(keeping, rows[begin], onset[begin], nats[begin], len(v.parts))
        frame = replace(frame, queues=queues)
        monophonic = np.array([part.monophonic for part in v.parts])
        frame._give_way_to_the_given(monophonic if alone is None else monophonic & alone)
        return frame

    def _queues(
        self,
        regions: Sequence[Region],
        rows: IntArray,
        onset: IntArray,
        nats: FloatArray,
        parts: int,
    ) -> tuple[Queue | None, ...]:
        """Of each part the pitches that stood in some regions, of all notes that are gone."""
        queues: list[Queue | None] = [None] * parts
        for region in sorted(regions, key=lambda region: region.start):
            own = (rows[:, Field.PART] == region.part) & (onset >= region.start)
            own &= onset < region.end
            pitch, came = rows[own, Field.PITCH], onset[own]
            given = [
                self.next_strike(region.part, int(of), int(step))
                for of, step in zip(pitch, came, strict=True)
            ]
            within = (region.start, region.end, region.drift)
            queue = Queue.of(pitch, came, nats[own], within, np.array(given, np.int32))
            before = queues[region.part]
            queues[region.part] = queue if before is None else before.followed_by(queue)
        return tuple(queues)

    def _give_way_to_the_given(self, monophonic: BoolArray) -> None:
        """A part that plays one note at a time ends before the next that is given."""
        for part, alone in enumerate(monophonic.tolist()):
            if alone and self.free[part].any():
                own = np.unique(self.onset[self.rows[:, Field.PART] == part])
                following = np.append(own, FAR)[
                    np.searchsorted(own, np.arange(self.free.shape[1]), side="right")
                ]
                np.minimum(self.until[part], following, out=self.until[part])
                self.free[part] &= ~np.isin(np.arange(self.free.shape[1]), own)

    @cached_property
    def last_free(self) -> IntArray:
        """The last step at which each part may begin a note, -1 for none, ``(parts,)``."""
        steps = np.arange(1, self.free.shape[1] + 1, dtype=np.int32)
        found: IntArray = (self.free * steps).max(axis=1, initial=0) - 1
        return found

    @cached_property
    def queued(self) -> BoolArray:
        """Which pitches each part must take, bool ``(parts, 128)``."""
        found = np.zeros((len(self.queues), N_PITCHES), bool)
        for part, queue in enumerate(self.queues):
            if queue is not None:
                found[part, queue.pitch] = True
        return found

    @cached_property
    def strikes(self) -> dict[int, dict[int, list[int]]]:
        """Of each part, and of each of its pitches, the steps at which it is given, ascending."""
        found: dict[int, dict[int, list[int]]] = {}
        for (_, part, pitch, *_), step in zip(self.rows.tolist(), self.onset.tolist(), strict=True):
            if pitch != OPEN:
                found.setdefault(part, {}).setdefault(pitch, []).append(step)
        return found

    def next_strike(self, part: int, pitch: int, step: int) -> int:
        """The first step after ``step`` at which a pitch is given to a part, or :data:`FAR`."""
        steps = self.strikes.get(part, {}).get(pitch, [])
        following = bisect_right(steps, step)
        return steps[following] if following < len(steps) else FAR

    def room(self, part: int, step: int, lasts: int) -> BoolArray | None:
        """Pitches that are not given to a part from a step on for some steps, bool ``(128,)``.

        None stands for all: the part is given nothing.
        """
        own = self.strikes.get(part)
        if own is None:
            return None
        found = self._rooms.get((part, step, lasts))
        if found is None:
            found = self._rooms[part, step, lasts] = np.ones(N_PITCHES, bool)
            for pitch in own:
                found[pitch] = self.next_strike(part, pitch, step - 1) >= step + lasts
        return found

    @cached_property
    def _rooms(self) -> dict[tuple[int, int, int], BoolArray]:
        """What :meth:`room` has found."""
        return {}

    def marks(self, barlines: Sequence[int]) -> list[int]:
        """The steps at which ways to go on are compared: all have come as far as there.

        These are the onsets of what is given, and the barlines before which nothing is given.

        Args:
            barlines: Steps, ascending.
        """
        given = np.unique(self.onset[self.onset >= self.begins]).tolist()
        lines = [line for line in barlines if self.begins < line <= self.ends]
        since = [self.begins, *lines]
        empty = [
            line
            for before, line in zip(since, lines, strict=False)
            if not any(before <= step <= line for step in given)
        ]
        return sorted({*given, *empty})


def given_rows(piece: Encoded, v: Vocabulary) -> tuple[IntArray, IntArray]:
    """The rows of a piece that are notes, int32 ``(n, 5)``, and their steps, ``(n,)``."""
    shift = piece.events[:, Field.SHIFT]
    onset = np.cumsum(v.steps_of(shift)).astype(np.int32)
    notes = shift <= v.max_shift
    return piece.events[notes].copy(), onset[notes]


def ends_of(rows: IntArray, onset: IntArray, v: Vocabulary) -> IntArray:
    """The step at which each row falls silent; a continuation begins where its note would end."""
    lasts = np.minimum(rows[:, Field.DURATION] + 1, v.max_duration)
    continues = ~heads(rows, v)
    ends = onset + lasts
    for row in np.flatnonzero(continues).tolist():
        ends[row] = ends[row - 1] + lasts[row]
    found: IntArray = ends.astype(np.int32)
    return found


def most_at_once(onset: npt.NDArray[np.integer], ends: npt.NDArray[np.integer]) -> int:
    """How many of some notes sound together at most; 0 where there are none.

    Args:
        onset: When they begin, ``(n,)``.
        ends: When they fall silent.
    """
    edges = np.concatenate([onset, ends])
    steps = np.repeat([1, -1], len(onset))
    order = np.lexsort((steps, edges))  # what ends makes room for what begins
    return int(np.cumsum(steps[order]).max(initial=0))


def heads(rows: IntArray, v: Vocabulary) -> BoolArray:
    """Which rows begin a note."""
    tied = rows[:, Field.DURATION] == v.tie
    return ~np.concatenate([[False], tied[:-1]])[: len(rows)]


def _room_above(rows: IntArray, onset: IntArray, v: Vocabulary) -> tuple[IntArray, IntArray]:
    """Of each row the open notes above it, up to the next given pitch; and that pitch, or 128."""
    begins = heads(rows, v)
    above, below = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.int32)
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(rows) - 1, -1, -1):
        place, pitch = (int(onset[row]), int(rows[row, Field.PART])), int(rows[row, Field.PITCH])
        above[row], below[row] = seen.get(place, (0, N_PITCHES))
        if pitch != OPEN:
            seen[place] = 0, pitch
        elif begins[row]:
            seen[place] = int(above[row]) + 1, int(below[row])
    return above, below
