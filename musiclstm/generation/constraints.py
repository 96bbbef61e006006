"""Masks that keep what is given, field by field, wherever it sorts within an onset.

No shift goes past the next given onset; at that onset no part comes after the given row in row
order, and in its part no pitch beyond it; once part and pitch are the given ones, the rest of the
row is given too. A part that is not free plays given rows alone. Of a part whose pitches are given
each is *due* by some step: no shift goes past it, and no note lasts so long that it could not be
struck. Like the hard masks these look ahead, so that the given rows can always be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Kind, Vocabulary
from musiclstm.encoding.stages import ABOVE
from musiclstm.encoding.vocabulary import N_PITCHES
from musiclstm.generation.frame import OPEN, Frame
from musiclstm.generation.pitch_queue import FAR
from musiclstm.generation.rules import SoftRules
from musiclstm.model import DecoderState

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

PITCHES = np.arange(N_PITCHES)
_PACE, _MOST_LEAN = 0.7, 3.0  # powers of a length, for each note behind, and at most


@dataclass
class Constraints:
    """What N streams must do next so that a frame is kept.

    Attributes:
        frame: Of all streams.
        vocabulary: For the ids.
        next: Number of the next given row, ``(N,)``; as many as there are: none is left.
        taken: How many pitches of its queue each part has taken, ``(N, parts)``.
        met: Whether the row that is being chosen is the given one, ``(N,)`` bool.
    """

    frame: Frame
    vocabulary: Vocabulary
    next: npt.NDArray[np.intp]
    taken: IntArray
    met: BoolArray

    @classmethod
    def start(cls, frame: Frame, streams: int, vocabulary: Vocabulary) -> "Constraints":
        """Before the first given row at which anything is open."""
        first = int(np.searchsorted(frame.onset, frame.begins))
        return cls(
            frame=frame,
            vocabulary=vocabulary,
            next=np.full(streams, first, np.intp),
            taken=np.zeros((streams, len(vocabulary.parts)), np.int32),
            met=np.zeros(streams, bool),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "Constraints":
        """Of these streams."""
        return replace(
            self, next=self.next[streams], taken=self.taken[streams], met=self.met[streams]
        )

    @classmethod
    def joined(cls, constraints: Sequence["Constraints"]) -> "Constraints":
        """Of all streams, one after the other; of one frame."""
        return replace(
            constraints[0],
            next=np.concatenate([of.next for of in constraints]),
            taken=np.concatenate([of.taken for of in constraints]),
            met=np.concatenate([of.met for of in constraints]),
        )

    def allowed(
        self, field: Field, state: DecoderState, rules: SoftRules, event: IntArray
    ) -> BoolArray | None:
        """Ids with which the frame is kept, bool ``(N, size)``; None where any keeps it.

        Args:
            field: Asked for in field order.
            state: Of the streams.
            rules: Of the streams, for what they can do at an onset.
            event: int32 ``(N, 5)``; the columns before ``field`` hold what was chosen.
        """
        if field == Field.SHIFT:
            return self._shifts(state, rules)
        if field == Field.PART:
            return self._parts(state, rules, event[:, Field.SHIFT])
        if field == Field.PITCH:
            return self._pitches(state, event)
        if field == Field.DURATION:
            return self._durations(state, rules, event)
        return self._given(Field.VELOCITY, 32) if self.met.any() else None

    def advance(self, state: DecoderState, event: IntArray) -> None:
        """Take note of the row that was chosen in each stream.

        Args:
            state: Before the row.
            event: The row, int32 ``(N, 5)``.
        """
        own = self._own(state, event)
        self.next += self.met
        self.met = np.zeros_like(self.met)
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:
                self.taken[:, part] += own & (event[:, Field.PART] == part)

    def _own(self, state: DecoderState, event: IntArray) -> BoolArray:
        """Which rows begin a note that is not given, ``(N,)``."""
        has_note = event[:, Field.SHIFT] <= self.vocabulary.max_shift
        own: BoolArray = has_note & ~self.met & (state.before.kind != Kind.TIE)
        return own

    def tilt(self, field: Field, state: DecoderState, event: IntArray) -> FloatArray | None:
        """What is added to the log-probabilities of durations, ``(N, size)``; None: nothing.

        A part whose pitches are given keeps pace with the piece that they come from: where it is
        behind shorter notes are likelier, where it is ahead longer ones.
        """
        if field != Field.DURATION or not any(self.frame.queues):
            return None
        v = self.vocabulary
        step = state.tracker.now + v.steps_of(event[:, Field.SHIFT])
        lean = np.zeros(len(step), np.float32)
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:
                own = event[:, Field.PART] == part
                behind = queue.behind(self.taken[:, part] + 1, step)
                lean[own] = np.clip(_PACE * behind[own], -_MOST_LEAN, _MOST_LEAN)
        return -lean[:, None] * np.log(np.arange(1, v.max_duration + 2, dtype=np.float32))

    def credit(self, state: DecoderState, event: IntArray) -> FloatArray:
        """What particles get back of the nats of pitches that they take from queues, ``(N,)``."""
        found, own = np.zeros(len(event), np.float32), self._own(state, event)
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:
                nats = np.append(queue.nats, np.float32(0))[self.taken[:, part]]
                found += nats * (own & (event[:, Field.PART] == part))
        return found

    def passed(self, mark: int, state: DecoderState) -> BoolArray:
        """Which streams have come as far as a step, with all that is given there, ``(N,)``."""
        here = int(np.searchsorted(self.frame.onset, mark, side="right"))
        there = self.next >= here
        if here and self.frame.onset[here - 1] == mark:
            return there
        return there & (state.tracker.now >= mark)

    # --- what comes next --------------------------------------------------------------------

    def _due(self) -> tuple[IntArray, IntArray]:
        """Of each stream the next given row and its step; :data:`FAR` where none is left."""
        frame = self.frame
        if not len(frame.rows):
            return np.zeros((len(self.next), 5), np.int32), np.full(len(self.next), FAR, np.int32)
        last = np.minimum(self.next, len(frame.rows) - 1)
        onset = np.where(self.next < len(frame.rows), frame.onset[last], FAR)
        return frame.rows[last], onset.astype(np.int32)

    def _can(self, opens: IntArray, state: DecoderState, steps: IntArray) -> BoolArray:
        """Which parts may begin notes of their own, ``(N, parts, S)``.

        Args:
            opens: From which step each may strike again, ``(N, parts)``.
            state: Of the streams.
            steps: Of each stream some, ``(N, S)``.
        """
        free = self.frame.free
        width = free.shape[1]
        if not width:
            return np.zeros((*opens.shape, steps.shape[1]), bool)
        inside = free[:, np.minimum(steps, width - 1)].transpose(1, 0, 2)
        can: BoolArray = inside & (steps < width)[:, None] & (opens[:, :, None] <= steps[:, None])
        ends = state.tracker.ends
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:
                silent = np.take_along_axis(ends[:, part], self._queued(part)[:, None], axis=1)
                since = np.append(queue.since, FAR)[self.taken[:, part]]
                can[:, part] &= np.maximum(silent, since[:, None]) <= steps
        return can

    def _queued(self, part: int) -> npt.NDArray[np.intp]:
        """The pitch that a part must take next, ``(N,)``; 0 where none is left."""
        queue = self.frame.queues[part]
        assert queue is not None  # noqa: S101 - asked of parts that have one
        found: npt.NDArray[np.intp] = np.append(queue.pitch, 0).astype(np.intp)[self.taken[:, part]]
        return found

    def _latest(self) -> IntArray:
        """The step by which each part must have taken its next pitch, ``(N, parts)``."""
        found = np.full(self.taken.shape, FAR, np.int32)
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:
                found[:, part] = np.append(queue.latest, FAR)[self.taken[:, part]]
        return found

    def _shifts(self, state: DecoderState, rules: SoftRules) -> BoolArray:
        v, now = self.vocabulary, state.tracker.now
        _, due = self._due()
        shifts = np.arange(v.max_shift + 1, dtype=np.int32)
        steps = now[:, None] + shifts
        opens = rules.opens(state)
        allowed = np.zeros((len(now), v.max_shift + 3), bool)
        allowed[:, : v.max_shift + 1] = np.logical_or.reduce(self._can(opens, state, steps), axis=1)
        allowed[:, 0] = np.logical_or.reduce(self._at_once(state, rules, now, opens), axis=1)
        allowed[:, : v.max_shift + 1] &= steps < due[:, None]
        reachable = np.flatnonzero(due - now <= v.max_shift)
        allowed[reachable, (due - now)[reachable]] = True
        latest = self._latest()
        next_latest = latest.min(axis=1, initial=FAR)
        allowed[:, : v.max_shift + 1] &= steps <= next_latest[:, None]
        beyond = np.maximum(opens, (now + v.max_shift + 1)[:, None])
        later = self.frame.last_free >= beyond
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:  # with its last pitch its part is at its end
                later[:, part] &= latest[:, part] < FAR
        nearest = np.minimum(due, next_latest)
        allowed[:, v.wait] = (nearest > now + v.max_shift) & ((nearest < FAR) | later.any(axis=1))
        allowed[:, v.end] = nearest == FAR
        allowed[state.before.kind == Kind.TIE] = True  # a note goes on: there is no choice
        return allowed

    def _at_once(
        self, state: DecoderState, rules: SoftRules, step: IntArray, opens: IntArray
    ) -> BoolArray:
        """Parts that may strike one more note of their own at the last row's onset, (N, parts)."""
        can = self._can(opens, state, step[:, None])[:, :, 0] & rules.at_once(state, step, opens)
        before = state.before
        for part, queue in enumerate(self.frame.queues):
            if queue is not None:  # of a chord the next must be above the last
                same = (before.part == part) & (before.kind == Kind.NOTE)
                can[:, part] &= ~same | (self._queued(part) > before.pitch)
        row, due = self._due()
        ranks = self.vocabulary.ranks
        sooner = ranks <= ranks[row[:, Field.PART]][:, None]
        return can & (sooner | (due > step)[:, None]) & self._before_the_due(step)

    def _before_the_due(self, step: IntArray) -> BoolArray:
        """Parts that leave room for those whose next pitch must come at a step, ``(N, parts)``."""
        ranks = self.vocabulary.ranks
        due = np.where(self._latest() <= step[:, None], ranks, FAR)
        found: BoolArray = ranks <= due.min(axis=1, initial=FAR)[:, None]
        return found

    def _parts(self, state: DecoderState, rules: SoftRules, shift: IntArray) -> BoolArray:
        v = self.vocabulary
        step = state.tracker.now + v.steps_of(shift)
        row, due = self._due()
        opens = rules.opens(state)
        at_once = self._at_once(state, rules, step, opens)
        allowed = self._can(opens, state, step[:, None])[:, :, 0]
        allowed = np.where((shift == 0)[:, None], at_once, allowed)
        here = due == step
        sooner = v.ranks < v.ranks[row[:, Field.PART]][:, None]
        own = np.arange(len(v.parts)) == row[:, Field.PART][:, None]
        allowed &= sooner | own | ~here[:, None]
        allowed |= own & here[:, None]
        allowed &= self._before_the_due(step)
        allowed[state.before.kind == Kind.TIE] = True
        return allowed

    def _pitches(self, state: DecoderState, event: IntArray) -> BoolArray:
        v, part = self.vocabulary, event[:, Field.PART]
        step = state.tracker.now + v.steps_of(event[:, Field.SHIFT])
        row, due = self._due()
        tied = state.before.kind == Kind.TIE
        here = (due == step) & (part == row[:, Field.PART])
        allowed = np.ones((len(part), N_PITCHES), bool)
        for stream in np.flatnonzero(here & ~tied).tolist():
            allowed[stream] = self._given_pitches(stream, row[stream], step[stream], state)
        own = ~here & ~tied
        for number, queue in enumerate(self.frame.queues):
            at = np.flatnonzero(own & (part == number))
            if queue is not None and at.size:
                allowed[at] = False
                allowed[at, self._queued(number)[at]] = True
        # a pitch that is given to the part at this very step is not taken before it
        for stream in np.flatnonzero(own & (event[:, Field.SHIFT] <= v.max_shift)).tolist():
            room = self.frame.room(int(part[stream]), int(step[stream]), 1)
            if room is not None:
                allowed[stream] &= room
        return allowed

    def _given_pitches(
        self, stream: int, row: IntArray, step: np.int32, state: DecoderState
    ) -> BoolArray:
        """The given pitch; of an open one all that leave room; beyond neither."""
        frame, part, pitch = self.frame, int(row[Field.PART]), int(row[Field.PITCH])
        is_free = bool(step < frame.free.shape[1] and frame.free[part, step])
        if pitch != OPEN:
            allowed = np.zeros(N_PITCHES, bool)
            allowed[pitch] = True
            below = ABOVE[:, pitch] if is_free else np.zeros(N_PITCHES, bool)
            queue = self.frame.queues[part]
            if queue is None:
                return allowed | below
            at, queued = int(self.taken[stream, part]), int(self._queued(part)[stream])
            if below[queued] and at < len(queue.pitch) and queue.since[at] <= step:
                allowed[queued] = state.tracker.ends[stream, part, queued] <= step
                allowed[pitch] = queue.latest[at] > step or not allowed[queued]
            return allowed
        number = int(self.next[stream])
        silent = state.tracker.ends[stream, part] <= step
        lasts = self._length_of(number)
        room = frame.room(part, int(step), lasts)
        fits = silent if room is None else silent & room
        before = state.before
        if before.part[stream] == part and step == state.tracker.now[stream]:
            fits &= ABOVE[int(before.pitch[stream])] | (before.kind[stream] != Kind.NOTE)
        fits = fits & (frame.below[number] > PITCHES)
        above = int(frame.above[number])
        if above:  # the chord goes on upwards
            left = np.cumsum(fits[::-1])[::-1] - fits
            fits = fits & (left >= above) if (fits & (left >= above)).any() else fits
        found: BoolArray = fits if fits.any() else silent
        return found

    def _length_of(self, number: int) -> int:
        """How long a given note lasts, with its continuations."""
        v, rows = self.vocabulary, self.frame.rows
        total = 0
        while number < len(rows):
            duration = int(rows[number, Field.DURATION])
            total += min(duration + 1, v.max_duration)
            if duration != v.tie:
                break
            number += 1
        return total

    def _durations(self, state: DecoderState, rules: SoftRules, event: IntArray) -> BoolArray:
        v, part, pitch = self.vocabulary, event[:, Field.PART], event[:, Field.PITCH]
        now = state.tracker.now
        step = now + v.steps_of(event[:, Field.SHIFT])
        row, due = self._due()
        tied = state.before.kind == Kind.TIE
        given = (due == step) & (part == row[:, Field.PART])
        given &= (row[:, Field.PITCH] == pitch) | (row[:, Field.PITCH] == OPEN)
        # the continuation of a given note is a given row, and that of a free one is none
        self.met = given & self._given_goes_on(tied)
        allowed = self._given(Field.DURATION, v.max_duration + 1)
        for stream in np.flatnonzero(~self.met & (event[:, Field.SHIFT] <= v.max_shift)).tolist():
            own, at = int(part[stream]), int(step[stream])
            width = self.frame.until.shape[1]
            last = int(self.frame.until[own, at]) if at < width else FAR
            last = min(last, self.frame.next_strike(own, int(pitch[stream]), at))
            last = min(last, self._struck_again(stream, own, tied, rules))
            begins = max(int(state.tracker.ends[stream, own, pitch[stream]]), at)
            allowed[stream] = np.arange(v.max_duration + 1) < last - begins
        return allowed

    def _struck_again(self, stream: int, part: int, tied: BoolArray, rules: SoftRules) -> int:
        """By when the part of a note of its own must be free for the next pitch of its queue."""
        queue = self.frame.queues[part]
        at = int(self.taken[stream, part]) - bool(tied[stream])
        if queue is None or not 0 <= at < len(queue.pitch):
            return FAR
        if rules.abilities.monophonic[part]:
            return int(queue.latest[at + 1]) if at + 1 < len(queue.latest) else FAR
        return int(queue.again[at])

    def _given_goes_on(self, tied: BoolArray) -> BoolArray:
        """Where a note goes on, whether it is a given one, ``(N,)``; True where none does."""
        if not tied.any() or not len(self.frame.rows):
            return ~tied
        last = np.maximum(self.next - 1, 0)
        is_tie = self.frame.rows[last, Field.DURATION] == self.vocabulary.tie
        goes_on: BoolArray = ~tied | ((self.next > 0) & is_tie)
        return goes_on

    def _given(self, field: Field, size: int) -> BoolArray:
        """What is given of a field where the row is; elsewhere anything."""
        row, _ = self._due()
        given: BoolArray = (np.arange(size) == row[:, field][:, None]) | ~self.met[:, None]
        return given
