"""What is known of the music so far, at each stage of choosing the next row.

A row is chosen field by field, and each choice reveals more: before anything is chosen only the
last row is known; with the shift the new onset is; with the part, that part's own past; with the
pitch, what followed it. These stages are all that masks and context may look at. Two places make
them, :mod:`.survey` for a whole piece at once and :mod:`.tracker` step by step, and a property test
holds the two equal; everything after them exists once.

Shapes: N is the number of rows looked at (of one piece, or of a batch of streams); all steps are
int32.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.encoding.vocabulary import N_PITCHES

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

N_RECENT = 5  # last pitches of a part that the context shows, as such or as intervals
N_DURATIONS = 4  # and last durations
NEVER = np.int32(2**30)  # later than any step
# For each pitch those above it, and for each part itself; rows to be taken by id.
ABOVE = np.arange(N_PITCHES) > np.arange(N_PITCHES)[:, None]
ITSELF = np.eye(MAX_MODEL_PARTS, dtype=bool)


class Kind(IntEnum):
    """What the last row was."""

    START = 0
    NOTE = 1
    TIE = 2
    WAIT = 3
    END = 4


class Before(NamedTuple):
    """Before anything of the new row is chosen.

    Attributes:
        kind: :class:`Kind` of the last row, ``(N,)``.
        part: Part of the last note row; 0 where there is none, ``(N,)``.
        pitch: Its pitch, ``(N,)``.
        velocity: Its velocity id, ``(N,)``.
        more_now: Whether a row after it in row order is possible at the same onset, ``(N,)`` bool.
        more_above: Whether its own part has a free pitch above it, ``(N,)`` bool.
        first_free: The least shift > 0 at which any pitch of any part is free, ``(N,)``.
        next_end: Steps until the next note ends, 0 where nothing sounds, ``(N,)``.
        step: Onset of the last row, ``(N,)``.
        left: For each part the steps that it will still sound, ``(N, parts)``.
        expected: What followed when the rows were last like now: shift, part, pitch and duration
            id, -1 for none, and for how many rows they are alike, ``(N, 5)``.
        kinds: The kinds that occur at all: what no stream needs is not worked out.
    """

    kind: IntArray
    part: IntArray
    pitch: IntArray
    velocity: IntArray
    more_now: BoolArray
    more_above: BoolArray
    first_free: IntArray
    next_end: IntArray
    step: IntArray
    left: IntArray
    expected: IntArray
    kinds: frozenset[int]

    def select(self, streams: npt.NDArray[np.intp] | slice) -> "Before":
        """The streams with these indices."""
        return Before._make([*(values[streams] for values in self[:-1]), self.kinds])

    @classmethod
    def joined(cls, stages: Sequence["Before"]) -> "Before":
        """The streams of all, one after the other."""
        columns = (np.concatenate(values) for values in zip(*(s[:-1] for s in stages), strict=True))
        return cls._make([*columns, frozenset[int]().union(*(stage.kinds for stage in stages))])


class Onset(NamedTuple):
    """Once the shift is chosen.

    Attributes:
        step: The new onset, ``(N,)``.
        sounding: For each pitch the steps that it will still sound, over all parts, ``(N, 128)``.
        remaining: For each part the steps that it will still sound, ``(N, parts)``.
        room: Whether a part has a free pitch, ``(N, parts)`` bool; False for absent parts.
        now: The last pitch of each part that sounds or has been struck at this onset; -1 for those
            that do not, ``(N, parts)``.
        struck: Which parts have been struck at this onset, ``(N, parts)`` bool.
        before: The last pitch that each part struck before this onset, where it sounded up to it;
            else -1, ``(N, parts)``.
        sums: How much each pitch class has sounded before, float64 ``(N, 36)``.
        shares: Of what pitch classes the past was made, three times twelve shares; see
            :mod:`.histograms`. float32 ``(N, 36)``.
    """

    step: IntArray
    sounding: IntArray
    remaining: IntArray
    room: BoolArray
    now: IntArray
    struck: BoolArray
    before: IntArray
    sums: npt.NDArray[np.float64]
    shares: FloatArray


class Voice(NamedTuple):
    """Once the part is chosen.

    Attributes:
        part: The part, ``(N,)``; -1 where the row has none (START, WAIT, END).
        sounding: For each pitch the steps that it will still sound in this part, ``(N, 128)``.
        recent: Pitches of its last five notes, the latest first; -1 where none, ``(N, 5)``.
        durations: Duration ids of its last four notes; -1 where none, ``(N, 4)``.
        since: Steps since its last onset; -1 where none, ``(N,)``.
        pitches: Candidates: what the part's own past, the past of all rows and the past of the
            leading part suggest; -1 where none, ``(N, 3)``. See :mod:`.recall`.
        lasting: Their duration ids, ``(N, 3)``.
        matches: For how many notes or rows that past is like now, ``(N, 3)``.
    """

    part: IntArray
    sounding: IntArray
    recent: IntArray
    durations: IntArray
    since: IntArray
    pitches: IntArray
    lasting: IntArray
    matches: IntArray


class Note(NamedTuple):
    """Once the pitch is chosen.

    Attributes:
        pitch: The pitch, ``(N,)``; of no meaning where the row has no part.
        lasting: Duration id with which the part struck it when its past was most like now; -1 where
            it never did, ``(N,)``.
        matches: For how many notes, this one included, ``(N,)``; 0 where it never did.
    """

    pitch: IntArray
    lasting: IntArray
    matches: IntArray
