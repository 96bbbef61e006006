"""How other parts move while a part chooses its next pitch: the motions of counterpoint, as ids.

Two parts that move make similar or contrary motion, from one interval into another; where one
stays, motion is oblique. Rules of voice leading speak of just that: no similar motion from a fifth
into a fifth. An id tells, of one other part, the interval that it made with the chooser's last
pitch, its own direction and where it stands now. With it every pitch in reach has a *motion*, and
that is what the network weighs (:func:`motions_in_reach`): the ids say much, the motions are few.

Source of the terms: Fux, Gradus ad Parnassum (1725).
"""

import numpy as np

from musiclstm.encoding.intervals import NO_DIFFERENCE
from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import N_PITCHES

REACH = 12  # semitones that a part may move and its motion be weighed
CLASSES = 12
KINDS = 5  # still, oblique, similar, contrary; and beside a part that was silent before
MOTIONS = KINDS * CLASSES * CLASSES * 2

_DIRECTIONS = 3  # of the other part: down, none, up
_FARTHEST = REACH + CLASSES  # where the other part stands; beyond, octaves are taken off
_PLACES = 2 * _FARTHEST + 1
_SILENT = CLASSES * _DIRECTIONS  # before: no interval
MOTION_IDS = (_SILENT + 1) * _PLACES


def motion_ids(now: IntArray, before: IntArray) -> IntArray:
    """What other parts do, as ids.

    Args:
        now: Where they stand, as differences from the chooser's last pitch, 0-254 for -127 to 127
            semitones, 255 for none.
        before: Where they stood just before, in the same way; of the same shape.

    Returns:
        int32 of that shape; -1 where a part does not sound now.
    """
    found: IntArray = _IDS.take(now * (NO_DIFFERENCE + 1) + before)
    return found


def motions_in_reach() -> IntArray:
    """For each id the motion that each pitch in reach makes.

    Returns:
        int32 ``(MOTION_IDS, 2 * REACH + 1)``, from an octave below the chooser's last pitch to an
        octave above; 0 to ``MOTIONS - 1``, in the order kind, interval class before, interval class
        after, and whether the pitch is at or above the other part's.
    """
    move = np.arange(-REACH, REACH + 1)
    ids = np.arange(MOTION_IDS)[:, None]
    then, place = ids // _PLACES, ids % _PLACES - _FARTHEST
    direction, interval = then % _DIRECTIONS - 1, then // _DIRECTIONS
    similar = direction == np.sign(move)
    kind = np.select([move == 0, direction == 0, similar], [0, 1, 2], 3)
    kind, interval = np.where(then == _SILENT, [4], kind), np.where(then == _SILENT, 0, interval)
    apart = move - place
    motion = (kind * CLASSES + interval) * CLASSES + apart % CLASSES
    return (motion * 2 + (apart >= 0)).astype(np.int32)


def _ids() -> IntArray:
    """For each pair of differences, now and before, the id."""
    now = np.arange(NO_DIFFERENCE + 1)[:, None] - (N_PITCHES - 1)
    before = now.T
    over = np.maximum(np.abs(now) - _FARTHEST, 0)
    octaves = -(-over // CLASSES) * CLASSES
    place = now - np.sign(now) * octaves + _FARTHEST
    # the interval is that from the other part up to the chooser
    then = -before % CLASSES * _DIRECTIONS + np.sign(now - before) + 1
    then[:, NO_DIFFERENCE] = _SILENT
    ids = then * _PLACES + place
    ids[NO_DIFFERENCE] = -1
    flat: IntArray = ids.reshape(-1).astype(np.int32)
    return flat


_IDS = _ids()
