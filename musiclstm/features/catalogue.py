"""What is measured of a score: what it is called, its unit, its definition and its source.

Everything here is one number a piece and asks for no key, meter or number of parts, so that pieces
of any kind can be held against each other; transposing a piece changes none of them.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from musiclstm.features.drums import drum_pattern_consistency
from musiclstm.features.pitches import (
    melodic_motion,
    pitch_class_count,
    pitch_class_entropy,
    pitch_class_entropy_of_bars,
    pitch_count,
    pitch_entropy,
    pitch_range,
    scale_consistency,
)
from musiclstm.features.sounding import chordal_share, harmonic_change_rate
from musiclstm.features.statistics import longest_repeat
from musiclstm.features.structure import repeated_share
from musiclstm.features.texture import (
    empty_bar_rate,
    empty_beat_rate,
    groove_consistency,
    note_density,
    note_length,
    polyphony,
    polyphony_rate,
)
from musiclstm.score import Score

MUSPY = "MusPy (Dong et al., ISMIR 2020)"
JAZZ = "Wu and Yang, The Jazz Transformer on the Front Line, ISMIR 2020"
_OWN = "musiclstm"


class Feature(NamedTuple):
    """Something that is measured of a score.

    Attributes:
        measure: How.
        words: What it is, as a musician says it.
        unit: Of its values; ``"%"`` where they are shares.
        definition: What is counted, exactly.
        source: Whose definition it is.
    """

    measure: Callable[[Score], float]
    words: str
    unit: str
    definition: str
    source: str


CATALOGUE: Mapping[str, Feature] = {
    "pitch_class_entropy": Feature(
        pitch_class_entropy,
        "variety of pitches",
        "bits",
        "Entropy of how often each of the twelve pitch classes is struck; drums left out.",
        MUSPY,
    ),
    "scale_consistency": Feature(
        scale_consistency,
        "notes within one scale",
        "%",
        "Share of the notes in the major or natural minor scale that holds most of them.",
        MUSPY,
    ),
    "pitch_range": Feature(
        pitch_range, "range", "semitones", "From the lowest to the highest note.", MUSPY
    ),
    "polyphony": Feature(
        polyphony,
        "pitches that sound at once",
        "",
        "Mean number of different pitches at the steps at which any sounds.",
        MUSPY,
    ),
    "note_density": Feature(
        note_density,
        "note density",
        "notes a quarter",
        "Notes of all parts over the length of the piece.",
        _OWN,
    ),
    "note_length": Feature(
        note_length, "length of notes", "quarters", "Mean length of the notes.", _OWN
    ),
    "melodic_motion": Feature(
        melodic_motion,
        "steps of the melodies",
        "semitones",
        "Mean absolute interval between successive highest notes of a part, mean over the parts.",
        _OWN,
    ),
    "groove_consistency": Feature(
        groove_consistency,
        "likeness of neighbouring bars",
        "%",
        "1 minus the share of grid steps at which of two neighbouring bars one has an onset only.",
        f"{JAZZ}; {MUSPY}",
    ),
    "empty_beats": Feature(
        empty_beat_rate, "empty beats", "%", "Share of the quarters that no note touches.", MUSPY
    ),
    "harmonic_changes": Feature(
        harmonic_change_rate,
        "changes of harmony",
        "a quarter",
        "How often the set of pitch classes that sound changes to another chord.",
        _OWN,
    ),
    "chordal_share": Feature(
        chordal_share,
        "time that fits into a chord",
        "%",
        "Share of the sounding time whose pitch classes all fit into a triad or seventh chord.",
        _OWN,
    ),
    "longest_repeat": Feature(
        longest_repeat,
        "repetitions of a note",
        "in a row",
        "Longest run of one note or chord with its duration in any part.",
        _OWN,
    ),
    "pitch_count": Feature(
        pitch_count, "different pitches", "", "How many different pitches are struck.", MUSPY
    ),
    "pitch_class_count": Feature(
        pitch_class_count,
        "different pitch classes",
        "",
        "How many of the twelve pitch classes are struck.",
        MUSPY,
    ),
    "pitch_entropy": Feature(
        pitch_entropy,
        "variety of pitches, octaves told apart",
        "bits",
        "Entropy of how often each pitch is struck.",
        MUSPY,
    ),
    "entropy_of_bars": Feature(
        pitch_class_entropy_of_bars,
        "variety of pitches within a bar",
        "bits",
        "Mean over the bars of the entropy of their pitch classes.",
        JAZZ,
    ),
    "polyphony_rate": Feature(
        polyphony_rate,
        "time with three pitches or more",
        "%",
        "Share of the steps at which more than two different pitches sound.",
        MUSPY,
    ),
    "empty_bars": Feature(
        empty_bar_rate, "empty bars", "%", "Share of the bars that no note touches.", MUSPY
    ),
    "drum_pattern": Feature(
        drum_pattern_consistency,
        "drums on the beat's quarters or thirds",
        "%",
        "Share of drum hits on a duple or a triple division of the beat, whichever is more.",
        MUSPY,
    ),
    "repeated_bars": Feature(
        repeated_share,
        "bars that were heard before",
        "%",
        "Share of the bars whose pitch classes, beat by beat, have a cosine of 0.95 or more with "
        "those of an earlier bar.",
        "after Foote, 1999",
    ),
}
