"""The pictures of a report: what can be seen at a glance of numbers that tables hold."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.evaluation.calibration import Calibration
from musiclstm.evaluation.evidence import Moment
from musiclstm.evaluation.likelihood import Nats
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import FAINT, GREY, INK, PALE, PART_COLOURS
from musiclstm.rendering.document import Picture

FloatArray = npt.NDArray[np.float64]

_BLUE, _RED, _GREEN = PART_COLOURS[:3]
_WIDE, _SMALL = 6.5, 3.3  # inches
_LEGEND = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
_FEWEST_FORECASTS = 20  # in a bin that is drawn
_BINS = 16


def nats_by_field(told: Mapping[str, Nats]) -> Picture:
    """Bars of nats a note, what each field costs in a colour.

    Args:
        told: Whose nats, from top to bottom.
    """
    figure, axes = new_figure(_WIDE, 1.0 + 0.34 * len(told))
    chart = axes[0, 0]
    names, rows = list(told), np.arange(len(told))
    left = np.zeros(len(told))
    for field in Field:
        widths = np.array([nats.fields[field] for nats in told.values()])
        if widths.max() > 0.005:
            colour = PART_COLOURS[field]
            chart.barh(rows, widths, left=left, height=0.66, color=colour, label=_name(field))
        left += widths
    for row, total in zip(rows, left, strict=True):
        chart.text(total, row, f"  {total:.2f}", va="center", size=8.5, color=INK)
    chart.set_yticks(rows, names, parse_math=False)
    chart.set(xlim=(0, 1.1 * left.max()), ylim=(len(told) - 0.4, -0.6))
    plain(chart, x="nats a note; the shorter, the less surprised")
    chart.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=5, **_LEGEND)
    said = "; ".join(f"{name} {nats.total:.2f}" for name, nats in told.items())
    return Picture(as_png(figure), f"Nats a note: {said}.")


def learning_curve(curve: Sequence[Moment]) -> Picture:
    """How training and held-out pieces got likelier, with the best moment marked.

    Args:
        curve: At least one row.
    """
    figure, axes = new_figure(_WIDE, 2.6)
    chart = axes[0, 0]
    epochs = [moment.epoch for moment in curve]
    train = [moment.train for moment in curve]
    chart.plot(epochs, train, color=_BLUE, label="in training, with dropout")
    said = f"In training nats fell from {train[0]:.2f} to {train[-1]:.2f} a note."
    heard = [moment for moment in curve if not math.isnan(moment.valid)]
    if heard:
        chart.plot([m.epoch for m in heard], [m.valid for m in heard], color=_RED, label="held out")
        best = min(heard, key=lambda moment: moment.valid)
        chart.plot(best.epoch, best.valid, "o", color=_RED, markersize=5)
        words = f"best {best.valid:.2f}"
        chart.annotate(
            words, (best.epoch, best.valid), (0, 7), textcoords="offset points", size=8.5,
            color=_RED, ha="center",
        )  # fmt: skip
        said += f" Held-out pieces were best at epoch {best.epoch:.1f} with {best.valid:.2f}."
    high = max(
        np.quantile(train, 0.9), *(m.valid for m in heard[1:] or curve[:0]), min(train) * 1.5
    )
    chart.set_ylim(0.95 * min([*train, *(m.valid for m in heard)]), high)
    plain(chart, x="epochs: times that every piece has been played", y="nats a note")
    chart.legend(**_LEGEND)
    return Picture(as_png(figure), said)


def reliability(found: Calibration) -> Picture:
    """How often what was expected with some probability came; on the diagonal a model is right."""
    figure, axes = new_figure(_SMALL, 3.1)
    chart = axes[0, 0]
    chart.plot([0, 1], [0, 1], color=PALE, linewidth=1, zorder=0)
    enough = found.forecasts >= _FEWEST_FORECASTS
    x, y = found.expected[enough], found.happened[enough]
    # of so many forecasts one standard error lies here
    error = np.sqrt(x * (1 - x) / found.forecasts[enough])
    chart.errorbar(x, y, yerr=error, color=_BLUE, marker="o", markersize=4, linewidth=1.3)
    chart.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    plain(chart, "pitches", x="expected with this probability", y="share that came")
    return Picture(
        as_png(figure),
        f"The likeliest pitch was given {found.sure:.0%} on average and came in {found.right:.0%}.",
    )


def densities(
    title: str, unit: str, sets: Mapping[str, Sequence[float]], note: str = ""
) -> Picture:
    """Histograms of one number a piece, drawn over each other.

    Args:
        title: What is measured.
        unit: Of the values.
        sets: Name and values, two or three of them; of each at least one.
        note: In the corner.
    """
    figure, axes = new_figure(_SMALL, 2.2)
    chart = axes[0, 0]
    every = np.concatenate([np.asarray(values, float) for values in sets.values()])
    low, high = float(every.min()), float(every.max())
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    for colour, (name, values) in zip((_BLUE, _RED, _GREEN), sets.items(), strict=False):
        weights = np.full(len(values), 1 / len(values))
        chart.hist(values, edges, weights=weights, color=colour, alpha=0.35, label=name)
        chart.hist(values, edges, weights=weights, histtype="step", color=colour, linewidth=1.2)
    plain(chart, title, x=unit)
    chart.text(
        0.99, 0.84, note, transform=chart.transAxes, ha="right", va="top", size=8.5, color=GREY
    )
    chart.set_yticks([])
    chart.spines["left"].set_visible(False)
    chart.set_ylim(0, 1.25 * chart.get_ylim()[1])  # room for the names
    chart.legend(loc="upper center", ncols=len(sets), **{**_LEGEND, "fontsize": 7.5})
    said = "; ".join(f"{name} median {np.median(values):.3g}" for name, values in sets.items())
    return Picture(as_png(figure), f"{title}: {said} {unit}.")


def median(values: Sequence[float] | FloatArray) -> float:
    """The median; NaN of nothing."""
    return float(np.median(values)) if len(values) else math.nan


def lines(
    title: str,
    x: Sequence[float],
    sets: Mapping[str, Sequence[float]],
    *,
    x_label: str,
    y_label: str,
    percent: bool = False,
) -> Picture:
    """One line a set.

    Args:
        title: Above the chart.
        x: Places, ``(n,)``.
        sets: Name and values, of each ``(n,)``.
        x_label: What runs to the right.
        y_label: What runs upwards.
        percent: Whether the values are shares.
    """
    figure, axes = new_figure(_WIDE, 2.5)
    chart = axes[0, 0]
    for colour, (name, values) in zip(PART_COLOURS, sets.items(), strict=False):
        chart.plot(x, values, color=colour, marker="o", markersize=3, label=name)
    plain(chart, title, x=x_label, y=y_label)
    if percent:
        from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

        chart.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        chart.set_ylim(-0.02, 1.02)
    chart.legend(**_LEGEND)
    said = "; ".join(
        f"{name} from {values[0]:.2g} to {values[-1]:.2g}" for name, values in sets.items()
    )
    return Picture(as_png(figure), f"{title or y_label}: {said}.")


def self_similarity(matrix: FloatArray, title: str) -> Picture:
    """A piece against itself, bar by bar: what comes again shows as a line beside the diagonal.

    Args:
        matrix: Likeness of bars, ``(bars, bars)``, 0 to 1.
        title: Above it.
    """
    figure, axes = new_figure(_SMALL, 3.3)
    chart = axes[0, 0]
    edges = (0.5, len(matrix) + 0.5)
    chart.imshow(
        matrix, origin="lower", cmap="Blues", vmin=0, vmax=1, extent=(*edges, *edges),
        interpolation="nearest",
    )  # fmt: skip
    plain(chart, title, x="bar", y="bar")
    for spine in chart.spines.values():
        spine.set_color(FAINT)
    return Picture(as_png(figure), f"Likeness of every bar of {title} to every other.")


def _name(field: Field) -> str:
    return field.name.lower()
