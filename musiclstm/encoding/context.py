"""Musical context: what a musician knows at this moment and an LSTM would waste its memory on.

Where in bar and beat the new onset falls, how many bars are left, what sounds and for how long
still, over all parts and in the chosen one, and that part's last notes. Fixed width, whatever the
number of parts. A deterministic function of the stages (:mod:`.stages`), thus of the past alone;
the network sees it in the heads and, a row later, at the LSTM's input.

Ids feed embeddings; durations of sounding notes are bytes, 0 for silence to 255 for a whole note or
more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.encoding.stages import N_RECENT, Before, IntArray, Onset, Voice
from musiclstm.encoding.vocabulary import N_PITCHES, Vocabulary
from musiclstm.score import MeterMap, Places

ByteArray = npt.NDArray[np.uint8]

_LONGEST_BAR_QUARTERS = 8
_BAR_LENGTHS = 16  # in eighths, up to eight quarters
_MOST_BARS_LEFT = 32
UNSPECIFIED_BARS = 0  # "bars" of a piece whose length is not given


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
        (_LONGEST_BAR_QUARTERS + 4) * q,
        5 * q,
        1 + 2 * _BAR_LENGTHS,
        _MOST_BARS_LEFT + 3,
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
    onset: Onset, meter_maps: Sequence[MeterMap], bars: IntArray, vocabulary: Vocabulary
) -> tuple[IntArray, ByteArray, ByteArray]:
    """Context that is known with the onset.

    Args:
        onset: The stage.
        meter_maps: One for all rows, or one for each.
        bars: Length of the piece in bars, ``(N,)`` or ``(1,)``; 0 is unspecified.
        vocabulary: For the grid.

    Returns:
        ``onset_ids``, ``sounding`` and ``remaining`` of :class:`Context`.
    """
    v, q = vocabulary, vocabulary.steps_per_quarter
    place, specified = _places(onset.step, meter_maps, q)
    longest = _LONGEST_BAR_QUARTERS * q
    position, beat_steps = place.position, place.beat_steps
    in_bar = np.where(specified, np.minimum(position, longest - 1), longest + position)
    in_beat = np.where(
        specified, np.minimum(position % beat_steps, 4 * q - 1), 4 * q + position % q
    )
    eighths = np.clip(2 * place.bar_steps // q, 1, _BAR_LENGTHS)
    bar_kind = np.where(specified, eighths + _BAR_LENGTHS * place.compound, 0)
    left = np.clip(bars - place.bar, -1, _MOST_BARS_LEFT) + 2
    bars_left = np.where(bars == UNSPECIFIED_BARS, 0, left)
    soonest = np.where(onset.sounding > 0, onset.sounding, v.max_shift + 1).min(axis=1)
    next_end = np.where(onset.sounding.any(axis=1), np.minimum(soonest, v.max_shift), 0)
    ids = np.stack([in_bar, in_beat, bar_kind, bars_left, next_end], axis=1).astype(np.int32)
    remaining = np.zeros((len(ids), MAX_MODEL_PARTS), np.uint8)
    remaining[:, : onset.remaining.shape[1]] = _as_bytes(onset.remaining, v)
    return ids, _as_bytes(onset.sounding, v), remaining


def voice_context(voice: Voice, vocabulary: Vocabulary) -> tuple[IntArray, ByteArray]:
    """Context that is known with the part: ``voice_ids`` and ``voice_sounding``."""
    v = vocabulary
    to_end = np.minimum(voice.sounding.max(axis=1), v.max_shift)
    columns = [
        voice.part + 1,
        *(voice.recent + 1).T,
        voice.last_duration + 1,
        np.minimum(voice.since, v.max_duration) + 1,
        to_end,
    ]
    return np.stack(columns, axis=1).astype(np.int32), _as_bytes(voice.sounding, v)


def after_ids(before: Before, vocabulary: Vocabulary) -> IntArray:
    """What follows from the last row itself: steps until the next note ends, int32 ``(N,)``."""
    return np.minimum(before.next_end, vocabulary.max_shift).astype(np.int32)


def _places(
    step: IntArray, meter_maps: Sequence[MeterMap], q: int
) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Where each row stands, and whether its meter is known."""
    if len(meter_maps) == 1:
        return meter_maps[0].locate(step, q), np.full(len(step), meter_maps[0].specified)
    none = np.zeros(len(step), np.int32)
    found = Places(none, none.copy(), none.copy(), none.copy(), none.astype(bool))
    for meter_map in set(meter_maps):
        rows = np.array([index for index, own in enumerate(meter_maps) if own == meter_map])
        for name, values in vars(meter_map.locate(step[rows], q)).items():
            getattr(found, name)[rows] = values
    return found, np.array([own.specified for own in meter_maps])


def _as_bytes(steps: IntArray, vocabulary: Vocabulary) -> ByteArray:
    """0 stays 0; 1 step to a whole note becomes 1 to 255."""
    scaled = np.minimum(steps, vocabulary.max_shift) * 255
    return (-(-scaled // vocabulary.max_shift)).astype(np.uint8)
