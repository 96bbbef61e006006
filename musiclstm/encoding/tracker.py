"""The stages step by step, for a batch of streams that are being composed.

The tracker remembers what the musical past can be asked for and nothing else: its size does not
grow with the piece. See :mod:`.stages`; :mod:`.survey` says the same of a whole piece at once.

Behind its parts every stream has one more that never plays: part -1, *none*, finds silence there.
To read or write a part of every stream, the parts of all streams are laid end to end (``begins`` is
where each stream's begin): one index a stream costs NumPy a quarter of what two cost.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.histograms import SHARES, Sums, fade_on, shares_of
from musiclstm.encoding.recall import REACH
from musiclstm.encoding.remembered import (
    Items,
    Lengths,
    item_type,
    most_alike,
    remember,
    struck_at,
)
from musiclstm.encoding.stages import (
    ABOVE,
    N_DURATIONS,
    N_RECENT,
    NEVER,
    Before,
    BoolArray,
    FloatArray,
    IntArray,
    Kind,
    Note,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary

# Operands as arrays of one number: NumPy takes twice as long over a number of Python's.
_ZERO, _ONE, _NOBODY = (np.array([n], np.int32) for n in (0, 1, -1))
_NOTE, _TIE, _WAIT, _END = (
    np.array([kind], np.int32) for kind in (Kind.NOTE, Kind.TIE, Kind.WAIT, Kind.END)
)

# Columns of ``past``: end and pitch of the last note stand side by side, and those of the last one
# that was struck before it, at an earlier onset.
_LAST, _RECENT = slice(0, 2), slice(1, 1 + N_RECENT)
_EARLIER = slice(_RECENT.stop, _RECENT.stop + 2)
_DURATIONS = slice(_EARLIER.stop, _EARLIER.stop + N_DURATIONS)
_ONSET, _STRUCK = _DURATIONS.stop, _DURATIONS.stop + 1
_SUGGESTED = slice(_STRUCK + 1, _STRUCK + 4)
_BACK = _SUGGESTED.stop
_WIDTH = _BACK + 1


class Tracker(NamedTuple):
    """The musical past of B streams.

    Attributes:
        active: Which parts each stream has, bool ``(B, parts)``.
        begins: Where each stream's parts begin among those of all, ``(B,)``.
        leader: The leading part of each stream, ``(B,)``.
        now: Onset of the last row, int32 ``(B,)``.
        kind: :class:`Kind` of the last row, ``(B,)``.
        part: Part of the last note row, ``(B,)``.
        pitch: Its pitch, ``(B,)``.
        velocity: Its velocity id, ``(B,)``.
        ends: Step at which each pitch of each part falls silent, ``(B, parts + 1, 128)``.
        past: What is remembered of each part's last notes: the end of the last one, five pitches
            (the latest first), end and pitch of the last one of an earlier onset, four duration
            ids, the last onset and how many notes it has; pitch, duration id and length of what
            they suggest, and how many steps ago it was alike. -1 for none, but NEVER for an onset.
            ``(B, parts + 1, 18)``.
        silent: Step at which each part falls silent, ``(B, parts)``.
        free: Step at which the first pitch of each part is free, ``(B, parts)``.
        sums: How much each pitch class has sounded before now, float64 ``(B, 36)``.
        shares: The same as shares, float32 ``(B, 36)``.
        items: Of each part the last notes, the latest first, pitch and duration id as one number,
            and their onsets, -1 for none; in the place of the part that never plays the rows of all
            parts, shift, part, pitch and duration id as one number. ``(B, parts + 1, 2, REACH)``.
        alike: For how many notes or rows what came before each is like now,
            ``(B, parts + 1, REACH)``.
        expected: Shift, part, pitch and duration id of the row that the rows suggest, -1 for none,
            and for how many rows they are alike, ``(B, 5)``.
    """

    active: BoolArray
    begins: npt.NDArray[np.intp]
    leader: IntArray
    now: IntArray
    kind: IntArray
    part: IntArray
    pitch: IntArray
    velocity: IntArray
    ends: IntArray
    past: IntArray
    silent: IntArray
    free: IntArray
    sums: Sums
    shares: FloatArray
    items: Items
    alike: Lengths
    expected: IntArray

    @classmethod
    def start(cls, active: BoolArray, vocabulary: Vocabulary) -> "Tracker":
        """Streams without a past; ``active`` is bool ``(B, parts)``."""
        batch, parts = active.shape
        zeros = np.zeros(batch, np.int32)
        past = np.full((batch, parts + 1, _WIDTH), -1, np.int32)
        past[:, :, _ONSET] = NEVER
        past[:, :, (_STRUCK, _SUGGESTED.stop - 1)] = 0
        in_order = np.asarray(vocabulary.row_order, np.int32)
        expected = np.full((batch, 5), -1, np.int32)
        expected[:, 4] = 0
        return cls(
            active=active,
            begins=np.arange(batch) * (parts + 1),
            leader=in_order.take(active.take(in_order, axis=1).argmax(axis=1)),
            now=zeros,
            kind=np.full(batch, Kind.START, np.int32),
            part=zeros,
            pitch=zeros,
            velocity=zeros,
            ends=np.zeros((batch, parts + 1, N_PITCHES), np.int32),
            past=past,
            silent=np.zeros((batch, parts), np.int32),
            free=np.zeros((batch, parts), np.int32),
            sums=np.zeros((batch, SHARES)),
            shares=np.zeros((batch, SHARES), np.float32),
            items=np.full((batch, parts + 1, 2, REACH), -1, item_type(vocabulary)),
            alike=np.zeros((batch, parts + 1, REACH), np.uint8),
            expected=expected,
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "Tracker":
        """The streams with these indices, in this order, repeated as often as they are named."""
        chosen = Tracker._make(values.take(streams, axis=0) for values in self)
        return chosen._replace(begins=np.arange(len(streams)) * self.ends.shape[1])

    @classmethod
    def joined(cls, trackers: Sequence["Tracker"]) -> "Tracker":
        """The streams of all, one after the other."""
        joined = cls._make(np.concatenate(values) for values in zip(*trackers, strict=True))
        return joined._replace(begins=np.arange(len(joined.now)) * joined.ends.shape[1])

    def before(self, vocabulary: Vocabulary) -> Before:
        """The stage before the next row."""
        now = self.now[:, None]
        room = (self.free <= now) & self.active
        own = self.ends.reshape(-1, N_PITCHES).take(self.begins + self.part, axis=0)
        above = (own <= now) & ABOVE.take(self.pitch, axis=0)
        more_above = np.logical_or.reduce(above, axis=1)
        more_now = np.logical_or.reduce(room & vocabulary.later.take(self.part, axis=0), axis=1)
        more_now = (more_now | more_above) & (self.kind == _NOTE)
        kinds = frozenset(self.kind.tolist())
        if Kind.START in kinds:
            more_now |= (self.kind == Kind.START) & self.active.any(axis=1)
        # one less, unsigned: what is silent becomes the longest, and the least is what ends next
        left = self.ends.reshape(len(now), -1) - (now + _ONE)
        soonest = np.minimum.reduce(left.view(np.uint32), axis=1).view(np.int32) + _ONE
        first_free = np.zeros(len(now), np.int32)
        if np.count_nonzero(room) < room.size:
            found = np.where(soonest > 0, soonest, NEVER)
            first_free = np.where(room.any(axis=1), 0, found).astype(np.int32)
        return Before(
            kind=self.kind,
            part=self.part,
            pitch=self.pitch,
            velocity=self.velocity,
            more_now=more_now,
            more_above=more_above,
            first_free=first_free,
            next_end=np.maximum(soonest, _ZERO),
            step=self.now,
            left=np.maximum(self.silent - now, _ZERO),
            expected=self.expected,
            kinds=kinds,
        )

    def at(self, step: IntArray, vocabulary: Vocabulary) -> Onset:
        """The stage at a new onset ``step`` ``(B,)``, at most a whole note after now."""
        at = step[:, None]
        past = self.past[:, :-1]
        struck = past[:, :, _ONSET] == at
        remaining = np.maximum(self.silent - at, _ZERO)
        # of the last note struck before this onset the end and the pitch
        before = np.where(struck[:, :, None], past[:, :, _EARLIER], past[:, :, _LAST])
        sums, shares = self._sums_at(step, vocabulary)
        return Onset(
            step=step,
            sounding=np.maximum(np.maximum.reduce(self.ends, axis=1) - at, _ZERO),
            remaining=remaining,
            room=(self.free <= at) & self.active,
            now=np.where(struck | (remaining > _ZERO), past[:, :, _RECENT.start], _NOBODY),
            struck=struck,
            before=np.where(before[:, :, 0] >= at, before[:, :, 1], _NOBODY),
            sums=sums,
            shares=shares,
        )

    def _sums_at(self, step: IntArray, v: Vocabulary) -> tuple[Sums, FloatArray]:
        """``sums`` and ``shares`` at a step."""
        if not np.count_nonzero(step - self.now):
            return self.sums, self.shares
        ends = self.ends[:, :-1]
        if v.has_drums:
            ends = ends * ~v.drum_parts[:, None]
        sums = fade_on(self.sums, ends, self.now, step, v.steps_per_quarter)
        return sums, shares_of(sums)

    def voice(self, onset: Onset, part: IntArray, vocabulary: Vocabulary) -> Voice:
        """The stage at ``onset`` for the parts ``part`` ``(B,)``, -1 for none."""
        # -1 is the place before a stream's first part: another stream's part that never plays
        own, step = self.begins + part, onset.step
        past = self.past.reshape(-1, _WIDTH).take(own, axis=0)
        ends = self.ends.reshape(-1, N_PITCHES).take(own, axis=0)
        beside = self._beside(part, step, past, vocabulary)
        suggested = np.concatenate((past[:, _SUGGESTED], self.expected[:, 2:], beside), axis=1)
        matches = suggested[:, 2::3]
        matches[:, 1] *= (self.expected[:, 0] == step - self.now) & (self.expected[:, 1] == part)
        if Kind.TIE in self.kind.tolist():  # a note that goes on suggests no other
            matches[:, ::2] *= (self.kind != _TIE)[:, None]
        known = matches > _ZERO
        pitches, lasting = suggested[:, 0::3], suggested[:, 1::3]
        return Voice(
            part=part,
            sounding=np.maximum(ends - step[:, None], _ZERO),
            recent=past[:, _RECENT],
            durations=past[:, _DURATIONS],
            since=np.maximum(step - past[:, _ONSET], _NOBODY),
            pitches=np.where(known, pitches, _NOBODY),
            lasting=np.where(known, lasting, _NOBODY),
            matches=matches,
        )

    def _beside(self, part: IntArray, step: IntArray, past: IntArray, v: Vocabulary) -> IntArray:
        """What ``part`` did where the leader was last like now: pitch, duration id, match.

        -1 where it did nothing there; of no meaning where there is no match.
        """
        own = self.begins + part
        led = self.past.reshape(-1, _WIDTH).take(self.begins + self.leader, axis=0)
        found = np.zeros((3, len(part)), np.int32)
        length = np.multiply(led[:, _BACK - 1], part != self.leader, out=found[2])
        length *= part >= _ZERO
        if not np.count_nonzero(length):
            return found.T
        # the first of them where the part has struck nothing yet, then the next
        struck = past[:, _STRUCK] * (past[:, _ONSET] == step)
        found[:2] = struck_at(self.items, own, step - led[:, _BACK], struck, v)
        return found.T

    def note(self, voice: Voice, pitch: IntArray, vocabulary: Vocabulary) -> Note:
        """The stage for the pitches ``pitch`` ``(B,)``, once the part is chosen."""
        own = self.begins + voice.part  # none finds rows, and they are not counted
        duration, length = most_alike((self.items, self.alike), own, pitch, vocabulary)
        length *= (voice.part >= _ZERO) & (self.kind != _TIE)
        return Note(pitch, np.where(length > _ZERO, duration, _NOBODY), length)

    def advance(
        self, events: IntArray, vocabulary: Vocabulary, onset: Onset | None = None
    ) -> "Tracker":
        """The past with one more row in each stream.

        Args:
            events: int32 ``(B, 5)``, taken as legal; a stream that has ended goes on with END.
            vocabulary: What the ids mean.
            onset: The stage at the onset of these rows, where it is at hand: it knows the sums.
        """
        v = vocabulary
        events = np.array(events, np.int32)  # its columns are kept
        shift = events[:, Field.SHIFT]
        now = self.now + v.steps_of(shift)
        kind = _NOTE + (events[:, Field.DURATION] == v.tie)
        notes, since, begins, kinds = events, now, self.begins, self.kind
        if max(shift.tolist()) > v.max_shift:
            is_note = shift <= v.max_shift
            kind = np.where(is_note, kind, np.where(shift == v.wait, _WAIT, _END))
            events[:, Field.PART :] *= is_note[:, None]
            notes, since = events[is_note], now[is_note]
            begins, kinds = begins[is_note], kinds[is_note]
        pitch, duration = notes[:, Field.PITCH], notes[:, Field.DURATION]
        own = begins + notes[:, Field.PART]
        ends, past = self.ends.copy(), self.past.copy()
        each, flat = ends.reshape(-1), past.reshape(-1, _WIDTH)
        place = own * N_PITCHES + pitch
        # a pitch that still sounds is that of a tie, whose continuation begins where it would end
        end = np.maximum(each.take(place), since) + np.minimum(duration + _ONE, v.max_duration)
        each[place] = end
        if Kind.TIE in kinds.tolist():  # a continuation is no new note
            new = kinds != _TIE
            flat[own[~new], _LAST.start] = end[~new]
            notes, since, own, end = notes[new], since[new], own[new], end[new]
            pitch, duration = pitch[new], duration[new]
        items, alike, expected, suggested = remember(
            (self.items, self.alike),
            (self.begins + self.active.shape[1], events, now),
            (own, notes, since),
            v,
        )
        before = flat.take(own, axis=0)
        again = before[:, _ONSET] == since
        after = np.empty_like(before)
        after[:, _LAST.start] = end
        after[:, _RECENT] = before[:, _LAST.start : _RECENT.stop - 1]
        after[:, _RECENT.start] = pitch
        after[:, _EARLIER] = np.where(again[:, None], before[:, _EARLIER], before[:, _LAST])
        after[:, _DURATIONS] = before[:, _DURATIONS.start - 1 : _DURATIONS.stop - 1]
        after[:, _DURATIONS.start] = duration
        after[:, _ONSET] = since
        after[:, _STRUCK] = before[:, _STRUCK] * again + _ONE
        after[:, _SUGGESTED.start :] = suggested
        flat[own] = after
        sums, shares = self._sums_at(now, v) if onset is None else (onset.sums, onset.shares)
        return Tracker(
            active=self.active,
            begins=self.begins,
            leader=self.leader,
            now=now,
            kind=kind,
            part=events[:, Field.PART],
            pitch=events[:, Field.PITCH],
            velocity=events[:, Field.VELOCITY],
            ends=ends,
            past=past,
            silent=np.maximum.reduce(ends[:, :-1], axis=2),
            free=np.minimum.reduce(ends[:, :-1], axis=2),
            sums=sums,
            shares=shares,
            items=items,
            alike=alike,
            expected=expected,
        )
