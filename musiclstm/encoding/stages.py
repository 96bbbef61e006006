"""What is known of the music so far, at each stage of choosing the next row.

A row is chosen field by field, and each choice reveals more: before anything is chosen only the
last row is known; with the shift the new onset is; with the part, that part's own past. These three
stages are all that masks and context may look at. Two places make them, :mod:`.survey` for a whole
piece at once and :mod:`.tracker` step by step, and a property test holds the two equal; everything
after them exists once.

Shapes: N is the number of rows looked at (of one piece, or of a batch of streams); all steps are
int32.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.encoding.vocabulary import N_PITCHES

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

N_RECENT = 3  # last notes of a part that the context shows
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
    kinds: frozenset[int]


class Onset(NamedTuple):
    """Once the shift is chosen.

    Attributes:
        step: The new onset, ``(N,)``.
        sounding: For each pitch the steps that it will still sound, over all parts, ``(N, 128)``.
        remaining: For each part the steps that it will still sound, ``(N, parts)``.
        room: Whether a part has a free pitch, ``(N, parts)`` bool; False for absent parts.
    """

    step: IntArray
    sounding: IntArray
    remaining: IntArray
    room: BoolArray


class Voice(NamedTuple):
    """Once the part is chosen.

    Attributes:
        part: The part, ``(N,)``; -1 where the row has none (START, WAIT, END).
        sounding: For each pitch the steps that it will still sound in this part, ``(N, 128)``.
        recent: Pitches of its last three notes, the latest first; -1 where none, ``(N, 3)``.
        last_duration: Duration id of its last note; -1 where none, ``(N,)``.
        since: Steps since its last onset; -1 where none, ``(N,)``.
    """

    part: IntArray
    sounding: IntArray
    recent: IntArray
    last_duration: IntArray
    since: IntArray
