"""An inspection: what is drawn of a piece as a model reads it, and how that is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musiclstm.encoding import Encoded
from musiclstm.errors import RequestError
from musiclstm.generation.typical import count_notes
from musiclstm.insight.events import describe, events_of
from musiclstm.insight.muting import FIELDS, Loss
from musiclstm.insight.strips import Strips, sort_units
from musiclstm.insight.trace import Notes, Trace, notes_of, trace
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
_MOST_DRAWN = 6_000  # notes: of more, a note is less than a pixel wide
_COLUMNS = ("rows", "onset", "duration", "part", "pitch")
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

    Raises:
        RequestError: If the piece has none of those bars.
    """
    v = bundle.vocabulary
    notes = notes_of(encoded, v)
    kept = drawn(notes, bars, v.steps_per_quarter)
    if kept.stop - kept.start == _MOST_DRAWN:
        tell(f"only the first {_MOST_DRAWN:,} notes of these bars are drawn")
    found = trace(bundle, encoded, kept)
    columns = {name: getattr(notes, name)[kept] for name in _COLUMNS}
    strips = Strips(replace(notes, **columns), v)
    pictures = {"roll": strips.roll()}
    tell("drawing ...")
    for layer in range(bundle.network.layers):
        order, groups = sort_units(findings, layer, bundle.network.units)
        for name, words in _GATES.items():
            pictures[f"layer{layer + 1}-{name}"] = strips.map(
                getattr(found.gates, name)[layer][:, order],
                f"layer {layer + 1}: {words}",
                groups,
                signed=name in ("cell", "hidden"),
            )
    events = events_of(notes, v)  # of the whole piece: what is high in it may be low in some bars
    for unit in findings.best(_BEST):
        of_unit = getattr(found.gates, unit.quantity)[unit.layer][:, unit.number]
        name = f"unit{unit.layer + 1}-{unit.number + 1}"
        words = unit.words[0].upper() + unit.words[1:]
        pictures[name] = strips.line(of_unit, words, events[unit.event][kept])
    pictures["surprise"] = strips.surprise(found.nats[kept])
    return Inspection(bundle, found, findings, pictures)


def drawn(notes: Notes, bars: tuple[int, int], grid: int) -> slice:
    """Which notes of a piece lie in some bars; at most 6,000 are drawn.

    Raises:
        RequestError: If the piece has none there.
    """
    number = np.maximum(notes.encoded.meter_map.locate(notes.onset, grid).bar + 1, 1)
    first = int(np.searchsorted(number, bars[0]))
    last = int(np.searchsorted(number, bars[1], side="right"))
    if first == last:
        raise RequestError(
            f"no note begins in bars {bars[0]}-{bars[1]}; the piece has notes in bars "
            f"{int(number[0])} to {int(number[-1])}"
        )
    return slice(first, min(last, first + _MOST_DRAWN))


def sections(found: Inspection, muted: Loss | None = None) -> list[Section]:
    """The page.

    Args:
        found: What is shown.
        muted: What units held at zero cost, if that was asked.
    """
    network = found.bundle.network
    roll = found.pictures["roll"]
    parts = [Section("What units follow", _units(found))]
    for layer in range(1, network.layers + 1):
        of_layer = f"layer{layer}-"
        maps = [found.pictures[name] for name in found.pictures if name.startswith(of_layer)]
        parts.append(
            Section(
                f"Layer {layer}: gates and memory",
                [
                    Text(_LAYER_WORDS if layer == 1 else _NEXT_LAYER_WORDS),
                    Scroll(
                        [roll, *maps],
                        "Each line is a unit. At the left stands what the units beside it follow; "
                        "groups of a few units have no room for their name.",
                    ),
                ],
            )
        )
    parts.append(Section("Surprise", _surprise(found)))
    if muted is not None:
        parts.append(Section(f"Without {', '.join(muted.units)}", _muted(muted)))
    return parts


def lead(found: Inspection) -> str:
    """What is to be seen, in a sentence or two."""
    t = found.trace
    return (
        f"{found.bundle.name} reads {len(t.notes.rows):,} notes, one after the other, and expects "
        f"each before it comes: {t.nats_per_note.sum():.2f} nats a note. Scroll the pictures "
        "sideways; what is above each other is the same moment."
    )


def values(found: Inspection) -> dict[str, Any]:
    """Everything that was measured, JSON-ready."""
    t, f = found.trace, found.findings
    return {
        "model": found.bundle.name,
        "digest": found.bundle.digest,
        "notes": count_notes(t.notes.encoded, found.bundle.vocabulary),
        "nats_per_note": float(t.nats_per_note.sum()),
        "read_for_units": {"pieces": f.pieces, "notes": f.notes, "unseen": f.unseen},
        "chance_auc": dict(f.chance),
        "units": [
            {
                "layer": unit.layer + 1,
                "unit": unit.number + 1,
                "event": unit.event,
                "quantity": unit.quantity,
                "high": unit.high,
                "auc": unit.auc,
                "above_chance": f.follows(unit),
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
    if f.pieces == 1:
        where = "on the first half of one piece alone, and judged on its second; of more music more"
        where += " can be told"
    else:
        known = "that the model has not learned from" if f.unseen else "of which it may know some"
        where = f"on half of {f.pieces} pieces {known}, and judged on the other half"
    best = f.best(_BEST)
    above = sum(f.follows(unit) for unit in f.units)
    low, high = min(f.chance.values()), max(f.chance.values())
    ordered = sorted(f.units, key=lambda unit: -unit.auc)[:_LISTED]
    return [
        Text(
            "Nobody has told the units what to do; some have found a task all the same. For each "
            f"the event was sought that it tells best, {where}. The AUC is the chance that of two "
            "notes of a piece, one that is the event and one that is not, the unit's value points "
            "out the right one: 0.5 is a coin, 1 is never wrong. Where events are moved round in "
            f"their pieces, one unit in a hundred still gets {low:.2f} to {high:.2f}, according to "
            f"the event; {above:,} of {len(f.units):,} units get more than that here.\n\n"
            "A unit is looked at once the note is read: its beat, its part, and its length too. "
            "What is just before something has to be foreseen. That a phrase ends is foreseen only "
            "in part: a long note gives it away, and in a single melody nearly always."
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
                    ("layer", "unit", "what it does", "AUC", "by chance"),
                    [
                        (
                            str(unit.layer + 1),
                            str(unit.number + 1),
                            unit.does,
                            f"{unit.auc:.2f}",
                            f"{f.chance[unit.event]:.2f}",
                        )
                        for unit in ordered
                    ],
                ),
                Table(
                    ("event", "a note is one when"),
                    [
                        (describe(name).where, describe(name).definition)
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


def _muted(muted: Loss) -> list[Block]:
    rows = [
        (name, f"{whole:.3f}", f"{left:.3f}", f"{left - whole:+.3f}")
        for name, whole, left in zip(
            (*FIELDS, "all"),
            (*muted.nats, sum(muted.nats)),
            (*muted.nats_muted, sum(muted.nats_muted)),
            strict=True,
        )
    ]
    return [
        Text(
            "What this piece costs with all units, and with these held at zero. More nats: the "
            "model misses them. Two pieces that were composed from the same seed, with and "
            "without, lie beside this page."
        ),
        Table(("field", "with", "without", "difference"), rows, "Nats a note."),
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
    n = t.notes
    bars = np.maximum(n.encoded.meter_map.locate(n.onset, v.steps_per_quarter).bar + 1, 1)
    told = []
    for note in np.argsort(t.chance, kind="stable")[:_SURPRISES].tolist():
        expected = [
            {"pitch": pitch_name(int(pitch)), "chance": float(chance)}
            for pitch, chance in zip(t.likeliest[note], t.chances[note], strict=True)
            if int(pitch) != int(n.pitch[note])
        ]
        told.append(
            {
                "bar": int(bars[note]),
                "part": v.parts[int(n.part[note])].name,
                "pitch": pitch_name(int(n.pitch[note])),
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
