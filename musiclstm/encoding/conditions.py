"""Conditions: what is known of a whole piece before its first note.

Id 0 is *unspecified* in each of the five. Training drops conditions at random, so that a model can
be asked with any of them unset; all published likelihoods have all of them unset.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from musiclstm.errors import RequestError
from musiclstm.features import find_key
from musiclstm.score import Key, Score

if TYPE_CHECKING:
    from musiclstm.encoding.vocabulary import Vocabulary

CONDITION_NAMES = ("style", "key", "meter", "tempo", "bars")
N_KEYS = 24
# Sixteen tempo classes on a log scale, a fifth of an octave each, from 30 to 276 bpm and beyond:
# about the step of a metronome's old names.
N_TEMPOS = 16
_SLOWEST_BPM = 30.0
_TEMPOS_PER_OCTAVE = 5
_MOST_SHARE = 1e6
N_BARS = 64  # exact up to 64; longer pieces share the last id


@dataclass(frozen=True)
class Conditions:
    """What is asked of a piece, or known of it; None is *unspecified*.

    Attributes:
        style: Name of a style, or several with their shares, as ``"A:0.7,B:0.3"``.
        key: Key of the piece.
        meter: Name of the (first) meter, as ``"3/4"``.
        tempo: Quarter notes a minute.
        bars: Length in bars, without the pickup.
    """

    style: str | None = None
    key: Key | None = None
    meter: str | None = None
    tempo: float | None = None
    bars: int | None = None

    def transposed(self, semitones: int) -> "Conditions":
        """The same with the key ``semitones`` higher."""
        return replace(self, key=self.key.transposed(semitones)) if self.key else self


def conditions_of(score: Score) -> Conditions:
    """Everything that can be said of a score; where no key is written, one is found."""
    meters = score.meter_map.meters
    return Conditions(
        style=score.style or None,
        key=score.key or find_key(score),
        meter=meters[0].name if meters else None,
        tempo=score.bpm if score.tempos else None,
        bars=score.bars or None,
    )


def condition_sizes(vocabulary: "Vocabulary") -> tuple[int, ...]:
    """Number of ids of each condition, *unspecified* included."""
    return (
        1 + len(vocabulary.styles),
        1 + N_KEYS,
        1 + len(vocabulary.meters),
        1 + N_TEMPOS,
        1 + N_BARS,
    )


def condition_ids(conditions: Conditions, vocabulary: "Vocabulary") -> npt.NDArray[np.int32]:
    """The ids of a piece's conditions, int32 ``(5,)``; what the model does not know is 0.

    Args:
        conditions: What is known.
        vocabulary: Where styles and meters have their ids.
    """
    return np.array(
        [
            _place(conditions.style, vocabulary.styles),
            0 if conditions.key is None else 1 + conditions.key.index,
            _place(conditions.meter, vocabulary.meters),
            0 if conditions.tempo is None else 1 + tempo_class(conditions.tempo),
            0 if conditions.bars is None else min(max(conditions.bars, 1), N_BARS),
        ],
        np.int32,
    )


def style_shares(style: str | None, known: Sequence[str]) -> dict[str | None, float]:
    """The styles that are asked for, and the share of each; the shares sum to 1.

    Args:
        style: A name, or names with shares.
        known: All names; one that reads like several is one.

    Raises:
        RequestError: If a share is none.

    >>> style_shares("waltz:1,polka:3", ["polka", "waltz"])
    {'waltz': 0.25, 'polka': 0.75}
    """
    if style is None or style in known or ":" not in style:
        return {style: 1.0}
    shares: dict[str | None, float] = {}
    for word in style.split(","):
        name, _, number = word.rpartition(":")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not name.strip() or not 0 < share <= _MOST_SHARE:
            raise RequestError(f"{word.strip()!r} is no style and share; write 'A:0.7,B:0.3'")
        shares[name.strip()] = shares.get(name.strip(), 0.0) + share
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def tempo_class(bpm: float) -> int:
    """The class of a tempo, 0-15.

    >>> tempo_class(30), tempo_class(60), tempo_class(120), tempo_class(400)
    (0, 5, 10, 15)
    """
    octaves = np.log2(max(bpm, 1.0) / _SLOWEST_BPM)
    return int(np.clip(np.floor(octaves * _TEMPOS_PER_OCTAVE + 1e-9), 0, N_TEMPOS - 1))


def _place(name: str | None, names: tuple[str, ...]) -> int:
    return 1 + names.index(name) if name and name in names else 0
