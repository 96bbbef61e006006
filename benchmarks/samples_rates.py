"""How often rules of voice leading are broken, beside the same in other pieces, with intervals.

A rate is a count over all pieces divided by what it is counted on. Its 95% interval is the
percentile bootstrap over pieces (B. Efron, "Bootstrap Methods", Annals of Statistics 7, 1979):
pieces are drawn anew with replacement, since what is in one piece hangs together.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.features import VoiceLeading

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DRAWS = 2000
_ENDS = (0.025, 0.975)


class Rule(NamedTuple):
    """A rate.

    Attributes:
        words: What it says, with its unit.
        field: Of :class:`VoiceLeading`: what is counted.
        of: The one that it is counted on.
        times: So many of those.
    """

    words: str
    field: str
    of: str
    times: int


RULES: Mapping[str, Rule] = {
    "parallel_fifths": Rule("parallel fifths a piece", "parallel_fifths", "pieces", 1),
    "parallel_octaves": Rule(
        "parallel octaves and unisons a piece", "parallel_octaves", "pieces", 1
    ),
    "crossings": Rule("crossed neighbours a 100 steps", "crossings", "steps", 100),
    "wide_spacings": Rule("wide upper neighbours a 100 steps", "wide_spacings", "steps", 100),
    "out_of_range": Rule("notes out of range, %", "out_of_range", "notes", 100),
    "off_tonic": Rule("pieces that end off the tonic, %", "off_tonic", "pieces", 100),
}


def rates(counts: IntArray) -> FloatArray:
    """Every rate of :data:`RULES`.

    Args:
        counts: Sums over pieces, ``(..., fields of VoiceLeading)``.

    Returns:
        ``(..., rules)``.
    """
    place = VoiceLeading._fields.index
    return np.stack(
        [
            rule.times * counts[..., place(rule.field)] / counts[..., place(rule.of)].clip(1)
            for rule in RULES.values()
        ],
        axis=-1,
    )


def compare(
    samples: IntArray, reference: IntArray, rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Compare every rate of generated pieces with that of others.

    Args:
        samples: A row of :class:`VoiceLeading` a piece, ``(n, fields)``.
        reference: The same, ``(m, fields)``.
        rng: Draws the pieces.

    Returns:
        For each rule its ``samples``, ``reference`` and ``ratio``, each with ``rate`` and
        ``interval`` of two ends; None where the reference has none to divide by.
    """
    drawn = [_drawn(counts, rng) for counts in (samples, reference)]
    whole = [rates(counts.sum(axis=0)) for counts in (samples, reference)]
    drawn.append(_ratio(*drawn))
    whole.append(_ratio(*whole))
    return {
        name: {
            "words": RULES[name].words,
            **{
                who: {
                    "rate": _number(rate[number]),
                    "interval": _interval(of[:, number]),
                }
                for who, rate, of in zip(
                    ("samples", "reference", "ratio"), whole, drawn, strict=True
                )
            },
        }
        for number, name in enumerate(RULES)
    }


def _drawn(counts: IntArray, rng: np.random.Generator) -> FloatArray:
    """Rates of pieces drawn anew: ``(DRAWS, rules)``."""
    n = len(counts)
    times = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return rates(times @ counts)


def _ratio(samples: FloatArray, reference: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return samples / reference


def _interval(values: FloatArray) -> list[float | None]:
    """The ends between which 95% of the values lie; 0 / 0 is no value."""
    values = values[~np.isnan(values)]
    if not len(values):
        return [None, None]
    # a value that was drawn, since there is none between a number and infinity
    return [_number(end) for end in np.quantile(values, _ENDS, method="inverted_cdf")]


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def credibly_above(found: Mapping[str, Mapping[str, Any]], times: float) -> list[str]:
    """The rules of :func:`compare` whose ratio is above ``times`` with its whole interval.

    A rate where the reference has none at all, in no draw, is above any number of times it.
    """
    above = []
    for name, of in found.items():
        low = of["ratio"]["interval"][0]
        never = of["reference"]["rate"] == 0 and of["samples"]["interval"][0] != 0
        if never or (low is not None and low > times):
            above.append(name)
    return above
