"""Soft rules: what the corpus never does, and where the piece must end.

They apply in sampling only; likelihoods know nothing of them. A part that is monophonic in the
corpus stays so, no part leaves its range or strikes more notes at once than it ever did, and with a
given length nothing begins or sounds after the last bar, nor does the piece end before it. Where a
rule leaves nothing that is legal, it gives way; but like the hard masks the rules look ahead, and
of their own doing come to no such place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Kind, Vocabulary
from musiclstm.encoding.stages import NEVER
from musiclstm.encoding.vocabulary import N_PITCHES
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


@dataclass(frozen=True)
class Habits:
    """What each part of a corpus does, index-aligned with the vocabulary's parts.

    Attributes:
        monophonic: Whether it plays one note at a time, bool ``(parts,)``.
        chord: Most notes that it strikes at once, int32 ``(parts,)``.
        in_range: Pitches from its lowest to its highest, bool ``(parts, 128)``.
    """

    monophonic: BoolArray
    chord: IntArray
    in_range: BoolArray

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Habits":
        """The habits of a vocabulary's parts."""
        parts = vocabulary.parts
        low = np.array([part.low for part in parts])[:, None]
        high = np.array([part.high for part in parts])[:, None]
        pitches = np.arange(N_PITCHES)[None, :]
        return cls(
            monophonic=np.array([part.monophonic for part in parts]),
            chord=np.array([part.chord for part in parts], np.int32),
            in_range=(low <= pitches) & (pitches <= high),
        )


@dataclass
class SoftRules:
    """The soft rules of B streams.

    Attributes:
        vocabulary: For the ids.
        habits: Of its parts.
        last_bar: Step at which the last bar begins, ``(B,)``; 0 where the length is open.
        end: Step at which it ends, ``(B,)``; :data:`OPEN_END` where the length is open.
        struck: Notes struck at the present onset by each part, ``(B, parts)``.
        tied: Whether the last row goes on in the next, ``(B,)`` bool.
    """

    vocabulary: Vocabulary
    habits: Habits
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
        return cls(
            vocabulary=vocabulary,
            habits=Habits.of(vocabulary),
            last_bar=np.array(last, np.int32),
            end=np.array(end, np.int32),
            struck=np.zeros((len(last), len(vocabulary.parts)), np.int32),
            tied=np.zeros(len(last), bool),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "SoftRules":
        """The rules of these streams."""
        return replace(
            self,
            last_bar=self.last_bar[streams],
            end=self.end[streams],
            struck=self.struck[streams],
            tied=self.tied[streams],
        )

    def allowed(self, state: DecoderState, field: Field, event: IntArray) -> BoolArray:
        """Ids that the rules allow in a field, bool ``(B, size)``; all of them where none apply."""
        match field:
            case Field.SHIFT:
                return self._shifts(state)
            case Field.PART:
                shift = event[:, Field.SHIFT]
                return self._parts(state, state.tracker.now + shift, shift == 0)
            case Field.PITCH:
                return self.habits.in_range[event[:, Field.PART]]
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

    def _opens(self, state: DecoderState) -> IntArray:
        """The step from which each part may strike again, int32 ``(B, parts)``.

        A monophonic part must be silent; another needs a pitch within its range that is.
        """
        ends, habits = state.tracker.ends, self.habits
        some = np.where(habits.in_range, ends, NEVER).min(axis=2)
        opens = np.where(habits.monophonic, ends.max(axis=2), some)
        strikes: IntArray = np.where(state.tracker.active, opens, NEVER)
        return strikes

    def _shifts(self, state: DecoderState) -> BoolArray:
        v, now = self.vocabulary, state.tracker.now
        soonest = self._opens(state).min(axis=1)
        steps = now[:, None] + np.arange(v.max_shift + 1)[None, :]
        allowed = np.ones((len(now), v.max_shift + 3), bool)
        allowed[:, : v.max_shift + 1] = (steps < self.end[:, None]) & (steps >= soonest[:, None])
        allowed[:, 0] = self._parts(state, now, np.ones(len(now), bool)).any(axis=1)
        # after a WAIT a note must come, and soon: silence of whole notes is no habit of any corpus
        reach = now + v.max_shift
        waited = state.before.kind == Kind.WAIT
        allowed[:, v.wait] = (
            (reach + 1 < self.end) & (soonest < self.end) & (~waited | (soonest > reach))
        )
        sounded = state.tracker.ends.max(axis=(1, 2))
        allowed[:, v.end] = (sounded > self.last_bar) & (sounded > 0)
        over = ~allowed[:, : v.wait + 1].any(axis=1)
        allowed[over, v.end] = True
        return allowed

    def _parts(self, state: DecoderState, step: IntArray, at_once: BoolArray) -> BoolArray:
        """Parts that may strike at a step; ``at_once`` where it is the last row's onset."""
        tracker, before, habits = state.tracker, state.before, self.habits
        streams, ranks = np.arange(len(step)), self.vocabulary.ranks
        later: BoolArray = ranks[None, :] > ranks[before.part][:, None]
        free = habits.in_range[before.part] & (tracker.ends[streams, before.part] <= step[:, None])
        above = np.arange(N_PITCHES)[None, :] > before.pitch[:, None]
        same = np.arange(len(ranks))[None, :] == before.part[:, None]
        ordered = later | (same & (free & above).max(axis=1)[:, None])
        ordered |= (before.kind == Kind.START)[:, None]
        ordered &= self.struck < habits.chord[None, :]
        allowed: BoolArray = (self._opens(state) <= step[:, None]) & (ordered | ~at_once[:, None])
        return allowed

    def _durations(self, state: DecoderState, event: IntArray) -> BoolArray:
        v, tracker = self.vocabulary, state.tracker
        streams = np.arange(len(event))
        tied = state.before.kind == Kind.TIE
        # a continuation begins where the note would have ended
        so_far = tracker.ends[streams, event[:, Field.PART], event[:, Field.PITCH]]
        begins = np.where(tied, so_far, tracker.now + event[:, Field.SHIFT])
        # a tie is at least a step longer than the longest duration
        lengths = np.arange(1, v.max_duration + 2)
        allowed: BoolArray = begins[:, None] + lengths[None, :] <= self.end[:, None]
        return allowed
