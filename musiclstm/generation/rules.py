"""Soft rules: what the corpus never does, and where the piece must end.

They apply in sampling only; likelihoods know nothing of them. A part that is monophonic in the
corpus stays so, no part leaves its range or strikes more notes at once than it ever did, and with a
given length nothing begins or sounds after the last bar, nor does the piece end before it. Where a
rule leaves nothing that is legal, it gives way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Kind, Vocabulary
from musiclstm.model import DecoderState
from musiclstm.score import MeterMap

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int32]

OPEN_END = 2**30  # no last bar was asked for


def bar_line(meter_map: MeterMap, bar: int, steps_per_quarter: int) -> int:
    """The step at which a bar begins.

    Args:
        meter_map: Of the piece.
        bar: 0 is the first full bar.
        steps_per_quarter: The grid.

    >>> bar_line(MeterMap(), 2, 24)
    192
    """
    low, high = 0, 1
    while int(meter_map.locate(high, steps_per_quarter).bar) < bar:
        high *= 2
    while low < high:  # the first step whose bar is at least the one looked for
        middle = (low + high) // 2
        if int(meter_map.locate(middle, steps_per_quarter).bar) >= bar:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass
class SoftRules:
    """The soft rules of B streams.

    Attributes:
        vocabulary: Knows each part's habits.
        last_bar: Step at which the last bar begins, ``(B,)``; 0 where the length is open.
        end: Step at which it ends, ``(B,)``; :data:`OPEN_END` where the length is open.
        struck: Notes struck at the present onset by each part, ``(B, parts)``.
        tied: Whether the last row goes on in the next, ``(B,)`` bool.
    """

    vocabulary: Vocabulary
    last_bar: IntArray
    end: IntArray
    struck: IntArray
    tied: BoolArray

    @classmethod
    def start(
        cls, vocabulary: Vocabulary, meter_maps: Sequence[MeterMap], bars: Sequence[int | None]
    ) -> "SoftRules":
        """Rules for pieces of ``bars`` bars each (None: of open length)."""
        q = vocabulary.steps_per_quarter
        last, end = [], []
        for meter_map, length in zip(meter_maps, bars, strict=True):
            last.append(bar_line(meter_map, length - 1, q) if length else 0)
            end.append(bar_line(meter_map, length, q) if length else OPEN_END)
        struck = np.zeros((len(last), len(vocabulary.parts)), np.int32)
        tied = np.zeros(len(last), bool)
        return cls(vocabulary, np.array(last, np.int32), np.array(end, np.int32), struck, tied)

    def select(self, streams: npt.NDArray[np.intp]) -> "SoftRules":
        """The rules of these streams."""
        return SoftRules(
            self.vocabulary,
            self.last_bar[streams],
            self.end[streams],
            self.struck[streams],
            self.tied[streams],
        )

    def allowed(self, state: DecoderState, field: Field, event: IntArray) -> BoolArray:
        """Ids that the rules allow in a field, bool ``(B, size)``; all of them where none apply."""
        match field:
            case Field.SHIFT:
                return self._shifts(state)
            case Field.PART:
                return self._parts(state, event)
            case Field.PITCH:
                return self._pitches(state, event)
            case Field.DURATION:
                return self._durations(state, event)
            case _:
                return np.ones((len(event), self.vocabulary.size(field)), bool)

    def advance(self, event: IntArray) -> None:
        """Take note of the row that was chosen in each stream."""
        v = self.vocabulary
        shift = event[:, Field.SHIFT]
        self.struck[shift > 0] = 0
        notes = np.flatnonzero((shift <= v.max_shift) & ~self.tied)
        self.struck[notes, event[notes, Field.PART]] += 1
        self.tied = (shift <= v.max_shift) & (event[:, Field.DURATION] == v.tie)

    def _shifts(self, state: DecoderState) -> BoolArray:
        v, tracker = self.vocabulary, state.tracker
        now = tracker.now[:, None]
        steps = np.arange(v.max_shift + 1)[None, :]
        part_ends = tracker.ends.max(axis=2)  # (B, parts)
        available = np.where(self._monophonic[None, :], part_ends, 0)
        available = np.where(tracker.active, available, OPEN_END)
        allowed = np.ones((len(now), v.max_shift + 3), bool)
        allowed[:, : v.max_shift + 1] = (now + steps < self.end[:, None]) & (
            now + steps >= available.min(axis=1)[:, None]
        )
        allowed[:, 0] = self._more_now(state, part_ends)
        waited = state.before.kind == Kind.WAIT
        allowed[:, v.wait] = (tracker.now + v.max_shift < self.end) & ~waited
        sounded = part_ends.max(axis=1)
        allowed[:, v.end] = (sounded > self.last_bar) & (sounded > 0)
        over = ~allowed[:, : v.wait + 1].any(axis=1)
        allowed[over, v.end] = True
        return allowed

    def _more_now(self, state: DecoderState, part_ends: IntArray) -> BoolArray:
        """Whether any part may still strike at the present onset."""
        tracker, v = state.tracker, self.vocabulary
        begins = state.before.kind == Kind.START
        free = tracker.active & (~self._monophonic[None, :] | (part_ends <= tracker.now[:, None]))
        free &= self.struck < self._chord[None, :]
        ranks, part = v.ranks, state.before.part
        later = ranks[None, :] > ranks[part][:, None]
        above = (state.before.pitch < self._high[part])[:, None]  # room left in its own range
        same = (np.arange(len(ranks))[None, :] == part[:, None]) & above
        more: BoolArray = (free & (later | same | begins[:, None])).any(axis=1)
        return more

    def _parts(self, state: DecoderState, event: IntArray) -> BoolArray:
        tracker = state.tracker
        shift = event[:, Field.SHIFT]
        step = tracker.now + shift
        busy = tracker.ends.max(axis=2) > step[:, None]
        struck = np.where((shift == 0)[:, None], self.struck, 0)
        return ~(busy & self._monophonic[None, :]) & (struck < self._chord[None, :])

    def _pitches(self, state: DecoderState, event: IntArray) -> BoolArray:
        part = event[:, Field.PART]
        pitches = np.arange(128)[None, :]
        return (pitches >= self._low[part][:, None]) & (pitches <= self._high[part][:, None])

    def _durations(self, state: DecoderState, event: IntArray) -> BoolArray:
        v = self.vocabulary
        onset = state.tracker.now + event[:, Field.SHIFT]
        tied = state.before.kind == Kind.TIE
        onset = onset + np.where(tied, v.max_duration, 0)  # where the continuation begins
        lengths = np.append(np.arange(1, v.max_duration + 1), v.max_duration + 1)
        allowed: BoolArray = onset[:, None] + lengths[None, :] <= self.end[:, None]
        return allowed

    @property
    def _monophonic(self) -> BoolArray:
        return np.array([part.monophonic for part in self.vocabulary.parts])

    @property
    def _chord(self) -> IntArray:
        return np.array([part.chord for part in self.vocabulary.parts], np.int32)

    @property
    def _low(self) -> IntArray:
        return np.array([part.low for part in self.vocabulary.parts], np.int32)

    @property
    def _high(self) -> IntArray:
        return np.array([part.high for part in self.vocabulary.parts], np.int32)
