"""The key of a piece, by ear: which tonic and mode its notes sound most like.

Conventions: pitch classes are 0-11, C = 0; weights are durations in steps; drums have no pitch.

Source: C. L. Krumhansl and E. J. Kessler, "Tracing the dynamic changes in perceived tonal
organization in a spatial representation of musical keys", Psychological Review 89 (1982): the
profiles, listeners' ratings of how well each pitch class fits a key. C. L. Krumhansl, "Cognitive
Foundations of Musical Pitch" (1990), ch. 4: the method of Krumhansl and Schmuckler, correlating a
piece's durations with each of the 24 profiles.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from musiclstm.score import Column, Key, Score

FloatArray = npt.NDArray[np.float64]


def pitch_class_histogram(score: Score) -> FloatArray:
    """Measure how long each pitch class sounds.

    Args:
        score: Any piece; drums are left out.

    Returns:
        Shape ``(12,)``: shares of the sounding time, C first, which sum to 1; all 0 where no
        pitched note is.

    >>> from musiclstm.score import Part
    >>> score = Score([[0, 36, 60, 80, 0], [0, 12, 67, 80, 0]], (Part(),))
    >>> pitch_class_histogram(score)[[0, 7]].tolist()
    [0.75, 0.25]
    """
    drums = np.array([part.is_drum for part in score.parts], bool)
    notes = score.notes[~drums[score.notes[:, Column.PART]]]
    steps = np.bincount(
        notes[:, Column.PITCH] % 12, weights=notes[:, Column.DURATION], minlength=12
    )
    return steps / max(1.0, float(steps.sum()))


def find_key(score: Score) -> Key | None:
    """Find the key that the whole piece sounds most like.

    Args:
        score: Any piece; a key written in it is not looked at.

    Returns:
        The key, or None where there is no pitched note, or where all twelve pitch classes sound
        equally long, so that no key is nearer than another. Of equally near keys (an augmented
        triad has six) the first in the order of :attr:`Key.index`.
    """
    return key_of_histogram(pitch_class_histogram(score))


def key_of_histogram(histogram: FloatArray) -> Key | None:
    """Find the key of a pitch-class histogram; see :func:`find_key`.

    Args:
        histogram: Shape ``(12,)``, any scale.
    """
    deviation = histogram - histogram.mean()
    spread = float(np.sqrt(deviation @ deviation))
    if spread < 1e-12:
        return None
    # rounded, so that keys which tie on paper tie here, whatever the order of summation
    correlations = np.round(_profiles() @ deviation / spread, 9)
    return Key.from_index(int(correlations.argmax()))


@cache
def _profiles() -> FloatArray:
    """Return the 24 key profiles, each centred and of length 1: ``(24, 12)``, by `Key.index`."""
    from music21.analysis.discrete import KrumhanslSchmuckler  # noqa: PLC0415

    method = KrumhanslSchmuckler()
    rows = [
        np.roll(np.array(method.getWeights(mode), float), tonic)
        for mode in ("major", "minor")
        for tonic in range(12)
    ]
    profiles: FloatArray = np.stack(rows)
    profiles -= profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return profiles
