"""Generated pieces beside those of a held-out split: the whole comparison, and whether it suffices.

The split's pieces are what samples should be like; training pieces, which are as much Bach as those
are, say how alike two sets of his pieces can be expected to be.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.jsb_grids import STEPS_PER_QUARTER, VOICES, Grid, score_of
from benchmarks.samples_measures import FAULTS, FEATURES, Measured, features_of, measure
from benchmarks.samples_rates import compare, credibly_above
from musiclstm.encoding import encode
from musiclstm.errors import BundleError
from musiclstm.evaluation.distributions import shares, summary
from musiclstm.generation import (
    Composition,
    CopyCheck,
    bundle_resampling,
    bundle_sampling,
    compose,
)
from musiclstm.generation.compose import Progress
from musiclstm.model import Bundle

MEAN_SHARE, LEAST_SHARE = 0.9, 0.75
MOST_TIMES_BACH = 1.5


class Yardstick(NamedTuple):
    """What samples are measured against.

    Attributes:
        split: Its name.
        reference: The pieces of the split.
        control: Features of training pieces, float64 ``(n, FEATURES)``.
    """

    split: str
    reference: Measured
    control: npt.NDArray[np.float64]


def yardstick(
    bundle: Bundle, grids: Mapping[str, Sequence[Grid]], split: str, count: int, seed: int
) -> Yardstick:
    """Measure the pieces of a split, and draw training pieces as the control.

    Args:
        bundle: Says what a copy is.
        grids: The pieces of every split.
        split: Which to measure.
        count: How many training pieces to draw, without replacement; all, if there are fewer.
        seed: Of the draw.

    Raises:
        BundleError: If the model is none of such chorales.
    """
    v = bundle.vocabulary
    names = tuple(part.name for part in v.parts)
    if v.steps_per_quarter != STEPS_PER_QUARTER or names != VOICES:
        raise BundleError(
            f"{bundle.name} has the parts {', '.join(names)} and {v.steps_per_quarter} steps a "
            f"quarter, not {', '.join(VOICES)} and {STEPS_PER_QUARTER}; take a model that "
            "benchmarks/jsb.py has made"
        )
    check = CopyCheck.of(bundle)
    scores = [score_of(grid, f"{split}/{number:03d}") for number, grid in enumerate(grids[split])]
    copied = [check.longest(encode(score, v)) for score in scores]
    if None in copied:
        raise BundleError(f"{bundle.name} does not say what it learned from, so copies go unseen")
    training = grids["train"]
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(training), min(count, len(training)), replace=False)
    control = features_of([score_of(training[number]) for number in sorted(drawn.tolist())])
    return Yardstick(split, measure(scores, [run.notes for run in copied if run]), control)


def measured(pieces: Sequence[Composition]) -> Measured:
    """Measure generated pieces."""
    return measure(
        [piece.score for piece in pieces],
        [piece.copied.notes if piece.copied else 0 for piece in pieces],
        [piece.complete for piece in pieces],
    )


def report(
    bundle: Bundle,
    against: Yardstick,
    count: int,
    seed: int,
    wishes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], list[Composition]]:
    """Draw pieces, and say how they compare.

    Args:
        bundle: Composes them.
        against: What they are measured against.
        count: How many, at least 3.
        seed: Of the pieces, and of the bootstrap.
        wishes: Changes of the bundle's own sampling, as :func:`bundle_sampling` and
            :func:`bundle_resampling` take them.
        progress: As :func:`musiclstm.generation.compose` takes it.

    Returns:
        All figures, ready for JSON, and the pieces.
    """
    began = time.monotonic()
    sampling, resampling = bundle_sampling(bundle, wishes), bundle_resampling(bundle, wishes)
    pieces = compose(
        bundle, count, seed=seed, sampling=sampling, resampling=resampling, progress=progress
    )
    composed = time.monotonic()
    samples, reference = measured(pieces), against.reference
    features = shares(list(FEATURES), samples.features, against.control, reference.features)
    rules = compare(samples.voices, reference.voices, np.random.default_rng(seed))
    found = {
        "model": bundle.name,
        "digest": bundle.digest,
        "split": against.split,
        "pieces": {
            "samples": len(pieces),
            "reference": len(reference.features),
            "training": len(against.control),
        },
        "seed": seed,
        "sampling": {field.name.lower(): of.as_dict() for field, of in sampling.items()},
        "resampling": resampling.as_dict(),
        "features": features,
        "shares": summary(features),
        "rules": rules,
        "copies": copies(samples.copied, reference.copied),
        "faults": {
            name: {"samples": int(ours), "reference": int(theirs)}
            for name, ours, theirs in zip(
                FAULTS, samples.faults.sum(axis=0), reference.faults.sum(axis=0), strict=True
            )
        },
        "chordal": {
            "samples": float(samples.chordal.mean()),
            "reference": float(reference.chordal.mean()),
        },
    }
    found["targets"] = targets(found)
    found["seconds"] = {
        "composing": round(composed - began, 1),
        "measuring": round(time.monotonic() - composed, 1),
    }
    return found, pieces


def copies(samples: npt.NDArray[np.int64], reference: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Sum up the longest runs that pieces share with training pieces.

    Args:
        samples: Notes, one number a generated piece.
        reference: The same of held-out pieces.

    Returns:
        For each set ``median``, ``p95`` (the least length that 95% of its pieces do not pass) and
        ``most``; ``above``, the share of samples beyond the reference's ``p95``.
    """
    found: dict[str, Any] = {
        who: {
            "median": float(np.median(runs)),
            "p95": int(np.quantile(runs, 0.95, method="inverted_cdf")),
            "most": int(runs.max()),
        }
        for who, runs in (("samples", samples), ("reference", reference))
    }
    found["above"] = float((samples > found["reference"]["p95"]).mean())
    return found


def targets(found: Mapping[str, Any]) -> dict[str, str]:
    """Say of each target whether it is ``met`` or ``missed``.

    Of the mean share it is asked with no share counting as more than 1.
    """
    said = {
        "mean_share": found["shares"]["mean_capped"] >= MEAN_SHARE,
        "least_share": found["shares"]["least"] >= LEAST_SHARE,
        "rules": not credibly_above(found["rules"], MOST_TIMES_BACH),
        "copies": found["copies"]["samples"]["p95"] <= found["copies"]["reference"]["p95"],
        "faults": not any(of["samples"] for of in found["faults"].values()),
    }
    return {name: "met" if met else "missed" for name, met in said.items()}
