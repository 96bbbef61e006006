"""Does a model hear in what order notes come? The test that counting cannot pass.

The pitches of each part are dealt out anew among its notes: rhythm, range, key and how often each
pitch occurs stay, melody and harmony go. A model that has learned how music goes on finds such a
piece much less likely; one that has learned only which notes there are does not care.
"""

import numpy as np

from musiclstm.score import Column, Score


def shuffled(score: Score, rng: np.random.Generator) -> Score:
    """Deal the pitches of each part out anew among its notes.

    Args:
        score: Any piece; drums are shuffled too.
        rng: Of the order.

    Returns:
        The piece with the same onsets, durations and velocities. Where a part plays chords, notes
        that came to stand on one pitch at once are one note, as in every score.

    >>> from musiclstm.score import Part
    >>> score = Score([[0, 24, 60, 80, 0], [24, 24, 62, 80, 0]], (Part(),))
    >>> sorted(shuffled(score, np.random.default_rng(0)).notes[:, 2].tolist())
    [60, 62]
    """
    notes = score.notes.copy()
    for part in np.unique(notes[:, Column.PART]):
        rows = np.flatnonzero(notes[:, Column.PART] == part)
        notes[rows, Column.PITCH] = rng.permutation(notes[rows, Column.PITCH])
    found, _ = Score.build(
        notes,
        score.parts,
        steps_per_quarter=score.steps_per_quarter,
        tempos=score.tempos,
        meter_map=score.meter_map,
        key=score.key,
        style=score.style,
        source=score.source,
    )
    return found
