"""What sounds beside a pitch that is being chosen, as a set of pitch classes: a *sonority*.

Twelve bits say which pitch classes the other parts sound, and the part's own held notes. Seen from
a pitch, turned so that its own class comes first, they say what chord it would make: one table of
all 4,096 is a vocabulary of chords, whatever their root. Drums neither make chords nor hear them.
"""

import numpy as np

from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import N_PITCHES

CLASSES = 12
SONORITIES = 2**CLASSES
_BITS = (1 << np.arange(N_PITCHES) % CLASSES).astype(np.int32)
_BITS_OR_NONE = np.append(_BITS, np.int32(0))  # the last is of -1


def sonorities(now: IntArray, own: IntArray) -> IntArray:
    """Which pitch classes sound, as bits, C first.

    Args:
        now: Pitches of the other parts, -1 for none, int32 ``(N, parts)``.
        own: For each pitch the steps that it will still sound in the part, int32 ``(N, 128)``.

    Returns:
        int32 ``(N,)``, 0 to 4095.
    """
    found: IntArray = np.bitwise_or.reduce(_BITS_OR_NONE.take(now), axis=1)
    found |= np.bitwise_or.reduce(_BITS * (own > 0), axis=1)
    return found


def sonorities_by_class() -> IntArray:
    """For each sonority how it looks from each pitch class.

    Returns:
        int32 ``(4096, 12)``: bit k is the pitch class k semitones above.

    >>> [f"{seen:012b}" for seen in sonorities_by_class()[0b10010001, [0, 4, 7]]]  # C major
    ['000010010001', '000100001001', '001000100001']
    """
    bits, turn = np.arange(SONORITIES)[:, None], np.arange(CLASSES)
    turned: IntArray = ((bits >> turn | bits << CLASSES - turn) % SONORITIES).astype(np.int32)
    return turned
