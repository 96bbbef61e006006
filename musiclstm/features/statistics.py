"""A few numbers that tell a living piece from a stuck one.

Conventions: drums are left out of everything about pitch and repetition, since a drum that repeats
is doing its work; a piece without notes has the value 0.
"""

from itertools import groupby
from operator import itemgetter

import numpy as np

from musiclstm.features.key import find_key, pitch_class_histogram
from musiclstm.score import Column, Key, Score

# Semitones above the tonic. Minor holds the raised sixth and seventh of its melodic form too:
# they are no mistakes, but what every cadence in minor uses.
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 9, 10, 11)}


def notes_per_bar(score: Score) -> float:
    """Count notes a bar over all parts; a pickup adds its notes and no bar.

    >>> from musiclstm.score import Part
    >>> notes_per_bar(Score([[0, 24, 60, 80, 0], [96, 24, 60, 80, 0]], (Part(),)))
    1.0
    """
    return len(score.notes) / max(1, score.bars)


def longest_repeat(score: Score) -> int:
    """Count how often one event sounds in succession in a part, at the most.

    An event is what begins at one onset in one part: its pitches with their durations. Rests
    between do not matter.

    Returns:
        Length of the longest run, >= 1: 1 where nothing follows itself. 0 without pitched notes.

    >>> from musiclstm.score import Part
    >>> rows = [[0, 12, 60, 80, 0], [12, 12, 60, 80, 0], [24, 12, 60, 80, 0], [36, 12, 62, 80, 0]]
    >>> longest_repeat(Score(rows, (Part(),)))
    3
    """
    longest = 0
    for number, part in enumerate(score.parts):
        if part.is_drum:
            continue
        notes = score.notes[score.notes[:, Column.PART] == number].tolist()
        events = [
            tuple((row[Column.PITCH], row[Column.DURATION]) for row in rows)
            for _, rows in groupby(notes, key=itemgetter(Column.ONSET))
        ]
        longest = max(longest, *(sum(1 for _ in run) for _, run in groupby(events)), 0)
    return longest


def out_of_key_share(score: Score, key: Key | None = None) -> float:
    """Measure how much of the sounding time lies outside the key's scale.

    Args:
        score: Any piece.
        key: The key to hold it to. By default the one written in the score, else the one found.

    Returns:
        0 to 1; 0 where no key can be found.

    >>> from musiclstm.score import Part
    >>> score = Score([[0, 36, 60, 80, 0], [36, 12, 61, 80, 0]], (Part(),))
    >>> out_of_key_share(score, Key(0))
    0.25
    """
    key = key or score.key or find_key(score)
    if key is None:
        return 0.0
    inside = np.zeros(12, bool)
    inside[[(key.tonic + degree) % 12 for degree in SCALES[key.mode]]] = True
    return float(pitch_class_histogram(score)[~inside].sum())
