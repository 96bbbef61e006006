"""Composed pieces beside those of the corpus: feature by feature, rule by rule, bar by bar.

Held against the pieces that were learned from stand the samples and, as the control, pieces that
were not learned from: what of a difference is no more than that of one hymn book to the next.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from musiclstm.evaluation.chorale_rules import RULES, chorale_rules, is_four_part
from musiclstm.evaluation.distributions import between, overlap_area, within
from musiclstm.features import CATALOGUE, repeat_distances, self_similarity
from musiclstm.features.fitness import best_of, fitness
from musiclstm.model.pieces import spread
from musiclstm.score import Score

FloatArray = npt.NDArray[np.float64]

FEWEST = 3  # pieces of a set: of fewer there is no distribution
MOST_FORMS = 20  # pieces of a set of which form is measured: half a second each where they are long
_MOST_RULED = 50  # pieces of a set that are asked for rules
# Bars: a motif, a phrase, a period and more. Wu and Yang have 3-8, 8-15 and above 15 seconds.
PASSAGES = {"motifs (1-2 bars)": (1, 2), "phrases (3-4)": (3, 4), "periods (5 and more)": (5, 32)}
_REACH = 32  # bars back that repeats are counted to
_NOTHING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """One feature of two or three sets of pieces.

    Attributes:
        samples: Of each composed piece, ``(n,)``.
        corpus: Of each piece that was learned from, ``(m,)``.
        control: Of each piece that was not, ``(k,)``; may be empty.
        overlap: Area under both densities, of samples and corpus, 0 to 1.
        distances: Overlap of the distances within the samples and from samples to corpus, 0 to 1
            (Yang and Lerch).
        control_overlap: As ``overlap``, of control and corpus; None without a control.
        control_distances: As ``distances``, of control and corpus; None without a control.
    """

    samples: FloatArray = field(repr=False)
    corpus: FloatArray = field(repr=False)
    control: FloatArray = field(repr=False)
    overlap: float
    distances: float
    control_overlap: float | None
    control_distances: float | None


@dataclass(frozen=True)
class Form:
    """How pieces of a set repeat themselves.

    Attributes:
        reach: Share of the bars that were last heard so many bars before, ``(32,)``, from 1 bar.
        repeated: Share of the bars that were heard before.
        structureness: By the names of :data:`PASSAGES`, the mean over pieces.
        matrix: Self-similarity of the piece whose share of repeated bars is the median,
            ``(bars, bars)``.
    """

    reach: FloatArray = field(repr=False)
    repeated: float
    structureness: dict[str, float]
    matrix: FloatArray = field(repr=False)


def compare_features(
    samples: Sequence[Score], corpus: Sequence[Score], control: Sequence[Score]
) -> dict[str, Comparison]:
    """Hold samples against a corpus in all features of the catalogue in which pieces differ.

    Args:
        samples: Composed pieces.
        corpus: What was learned from.
        control: What was not; may be empty.

    Returns:
        By the names of :data:`~musiclstm.features.CATALOGUE`; empty where samples or corpus are
        fewer than :data:`FEWEST`.
    """
    if min(len(samples), len(corpus)) < FEWEST:
        return {}
    found = {}
    for name, feature in CATALOGUE.items():
        sets = [
            np.array([float(feature.measure(score)) for score in scores])
            for scores in (samples, corpus, control)
        ]
        if np.ptp(np.concatenate(sets)) < _NOTHING:  # drums, where there are none
            continue
        own, reference, other = sets
        beside = (other, reference) if len(other) >= FEWEST else None
        found[name] = Comparison(
            samples=own,
            corpus=reference,
            control=other,
            overlap=overlap_area(own, reference),
            distances=overlap_area(within(own), between(own, reference)),
            control_overlap=None if beside is None else overlap_area(*beside),
            control_distances=None
            if beside is None
            else overlap_area(within(other), between(*beside)),
        )
    return found


def compare_rules(*sets: Sequence[Score]) -> list[dict[str, int]]:
    """Count broken rules of harmony, where all pieces of all sets are in four parts.

    Of many pieces, evenly chosen ones are counted.

    Args:
        *sets: Pieces.

    Returns:
        Of each set that has pieces the counts by the names of
        :data:`~.chorale_rules.RULES`, with ``moves``, ``steps``, ``notes`` and ``pieces``; none
        where any piece is not in four parts.
    """
    sets = tuple(scores for scores in sets if len(scores))
    if not sets or not all(map(is_four_part, sets)):
        return []
    found = []
    for scores in sets:
        counts: Counter[str] = Counter(dict.fromkeys(RULES, 0))
        for score in (scores[n] for n in spread(len(scores), _MOST_RULED)):
            counts.update(chorale_rules(score))
            counts.update(steps=score.end, notes=len(score.notes), pieces=1)
        found.append(dict(counts))
    return found


def form_of(scores: Sequence[Score]) -> Form | None:
    """How pieces repeat themselves; of many, evenly chosen ones. None without pieces."""
    chosen = [scores[n] for n in spread(len(scores), MOST_FORMS)]
    if not chosen:
        return None
    distances = [repeat_distances(score) for score in chosen]
    shares = np.array([float((of > 0).mean()) if len(of) else 0.0 for of in distances])
    every = np.concatenate(distances)
    matrices = [self_similarity(score) for score in chosen]
    explained = [fitness(matrix) for matrix in matrices]
    typical = int(np.argsort(shares, kind="stable")[(len(chosen) - 1) // 2])
    return Form(
        reach=np.bincount(every[every <= _REACH], minlength=_REACH + 1)[1:] / max(1, len(every)),
        repeated=float((every > 0).mean()) if len(every) else 0.0,
        structureness={
            name: float(np.mean([best_of(of, *bars) for of in explained]))
            for name, bars in PASSAGES.items()
        },
        matrix=matrices[typical],
    )
