"""Wrong notes in the remembered past, for training: what is composed goes on from its own mistakes.

What is predicted, the masks, the candidates, the histograms, the last row's scale degree and how
long things still sound stay as they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import IntArray, Onset, Voice
from musiclstm.encoding.survey import Survey
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary

MOST_SEMITONES = 7
MOST_QUARTERS = 2


@dataclass(frozen=True)
class Noise:
    """How much is remembered wrongly.

    Attributes:
        rate: How often a remembered pitch, duration or age is, 0-1. Each row remembers anew.
        rng: The source of chance.
    """

    rate: float
    rng: np.random.Generator

    def pitches(self, pitches: IntArray) -> IntArray:
        """Some pitches up to a fifth off; -1, none, stays."""
        moved = np.clip(self._move(pitches, MOST_SEMITONES), 0, N_PITCHES - 1)
        return np.where(self._hit(pitches >= 0), moved, pitches).astype(np.int32)

    def durations(self, ids: IntArray, v: Vocabulary) -> IntArray:
        """Some duration ids up to two quarters off; -1, none, and ties stay."""
        moved = np.clip(self._move(ids, MOST_QUARTERS * v.steps_per_quarter), 0, v.tie - 1)
        return np.where(self._hit((ids >= 0) & (ids < v.tie)), moved, ids).astype(np.int32)

    def ages(self, steps: IntArray, v: Vocabulary) -> IntArray:
        """Some ages up to two quarters off, at least a step; -1, none, and 0, now, stay."""
        moved = np.maximum(self._move(steps, MOST_QUARTERS * v.steps_per_quarter), 1)
        return np.where(self._hit(steps > 0), moved, steps).astype(np.int32)

    def _move(self, values: IntArray, most: int) -> npt.NDArray[Any]:
        moved: npt.NDArray[Any] = values + self.rng.integers(
            -most, most + 1, values.shape, np.int32
        )
        return moved

    def _hit(self, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        hit: npt.NDArray[np.bool_] = known & (self.rng.random(known.shape) < self.rate)
        return hit


def misremember(seen: Survey, noise: Noise, v: Vocabulary) -> tuple[Onset, Voice]:
    """The stages of a piece with a past that is remembered wrongly.

    Args:
        seen: The piece.
        noise: How wrongly.
        v: What the ids mean.
    """
    onset, voice = seen.onset, seen.voice
    now = noise.pitches(onset.now)
    # what a part still holds since before the onset is one memory, not two
    held = (onset.before == onset.now) & ~onset.struck
    before = np.where(held, now, noise.pitches(onset.before))
    recent = noise.pitches(voice.recent)
    rows = np.arange(len(recent))
    own = now[rows, voice.part]
    same = (voice.part >= 0) & (own >= 0)
    recent[same, 0] = own[same]
    played = voice.part >= 0
    return (
        onset._replace(now=now, before=before, sounding=_moved(onset.sounding, onset.now.T, now.T)),
        voice._replace(
            recent=recent,
            durations=noise.durations(voice.durations, v),
            since=noise.ages(voice.since, v),
            sounding=_moved(
                voice.sounding, [np.where(played, onset.now[rows, voice.part], -1)], [own]
            ),
        ),
    )


def misread(inputs: IntArray, noise: Noise, v: Vocabulary) -> IntArray:
    """Rows as the network reads them, some with a wrong pitch or duration; ``(N, 5)``."""
    wrong = inputs.copy()
    is_note = inputs[:, Field.PITCH] < N_PITCHES
    wrong[is_note, Field.PITCH] = noise.pitches(inputs[is_note, Field.PITCH])
    wrong[is_note, Field.DURATION] = noise.durations(inputs[is_note, Field.DURATION], v)
    return wrong


def _moved(sounding: IntArray, right: Any, wrong: Any) -> IntArray:
    """What sounds, ``(N, 128)``, with pitches at other places: ``(N,)`` each."""
    moved = sounding.copy()
    for old, new in zip(right, wrong, strict=True):
        rows = np.flatnonzero((old >= 0) & (old != new))
        rows = rows[sounding[rows, old[rows]] > 0]
        moved[rows, old[rows]] = 0
        moved[rows, new[rows]] = np.maximum(moved[rows, new[rows]], sounding[rows, old[rows]])
    return moved
