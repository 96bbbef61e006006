"""Intervals between two pitches, as ids: up to three octaves either way, and none."""

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import N_PITCHES

MAX_INTERVAL = 36  # semitones; wider ones share the last id
INTERVALS = 2 * MAX_INTERVAL + 2  # with one for none
NO_INTERVAL = INTERVALS - 1
NO_DIFFERENCE = 2 * N_PITCHES - 1  # differences are counted from the widest fall, 0 to 254


def interval_ids(pitch: npt.ArrayLike, reference: npt.ArrayLike) -> IntArray:
    """How far pitches stand from others: 0 (three octaves below) to 72, or 73 for none.

    Args:
        pitch: MIDI, -1 for none.
        reference: From where, MIDI, -1 for none; any shape that broadcasts.

    >>> interval_ids([60, 64, 0, -1], 60).tolist()
    [36, 40, 0, 73]
    """
    to, since = np.asarray(pitch, np.int32), np.asarray(reference, np.int32)
    wide = np.clip(to - since, -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
    ids: IntArray = np.where((to < 0) | (since < 0), NO_INTERVAL, wide).astype(np.int32)
    return ids


# What composing looks up: the difference of two pitches at ``pitch * PITCH_STRIDE + reference``,
# where -1 is none. Places below 0 are counted from the end, as NumPy counts them.
PITCH_STRIDE = N_PITCHES + 1


def _differences() -> IntArray:
    pitch = np.arange(-1, N_PITCHES)
    apart = pitch[:, None] - pitch + N_PITCHES - 1
    apart[0], apart[:, 0] = NO_DIFFERENCE, NO_DIFFERENCE
    return np.roll(apart.reshape(-1), -(PITCH_STRIDE + 1)).astype(np.int32)


DIFFERENCES = _differences()
INTERVAL_OF_DIFFERENCE = np.append(
    interval_ids(np.arange(2 * N_PITCHES - 1), N_PITCHES - 1), np.int32(NO_INTERVAL)
)


def _sounding_ids() -> tuple[IntArray, IntArray, IntArray]:
    """For each difference of pitches the ids of what sounds: now, just before, beside a pitch.

    Now, at twice the difference and one more for *struck*: the interval, from
    ``INTERVALS`` up where it is held; the interval where it was struck; where it is held; the pitch
    class. Just before: the interval, twice, once with -1 for none. Beside a pitch: the interval,
    and its pitch class.
    """
    interval = INTERVAL_OF_DIFFERENCE
    difference = np.arange(len(interval))
    none = np.full_like(interval, -1)
    sounds = difference != NO_DIFFERENCE
    pitch_class = np.where(sounds, (difference - N_PITCHES + 1) % 12, -1)
    shared = np.where(sounds, interval, -1)
    held = np.stack([interval + INTERVALS, none, shared, pitch_class], axis=1)
    struck = np.stack([interval, shared, none, pitch_class], axis=1)
    now = np.stack([held, struck], axis=1).reshape(-1, 4)
    before = np.stack([interval, shared], axis=1)
    beside = np.stack([interval, pitch_class], axis=1)
    return now.astype(np.int32), before.astype(np.int32), beside.astype(np.int32)


NOW, BEFORE, BESIDE = _sounding_ids()
