"""An examination as a page that people read, and as values that programs read."""

import math
from collections.abc import Sequence
from typing import Any

from musiclstm.encoding import Field
from musiclstm.evaluation import pictures
from musiclstm.evaluation.examine import MODEL, SET_NAMES, Examination
from musiclstm.evaluation.likelihood import Nats, as_dict
from musiclstm.evaluation.new_runs import LENGTHS
from musiclstm.rendering.document import Block, Callout, Section, Table, Text


def sections(found: Examination) -> list[Section]:
    """The sections of the page, the verdict first."""
    parts = [
        _verdict(found),
        _likelihood(found),
        _samples(found),
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
    return Section("What it composes, beside the music", [])


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
