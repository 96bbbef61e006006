"""An examination as a page that people read, and as values that programs read."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from musiclstm.encoding import Field
from musiclstm.evaluation import pictures
from musiclstm.evaluation.beside import PASSAGES, Comparison
from musiclstm.evaluation.chorale_rules import RULES
from musiclstm.evaluation.examine import CONTROL, CORPUS, MODEL, SAMPLES, SET_NAMES, Examination
from musiclstm.evaluation.likelihood import Nats, as_dict
from musiclstm.evaluation.new_runs import LENGTHS
from musiclstm.features import CATALOGUE
from musiclstm.rendering.document import (
    Block,
    Callout,
    Fold,
    Grid,
    Picture,
    Section,
    Table,
    Text,
)

# What each rule is counted by, and how that is said.
_COUNTED_BY = {
    "parallel_fifths": ("pieces", "a piece"),
    "parallel_octaves": ("pieces", "a piece"),
    "hidden_fifths": ("pieces", "a piece"),
    "hidden_octaves": ("pieces", "a piece"),
    "crossings": ("moves", "100 moves"),
    "overlaps": ("moves", "100 moves"),
    "wide_spacings": ("steps", "100 steps"),
    "out_of_range": ("notes", "100 notes"),
}


def sections(found: Examination) -> list[Section]:
    """The sections of the page, the verdict first."""
    parts = [
        _verdict(found),
        _likelihood(found),
        _samples(found),
        _form(found),
        _novelty(found),
    ]
    return [section for section in parts if section.blocks]


def lead(found: Examination) -> str:
    """What was looked at, in two sentences."""
    network, learned = found.bundle.network, found.bundle.results
    music = ", ".join(
        f"{count:,} {SET_NAMES[split]}" for split, count in found.pieces.items() if count
    )
    beside = f"Beside it: {music}. " if music else "No music was given beside it. "
    missing = f"{found.missing:,} of its own pieces were not there. " if found.missing else ""
    return (
        f"A musiclstm model of {network.layers} LSTM layers with {network.units} units each, which "
        f"learned from {learned.get('train_pieces', '?')} pieces. {beside}{missing}"
        f"It composed {len(found.samples)} pieces (seed {found.seed})."
    )


def values(found: Examination) -> dict[str, Any]:
    """Everything that was measured, JSON-ready."""
    c = found.calibration
    return {
        "model": found.bundle.name,
        "digest": found.bundle.digest,
        "seed": found.seed,
        "pieces": {**found.pieces, "samples": len(found.samples)},
        "verdict": found.verdict.as_dict(),
        "likelihood": {
            split: {name: as_dict(nats) for name, nats in models.items()}
            for split, models in found.likelihood.items()
        },
        "calibration": c
        and {
            "notes": c.notes,
            "expected_calibration_error": c.error,
            "confidence": c.sure,
            "accuracy": c.right,
            "bins": {
                "forecasts": c.forecasts.tolist(),
                "expected": [_or_none(value) for value in c.expected.tolist()],
                "happened": [_or_none(value) for value in c.happened.tolist()],
            },
        },
        "features": {name: _feature_values(of) for name, of in found.features.items()},
        "chorale_rules": found.rules,
        "form": {
            name: {
                "repeated_bars": of.repeated,
                "bars_since_last_heard": of.reach.tolist(),
                "structureness": of.structureness,
            }
            for name, of in found.forms.items()
        },
        "novelty": {
            "longest_runs": [
                {
                    "sample": number,
                    "bar": run.own_bar,
                    "notes": run.notes,
                    "source": run.source,
                    "source_bar": run.bar,
                    "part": None if run.part is None else _part(found, run.part),
                }
                for number, run in found.runs
            ],
            "longest_run_of_held_out_pieces": list(found.held_out_runs),
            "share_of_new_runs": {
                "notes": list(LENGTHS) if found.new else [],
                **{name: [_or_none(v) for v in shares] for name, shares in found.new.items()},
            },
        },
    }


def _feature_values(of: Comparison) -> dict[str, Any]:
    sets = {SAMPLES: of.samples, CORPUS: of.corpus, CONTROL: of.control}
    return {
        "values": {name: values.tolist() for name, values in sets.items()},
        "overlap": of.overlap,
        "overlap_of_distances": of.distances,
        "control_overlap": of.control_overlap,
        "control_overlap_of_distances": of.control_distances,
    }


def _verdict(found: Examination) -> Section:
    verdict = found.verdict
    blocks: list[Block] = [
        Callout(
            finding.mood,
            finding.title[0].upper() + finding.title[1:],
            f"{finding.reason} {finding.advice}",
        )
        for finding in verdict.findings
    ]
    return Section("The verdict", blocks)


def _likelihood(found: Examination) -> Section:
    blocks: list[Block] = []
    if found.likelihood:
        names = {"train": "learned from", "valid": "held out", "new": "never met"}
        told = {
            f"{name}, {names[split]}": nats
            for split, models in found.likelihood.items()
            for name, nats in models.items()
            if name in (MODEL, "n-gram")
        }
        blocks += [
            Text(
                "A model that reads a piece note by note and is seldom surprised has understood "
                "something of it. Surprise is counted in nats: 0 where the next note was certain, "
                "0.7 where it was one of two equally likely ones, 2.3 where it was one of ten. "
                "Perplexity is that number of equally likely notes.\n\n"
                "An n-gram looks up what followed the last few notes in the training pieces; "
                "counting knows only how often each thing occurs; no idea means that all that may "
                "come is equally likely. They are measured on the same pieces, and none of them is "
                "told key, style or length."
            ),
            pictures.nats_by_field(told),
            Table(
                ("pieces", "model", *(field.name.lower() for field in Field), "all", "perplexity"),
                [
                    (SET_NAMES[split], name, *_row(nats))
                    for split, models in found.likelihood.items()
                    for name, nats in models.items()
                ],
                "Nats a note, by what is predicted, with the standard error over pieces.",
            ),
        ]
    if found.evidence.curve:
        blocks += [
            Text(
                "How it learned. Training is measured with dropout, which makes it harder, so that "
                "its line may lie above that of the held-out pieces. Where that turns upwards, the "
                "model has begun to learn its pieces by heart; the weights of its lowest point "
                "were kept."
            ),
            pictures.learning_curve(found.evidence.curve),
        ]
    if (c := found.calibration) is not None:
        over = c.sure - c.right
        said = (
            "neither too sure of itself nor too modest"
            if abs(over) < 0.02
            else f"too {'sure of itself' if over > 0 else 'modest'}, by {abs(over):.0%}"
        )
        blocks += [
            Text(
                "Can its probabilities be believed? Of all pitches that it gave, say, one chance "
                "in three, one in three should have come: then the points lie on the diagonal. "
                f"The pitch that it thought likeliest was given {c.sure:.0%} on average and came "
                f"in {c.right:.0%} of {c.notes:,} notes: it is {said}. (Expected calibration error "
                f"{c.error:.3f}.)"
            ),
            pictures.reliability(c),
        ]
    return Section("How well it expects what comes", blocks)


def _samples(found: Examination) -> Section:
    blocks: list[Block] = []
    if found.features:
        blocks += [
            Text(
                "Each number is measured of every piece; what the model composed is drawn over the "
                "pieces that it learned from. The overlap of the two areas is 100% where they are "
                "alike. What is to be had is told by pieces that it did not learn from, whose "
                "overlap stands behind the stroke."
            ),
            Grid([_drawn(name, of) for name, of in found.features.items()]),
            Table(
                (
                    "",
                    *(f"{name}: median" for name in (SAMPLES, CORPUS, CONTROL)),
                    "overlap",
                    "to be had",
                    "overlap of distances",
                    "to be had",
                ),
                [_feature_row(name, of) for name, of in found.features.items()],
                "Overlap of distances: within the samples, and from samples to the corpus, after "
                "Yang and Lerch (2018).",
            ),
            Fold(
                "What each number means",
                [
                    Table(
                        ("number", "definition", "source"),
                        [
                            (
                                CATALOGUE[name].words,
                                CATALOGUE[name].definition,
                                CATALOGUE[name].source,
                            )
                            for name in found.features
                        ],
                    )
                ],
            ),
        ]
    if found.rules:
        blocks += [
            Text(
                "The rules of four-part harmony, told by music21. Bach breaks them too, now and "
                "then; what matters is how often. Counted a piece, or where a rule can be broken "
                "at every move or moment, out of a hundred of these."
            ),
            Table(
                ("rule", "counted", *found.rules),
                [
                    (
                        words,
                        _COUNTED_BY[rule][1],
                        *(f"{_rate(counts, rule):.2f}" for counts in found.rules.values()),
                    )
                    for rule, words in RULES.items()
                ],
            ),
        ]
    return Section("What it composes, beside the music", blocks)


def _drawn(name: str, of: Comparison) -> Picture:
    feature = CATALOGUE[name]
    scale = 100 if feature.unit == "%" else 1
    control = "" if of.control_overlap is None else f" | {of.control_overlap:.0%}"
    return pictures.densities(
        feature.words,
        feature.unit,
        {SAMPLES: (of.samples * scale).tolist(), CORPUS: (of.corpus * scale).tolist()},
        f"{of.overlap:.0%}{control}",
    )


def _feature_row(name: str, of: Comparison) -> Sequence[str]:
    feature = CATALOGUE[name]
    scale = 100 if feature.unit == "%" else 1
    unit = f" ({feature.unit})" if feature.unit else ""
    medians = (pictures.median(values) * scale for values in (of.samples, of.corpus, of.control))
    shares = (of.overlap, of.control_overlap, of.distances, of.control_distances)
    return (
        f"{feature.words}{unit}",
        *("" if math.isnan(value) else f"{value:.4g}" for value in medians),
        *("" if share is None else f"{share:.0%}" for share in shares),
    )


def _rate(counts: Mapping[str, int], rule: str) -> float:
    by, _ = _COUNTED_BY[rule]
    return counts[rule] * (1 if by == "pieces" else 100) / max(1, counts[by])


def _form(found: Examination) -> Section:
    if not found.forms:
        return Section("Form", [])
    sets = found.forms
    beside = [name for name in (CORPUS, SAMPLES) if name in sets]
    return Section(
        "Form",
        [
            Text(
                "A bar that was heard before, in its pitches beat by beat, is a repeat. How far "
                "back repeats reach says how far the model's memory does; music that has a form "
                "repeats after four, eight or sixteen bars, a model that has lost the thread at "
                "once or never."
            ),
            pictures.lines(
                "",
                range(1, len(sets[SAMPLES].reach) + 1),
                {name: of.reach.tolist() for name, of in sets.items()},
                x_label="bars since a bar was last heard",
                y_label="share of all bars",
            ),
            Table(
                ("", *sets),
                [
                    (
                        "bars that were heard before",
                        *(f"{of.repeated:.0%}" for of in sets.values()),
                    ),
                    *(
                        (
                            f"structureness: {name}",
                            *(f"{of.structureness[name]:.2f}" for of in sets.values()),
                        )
                        for name in PASSAGES
                    ),
                ],
                "Structureness (Wu and Yang 2020): how well the best repeated passage of a length "
                "explains the piece, 0 to 1.",
            ),
            Text(
                "A piece against itself, bar by bar: the darker, the more alike. A repeat is a "
                "line beside the diagonal, a section a dark square."
            ),
            Grid(
                [
                    pictures.self_similarity(
                        sets[name].matrix,
                        "a piece of the corpus" if name == CORPUS else "a sample",
                    )
                    for name in beside
                ]
            ),
        ],
    )


def _novelty(found: Examination) -> Section:
    blocks: list[Block] = []
    if found.new:
        blocks += [
            Text(
                "Of runs of two or three notes nearly all are known in any music, of long ones "
                "hardly any. A model that composes lies near the pieces that it did not learn "
                "from; one that quotes lies below them where runs are long. Runs are notes of one "
                "part with their rhythm, in any key."
            ),
            pictures.lines(
                "Runs that no training piece has",
                LENGTHS,
                found.new,
                x_label="notes of a run",
                y_label="share that is new",
                percent=True,
            ),
        ]
    if found.runs:
        longest = max(found.held_out_runs, default=0)
        control = (
            f" Pieces that it did not learn from share runs of up to {longest} notes with the "
            f"training pieces, {pictures.median(found.held_out_runs):.0f} in the median."
            if found.held_out_runs
            else ""
        )
        blocks += [
            Text(f"The longest runs that samples have in common with a training piece.{control}"),
            Table(
                ("notes", "sample", "bar", "training piece", "its bar", "part"),
                [
                    (
                        str(run.notes),
                        str(number),
                        str(run.own_bar),
                        run.source,
                        str(run.bar),
                        "all parts" if run.part is None else _part(found, run.part),
                    )
                    for number, run in found.runs
                ],
            ),
        ]
    elif found.evidence.sampled is not None:
        blocks.append(
            Text("No sample shares a run of more than eight notes with a training piece.")
        )
    return Section("What it copies", blocks)


def _row(nats: Nats) -> Sequence[str]:
    error = "" if math.isnan(nats.error) else f" ± {nats.error:.2f}"
    perplexity = f"{nats.perplexity:,.1f}" if nats.total < 12 else f"{nats.perplexity:.1e}"
    return (*(f"{of:.3f}" for of in nats.fields), f"{nats.total:.3f}{error}", perplexity)


def _part(found: Examination, part: int) -> str:
    return found.bundle.vocabulary.parts[part].name


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
