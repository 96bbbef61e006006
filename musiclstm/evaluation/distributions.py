"""How alike two sets of pieces are in one number a piece: the overlap of densities of distances.

Within a set, each pair of pieces is a distance; between two sets, each pair of one from either. If
both sets are drawn from one distribution, both kinds of distances have one density. How far the
densities overlap is a number from 0 (nowhere) to 1 (equal).

Source: L.-C. Yang and A. Lerch, "On the evaluation of generative models in music", Neural Computing
and Applications 32 (2020; online 2018). Kernels are Gaussian with the bandwidth of D. W. Scott,
"Multivariate Density Estimation" (1992), as in theirs. Both densities lie on one grid, which goes
four bandwidths beyond the data, so that no mass is cut off and equal sets overlap by 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_QUARTILES = (0.25, 0.75)
_ROUNDING = 1e-9  # of the largest value: what is closer together is one value
_REACH = 4  # bandwidths; beyond them a Gaussian has 6e-5 of its mass
_POINTS_PER_BANDWIDTH = 8
_MOST_POINTS = 100_000  # where one set is a thousand times narrower than the other


def within(values: FloatArray) -> FloatArray:
    """The distances of all pairs in a set: ``(n,)`` to ``(n (n - 1) / 2,)``."""
    one, other = np.triu_indices(len(values), k=1)
    return np.abs(values[one] - values[other])


def between(left: FloatArray, right: FloatArray) -> FloatArray:
    """The distances of all pairs of one from either set: ``(n,)`` and ``(m,)`` to ``(n m,)``."""
    return np.abs(left[:, None] - right[None, :]).ravel()


def bandwidth(values: FloatArray) -> float:
    """Scott's rule for one dimension: the standard deviation times n ** (-1/5)."""
    if len(values) < 2:
        return 0.0
    return float(values.std(ddof=1) * len(values) ** -0.2)


def overlap_area(left: FloatArray, right: FloatArray) -> float:
    """Integrate the lesser of two kernel densities.

    Each has its own bandwidth, but where most of a sample is one value (its quartiles are equal),
    as the empty beats of music that hardly has any, the few others would decide how wide that value
    is smeared, and two such samples look unlike where they are alike. Such a sample takes the wider
    bandwidth of the two. If neither has any spread, both are points, which are one or are not.

    Args:
        left: A sample, ``(n,)``, n >= 1.
        right: Another.

    Returns:
        0 to 1.

    >>> overlap_area(np.zeros(5), np.zeros(3)), overlap_area(np.zeros(5), np.ones(3))
    (1.0, 0.0)
    """
    samples = (left, right)
    rounding = _ROUNDING * max(np.abs(left).max(), np.abs(right).max())
    widths = [width if width > rounding else 0.0 for width in map(bandwidth, samples)]
    widest = max(widths)
    if widest == 0:
        return float(abs(left[0] - right[0]) <= rounding)
    widths = [
        widest if width == 0 or np.ptp(np.quantile(values, _QUARTILES)) <= rounding else width
        for values, width in zip(samples, widths, strict=True)
    ]
    low = min(left.min(), right.min()) - _REACH * widest
    high = max(left.max(), right.max()) + _REACH * widest
    points = (high - low) / min(widths) * _POINTS_PER_BANDWIDTH
    grid = np.linspace(low, high, int(min(points, _MOST_POINTS)) + 2)
    one, other = (_masses(*of, grid) for of in zip(samples, widths, strict=True))
    return float(min(1.0, np.minimum(one, other).sum()))


def _masses(values: FloatArray, width: float, grid: FloatArray) -> FloatArray:
    """The mass of the kernel density around each point of an even grid; together 1.

    Each value is shared out between the two points around it, then smoothed: with eight points a
    bandwidth the error is far below that of the sample, and the work no more than reading it.
    """
    spacing = grid[1] - grid[0]
    place = (values - grid[0]) / spacing
    below = np.minimum(place.astype(np.intp), len(grid) - 2)
    above = np.clip(place - below, 0, 1)  # the last value may be rounded beyond the last point
    shares = np.bincount(below, 1 - above, len(grid))
    shares[1:] += np.bincount(below, above, len(grid))[:-1]
    reach = int(np.ceil(_REACH * width / spacing))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing / width) ** 2)
    smooth = np.convolve(shares / len(values), kernel / kernel.sum())
    return smooth[reach : reach + len(grid)]


def overlaps(pieces: FloatArray, reference: FloatArray) -> FloatArray:
    """For each feature, the overlap of distances within a set and between it and a reference.

    Args:
        pieces: ``(n, features)``, n >= 2.
        reference: ``(m, features)``.

    Returns:
        ``(features,)``, 0 to 1 each.
    """
    return np.array(
        [
            overlap_area(within(own), between(own, others))
            for own, others in zip(pieces.T, reference.T, strict=True)
        ]
    )


def shares(
    names: Sequence[str], samples: FloatArray, training: FloatArray, reference: FloatArray
) -> dict[str, dict[str, Any]]:
    """Compare generated and training pieces with a reference, feature by feature.

    Args:
        names: Of the features.
        samples: Of generated pieces, ``(n, features)``.
        training: Of training pieces, the control, ``(n, features)`` or about as many.
        reference: Of held-out pieces, ``(m, features)``.

    Returns:
        For each feature the means; ``overlap`` of the samples and of the control; ``share``, the
        one as a share of the other, which may pass 1.
    """
    own, control = overlaps(samples, reference), overlaps(training, reference)
    return {
        name: {
            "mean": {
                "samples": float(samples[:, number].mean()),
                "training": float(training[:, number].mean()),
                "reference": float(reference[:, number].mean()),
            },
            "overlap": float(own[number]),
            "overlap_training": float(control[number]),
            # nothing overlaps with nothing: then there is nothing to be had
            "share": float(own[number] / control[number]) if control[number] else 1.0,
        }
        for number, name in enumerate(names)
    }


def summary(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and least of the shares of :func:`shares`.

    Returns:
        ``mean``; ``mean_capped``, where no share counts as more than 1 and so none makes up for
        another; ``least``; ``least_feature``.
    """
    values = {name: of["share"] for name, of in found.items()}
    least = min(values, key=lambda name: values[name])
    return {
        "mean": float(np.mean(list(values.values()))),
        "mean_capped": float(np.mean([min(1.0, value) for value in values.values()])),
        "least": values[least],
        "least_feature": least,
    }
