"""Transposition: the same music in other keys, for training.

Drums stay. A piece is moved only as far as every part stays within the range that the corpus uses
for it, so that augmentation invents no soprano that no soprano sings.
"""

from dataclasses import replace

import numpy as np

from musiclstm.encoding.rows import Encoded
from musiclstm.encoding.vocabulary import Field, Vocabulary

MAX_TRANSPOSITION = 6  # further than a tritone the keys repeat


def transpositions(encoded: Encoded, vocabulary: Vocabulary) -> tuple[int, int]:
    """The range of semitones by which a piece may be moved.

    Args:
        encoded: The piece.
        vocabulary: Its parts know their ranges.

    Returns:
        Lowest and highest, inclusive; always around 0.
    """
    lowest, highest = -MAX_TRANSPOSITION, MAX_TRANSPOSITION
    rows = encoded.events[encoded.events[:, Field.SHIFT] <= vocabulary.max_shift]
    for part_id in encoded.part_map:
        part = vocabulary.parts[part_id]
        pitches = rows[rows[:, Field.PART] == part_id, Field.PITCH]
        if part.is_drum or not pitches.size:
            continue
        lowest = max(lowest, part.low - int(pitches.min()))
        highest = min(highest, part.high - int(pitches.max()))
    return min(lowest, 0), max(highest, 0)


def transpose(encoded: Encoded, semitones: int, vocabulary: Vocabulary) -> Encoded:
    """Move a piece by ``semitones``, its key with it.

    Within an onset rows are sorted by part before pitch, so their order does not change.
    """
    if semitones == 0:
        return encoded
    events = encoded.events.copy()
    moves = events[:, Field.SHIFT] <= vocabulary.max_shift
    moves &= ~vocabulary.drum_parts[events[:, Field.PART]]
    events[:, Field.PITCH] += np.where(moves, semitones, 0)
    return replace(encoded, events=events, conditions=encoded.conditions.transposed(semitones))
