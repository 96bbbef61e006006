"""An inspection: what is drawn of a piece as a model reads it, and how that is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from musiclstm.encoding import Encoded
from musiclstm.insight.events import describe, events_of
from musiclstm.insight.strips import Strips, sort_units
from musiclstm.insight.trace import Trace, trace
from musiclstm.insight.units import QUANTITIES, Findings
from musiclstm.model import Bundle
from musiclstm.rendering.document import Block, Callout, Fold, Picture, Scroll, Section, Table, Text

_GATES: Mapping[str, str] = {
    "input": "input gate",
    "forget": "forget gate",
    "output": "output gate",
    "cell": "cell state",
    "hidden": "hidden state",
}
_BEST = 10  # units that are drawn by themselves
_LISTED = 40  # units in the table
_SURPRISES = 12
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


@dataclass(frozen=True)
class Inspection:
    """What was found of a piece.

    Attributes:
        bundle: The model.
        trace: The piece as the model read it, all of it.
        findings: What units follow, on other pieces where there were any.
        pictures: By the name of their file, in the order of the page.
    """

    bundle: Bundle
    trace: Trace
    findings: Findings
    pictures: dict[str, Picture]


def inspect(
    bundle: Bundle,
    encoded: Encoded,
    findings: Findings,
    bars: tuple[int, int],
    tell: Callable[[str], None] = lambda _: None,
) -> Inspection:
    """Draw a piece with what happens in the model's cells.

    Args:
        bundle: The model.
        encoded: The piece, with notes.
        findings: Of :func:`~.units.find_units`.
        bars: First and last bar that are drawn, from 1; a pickup belongs to the first.
        tell: Called with what is being done, before it is.
    """
    whole = trace(bundle, encoded)
    shown = _cut(whole, bars, bundle.vocabulary.steps_per_quarter)
    strips = Strips(shown, bundle.vocabulary)
    pictures = {"roll": strips.roll()}
    tell("drawing")
    for layer in range(bundle.network.layers):
        order = sort_units(findings.units, layer) or list(range(bundle.network.units))
        for name, words in _GATES.items():
            values = getattr(shown.gates, name)[layer][:, order]
            signed = name in ("cell", "hidden")
            pictures[f"layer{layer + 1}-{name}"] = strips.map(
                values, f"layer {layer + 1}: {words}", signed=signed
            )
    events = events_of(shown, bundle.vocabulary)
    for unit in findings.best(_BEST):
        values = getattr(shown.gates, unit.quantity)[unit.layer][:, unit.number]
        name = f"unit{unit.layer + 1}-{unit.number + 1}"
        words = unit.words[0].upper() + unit.words[1:]
        pictures[name] = strips.line(values, words, events[unit.event])
    pictures["surprise"] = strips.surprise()
    return Inspection(bundle, whole, findings, pictures)


def sections(found: Inspection) -> list[Section]:
    """The page."""
    network = found.bundle.network
    roll = found.pictures["roll"]
    parts = [Section("What units follow", _units(found))]
    for layer in range(1, network.layers + 1):
        of_layer = f"layer{layer}-"
        drawn = [found.pictures[name] for name in found.pictures if name.startswith(of_layer)]
        parts.append(
            Section(
                f"Layer {layer}: gates and memory",
                [
                    Text(_LAYER_WORDS if layer == 1 else _NEXT_LAYER_WORDS),
                    Scroll([roll, *drawn], "A line is a unit, sorted by what it follows."),
                ],
            )
        )
    parts.append(Section("Surprise", _surprise(found)))
    return parts


def lead(found: Inspection) -> str:
    """What is to be seen, in a sentence or two."""
    t = found.trace
    return (
        f"{found.bundle.name} reads {len(t.onset):,} notes, one after the other, and expects each "
        f"before it comes: {float(t.surprise.mean()):.2f} nats a note. Scroll the pictures "
        "sideways; what is above each other is the same moment."
    )


def values(found: Inspection) -> dict[str, Any]:
    """Everything that was measured, JSON-ready."""
    t, f = found.trace, found.findings
    return {
        "model": found.bundle.name,
        "digest": found.bundle.digest,
        "notes": len(t.onset),
        "nats_per_note": float(t.surprise.mean()),
        "read_for_units": {"pieces": f.pieces, "notes": f.notes, "unseen": f.unseen},
        "chance_auc": f.chance,
        "units": [
            {
                "layer": unit.layer + 1,
                "unit": unit.number + 1,
                "event": unit.event,
                "quantity": unit.quantity,
                "high": unit.high,
                "auc": unit.auc,
                "words": unit.words,
            }
            for unit in f.units
        ],
        "gates": {
            name: [
                {"mean": float(of.mean()), "lowest": float(of.min()), "highest": float(of.max())}
                for of in getattr(t.gates, name)
            ]
            for name in QUANTITIES
        },
        "surprises": _surprises(found),
    }


_LAYER_WORDS = (
    "Each unit holds a number, its cell state. At each note the forget gate says how much of it "
    "stays (1 all, 0 nothing), the input gate how far the new is let in, and the output gate how "
    "much is shown to the layers above: the hidden state. Dark lines in the forget gate are long "
    "memories; columns of white are moments at which the model lets go."
)
_NEXT_LAYER_WORDS = (
    "The same, one layer up: it reads what the layer below shows, added to what that has read."
)


def _units(found: Inspection) -> list[Block]:
    f = found.findings
    if not f.units:
        return [Text("There was too little music to say what units follow.")]
    known = "that the model has not learned from" if f.unseen else "of which it may know some"
    best = f.best(_BEST)
    chance = sum(unit.auc > f.chance for unit in f.units)
    ordered = sorted(f.units, key=lambda unit: -unit.auc)[:_LISTED]
    return [
        Text(
            "Nobody has told the units what to do; some have found a task all the same. For each "
            f"the event was sought that it tells best, on half of {f.pieces} pieces {known}; the "
            "AUC is told of the other half: the chance that of two notes, one that is the event "
            "and one that is not, the unit's value points out the right one. 0.5 is a coin. Where "
            "events are moved round in their pieces, one unit in a hundred gets more than "
            f"{f.chance:.2f} by chance; {chance:,} of {len(f.units):,} units do here."
        ),
        Scroll(
            [
                found.pictures["roll"],
                *(found.pictures[f"unit{unit.layer + 1}-{unit.number + 1}"] for unit in best),
            ],
            "The units that tell their event best; its notes are shaded.",
        ),
        Fold(
            f"The {len(ordered)} best units, and what the events are",
            [
                Table(
                    ("layer", "unit", "what it does", "AUC"),
                    [
                        (
                            str(unit.layer + 1),
                            str(unit.number + 1),
                            unit.words.partition(f"layer {unit.layer + 1} ")[2].rpartition(" (")[0],
                            f"{unit.auc:.2f}",
                        )
                        for unit in ordered
                    ],
                ),
                Table(
                    ("event", "a note is one when"),
                    [
                        (describe(name).words, describe(name).definition)
                        for name in sorted({unit.event for unit in f.units})
                    ],
                ),
            ],
        ),
        Callout(
            "mixed",
            "What this does not show",
            "A unit that tells an event need not be there for it, and most of what a network knows "
            "is spread over many units. Hold one at zero and listen: --mute LAYER:UNIT.",
        ),
    ]


def _surprise(found: Inspection) -> list[Block]:
    rows = [
        (
            str(of["bar"]),
            of["part"],
            of["pitch"],
            f"{of['nats']:.1f}",
            f"{of['chance']:.1%}",
            ", ".join(f"{other['pitch']} {other['chance']:.0%}" for other in of["expected"]),
        )
        for of in _surprises(found)
    ]
    return [
        Text(
            "Every note costs as many nats as it was unexpected, in when it came, who played it, "
            "which pitch it was and for how long."
        ),
        Scroll([found.pictures["roll"], found.pictures["surprise"]]),
        Table(
            ("bar", "part", "pitch", "nats", "its chance", "what was expected instead"),
            rows,
            "The pitches that surprised most.",
        ),
    ]


def _surprises(found: Inspection) -> list[dict[str, Any]]:
    t, v = found.trace, found.bundle.vocabulary
    bars = t.encoded.meter_map.locate(t.onset, v.steps_per_quarter).bar + 1
    told = []
    for note in np.argsort(t.chance, kind="stable")[:_SURPRISES].tolist():
        expected = [
            {"pitch": pitch_name(int(pitch)), "chance": float(chance)}
            for pitch, chance in zip(t.likeliest[note], t.chances[note], strict=True)
            if int(pitch) != int(t.pitch[note])
        ]
        told.append(
            {
                "bar": int(bars[note]),
                "part": v.parts[int(t.part[note])].name,
                "pitch": pitch_name(int(t.pitch[note])),
                "nats": float(t.surprise[note]),
                "chance": float(t.chance[note]),
                "expected": expected,
            }
        )
    return told


def pitch_name(pitch: int) -> str:
    """A MIDI pitch as musicians write it.

    >>> pitch_name(61)
    'C♯4'
    """
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _cut(whole: Trace, bars: tuple[int, int], grid: int) -> Trace:
    """The notes of some bars, counted from the first of them."""
    number = np.maximum(whole.encoded.meter_map.locate(whole.onset, grid).bar + 1, 1)
    kept = np.flatnonzero((number >= bars[0]) & (number <= bars[1]))
    if not len(kept):
        kept = np.arange(len(whole.onset))
    gates = type(whole.gates)(*(of[:, kept] for of in whole.gates))
    columns = {
        column.name: getattr(whole, column.name)[kept]
        for column in fields(whole)
        if column.name not in ("encoded", "gates")
    }
    return replace(whole, gates=gates, **columns)
