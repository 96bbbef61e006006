"""A `Score` enters. Numbers leave: its key, what it shares with other pieces, how it moves.

Everything here is pure. Where theory comes from music21, it is imported inside the function that
needs it, because that takes a second.
"""

from musiclstm.features.catalogue import CATALOGUE, Feature
from musiclstm.features.drums import drum_in_pattern_rate, drum_pattern_consistency
from musiclstm.features.key import find_key, pitch_class_histogram
from musiclstm.features.pitches import (
    melodic_interval,
    melodic_motion,
    pitch_class_count,
    pitch_class_entropy,
    pitch_class_entropy_of_bars,
    pitch_count,
    pitch_entropy,
    pitch_in_scale_rate,
    pitch_range,
    scale_consistency,
)
from musiclstm.features.similarity import Copy, duplicate_groups, find_copies, fingerprint
from musiclstm.features.sounding import (
    Sounding,
    chordal_share,
    harmonic_change_rate,
    sounding,
)
from musiclstm.features.statistics import longest_repeat, notes_per_bar, out_of_key_share
from musiclstm.features.structure import (
    repeat_distances,
    repeated_share,
    self_similarity,
    structureness,
)
from musiclstm.features.texture import (
    bar_steps,
    empty_bar_rate,
    empty_beat_rate,
    groove_consistency,
    note_density,
    note_length,
    polyphony,
    polyphony_rate,
)
from musiclstm.features.voice_leading import (
    VoiceLeading,
    ends_on_tonic,
    voice_grid,
    voice_leading,
)

__all__ = [
    "CATALOGUE",
    "Copy",
    "Feature",
    "Sounding",
    "VoiceLeading",
    "bar_steps",
    "chordal_share",
    "drum_in_pattern_rate",
    "drum_pattern_consistency",
    "duplicate_groups",
    "empty_bar_rate",
    "empty_beat_rate",
    "ends_on_tonic",
    "find_copies",
    "find_key",
    "fingerprint",
    "groove_consistency",
    "harmonic_change_rate",
    "longest_repeat",
    "melodic_interval",
    "melodic_motion",
    "note_density",
    "note_length",
    "notes_per_bar",
    "out_of_key_share",
    "pitch_class_count",
    "pitch_class_entropy",
    "pitch_class_entropy_of_bars",
    "pitch_class_histogram",
    "pitch_count",
    "pitch_entropy",
    "pitch_in_scale_rate",
    "pitch_range",
    "polyphony",
    "polyphony_rate",
    "repeat_distances",
    "repeated_share",
    "scale_consistency",
    "self_similarity",
    "sounding",
    "structureness",
    "voice_grid",
    "voice_leading",
]
