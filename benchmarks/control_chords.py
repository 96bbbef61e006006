"""Progressions that are wished for: how much of the time lies on them, with the wish and without.

Without the wish the same pieces are composed in the progression's key.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from musiclstm.features.chord_symbols import chord_spans, key_of_chords, parse_progression
from musiclstm.features.harmony import share_on_chords
from musiclstm.generation import compose
from musiclstm.model import Bundle

BARS = 8
TARGET = 0.85
PROGRESSIONS = (
    "C | Am F | G7 | C",
    "Am | Dm | E7 | Am",
    "Bb | Eb | F7 | Bb",
    "D | G A | Bm | G | D | A7 | D | D",
    "G | Em | C D | G",
    "Em | C | G | D",
)


def chords(
    bundle: Bundle, pieces: int, seed: int, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Compose to some progressions.

    Args:
        bundle: Any model.
        pieces: How many to each.
        seed: Of all chance.
        report: Called with (done, all).
    """
    shares: dict[str, list[float]] = {"wished": [], "alone": []}
    for number, text in enumerate(PROGRESSIONS):
        progression = parse_progression(text)
        wishes = {"wished": {"chords": text}, "alone": {"key": key_of_chords(progression)}}
        for who, wish in wishes.items():
            for piece in compose(bundle, pieces, seed=seed + number, bars=BARS, **wish):
                score = piece.score
                grid = score.steps_per_quarter
                spans = chord_spans(progression, score.meter_map, BARS, grid)
                shares[who].append(share_on_chords(score, spans))
        report(number + 1, len(PROGRESSIONS))
    means = {who: float(np.mean(of)) for who, of in shares.items()}
    return {
        "pieces": pieces * len(PROGRESSIONS),
        "share_on_chords": {who: round(of, 3) for who, of in means.items()},
        "least": {who: round(min(of), 3) for who, of in shares.items()},
        "targets": {
            "85% of the time on the chords": "met" if means["wished"] >= TARGET else "missed"
        },
    }
