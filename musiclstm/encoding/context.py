"""Musical context: what a musician knows at this moment and an LSTM would waste its memory on.

Where in bar and beat the new onset falls, how many bars are left, what sounds and for how long
still, over all parts and in the chosen one, and that part's last notes. Fixed width, whatever the
number of parts. A deterministic function of the stages (:mod:`.stages`), thus of the past alone;
the network sees it in the heads and, a row later, at the LSTM's input.

Ids feed embeddings; durations of sounding notes are bytes, 0 for silence to 255 for a whole note or
more.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.encoding.ruler import BAR_LENGTHS, LONGEST_BAR_QUARTERS, MOST_BARS_LEFT, Ruler
from musiclstm.encoding.stages import N_RECENT, Before, IntArray, Onset, Voice
from musiclstm.encoding.vocabulary import N_PITCHES, Vocabulary

ByteArray = npt.NDArray[np.uint8]

_ZERO, _ONE = np.zeros(1, np.int32), np.ones(1, np.int32)


@dataclass(frozen=True)
class Context:
    """The context of N rows.

    Attributes:
        onset_ids: int32 ``(N, 5)``: position in the bar, position in the beat, kind of bar, bars
            left, steps to the next end. Sizes: :func:`onset_sizes`.
        sounding: uint8 ``(N, 128)``: how long each pitch will still sound.
        remaining: uint8 ``(N, 16)``: how long each part will still sound.
        voice_ids: int32 ``(N, 7)``: the part, its last three pitches, its last duration, steps
            since its last onset, steps to its end. Sizes: :func:`voice_sizes`.
        voice_sounding: uint8 ``(N, 128)``: how long each pitch will still sound in the part.
    """

    onset_ids: IntArray
    sounding: ByteArray
    remaining: ByteArray
    voice_ids: IntArray
    voice_sounding: ByteArray


def onset_sizes(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Number of ids of each column of ``onset_ids``."""
    q = vocabulary.steps_per_quarter
    return (
        (LONGEST_BAR_QUARTERS + 4) * q,
        5 * q,
        1 + 2 * BAR_LENGTHS,
        MOST_BARS_LEFT + 3,
        1 + vocabulary.max_shift,
    )


def voice_sizes(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Number of ids of each column of ``voice_ids``."""
    v = vocabulary
    return (
        1 + len(v.parts),
        *(1 + N_PITCHES,) * N_RECENT,
        2 + v.max_duration,
        2 + v.max_duration,
        1 + v.max_shift,
    )


def after_size(vocabulary: Vocabulary) -> int:
    """Number of ids of :func:`after_ids`."""
    return 1 + vocabulary.max_shift


def onset_context(
    onset: Onset, ruler: Ruler, vocabulary: Vocabulary
) -> tuple[IntArray, ByteArray, ByteArray]:
    """Context that is known with the onset.

    Args:
        onset: The stage.
        ruler: One for all rows, or one for each.
        vocabulary: For the grid.

    Returns:
        ``onset_ids``, ``sounding`` and ``remaining`` of :class:`Context`.
    """
    v = vocabulary
    place, bars_left = ruler.read(onset.step)
    # one less, unsigned: silence becomes the longest of all, and the least is what ends next
    soonest = np.minimum.reduce((onset.sounding - _ONE).view(np.uint32), axis=1).view(np.int32)
    next_end = np.minimum(np.maximum(soonest + _ONE, _ZERO), v.max_shift)
    ids = np.concatenate((place, bars_left[:, None], next_end[:, None]), axis=1)
    remaining = np.zeros((len(ids), MAX_MODEL_PARTS), np.uint8)
    as_bytes = _as_bytes(v.max_shift)
    remaining[:, : onset.remaining.shape[1]] = as_bytes.take(onset.remaining, mode="clip")
    return ids, as_bytes.take(onset.sounding, mode="clip"), remaining


def voice_context(voice: Voice, vocabulary: Vocabulary) -> tuple[IntArray, ByteArray]:
    """Context that is known with the part: ``voice_ids`` and ``voice_sounding``."""
    v = vocabulary
    to_end = np.maximum.reduce(voice.sounding, axis=1)
    since = np.minimum(voice.since, v.max_duration)
    ids = np.concatenate(
        (voice.part[:, None], voice.recent, voice.last_duration[:, None], since[:, None]), axis=1
    )
    ids += _ONE
    to_end = np.minimum(to_end, v.max_shift)
    return (
        np.concatenate((ids, to_end[:, None]), axis=1),
        _as_bytes(v.max_shift).take(voice.sounding, mode="clip"),
    )


def after_ids(before: Before, vocabulary: Vocabulary) -> IntArray:
    """What follows from the last row itself: steps until the next note ends, int32 ``(N,)``."""
    ids: IntArray = np.minimum(before.next_end, vocabulary.max_shift)
    return ids


@cache
def _as_bytes(max_shift: int) -> ByteArray:
    """For each number of steps a byte: 0 stays 0; 1 step to a whole note becomes 1 to 255."""
    return (-(-np.arange(max_shift + 1) * 255 // max_shift)).astype(np.uint8)
