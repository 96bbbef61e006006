"""The rules that choirs' harmony is taught by, told by music21, for pieces of four voices.

A move is a pair of voices that both sound before and after, and of which at least one goes to
another pitch. music21's ``VoiceLeadingQuartet`` says of each move whether it is a parallel or a
hidden fifth or octave, and whether voices cross or overlap. What it says depends on how notes are
spelled; MIDI does not say that, so the interval between two voices is always spelled as the one
that a singer hears (seven semitones are a perfect fifth), and what depends on the pitches of the
move alone is asked once and remembered.

How it differs from :mod:`musiclstm.features.voice_leading`, which needs no music21: that counts
crossings by steps of time, this by moves; and a unison that opens to an octave is parallel there,
since octaves are cast out, and is not here; and the interval of crossed voices is taken from the
lower voice's place there, as it sounds here.

Source: ``music21.voiceLeading`` (Cuthbert and Ariza, "music21: A Toolkit for Computer-Aided
Musicology", ISMIR 2010).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np

from musiclstm.features.voice_leading import SILENCE, out_of_range, voice_grid, wide_spacings
from musiclstm.score import Score

VOICES = 4
RULES: Mapping[str, str] = {
    "parallel_fifths": "parallel fifths",
    "parallel_octaves": "parallel octaves and unisons",
    "hidden_fifths": "hidden fifths of soprano and bass",
    "hidden_octaves": "hidden octaves of soprano and bass",
    "crossings": "neighbours that cross",
    "overlaps": "neighbours that overlap",
    "wide_spacings": "steps with more than an octave between upper neighbours",
    "out_of_range": "notes beyond the voices' ranges",
}
_INTERVALS = ("P1", "m2", "M2", "m3", "M3", "P4", "A4", "P5", "m6", "M6", "m7", "M7")
_OCTAVE = 12
_MOST_STEPS = 100_000  # of a piece; more are no chorale


def is_four_part(scores: Sequence[Score]) -> bool:
    """Whether pieces have four voices of which each sings one note at a time, highest first.

    Args:
        scores: At least one.
    """
    return bool(scores) and all(map(_has_four_voices, scores))


def chorale_rules(score: Score) -> dict[str, int]:
    """Count how often a piece of four voices breaks each rule.

    Args:
        score: See :func:`is_four_part`.

    Returns:
        Counts by the names of :data:`RULES`, and ``moves``: pairs of voices of which one moves.
    """
    grid = voice_grid(score)
    counts: Counter[str] = Counter(dict.fromkeys((*RULES, "moves"), 0))
    changes = np.flatnonzero((np.diff(grid, axis=0) != 0).any(axis=1))
    for before, after in zip(grid[changes].tolist(), grid[changes + 1].tolist(), strict=True):
        for upper, lower in combinations(range(VOICES), 2):
            four = before[upper], after[upper], before[lower], after[lower]
            if SILENCE in four or (four[0] == four[1] and four[2] == four[3]):
                continue
            counts["moves"] += 1
            outer, neighbours = (upper, lower) == (0, VOICES - 1), lower == upper + 1
            for name in _broken(four[3] - four[2], four[0] - four[2], four[1] - four[3]):
                if (name.startswith("hidden") and not outer) or (
                    name in ("crossings", "overlaps") and not neighbours
                ):
                    continue
                counts[name] += 1
    counts["wide_spacings"] = wide_spacings(grid)
    counts["out_of_range"] = out_of_range(score)
    return dict(counts)


def _has_four_voices(score: Score) -> bool:
    if len(score.parts) != VOICES or not len(score.notes) or score.end > _MOST_STEPS:
        return False
    if any(part.is_drum for part in score.parts):
        return False
    onset, duration, pitch, _, part = score.notes.T
    medians = []
    for voice in range(VOICES):
        own = part == voice
        if not own.any() or (onset[own][1:] < (onset + duration)[own][:-1]).any():
            return False
        medians.append(float(np.median(pitch[own])))
    return medians == sorted(medians, reverse=True)


@cache
def _broken(step: int, before: int, after: int) -> frozenset[str]:
    """What a move breaks, in music21's words.

    Args:
        step: Semitones by which the lower voice goes up.
        before: Semitones from the lower to the upper voice before it; below 0 they are crossed.
        after: The same after it.
    """
    from music21.note import Note  # noqa: PLC0415
    from music21.voiceLeading import VoiceLeadingQuartet  # noqa: PLC0415

    low = Note("C4"), Note("C4").transpose(_interval(step))
    # named, not counted: a number would be spelled anew
    high = [note.transpose(_interval(gap)) for note, gap in zip(low, (before, after), strict=True)]
    quartet = VoiceLeadingQuartet(high[0], high[1], low[0], low[1])

    def parallel(name: str) -> bool:
        # its own parallelFifth() takes contrary motion for parallel
        return bool(quartet.parallelMotion(name, allowOctaveDisplacement=True))

    said = {
        "parallel_fifths": parallel("P5"),
        "parallel_octaves": parallel("P8") or parallel("P1"),
        "hidden_fifths": quartet.hiddenFifth(),
        "hidden_octaves": quartet.hiddenOctave(),
        "crossings": quartet.voiceCrossing(),
        "overlaps": quartet.voiceOverlap(),
    }
    return frozenset(name for name, broken in said.items() if broken)


def _interval(semitones: int) -> str:
    """An interval by its name, as ``"P5"`` or ``"m-10"``."""
    octaves, rest = divmod(abs(semitones), _OCTAVE)
    name = _INTERVALS[rest]
    number = int(name[1:]) + 7 * octaves
    return f"{name[0]}{'-' if semitones < 0 else ''}{number}"
