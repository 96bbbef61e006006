"""A piece made ready for the network: inputs, context, masks and what counts, row by row.

Row 0 is START; rows 1 to N - 1 are the event rows. Entry r of ``context`` and ``legal`` is what was
known when row r was chosen; entry r of ``inputs`` and ``after_ids`` is what row r then told. The
network reads ``inputs``, ``after_ids`` and ``context`` of row r, and predicts row r + 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.conditions import Conditions
from musiclstm.encoding.context import (
    Context,
    after_context,
    as_bytes,
    note_context,
    onset_context,
    voice_context,
)
from musiclstm.encoding.degrees import key_numbers
from musiclstm.encoding.histograms import Faded
from musiclstm.encoding.masks import (
    legal_durations,
    legal_parts,
    legal_pitches,
    legal_shifts,
    legal_velocities,
)
from musiclstm.encoding.noise import Noise, misread, misremember
from musiclstm.encoding.rows import Encoded
from musiclstm.encoding.ruler import UNSPECIFIED_BARS, Ruler
from musiclstm.encoding.stages import BoolArray, IntArray
from musiclstm.encoding.survey import survey
from musiclstm.encoding.vocabulary import Field, Vocabulary


@dataclass(frozen=True)
class Piece:
    """N = rows + 1 entries; see the module.

    Attributes:
        inputs: The fields as input ids, int32 ``(N, 5)``; a field that a row does not have is the
            id after the last.
        targets: The fields as they are to be predicted, int32 ``(N, 5)``; 0 where a row does not
            have one.
        after_ids: Context that follows from the row itself, int32 ``(N, 6 + parts)``; see
            :func:`~.context.after_context`.
        context: Musical context of each row.
        legal: Legal ids, all fields side by side, bool ``(N, sum of sizes)``.
        counts: Which fields a row has, bool ``(N, 5)``; START has none.
        n_notes: Number of notes.
    """

    inputs: IntArray
    targets: IntArray
    after_ids: IntArray
    context: Context
    legal: BoolArray
    counts: BoolArray
    n_notes: int

    def __len__(self) -> int:
        """Number of rows to predict."""
        return len(self.inputs) - 1


def input_ids(events: npt.NDArray[np.int32], vocabulary: Vocabulary) -> IntArray:
    """Event rows as the network reads them: absent fields have the id after the last.

    Args:
        events: int32 ``(N, 5)``.
        vocabulary: For the sizes.
    """
    is_note = events[:, Field.SHIFT] <= vocabulary.max_shift
    ids = np.where(is_note[:, None], events, np.asarray(vocabulary.sizes, np.int32))
    ids[:, Field.SHIFT] = events[:, Field.SHIFT]
    return ids.astype(np.int32)


def start_ids(batch: int, vocabulary: Vocabulary) -> IntArray:
    """START as the network reads it: no field is there, int32 ``(batch, 5)``."""
    return np.tile(np.asarray(vocabulary.sizes, np.int32), (batch, 1))


def prepare(
    encoded: Encoded,
    vocabulary: Vocabulary,
    *,
    conditions: Conditions = Conditions(),  # noqa: B008 (immutable)
    noise: Noise | None = None,
    faded: Faded | None = None,
) -> Piece:
    """Make a piece ready.

    Args:
        encoded: Its rows, parts and meters.
        vocabulary: What the ids mean.
        conditions: What the network may know; of these it sees length and key at every row.
        noise: How wrongly the past is to be remembered; None for not at all.
        faded: Of a section, what the notes before it have left (:func:`~.histograms.fade`).
    """
    v = vocabulary
    seen = survey(encoded.events, encoded.part_map, v, faded)
    ruler = Ruler.of((encoded.meter_map,), np.array([conditions.bars or UNSPECIFIED_BARS]), v)
    keys = key_numbers([conditions.key])
    before, following = seen.before.select(slice(-1)), seen.before.select(slice(1, None))
    has_all = seen.voice.part >= 0
    legal = np.concatenate(
        [
            legal_shifts(before, seen.active, v),
            legal_parts(before, seen.shift, seen.onset, v),
            legal_pitches(before, seen.shift, seen.voice),
            legal_durations(np.maximum(seen.voice.part, 0), v),
            legal_velocities(before),
        ],
        axis=1,
    )
    # fields that a row does not have count for nothing; all legal, so that nothing divides by zero
    legal[~has_all, v.sizes[Field.SHIFT] :] = True
    counts = np.repeat(has_all[:, None], len(Field), axis=1)
    counts[1:, Field.SHIFT] = True
    read = np.concatenate([start_ids(1, v), input_ids(encoded.events, v)])
    inputs, onset, voice = read, seen.onset, seen.voice
    at_onset, at_voice = onset_context(onset, ruler, v), voice_context(voice, onset, keys, v)
    if noise is not None:
        inputs = misread(read, noise, v)
        onset, voice = misremember(seen, noise, v)
        # which pitches sound is remembered wrongly, and not when the first of them ends
        at_onset = at_onset._replace(sounding=as_bytes(onset.sounding, v))
        # how the others move is not: a rule without exceptions cannot be learned from wrong notes
        at_voice = voice_context(voice, onset, keys, v)._replace(
            motion_ids=at_voice.motion_ids,
            sonority_ids=at_voice.sonority_ids,
            moves_from=at_voice.moves_from,
        )
    return Piece(
        inputs=inputs,
        targets=np.where(counts, read, 0),
        after_ids=after_context(following, ruler, keys, v),
        context=Context(
            **at_onset._asdict(),
            **at_voice._asdict(),
            **note_context(seen.note, voice, onset, keys, v)._asdict(),
        ),
        legal=legal,
        counts=counts,
        n_notes=encoded.n_notes,
    )
