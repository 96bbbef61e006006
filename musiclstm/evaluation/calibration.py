"""Does a note that the model gives one chance in three come one time in three?

A model may be right on average and still too sure of itself, and then sampling from it plays safe
where music dares, or the reverse. Each pitch that could come at each note is a forecast with a
probability; forecasts are put into bins by it, and in each bin the mean forecast stands beside the
share that came true.

Source: A. Niculescu-Mizil and R. Caruana, "Predicting Good Probabilities With Supervised
Learning", ICML 2005 (reliability diagram); C. Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017 (expected calibration error, of the likeliest answer, with 15 bins).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field
from musiclstm.model import Bundle

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Forecasts of pitches, in bins of equal width.

    Attributes:
        forecasts: How many there were in each bin, int64 ``(15,)``; of each note one for each
            pitch that was possible.
        expected: Mean probability in each bin, ``(15,)``; NaN where there were none.
        happened: Share of them that came, ``(15,)``; NaN where there were none.
        error: Mean difference between confidence in the likeliest pitch and how often that came,
            over bins of confidence, weighted by their notes: 0 to 1.
        right: How often the likeliest pitch came, 0 to 1.
        sure: The mean probability of the likeliest pitch, 0 to 1. Above ``right``: too sure.
        notes: How many.
    """

    forecasts: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    happened: npt.NDArray[np.float64]
    error: float
    right: float
    sure: float
    notes: int


def calibration(bundle: Bundle, pieces: Iterable[Encoded]) -> Calibration:
    """Hold the pitches that a model expects against those that come.

    Args:
        bundle: The model.
        pieces: That it did not learn from; at least one note in all.

    Raises:
        ValueError: If there are no notes.
    """
    v = bundle.vocabulary
    chances, came, top, hit = [], [], [], []
    for piece in pieces:
        rows = piece.events
        notes = np.flatnonzero(rows[:, Field.SHIFT] <= v.max_shift)
        for field, logs in bundle.decoder.expectations(piece):
            if field == Field.PITCH:
                probs = np.exp(logs[notes]).astype(np.float64)
                true = rows[notes, Field.PITCH, None] == np.arange(probs.shape[1])
                possible = np.isfinite(logs[notes])
                chances.append(probs[possible])
                came.append(true[possible])
                top.append(probs.max(axis=1))
                hit.append(true[np.arange(len(notes)), probs.argmax(axis=1)])
                break
    return measured(*(np.concatenate([*parts, np.zeros(0)]) for parts in (chances, came, top, hit)))


def measured(
    chances: npt.NDArray[np.float64],
    came: npt.NDArray[np.float64],
    top: npt.NDArray[np.float64],
    hit: npt.NDArray[np.float64],
) -> Calibration:
    """Put forecasts into bins.

    Args:
        chances: Of all forecasts, 0 to 1, ``(n,)``.
        came: Whether each came, ``(n,)``.
        top: The probability of the likeliest pitch of each note, ``(notes,)``.
        hit: Whether that came, ``(notes,)``.

    Raises:
        ValueError: If there are none.

    >>> found = measured(*(np.array(x, float) for x in ([0.5, 0.5], [1, 0], [0.5], [1])))
    >>> found.expected[7], found.happened[7], found.error
    (np.float64(0.5), np.float64(0.5), 0.5)
    """
    if not len(top):
        raise ValueError("there are no notes to measure")
    counts, expected, happened = _binned(chances, came)
    many, confidence, accuracy = _binned(top, hit)
    gaps = np.abs(np.nan_to_num(confidence - accuracy))
    return Calibration(
        forecasts=counts,
        expected=expected,
        happened=happened,
        error=float((gaps * many).sum() / many.sum()),
        right=float(hit.mean()),
        sure=float(top.mean()),
        notes=len(top),
    )


def _binned(
    chances: npt.NDArray[np.float64], came: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of each bin the number of forecasts, their mean, and the share that came."""
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        expected = np.bincount(bins, weights=chances, minlength=BINS) / counts
        happened = np.bincount(bins, weights=came, minlength=BINS) / counts
    return counts, expected, happened
