"""Harmonising held-out sopranos: rules broken, likelihood and length, beside forcing and Bach."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.jsb_grids import VOICES, score_of
from benchmarks.samples_measures import FEATURES
from benchmarks.samples_rates import RULES, compare, credibly_above
from musiclstm.encoding import Field, encode
from musiclstm.features import VoiceLeading, voice_leading
from musiclstm.generation import Manner, harmonize
from musiclstm.model import Bundle
from musiclstm.score import Column, Score

SOPRANO = 0
MOST_TIMES_BACH = 1.5
FEWER_THAN_FORCING = 1 / 3
WHO = ("ours", "forced", "bach")


def harmonies(
    bundle: Bundle,
    grids: Sequence[npt.NDArray[np.int64]],
    particles: int,
    seed: int,
    report: Callable[[int, int], None],
) -> dict[str, Any]:
    """Harmonise the sopranos of some chorales, and measure it.

    Args:
        bundle: A model of four voices.
        grids: The chorales, ``(T, 4)`` each.
        particles: How many for ours; forcing has one.
        seed: Of all chance.
        report: Called with (done, all).
    """
    scores: dict[str, list[Score]] = {who: [] for who in WHO}
    untouched, effective, seconds, beats = 0, [], 0.0, 0.0
    for number, grid in enumerate(grids):
        bach = score_of(grid)
        melody = bach.keep_parts([SOPRANO])
        for who, count in (("ours", particles), ("forced", 1)):
            manner = Manner(seed, number, count)
            begun = time.perf_counter()
            made = harmonize(bundle, melody, VOICES[:1], manner)
            if who == "ours":
                seconds += time.perf_counter() - begun
                beats += melody.end / melody.steps_per_quarter
                effective.append(float(made.effective.mean()))
                kept = made.score.notes[made.score.notes[:, Column.PART] == SOPRANO]
                untouched += np.array_equal(kept[:, :4], melody.notes[:, :4])
            scores[who].append(made.score)
        scores["bach"].append(bach)
        report(number + 1, len(grids))
    counts = {who: np.array([voice_leading(of) for of in scores[who]], np.int64) for who in WHO}
    rng = np.random.default_rng(seed)
    rules = {who: compare(counts[who], counts["bach"], rng) for who in WHO[:2]}
    breaks = {who: breaks_of(counts[who]) for who in WHO}
    fewer = 1 - breaks["ours"] / max(breaks["forced"], 1)
    above = credibly_above(rules["ours"], MOST_TIMES_BACH)
    return {
        "pieces": len(grids),
        "particles": particles,
        "rules": rules,
        "breaks": breaks,
        "fewer_breaks_than_forced": round(fewer, 3),
        "credibly_above_bach": above,
        "melody_untouched": int(untouched),
        "effective_particles": round(float(np.mean(effective)), 1),
        "seconds_for_64_beats": round(64 * seconds / beats, 2),
        "means": {who: means_of(bundle, scores[who]) for who in WHO},
        "targets": {
            "a third fewer breaks than forcing": _met(fewer >= FEWER_THAN_FORCING),
            "no rate credibly above 1.5 times Bach's": _met(not above),
            "the melody untouched": _met(untouched == len(grids)),
        },
    }


def breaks_of(counts: npt.NDArray[np.int64]) -> int:
    """All rule breaks of some pieces, each counted once: notes, steps, moves and endings.

    Args:
        counts: A row of :class:`VoiceLeading` a piece.
    """
    fields = [VoiceLeading._fields.index(rule.field) for rule in RULES.values()]
    return int(counts[:, fields].sum())


def means_of(bundle: Bundle, scores: Sequence[Score]) -> Mapping[str, float]:
    """What the lower voices are like, on average over pieces."""
    nats, notes, changes = [], [], []
    for score in scores:
        encoded = encode(score, bundle.vocabulary)
        by_row = bundle.decoder.score(encoded).sum(axis=1)
        lower = encoded.events[:, Field.PART] != SOPRANO
        lower &= encoded.events[:, Field.SHIFT] <= bundle.vocabulary.max_shift
        nats.append(float(by_row[lower].sum() / max(lower.sum(), 1)))
        notes.append(int((score.notes[:, Column.PART] != SOPRANO).sum()))
        changes.append(FEATURES["harmonic_changes"](score))
    return {
        "nats_per_lower_note": round(float(np.mean(nats)), 4),
        "lower_notes": round(float(np.mean(notes)), 1),
        "harmonic_changes": round(float(np.mean(changes)), 3),
    }


def _met(met: bool) -> str:
    return "met" if met else "missed"
