"""How far drums keep to the beat and its halves, or thirds.

Source: MuseGAN (Dong et al., AAAI 2018), as MusPy 0.5 has it (``muspy.metrics``), with its
conventions; only where it answers NaN, there being no drums, we answer 0.
"""

from typing import Literal

import numpy as np

from musiclstm.score import Column, Score


def drum_in_pattern_rate(score: Score, meter: Literal["duple", "triple"]) -> float:
    """Measure the share of drum hits that fall on a place of a pattern.

    Args:
        score: Any piece; all parts but drums are left out.
        meter: In duple meter the places are the four quarters of each beat (the two halves where
            the grid has no quarters), in triple meter the three thirds; the beat alone where the
            grid has neither.

    Returns:
        0 to 1; 0 without drums.

    >>> from musiclstm.score import Part
    >>> score = Score([[0, 1, 36, 80, 0], [6, 1, 42, 80, 0], [8, 1, 42, 80, 0]], (Part(0, True),))
    >>> drum_in_pattern_rate(score, "triple")
    0.6666666666666666
    """
    drums = np.array([part.is_drum for part in score.parts], bool)
    onset = score.notes[drums[score.notes[:, Column.PART]], Column.ONSET]
    grid = score.steps_per_quarter
    divisions = (4, 2, 1) if meter == "duple" else (3, 1)
    step = next(grid // number for number in divisions if grid % number == 0)
    hits = np.count_nonzero(onset % grid % step == 0)
    return float(hits / max(1, len(onset)))


def drum_pattern_consistency(score: Score) -> float:
    """The greater :func:`drum_in_pattern_rate` of duple and triple meter, 0 to 1."""
    return max(drum_in_pattern_rate(score, "duple"), drum_in_pattern_rate(score, "triple"))
