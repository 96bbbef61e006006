"""The stages step by step, for a batch of streams that are being composed.

The tracker remembers what the musical past can be asked for and nothing else: its size does not
grow with the piece. See :mod:`.stages`; :mod:`.survey` says the same of a whole piece at once.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import (
    N_RECENT,
    NEVER,
    Before,
    BoolArray,
    IntArray,
    Kind,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import N_PITCHES, Vocabulary


@dataclass(frozen=True)
class Tracker:
    """The musical past of B streams.

    Attributes:
        active: Which parts each stream has, bool ``(B, parts)``.
        now: Onset of the last row, int32 ``(B,)``.
        kind: :class:`Kind` of the last row, ``(B,)``.
        part: Part of the last note row, ``(B,)``.
        pitch: Its pitch, ``(B,)``.
        velocity: Its velocity id, ``(B,)``.
        ends: Step at which each pitch of each part falls silent, ``(B, parts, 128)``.
        recent: Last three pitches of each part, latest first, -1 for none, ``(B, parts, 3)``.
        last_duration: Duration id of each part's last note, -1 for none, ``(B, parts)``.
        last_onset: Onset of each part's last note, -1 for none, ``(B, parts)``.
    """

    active: BoolArray
    now: IntArray
    kind: IntArray
    part: IntArray
    pitch: IntArray
    velocity: IntArray
    ends: IntArray
    recent: IntArray
    last_duration: IntArray
    last_onset: IntArray

    @classmethod
    def start(cls, active: BoolArray) -> "Tracker":
        """Streams without a past; ``active`` is bool ``(B, parts)``."""
        batch, parts = active.shape
        zeros = np.zeros(batch, np.int32)
        return cls(
            active=active,
            now=zeros,
            kind=np.full(batch, Kind.START, np.int32),
            part=zeros,
            pitch=zeros,
            velocity=zeros,
            ends=np.zeros((batch, parts, N_PITCHES), np.int32),
            recent=np.full((batch, parts, N_RECENT), -1, np.int32),
            last_duration=np.full((batch, parts), -1, np.int32),
            last_onset=np.full((batch, parts), -1, np.int32),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "Tracker":
        """The streams with these indices, in this order, repeated as often as they are named."""
        return Tracker(**{name: value[streams] for name, value in vars(self).items()})

    def before(self, vocabulary: Vocabulary) -> Before:
        """The stage before the next row."""
        streams = np.arange(len(self.now))
        left = self.ends - self.now[:, None, None]
        free = (left <= 0) & self.active[:, :, None]
        room: BoolArray = free.max(axis=2)
        above = np.arange(N_PITCHES)[None, :] > self.pitch[:, None]
        more_above = (free[streams, self.part] & above).max(axis=1)
        ranks = vocabulary.ranks
        later: BoolArray = room & (ranks[None, :] > ranks[self.part][:, None])
        more_now: BoolArray = (self.kind == Kind.NOTE) & (more_above | later.any(axis=1))
        more_now |= (self.kind == Kind.START) & self.active.any(axis=1)
        soonest = np.where(left > 0, left, NEVER).min(axis=(1, 2))
        return Before(
            kind=self.kind,
            part=self.part,
            pitch=self.pitch,
            velocity=self.velocity,
            more_now=more_now,
            more_above=more_above,
            first_free=np.where(room.any(axis=1), 0, soonest).astype(np.int32),
            next_end=np.where(soonest == NEVER, 0, soonest).astype(np.int32),
        )

    def at(self, step: IntArray) -> Onset:
        """The stage at a new onset ``step`` ``(B,)``, at or after now."""
        left = np.maximum(self.ends - step[:, None, None], 0)
        return Onset(
            step=step,
            sounding=left.max(axis=1),
            remaining=left.max(axis=2),
            room=(left == 0).any(axis=2) & self.active,
        )

    def voice(self, step: IntArray, part: IntArray) -> Voice:
        """The stage at ``step`` ``(B,)`` for the parts ``part`` ``(B,)``, -1 for none."""
        streams = np.arange(len(part))
        absent = part < 0
        last_onset = self.last_onset[streams, part]
        return Voice(
            part=part,
            sounding=np.where(
                absent[:, None], 0, np.maximum(self.ends[streams, part] - step[:, None], 0)
            ),
            recent=np.where(absent[:, None], -1, self.recent[streams, part]),
            last_duration=np.where(absent, -1, self.last_duration[streams, part]),
            since=np.where(absent | (last_onset < 0), -1, step - last_onset),
        )

    def advance(self, events: IntArray, vocabulary: Vocabulary) -> "Tracker":
        """The past with one more row in each stream; ``events`` is int32 ``(B, 5)``.

        Rows are taken as legal; a stream that has ended stays as it is.
        """
        v = vocabulary
        shift, part, pitch, duration, velocity = events.T
        ended = (shift == v.end) | (self.kind == Kind.END)
        waits = shift == v.wait
        steps = np.where(ended, 0, np.where(waits, v.max_shift, shift))
        now = (self.now + steps).astype(np.int32)
        notes = ~ended & ~waits
        tie = duration == v.tie
        continued = self.kind == Kind.TIE
        length = np.where(tie, v.max_duration, duration + 1)
        at = np.flatnonzero(notes)
        ends = self.ends.copy()
        begins = np.where(continued, ends[np.arange(len(part)), part, pitch], now)
        ends[at, part[at], pitch[at]] = (begins + length)[at]
        fresh = np.flatnonzero(notes & ~continued)
        recent, last_duration = self.recent.copy(), self.last_duration.copy()
        last_onset = self.last_onset.copy()
        recent[fresh, part[fresh], 1:] = recent[fresh, part[fresh], :-1]
        recent[fresh, part[fresh], 0] = pitch[fresh]
        last_duration[fresh, part[fresh]] = duration[fresh]
        last_onset[fresh, part[fresh]] = now[fresh]
        kind = np.where(waits, Kind.WAIT, np.where(tie, Kind.TIE, Kind.NOTE))
        return replace(
            self,
            now=now,
            kind=np.where(ended, Kind.END, kind).astype(np.int32),
            part=np.where(notes, part, 0).astype(np.int32),
            pitch=np.where(notes, pitch, 0).astype(np.int32),
            velocity=np.where(notes, velocity, 0).astype(np.int32),
            ends=ends,
            recent=recent,
            last_duration=last_duration,
            last_onset=last_onset,
        )
