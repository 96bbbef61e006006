"""What the noise experiment has found, in words, tables and a picture."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from musiclstm.lab.mistakes import MOST_SEMITONES, MOST_STEPS
from musiclstm.lab.noise_means import BINS, KINDS, ONE, Measured
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import FAINT, PART_COLOURS
from musiclstm.rendering.document import Picture, Table

_LEAST = 0.01  # nats a note: less is none, however sure
_SOON = 3  # bins: the next four notes


def found(m: Measured, models: Sequence[str]) -> str:
    """What the numbers say, a paragraph for each kind of mistake."""
    return "\n\n".join(_found_of(m, models, kind) for kind in KINDS)


def _found_of(m: Measured, models: Sequence[str], kind: str) -> str:
    rates = sorted({rate for of, rate in m.touched if of == kind})
    said = []
    if rates:
        costs = {name: m.rates[kind, rates[-1], name] for name in models}
        told = ", ".join(
            f"{cost.value:+.2f} for the {name} ({m.clean[name].value:.2f} without)"
            for name, cost in costs.items()
        )
        said.append(
            f"With {rates[-1]:.0%} {kind} in the past, each note that was left alone costs more "
            f"nats: {told}."
        )
        few = m.rates[kind, rates[0], models[0]]
        if few.sure and len(rates) > 1:
            said.append(
                f"{rates[-1] / rates[0]:.0f} times as many as at {rates[0]:.0%} do "
                f"{costs[models[0]].value / few.value:.1f} times the damage to the {models[0]}."
            )
    said += [f"After one {ONE[kind]} {_lasting(m, kind, name)}." for name in models]
    return " ".join(said)


def _lasting(m: Measured, kind: str, model: str) -> str:
    """How much a lone mistake costs, and how long."""
    seen = [place for place in range(len(BINS)) if m.after[kind, place, model].notes]
    if not seen:
        return f"no note was left to be asked of the {model}"
    lasting = [
        place
        for place in seen
        if m.after[kind, place, model].sure and m.after[kind, place, model].value >= _LEAST
    ]
    soon, whole = m.in_all(kind, model, _SOON), m.in_all(kind, model)
    until = (
        f"the damage can be told from chance up to {BINS[lasting[-1]][1]} notes later"
        if lasting
        else "the damage cannot be told from chance"
    )
    return (
        f"the next {BINS[_SOON - 1][1]} notes cost the {model} {soon:+.2f} nats in all, the next "
        f"{BINS[-1][1]} {whole:+.2f}; {until}"
    )


def rates_table(m: Measured, models: Sequence[str]) -> Table:
    """Damage by rate."""
    rows = [["none", "0", *(f"{m.clean[name].value:.3f}" for name in models)]]
    for kind, rate in m.touched:
        costs = [m.rates[kind, rate, name].words for name in models]
        rows.append([f"{rate:.0%} {kind}", f"{m.touched[kind, rate]:.2%}", *costs])
    return Table(
        ("mistakes", "share of notes", *models),
        rows,
        "Nats a note without mistakes; below, what mistakes in the past add for the notes that "
        f"were left alone, with standard errors over {m.pieces} pieces.",
    )


def distances_table(m: Measured, models: Sequence[str]) -> Table:
    """Damage by distance."""
    rows = []
    for kind in KINDS:
        for place, (first, last) in enumerate(BINS):
            away = f"{first}" if first == last else f"{first}-{last}"
            rows.append([ONE[kind], away, *(m.after[kind, place, name].words for name in models)])
    return Table(
        ("one", "notes later", *models),
        rows,
        "What one mistake adds to the nats of a note so many notes later.",
    )


def picture(m: Measured, models: Sequence[str]) -> Picture:
    """Damage by rate, and by distance."""
    figure, axes = new_figure(6.5, 5.2, 2, len(KINDS))
    for column, kind in enumerate(KINDS):
        above, below = axes[0, column], axes[1, column]
        rates = [rate for of, rate in m.touched if of == kind]
        for colour, name in zip(PART_COLOURS, models, strict=False):
            costs = [m.rates[kind, rate, name] for rate in rates]
            shares = [0.0, *(100 * rate for rate in rates)]
            values, errors = [0.0, *(c.value for c in costs)], [0.0, *(c.error for c in costs)]
            above.errorbar(shares, values, errors, color=colour, marker="o", ms=3, label=name)
            places = [place for place in range(len(BINS)) if m.after[kind, place, name].notes]
            after = [m.after[kind, place, name] for place in places]
            below.errorbar(
                places,
                [cost.value for cost in after],
                [cost.error for cost in after],
                color=colour,
                marker="o",
                ms=3,
            )
        below.set_xticks(
            range(len(BINS)),
            [f"{first}" if first == last else f"{first}-{last}" for first, last in BINS],
        )
        for chart in (above, below):
            chart.axhline(0, color=FAINT, linewidth=1, zorder=0)
        plain(above, kind, "% of the notes", "nats added a note")
        plain(below, f"after one {ONE[kind]}", "notes later", "nats added a note")
    axes[0, 0].legend(frameon=False, fontsize=8)
    worst = max(m.touched, key=lambda key: key[1], default=("", 0.0))
    told = ", ".join(f"{name} {m.rates[(*worst, name)].value:+.3f}" for name in models if m.touched)
    return Picture(
        as_png(figure),
        f"Above, nats a note that mistakes in the past add, by the share of mistakes; at "
        f"{worst[1]:.0%} {worst[0]}: {told}. Below, what one mistake adds, by the distance in "
        "notes.",
        "Only notes that were left alone are counted. Bars are standard errors over pieces.",
    )


def how(noise: float, order: int) -> str:
    """How it was measured."""
    return (
        f"A wrong pitch is up to {MOST_SEMITONES} semitones off, drawn evenly from those in the "
        "part's range that do not sound in the part just then. A moved onset is up to "
        f"{MOST_STEPS} steps of the grid early or late, drawn evenly, and the note keeps its "
        "length. What is wrong at a low rate is wrong at the higher ones too. A note counts where "
        "it was left alone and is the very same event: the note right after a moved one, which "
        "comes after another time, does not.\n\n"
        "The likelihood is that of whole pieces, with all conditions unspecified. Besides what its "
        "state keeps, the network is handed the last notes of the parts, which pitch classes have "
        "sounded, and what followed when the past was last like now; so is the n-gram. Mistakes "
        f"reach them in all these ways. The plain {order}-gram sees the last {order - 1} rows "
        "and nothing else; a moved onset is told in two of them, its own and the next. The network "
        f"met wrong memories in training, {noise:.0%} of them, so that it "
        "would live with its own errors."
    )


def numbers(m: Measured, models: Sequence[str]) -> dict[str, Any]:
    """All means, ready for JSON."""
    return {
        "pieces": m.pieces,
        "clean": {name: m.clean[name]._asdict() for name in models},
        "rates": [
            {
                "kind": kind,
                "rate": rate,
                "touched": m.touched[kind, rate],
                "damage": {name: _finite(m.rates[kind, rate, name]._asdict()) for name in models},
            }
            for kind, rate in m.touched
        ],
        "after": [
            {
                "kind": kind,
                "first": first,
                "last": last,
                "damage": {name: _finite(m.after[kind, place, name]._asdict()) for name in models},
            }
            for kind in KINDS
            for place, (first, last) in enumerate(BINS)
        ],
        "lone_in_all": {kind: {name: m.in_all(kind, name) for name in models} for kind in KINDS},
    }


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """NaN is no JSON."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}
