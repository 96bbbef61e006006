"""Of which pitch classes the past was made: shares that fade, for a sense of key and harmony.

Each step for which a note sounds counts for its pitch class, and counts for less the longer it is
past: half after two quarters, eight, or sixty-four, which is about the chord, the phrase and the
section. Divided by their sum they are shares, zero where nothing has sounded. Drums are left out.

A note that sounded from s to e has, at o, weighed the sum of a**(o - 1 - t) over s <= t < e, which
is ``(a**(o - e) - a**(o - s)) / (1 - a)``. The divisor is left out here. What has been summed
fades as a whole, so the tracker adds to it step by step what sounds (:func:`fade_on`), and the
survey adds up all ends and onsets at once (:func:`fading_sums`).
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import FloatArray, IntArray
from musiclstm.encoding.vocabulary import N_PITCHES, SHIFT_QUARTERS, Field, Vocabulary

PITCH_CLASSES = 12
HALF_LIVES = (2, 8, 64)  # quarters
_HALF_LIFE = np.repeat(HALF_LIVES, PITCH_CLASSES)  # of each share
SHARES = len(HALF_LIVES) * PITCH_CLASSES
# What has almost faded is nothing: the sums are about the share of a half-life that was filled.
_ALMOST_NOTHING = 1e-9
# Half-lives that one stretch of fading sums may span: 2**-300 of a number is still exact.
_SPAN = 300

Sums = npt.NDArray[np.float64]


class Faded(NamedTuple):
    """What notes that are no longer known have added.

    Attributes:
        step: When, at or after the end of all of them.
        sums: What was left of it then, float64 ``(36,)``.
    """

    step: int
    sums: Sums

    def at(self, steps: npt.NDArray[np.integer[Any]], q: int) -> Sums:
        """What is left of it at given steps ``(n,)``; nothing is said of earlier ones."""
        passed = np.maximum(steps - self.step, 0)[:, None]
        left: Sums = self.sums * np.exp2(-passed / (_HALF_LIFE * q))
        left[steps < self.step] = 0
        return left


def fade(events: IntArray, forgotten: npt.NDArray[np.bool_], vocabulary: Vocabulary) -> Faded:
    """What notes that a section leaves out have left in the histograms.

    Args:
        events: The rows of the piece before the section, ``(rows, 5)``; the last one is no WAIT.
        forgotten: Which of them it leaves out, bool ``(rows,)``: notes with all their
            continuations, and such as have ended by the onset of the last row.
        vocabulary: What the ids mean.
    """
    v = vocabulary
    shift, part, pitch, duration = (
        np.asarray(events[:, field], np.int64)
        for field in (Field.SHIFT, Field.PART, Field.PITCH, Field.DURATION)
    )
    is_note = shift <= v.max_shift
    tied = is_note & (duration == v.tie)
    onset = np.cumsum(v.steps_of(shift.astype(np.int32)), dtype=np.int64)
    head = is_note & ~np.concatenate([[False], tied[:-1]])
    now = onset[-1:]
    if not head.any():
        return Faded(int(now.sum()), np.zeros(SHARES))
    starts = np.flatnonzero(head)
    length = np.add.reduceat(np.where(tied, v.max_duration, duration + 1) * is_note, starts)
    left_out = forgotten[starts] & ~v.drum_parts[part[starts]]
    onset, length, pitch = onset[starts][left_out], length[left_out], pitch[starts][left_out]
    sums = fading_sums(onset, onset + length, pitch, now, v.steps_per_quarter)
    return Faded(int(now[0]), sums[0])


def shares_of(sums: Sums) -> FloatArray:
    """The shares of each pitch class, float32 ``(N, 36)``; sums are ``(N, 36)``."""
    each = sums.reshape(len(sums), -1, PITCH_CLASSES)
    total = np.add.reduce(each, axis=2, keepdims=True)
    total += _ALMOST_NOTHING
    return (each / total).astype(np.float32).reshape(len(sums), SHARES)


def turn(shares: FloatArray, pitch: IntArray) -> FloatArray:
    """Shares ``(N, 36)``, each histogram from the pitch class of ``pitch`` ``(N,)`` up."""
    first = np.arange(0, shares.size, SHARES)[:, None]
    turned: FloatArray = shares.reshape(-1).take(first + _TURNS.take(pitch, axis=0))
    return turned


def fade_on(sums: Sums, ends: IntArray, now: IntArray, step: IntArray, q: int) -> Sums:
    """The sums at a later step.

    Args:
        sums: Those at ``now``, float64 ``(B, 36)``.
        ends: Step at which each pitch of each part falls silent, 0 for drums, ``(B, parts, 128)``.
        now: ``(B,)``.
        step: At most a whole note later, ``(B,)``.
        q: Steps a quarter.
    """
    passed = step - now
    if not np.count_nonzero(passed):
        return sums
    weights = _weights(q)
    later = sums * weights.take(passed, axis=0)
    width = ends.shape[1] * N_PITCHES
    places = np.flatnonzero(ends > now[:, None, None])
    if places.size:
        stream = places // width
        over = passed.take(stream)
        sounded = np.minimum(ends.reshape(-1).take(places) - now.take(stream), over)
        gained = weights.take(over - sounded, axis=0) - weights.take(over, axis=0)
        first = stream * SHARES + places % width % N_PITCHES % PITCH_CLASSES
        columns = first[:, None] + _FIRSTS
        later += np.bincount(
            columns.ravel(), gained[:, ::PITCH_CLASSES].ravel(), later.size
        ).reshape(later.shape)
    return later


def fading_sums(
    onset: npt.NDArray[np.integer[Any]],
    end: npt.NDArray[np.integer[Any]],
    pitch: npt.NDArray[np.integer[Any]],
    steps: npt.NDArray[np.integer[Any]],
    q: int,
) -> Sums:
    """The sums at given steps.

    Args:
        onset: When each note began, ``(notes,)``.
        end: When it ended, ``(notes,)``.
        pitch: Its pitch, ``(notes,)``; drums are not among them.
        steps: When to look, ascending, each one once, ``(n,)``. Later onsets do not matter.
        q: Steps a quarter.

    Returns:
        float64 ``(n, 36)``.
    """
    n = len(steps)
    # an end adds and an onset takes away, each first seen at the step at or after it
    at = np.concatenate([end, onset])
    sign = np.repeat([1.0, -1.0], len(onset))
    seen = np.searchsorted(steps, at)
    inside = seen < n
    at, sign, seen = at[inside], sign[inside], seen[inside]
    pitch_class = np.concatenate([pitch, pitch])[inside] % PITCH_CLASSES
    place = seen * PITCH_CLASSES + pitch_class
    sounding = -np.cumsum(
        np.bincount(place, sign, n * PITCH_CLASSES).reshape(n, PITCH_CLASSES), axis=0
    )
    sums = np.zeros((n, len(HALF_LIVES), PITCH_CLASSES))
    for index, quarters in enumerate(HALF_LIVES):
        half_life = quarters * q
        time: Sums = steps / half_life
        new = np.bincount(place, sign * np.exp2((at - steps[seen]) / half_life), sounding.size)
        sums[:, index] = _accumulate(new.reshape(n, -1).astype(np.float64), time) + sounding
    return np.maximum(sums, 0).reshape(n, SHARES)


def _accumulate(new: Sums, time: Sums) -> Sums:
    """Add up what fades: ``new`` ``(n, columns)`` comes at ``time`` ``(n,)``, in half-lives."""
    total = np.zeros_like(new)
    left = np.zeros(new.shape[1])
    stretches = np.flatnonzero(np.diff(time // _SPAN, prepend=-1))
    for first, stop in zip(stretches, [*stretches[1:], len(time)], strict=True):
        growth = np.exp2(time[first:stop] - time[first])[:, None]
        if first:
            left = total[first - 1] * np.exp2(time[first - 1] - time[first])
        total[first:stop] = (np.cumsum(new[first:stop] * growth, axis=0) + left) / growth
    return total


@cache
def _weights(q: int) -> Sums:
    """What is left after each number of steps up to a whole note, ``(4q + 1, 36)``."""
    weights: Sums = np.exp2(-np.arange(SHIFT_QUARTERS * q + 1)[:, None] / (_HALF_LIFE * q))
    return weights


_FIRSTS = np.arange(0, SHARES, PITCH_CLASSES)
# for each pitch where the shares from its pitch class up stand, (128, 36)
_TURNS = (np.arange(N_PITCHES)[:, None] + np.arange(SHARES)) % PITCH_CLASSES
_TURNS += np.repeat(_FIRSTS, PITCH_CLASSES)
