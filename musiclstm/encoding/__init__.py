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
    style_shares,
)
from musiclstm.encoding.context import (
    Context,
    NoteContext,
    OnsetContext,
    VoiceContext,
    after_context,
    note_context,
    onset_context,
    voice_context,
)
from musiclstm.encoding.degrees import key_numbers
from musiclstm.encoding.fitting import FittedParts, fit_parts
from musiclstm.encoding.histograms import SHARES, Faded, fade
from musiclstm.encoding.intervals import INTERVALS, NO_INTERVAL, interval_ids
from musiclstm.encoding.layout import (
    DURATION_CANDIDATES,
    PITCH_CANDIDATES,
    after_columns,
    after_rows,
    note_columns,
    note_rows,
    onset_columns,
    onset_rows,
    voice_columns,
    voice_rows,
)
from musiclstm.encoding.motion import MOTION_IDS, MOTIONS, REACH, motions_in_reach
from musiclstm.encoding.noise import Noise
from musiclstm.encoding.parts import MAX_MODEL_PARTS, ModelPart
from musiclstm.encoding.piece import Piece, input_ids, prepare, start_ids
from musiclstm.encoding.recall import MATCH_LENGTHS, MATCH_NOTES, MATCH_ROWS
from musiclstm.encoding.rows import Encoded, decode, encode, velocity_id, velocity_of
from musiclstm.encoding.ruler import LONGEST_BAR_QUARTERS
from musiclstm.encoding.sonority import SONORITIES, sonorities_by_class
from musiclstm.encoding.stages import Before, Kind, Note, Onset, Voice
from musiclstm.encoding.tracker import Tracker
from musiclstm.encoding.vocabulary import Field, Vocabulary, build_vocabulary

__all__ = [
    "CONDITION_NAMES",
    "DURATION_CANDIDATES",
    "INTERVALS",
    "LONGEST_BAR_QUARTERS",
    "MATCH_LENGTHS",
    "MATCH_NOTES",
    "MATCH_ROWS",
    "MAX_MODEL_PARTS",
    "MOTIONS",
    "MOTION_IDS",
    "NO_INTERVAL",
    "PITCH_CANDIDATES",
    "REACH",
    "SHARES",
    "SONORITIES",
    "Before",
    "Conditions",
    "Context",
    "Encoded",
    "Faded",
    "Field",
    "FittedParts",
    "Kind",
    "ModelPart",
    "Noise",
    "Note",
    "NoteContext",
    "Onset",
    "OnsetContext",
    "Piece",
    "Tracker",
    "Vocabulary",
    "Voice",
    "VoiceContext",
    "after_columns",
    "after_context",
    "after_rows",
    "build_vocabulary",
    "condition_ids",
    "condition_sizes",
    "conditions_of",
    "decode",
    "encode",
    "fade",
    "fit_parts",
    "input_ids",
    "interval_ids",
    "key_numbers",
    "motions_in_reach",
    "note_columns",
    "note_context",
    "note_rows",
    "onset_columns",
    "onset_context",
    "onset_rows",
    "prepare",
    "sonorities_by_class",
    "start_ids",
    "style_shares",
    "transpose",
    "transpositions",
    "velocity_id",
    "velocity_of",
    "voice_columns",
    "voice_context",
    "voice_rows",
]
