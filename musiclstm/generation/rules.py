"""Soft rules: what the corpus never does, and where the piece must end.

They apply in sampling only; likelihoods know nothing of them. A part that is monophonic in the
corpus stays so, no part leaves its range or strikes more notes at once than it ever did, and with a
given length nothing begins or sounds after the last bar, nor does the piece end before it. A piece
in a key begins with its tonic triad. Where a rule leaves nothing that is legal, it gives way; but
like the hard masks the rules look ahead, and of their own doing come to no such place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Kind, Vocabulary
from musiclstm.encoding.stages import ABOVE, ITSELF, NEVER
from musiclstm.encoding.vocabulary import N_PITCHES
from musiclstm.model import DecoderState
from musiclstm.score import Key, MeterMap

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int32]

OPEN_END = 2**30  # no last bar was asked for
_OF_STREAMS = ("last_bar", "end", "first", "struck", "tied", "opening", "onsets")  # of SoftRules


def bar_line(meter_map: MeterMap, bar: int, steps_per_quarter: int) -> int:
    """The step at which a bar begins.

    Args:
        meter_map: Of the piece.
        bar: 0 is the first full bar.
        steps_per_quarter: The grid.

    >>> bar_line(MeterMap(), 2, 24)
    192
    """
    stretches = meter_map.stretches(steps_per_quarter)
    which = int(np.searchsorted(stretches.bar, bar, side="right")) - 1
    bars = bar - int(stretches.bar[which])
    return int(stretches.start[which]) + bars * int(stretches.bar_steps[which])


def _opening(key: Key | None) -> BoolArray:
    """The pitches of the tonic triad, bool ``(128,)``; all of them where there is no key."""
    if key is None:
        return np.ones(N_PITCHES, bool)
    triad = (0, 3, 7) if key.mode == "minor" else (0, 4, 7)
    return np.isin((np.arange(N_PITCHES) - key.tonic) % 12, triad)


@dataclass(frozen=True)
class Abilities:
    """What each part can do, index-aligned with the vocabulary's parts.

    Attributes:
        monophonic: Whether it plays one note at a time, bool ``(parts,)``.
        chord: Most notes that it strikes at once, int32 ``(parts,)``.
        in_range: Pitches within its range, bool ``(parts, 128)``.
        shut: NEVER for all other pitches, else 0, int32 ``(parts, 128)``.
        chords: Whether any part is not monophonic.
    """

    monophonic: BoolArray
    chord: IntArray
    in_range: BoolArray
    shut: IntArray
    chords: bool

    @classmethod
    def of(cls, vocabulary: Vocabulary, ranges: Sequence[tuple[int, int]]) -> "Abilities":
        """Of a vocabulary's parts, each within its range; all of it where none is given."""
        parts = vocabulary.parts
        low, high = np.array(ranges or [(part.low, part.high) for part in parts]).T[:, :, None]
        pitches = np.arange(N_PITCHES)[None, :]
        in_range = (low <= pitches) & (pitches <= high)
        return cls(
            monophonic=np.array([part.monophonic for part in parts]),
            chord=np.array([part.chord for part in parts], np.int32),
            in_range=in_range,
            shut=np.where(in_range, 0, NEVER).astype(np.int32),
            chords=not all(part.monophonic for part in parts),
        )

    def widened(self, chords: IntArray, pitches: BoolArray | None = None) -> "Abilities":
        """The same where parts are known to do more.

        Args:
            chords: How many notes each sounds together, ``(parts,)``.
            pitches: Which each plays, bool ``(parts, 128)``; by default those of its range.
        """
        monophonic = self.monophonic & (chords <= 1)
        in_range = self.in_range if pitches is None else self.in_range | pitches
        return replace(
            self,
            monophonic=monophonic,
            chord=np.maximum(self.chord, chords).astype(np.int32),
            in_range=in_range,
            shut=np.where(in_range, 0, NEVER).astype(np.int32),
            chords=not monophonic.all(),
        )


@dataclass
class SoftRules:
    """The soft rules of B streams.

    Attributes:
        vocabulary: For the ids.
        abilities: Of its parts.
        last_bar: Step at which the last bar begins, ``(B,)``; 0 where the length is open.
        silence: For how many steps nothing may sound before an onset.
        end: Step at which it ends, ``(B,)``; :data:`OPEN_END` where the length is open.
        first: Step from which on notes may begin, ``(B,)``.
        struck: Notes struck at the present onset by each part, ``(B, parts)``.
        tied: Whether the last row goes on in the next, ``(B,)`` bool.
        opening: Pitches with which the piece may begin, ``(B, 128)`` bool.
        onsets: How many onsets it has, 0 to 2, ``(B,)``; 2 for more too.
    """

    vocabulary: Vocabulary
    abilities: Abilities
    last_bar: IntArray
    end: IntArray
    first: IntArray
    silence: int
    struck: IntArray
    tied: BoolArray
    opening: BoolArray
    onsets: IntArray

    @classmethod
    def start(
        cls,
        vocabulary: Vocabulary,
        meter_maps: Sequence[MeterMap],
        bars: Sequence[int | None],
        keys: Sequence[Key | None] = (),
        ranges: Sequence[tuple[int, int]] = (),
        silence: int = int(NEVER),
    ) -> "SoftRules":
        """Rules for new pieces.

        Args:
            vocabulary: Of the model.
            meter_maps: Of each piece.
            bars: Their lengths; None for an open one.
            keys: Their keys; by default none.
            ranges: Of each model part, inclusive; by default all that it ever plays.
            silence: For how many steps nothing may sound before an onset; by default as many as
                may be.
        """
        q = vocabulary.steps_per_quarter
        last, end = [], []
        for meter_map, length in zip(meter_maps, bars, strict=True):
            last.append(bar_line(meter_map, length - 1, q) if length else 0)
            end.append(bar_line(meter_map, length, q) if length else OPEN_END)
        return cls(
            vocabulary=vocabulary,
            abilities=Abilities.of(vocabulary, ranges),
            last_bar=np.array(last, np.int32),
            end=np.array(end, np.int32),
            first=np.zeros(len(end), np.int32),
            silence=silence,
            struck=np.zeros((len(last), len(vocabulary.parts)), np.int32),
            tied=np.zeros(len(last), bool),
            opening=np.stack([_opening(key) for key in keys or [None] * len(last)]),
            onsets=np.zeros(len(last), np.int32),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "SoftRules":
        """The rules of these streams."""
        return replace(self, **{name: getattr(self, name)[streams] for name in _OF_STREAMS})

    @classmethod
    def joined(cls, rules: Sequence["SoftRules"]) -> "SoftRules":
        """The rules of all streams, one after the other; of one vocabulary and with one silence."""
        columns: dict[str, Any] = {
            n: np.concatenate([getattr(of, n) for of in rules]) for n in _OF_STREAMS
        }
        return replace(rules[0], **columns)

    def allowed(self, state: DecoderState, field: Field, event: IntArray) -> BoolArray | None:
        """Ids that the rules allow in a field, bool ``(B, size)``; None where no rule applies."""
        if field == Field.SHIFT:
            return self._shifts(state)
        if field == Field.PART:
            return self._parts(state, event[:, Field.SHIFT])
        if field == Field.PITCH:
            return self._pitches(state, event)
        return self._durations(state, event) if field == Field.DURATION else None

    def advance(self, event: IntArray) -> None:
        """Take note of the row that was chosen in each stream."""
        if self._may_begin():
            is_note = event[:, Field.SHIFT] <= self.vocabulary.max_shift
            self.onsets = np.where(is_note, self._onset_of(event), self.onsets)
        if not self.abilities.chords:
            return  # a monophonic part sounds from its first note on: nothing need be counted
        v = self.vocabulary
        shift = event[:, Field.SHIFT]
        self.struck *= (shift == 0)[:, None]  # notes at the onset
        notes = (shift <= v.max_shift) & ~self.tied
        parts = self.struck.shape[1]
        place = np.arange(0, self.struck.size, parts) + event[:, Field.PART]
        self.struck.reshape(-1)[place] += notes
        self.tied = (shift <= v.max_shift) & (event[:, Field.DURATION] == v.tie)

    def _may_begin(self) -> bool:
        """Whether any piece may still be at its first onset."""
        return bool(self.onsets.min() < 2)

    def _onset_of(self, event: IntArray) -> IntArray:
        """Which onset a row belongs to: 1 for the first, 2 for all others."""
        later = (event[:, Field.SHIFT] > 0) | (self.onsets == 0)
        number: IntArray = np.minimum(self.onsets + later, 2)
        return number

    def _pitches(self, state: DecoderState, event: IntArray) -> BoolArray:
        part = event[:, Field.PART]
        allowed: BoolArray = self.abilities.in_range.take(part, axis=0)
        if not self._may_begin():
            return allowed
        first = self._onset_of(event) == 1
        if np.count_nonzero(first):
            # of a chord the first note alone: those above it must find a place
            first &= state.tracker.silent[np.arange(len(part)), part] == 0
            first &= ~self.vocabulary.drum_parts.take(part)
            triad = allowed & self.opening
            first &= np.logical_or.reduce(triad, axis=1)  # a narrow part may have none of it
            allowed = np.where(first[:, None], triad, allowed)
        return allowed

    def opens(self, state: DecoderState) -> IntArray:
        """The step from which each part may strike again, int32 ``(B, parts)``.

        A monophonic part must be silent; another needs a pitch within its range that is.
        """
        tracker, able = state.tracker, self.abilities
        opens = tracker.silent
        if able.chords:
            some = np.minimum.reduce(np.maximum(tracker.ends[:, :-1], able.shut), axis=2)
            opens = np.where(able.monophonic, opens, some)
        if np.count_nonzero(tracker.active) < tracker.active.size:
            opens = np.where(tracker.active, opens, NEVER)
        return opens

    def _shifts(self, state: DecoderState) -> BoolArray:
        v, tracker = self.vocabulary, state.tracker
        now = tracker.now
        opens = self.opens(state)
        soonest = np.maximum(np.minimum.reduce(opens, axis=1), self.first) - now
        left = self.end - now
        ids = np.arange(v.max_shift + 3, dtype=np.int32)
        allowed: BoolArray = ids >= soonest[:, None]
        if min(left.tolist()) <= v.max_shift:
            allowed &= ids < left[:, None]
        allowed[:, 0] = np.logical_or.reduce(self.at_once(state, now, opens), axis=1)
        allowed[:, 0] &= self.first <= now
        most = np.maximum.reduce(tracker.silent, axis=1) - now + self.silence
        if min(most.tolist()) <= v.max_shift:
            allowed &= ids <= np.maximum(most, soonest)[:, None]
        # after a WAIT a note must come, and soon: silence of whole notes is in no corpus
        waits = (left > v.max_shift + 1) & (soonest < left) & (most > v.max_shift)
        if Kind.WAIT in state.before.kinds:
            waits &= (state.before.kind != Kind.WAIT) | (soonest > v.max_shift)
        allowed[:, v.wait] = waits
        # the last bar begins at step 0 or later, thus something must have sounded
        ends: BoolArray = np.maximum.reduce(tracker.silent, axis=1) > self.last_bar
        goes_on = np.logical_or.reduce(allowed[:, : v.wait + 1], axis=1)
        allowed[:, v.end] = ends | ~goes_on
        return allowed

    def _parts(self, state: DecoderState, shift: IntArray) -> BoolArray:
        step, opens = state.tracker.now + shift, self.opens(state)
        allowed: BoolArray = opens <= step[:, None]
        at_once = shift == 0
        if np.count_nonzero(at_once):
            allowed &= self.at_once(state, step, opens) | ~at_once[:, None]
        return allowed

    def at_once(self, state: DecoderState, step: IntArray, opens: IntArray) -> BoolArray:
        """Parts that may strike at the onset of the last row, ``(B, parts)``."""
        v, tracker, able, before = self.vocabulary, state.tracker, self.abilities, state.before
        ordered: BoolArray = v.later.take(before.part, axis=0)
        if Kind.START in before.kinds:
            ordered |= (before.kind == Kind.START)[:, None]
        if able.chords:  # a monophonic part sounds already
            own = tracker.ends.reshape(-1, N_PITCHES).take(tracker.begins + before.part, axis=0)
            free = able.in_range.take(before.part, axis=0) & (own <= step[:, None])
            above = np.logical_or.reduce(free & ABOVE.take(before.pitch, axis=0), axis=1)
            itself = ITSELF[: len(v.parts), : len(v.parts)].take(before.part, axis=0)
            ordered |= itself & above[:, None]
            ordered &= self.struck < able.chord
        ordered &= opens <= step[:, None]
        return ordered

    def _durations(self, state: DecoderState, event: IntArray) -> BoolArray | None:
        v, tracker = self.vocabulary, state.tracker
        place = (tracker.begins + event[:, Field.PART]) * N_PITCHES + event[:, Field.PITCH]
        # a continuation begins where the note would have ended; any other pitch is silent now
        so_far = tracker.ends.reshape(-1).take(place)
        begins = np.maximum(so_far, tracker.now + event[:, Field.SHIFT])
        left = self.end - begins
        if min(left.tolist()) > v.max_duration:
            return None
        # a tie is at least a step longer than the longest duration
        ids = np.arange(v.max_duration + 1, dtype=np.int32)
        allowed: BoolArray = ids < left[:, None]
        return allowed
