"""A `Score` enters. Numbers leave: its key, what it shares with other pieces, how it moves.

Everything here is pure. Where theory comes from music21, it is imported inside the function that
needs it, because that takes a second.
"""

from musiclstm.features.key import find_key, pitch_class_histogram
from musiclstm.features.pitches import (
    melodic_interval,
    pitch_class_count,
    pitch_class_entropy,
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
    "Copy",
    "Sounding",
    "VoiceLeading",
    "bar_steps",
    "chordal_share",
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
    "note_density",
    "note_length",
    "notes_per_bar",
    "out_of_key_share",
    "pitch_class_count",
    "pitch_class_entropy",
    "pitch_class_histogram",
    "pitch_range",
    "polyphony",
    "polyphony_rate",
    "scale_consistency",
    "sounding",
    "voice_grid",
    "voice_leading",
]
