"""Intervals, and the look-up tables that are read in their stead."""

import numpy as np

from musiclstm.encoding import INTERVALS, NO_INTERVAL, interval_ids
from musiclstm.encoding.intervals import (
    BEFORE,
    BESIDE,
    DIFFERENCES,
    INTERVAL_OF_DIFFERENCE,
    NOW,
    PITCH_STRIDE,
)

PITCHES = np.arange(-1, 128, dtype=np.int32)  # -1 is none
APART = DIFFERENCES.take(PITCHES[:, None] * PITCH_STRIDE + PITCHES)


def test_they_are_clipped_at_three_octaves():
    assert interval_ids([60, 96, 97, 24, 23], 60).tolist() == [36, 72, 72, 0, 0]
    assert interval_ids(-1, [60, -1]).tolist() == [NO_INTERVAL] * 2
    assert interval_ids(60, -1) == INTERVALS - 1


def test_the_tables_say_the_same_of_every_two_pitches():
    ids = interval_ids(PITCHES[:, None], PITCHES)
    assert np.array_equal(INTERVAL_OF_DIFFERENCE.take(APART), ids)
    none = ids == NO_INTERVAL
    pitch_class = np.where(none, -1, (PITCHES[:, None] - PITCHES) % 12)
    shared = np.where(none, -1, ids)
    held, struck = NOW.take(2 * APART, axis=0), NOW.take(2 * APART + 1, axis=0)
    nothing = np.full_like(ids, -1)
    for found, expected in (
        (held, (ids + INTERVALS, nothing, shared, pitch_class)),
        (struck, (ids, shared, nothing, pitch_class)),
        (BEFORE.take(APART, axis=0), (ids, shared)),
        (BESIDE.take(APART, axis=0), (ids, pitch_class)),
    ):
        assert np.array_equal(found, np.stack(expected, axis=-1))
