"""Scores enter; integer event rows leave, with their conditions, musical context and hard masks.

The other way round too: ``decode(encode(score, vocabulary), vocabulary)`` is the score again.
"""

from musiclstm.encoding.augment import transpose, transpositions
from musiclstm.encoding.conditions import (
    CONDITION_NAMES,
    Conditions,
    condition_ids,
    condition_sizes,
    conditions_of,
)
from musiclstm.encoding.context import Context, after_size, onset_sizes, voice_sizes
from musiclstm.encoding.fitting import FittedParts, fit_parts
from musiclstm.encoding.parts import MAX_MODEL_PARTS, ModelPart
from musiclstm.encoding.piece import Piece, input_ids, prepare, start_ids
from musiclstm.encoding.rows import Encoded, decode, encode, velocity_id, velocity_of
from musiclstm.encoding.stages import Kind
from musiclstm.encoding.tracker import Tracker
from musiclstm.encoding.vocabulary import Field, Vocabulary, build_vocabulary

__all__ = [
    "CONDITION_NAMES",
    "MAX_MODEL_PARTS",
    "Conditions",
    "Context",
    "Encoded",
    "Field",
    "FittedParts",
    "Kind",
    "ModelPart",
    "Piece",
    "Tracker",
    "Vocabulary",
    "after_size",
    "build_vocabulary",
    "condition_ids",
    "condition_sizes",
    "conditions_of",
    "decode",
    "encode",
    "fit_parts",
    "input_ids",
    "onset_sizes",
    "prepare",
    "start_ids",
    "transpose",
    "transpositions",
    "velocity_id",
    "velocity_of",
    "voice_sizes",
]
