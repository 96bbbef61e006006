"""Scale degrees: which note of its key a pitch is, as ids.

All else that a part sees of pitches is an interval from one of its own, and intervals are the same
in every key: a piece could be asked for in one and go on in another. The degree says where in the
key the interval begins. It is seen where a key is given, and none elsewhere.
"""

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.conditions import N_KEYS
from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import N_PITCHES
from musiclstm.score import Key

DEGREES = N_KEYS  # twelve in major, twelve in minor


def key_numbers(keys: "list[Key | None]") -> IntArray:
    """Keys as numbers, 0-23; -1 for none. int32 ``(B,)``."""
    return np.array([-1 if key is None else key.index for key in keys], np.int32)


def degree_ids(keys: IntArray, pitches: IntArray) -> IntArray:
    """The degrees of pitches.

    >>> degree_ids(key_numbers([Key(2), Key(2, "minor"), None]), np.array([62, 65, 60])).tolist()
    [0, 15, -1]

    Args:
        keys: Of each row, or ``(1,)`` for all; 0-23, -1 for none.
        pitches: MIDI, 0-127, int32 ``(N,)``.

    Returns:
        int32 ``(N,)``: semitones from the tonic up, in minor 12 more; -1 where there is no key.
    """
    found: IntArray = _DEGREES.take(keys * N_PITCHES + pitches)  # -1 is the last row
    return found


def _degrees() -> npt.NDArray[np.int32]:
    """For each key, and none, the degree of each pitch, ``((N_KEYS + 1) * 128,)``."""
    key, pitch = np.arange(N_KEYS)[:, None], np.arange(N_PITCHES)
    degrees = (pitch - key) % 12 + 12 * (key // 12)
    none = np.full((1, N_PITCHES), -1)
    return np.concatenate([degrees, none]).reshape(-1).astype(np.int32)


_DEGREES = _degrees()
