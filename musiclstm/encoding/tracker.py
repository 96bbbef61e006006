"""The stages step by step, for a batch of streams that are being composed.

The tracker remembers what the musical past can be asked for and nothing else: its size does not
grow with the piece. See :mod:`.stages`; :mod:`.survey` says the same of a whole piece at once.

Behind its parts every stream has one more that never plays: part -1, *none*, finds silence there.
To read or write a part of every stream, the parts of all streams are laid end to end (``begins`` is
where each stream's begin): one index a stream costs NumPy a quarter of what two cost.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import (
    ABOVE,
    N_RECENT,
    NEVER,
    Before,
    BoolArray,
    IntArray,
    Kind,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary

# Operands as arrays of one number: NumPy takes twice as long over a number of Python's.
_ZERO, _ONE, _NOBODY = (np.array([n], np.int32) for n in (0, 1, -1))
_NOTE, _TIE, _WAIT, _END = (
    np.array([kind], np.int32) for kind in (Kind.NOTE, Kind.TIE, Kind.WAIT, Kind.END)
)


class Tracker(NamedTuple):
    """The musical past of B streams.

    Attributes:
        active: Which parts each stream has, bool ``(B, parts)``.
        begins: Where each stream's parts begin among those of all, ``(B,)``.
        now: Onset of the last row, int32 ``(B,)``.
        kind: :class:`Kind` of the last row, ``(B,)``.
        part: Part of the last note row, ``(B,)``.
        pitch: Its pitch, ``(B,)``.
        velocity: Its velocity id, ``(B,)``.
        ends: Step at which each pitch of each part falls silent, ``(B, parts + 1, 128)``.
        past: Of each part the last three pitches, the latest first, the last duration id (-1 for
            none) and the last onset (NEVER for none), ``(B, parts + 1, 5)``.
        silent: Step at which each part falls silent, ``(B, parts)``.
        free: Step at which the first pitch of each part is free, ``(B, parts)``.
    """

    active: BoolArray
    begins: npt.NDArray[np.intp]
    now: IntArray
    kind: IntArray
    part: IntArray
    pitch: IntArray
    velocity: IntArray
    ends: IntArray
    past: IntArray
    silent: IntArray
    free: IntArray

    @classmethod
    def start(cls, active: BoolArray) -> "Tracker":
        """Streams without a past; ``active`` is bool ``(B, parts)``."""
        batch, parts = active.shape
        zeros = np.zeros(batch, np.int32)
        past = np.full((batch, parts + 1, N_RECENT + 2), -1, np.int32)
        past[:, :, -1] = NEVER
        return cls(
            active=active,
            begins=np.arange(batch) * (parts + 1),
            now=zeros,
            kind=np.full(batch, Kind.START, np.int32),
            part=zeros,
            pitch=zeros,
            velocity=zeros,
            ends=np.zeros((batch, parts + 1, N_PITCHES), np.int32),
            past=past,
            silent=np.zeros((batch, parts), np.int32),
            free=np.zeros((batch, parts), np.int32),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "Tracker":
        """The streams with these indices, in this order, repeated as often as they are named."""
        chosen = Tracker._make(values[streams] for values in self)
        return chosen._replace(begins=np.arange(len(streams)) * self.ends.shape[1])

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
            kinds=kinds,
        )

    def at(self, step: IntArray) -> Onset:
        """The stage at a new onset ``step`` ``(B,)``, at or after now."""
        at = step[:, None]
        return Onset(
            step=step,
            sounding=np.maximum(np.maximum.reduce(self.ends, axis=1) - at, _ZERO),
            remaining=np.maximum(self.silent - at, _ZERO),
            room=(self.free <= at) & self.active,
        )

    def voice(self, step: IntArray, part: IntArray) -> Voice:
        """The stage at ``step`` ``(B,)`` for the parts ``part`` ``(B,)``, -1 for none."""
        # -1 is the place before a stream's first part: another stream's part that never plays
        own = self.begins + part
        past = self.past.reshape(-1, N_RECENT + 2).take(own, axis=0)
        ends = self.ends.reshape(-1, N_PITCHES).take(own, axis=0)
        return Voice(
            part=part,
            sounding=np.maximum(ends - step[:, None], _ZERO),
            recent=past[:, :N_RECENT],
            last_duration=past[:, N_RECENT],
            since=np.maximum(step - past[:, N_RECENT + 1], _NOBODY),
        )

    def advance(self, events: IntArray, vocabulary: Vocabulary) -> "Tracker":
        """The past with one more row in each stream; ``events`` is int32 ``(B, 5)``.

        Rows are taken as legal; a stream that has ended goes on with END.
        """
        v = vocabulary
        events = np.array(events, np.int32)  # its columns are kept
        shift = events[:, Field.SHIFT]
        now = self.now + v.steps_of(shift)
        notes, since, begins, kinds = events, now, self.begins, self.kind
        all_notes = max(shift.tolist()) <= v.max_shift
        if not all_notes:
            is_note = shift <= v.max_shift
            notes, since, kinds = events[is_note], now[is_note], kinds[is_note]
            begins = begins[is_note]
        part, pitch, duration = (notes[:, n] for n in (Field.PART, Field.PITCH, Field.DURATION))
        own = begins + part
        ends = self.ends.copy()
        each = ends.reshape(-1)
        place = own * N_PITCHES + pitch
        # a pitch that still sounds is that of a tie, whose continuation begins where it would end
        length = np.minimum(duration + _ONE, v.max_duration)
        each[place] = np.maximum(each.take(place), since) + length
        if Kind.TIE in kinds.tolist():  # a continuation is no new note
            new = kinds != _TIE
            own, since, pitch, duration = own[new], since[new], pitch[new], duration[new]
        past = self.past.copy()
        flat = past.reshape(-1, N_RECENT + 2)
        flat[own] = np.concatenate(
            (
                pitch[:, None],
                flat.take(own, axis=0)[:, : N_RECENT - 1],
                duration[:, None],
                since[:, None],
            ),
            axis=1,
        )
        kind = _NOTE + (events[:, Field.DURATION] == v.tie)
        if not all_notes:
            kind = np.where(is_note, kind, np.where(shift == v.wait, _WAIT, _END))
            events *= is_note[:, None]
        return Tracker(
            active=self.active,
            begins=self.begins,
            now=now,
            kind=kind,
            part=events[:, Field.PART],
            pitch=events[:, Field.PITCH],
            velocity=events[:, Field.VELOCITY],
            ends=ends,
            past=past,
            silent=np.maximum.reduce(ends[:, :-1], axis=2),
            free=np.minimum.reduce(ends[:, :-1], axis=2),
        )
