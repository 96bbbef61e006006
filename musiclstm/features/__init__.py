"""A `Score` enters. Numbers leave: its key, what it shares with other pieces, how it moves.

Everything here is pure. Where theory comes from music21, it is imported inside the function that
needs it, because that takes a second.
"""

from musiclstm.features.key import find_key, pitch_class_histogram
from musiclstm.features.similarity import Copy, duplicate_groups, find_copies, fingerprint
from musiclstm.features.statistics import longest_repeat, notes_per_bar, out_of_key_share

__all__ = [
    "Copy",
    "duplicate_groups",
    "find_copies",
    "find_key",
    "fingerprint",
    "longest_repeat",
    "notes_per_bar",
    "out_of_key_share",
    "pitch_class_histogram",
]
