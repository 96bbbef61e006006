"""Pictures along a piece, all as wide as each other: what is above each other is one moment.

The notes of one onset are read one after the other. Where something is drawn for each note, the
time until the next onset is shared out between them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Vocabulary
from musiclstm.insight.trace import Trace
from musiclstm.insight.units import Unit
from musiclstm.rendering.charts import as_png, new_figure
from musiclstm.rendering.colours import BLACK_KEY, FAINT, GREY, INK, PALE, PART_COLOURS
from musiclstm.rendering.document import Picture

FloatArray = npt.NDArray[np.float32]

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 0.15, 0.3, 0.08  # inches around the chart
_INCHES_PER_QUARTER, _NARROWEST, _WIDEST = 0.26, 6.0, 60.0
_ROLL, _MAP, _LINE = 2.3, 1.7, 0.8  # heights in inches


class Strips:
    """Draws what happens along one piece.

    Args:
        trace: The piece, as a model has read it.
        vocabulary: Of the model.
    """

    def __init__(self, trace: Trace, vocabulary: Vocabulary) -> None:
        self._trace, self._vocabulary = trace, vocabulary
        self._end = int((trace.onset + trace.duration).max())
        steps = np.arange(self._end + 1)
        places = trace.encoded.meter_map.locate(steps, vocabulary.steps_per_quarter)
        bars = np.flatnonzero(np.diff(places.bar, prepend=places.bar[0] - 1))
        self._start = int(bars[bars <= trace.onset[0]][-1])
        self._bars = bars[bars >= self._start]
        self._numbers = places.bar[self._bars] + 1
        quarters = (self._end - self._start) / vocabulary.steps_per_quarter
        chart = float(np.clip(quarters * _INCHES_PER_QUARTER, _NARROWEST, _WIDEST))
        self._width = _LEFT + chart + _RIGHT
        self._edges = _edges(trace, self._end)

    def roll(self, title: str = "") -> Picture:
        """The notes."""
        figure, chart = self._chart(_ROLL, title or "notes")
        t, v = self._trace, self._vocabulary
        low, high = int(t.pitch.min()) - 2, int(t.pitch.max()) + 3
        for pitch in range(low, high):
            if pitch % 12 in (1, 3, 6, 8, 10):
                chart.axhspan(pitch - 0.5, pitch + 0.5, color=BLACK_KEY, linewidth=0, zorder=0)
        for number, part in enumerate(v.parts):
            own = t.part == number
            if own.any():
                colour = PART_COLOURS[number % len(PART_COLOURS)]
                chart.barh(
                    t.pitch[own], t.duration[own], left=t.onset[own], height=0.8, color=colour,
                    edgecolor="white", linewidth=0.4, label=part.name,
                )  # fmt: skip
        octaves = [pitch for pitch in range(low, high) if pitch % 12 == 0]
        chart.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
        chart.set_ylim(low, high)
        _legend(chart)
        said = f"{len(t.onset)} notes in {len(self._bars)} bars as a piano roll."
        return Picture(as_png(figure), said)

    def map(self, values: FloatArray, title: str, *, signed: bool) -> Picture:
        """All units of a layer, one line each, from top to bottom as they stand in ``values``.

        Args:
            values: ``(n, units)``.
            title: What they are.
            signed: Whether they are on both sides of 0; else they lie between 0 and 1.
        """
        figure, chart = self._chart(_MAP, title)
        if signed:
            most = float(max(np.quantile(np.abs(values), 0.995), 1e-6))
            colours = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
            said = f"between {-most:.2g} (blue) and {most:.2g} (red)"
        else:
            colours = {"cmap": "Greys", "vmin": 0.0, "vmax": 1.0}
            said = "between 0 (white, closed) and 1 (black, open)"
        units = values.shape[1]
        chart.pcolormesh(self._edges, np.arange(units + 1), values.T, rasterized=True, **colours)
        chart.set_ylim(units, 0)
        chart.set_yticks([0, units], ["1", str(units)])
        mean = f"; on average {float(values.mean()):.2f}"
        return Picture(as_png(figure), f"{title} of {units} units, {said}{mean}.")

    def line(self, values: FloatArray, title: str, events: npt.NDArray[np.bool_]) -> Picture:
        """One value along the piece, with the notes marked that are an event.

        Args:
            values: ``(n,)``.
            title: What it is.
            events: Which notes are the event, ``(n,)``.
        """
        figure, chart = self._chart(_LINE, title)
        starts, ends = self._edges[:-1][events], self._edges[1:][events]
        low, high = float(values.min()), float(values.max())
        room = 0.08 * max(high - low, 1e-3)
        chart.set_ylim(low - room, high + room)
        chart.bar(
            starts, high - low + 2 * room, width=ends - starts, bottom=low - room, align="edge",
            color="#F5C57A", linewidth=0, zorder=0,
        )  # fmt: skip
        chart.stairs(values, self._edges, color=PART_COLOURS[0], linewidth=1.1, baseline=None)
        return Picture(as_png(figure), f"{title}; the notes in question are shaded.")

    def surprise(self) -> Picture:
        """What each note cost, what of it in which field."""
        figure, chart = self._chart(_MAP, "surprise of each note, in nats")
        bottom = np.zeros(len(self._trace.onset))
        names = ("shift", "part", "pitch", "duration", "velocity")
        for field, name in enumerate(names):
            nats = self._trace.nats[:, field].astype(np.float64)
            if nats.max() > 0.05:
                chart.stairs(
                    bottom + nats, self._edges, baseline=bottom, fill=True,
                    color=PART_COLOURS[field], label=name,
                )  # fmt: skip
            bottom += nats
        chart.set_ylim(0, max(1.0, float(bottom.max())) * 1.05)
        _legend(chart)
        mean, most = float(bottom.mean()), float(bottom.max())
        said = f"Surprise: {mean:.2f} nats a note on average, {most:.1f} at most."
        return Picture(as_png(figure), said)

    def _chart(self, height: float, title: str) -> tuple[Any, Any]:
        """A chart with barlines; all begin and end at the same place."""
        tall = _TOP + height + _BOTTOM
        figure, axes = new_figure(self._width, tall, rows=1, columns=1)
        figure.set_layout_engine("none")
        chart = axes[0, 0]
        chart.set_position(
            (
                _LEFT / self._width,
                _BOTTOM / tall,
                1 - (_LEFT + _RIGHT) / self._width,
                height / tall,
            )
        )
        chart.set(xlim=(self._start, self._end), xticks=[])
        chart.tick_params(length=0, labelsize=8, labelcolor=GREY)
        for spine in chart.spines.values():
            spine.set(color=PALE, linewidth=0.7)
        chart.vlines(self._bars, 0, 1, transform=chart.get_xaxis_transform(), color=FAINT, lw=0.8)
        for step, number in zip(self._bars.tolist(), self._numbers.tolist(), strict=True):
            if number >= 1:
                chart.text(
                    step, 1.02, str(number), transform=chart.get_xaxis_transform(), size=7.5,
                    color=GREY, ha="left", va="bottom",
                )  # fmt: skip
        figure.text(
            0.06 / self._width, 1 - 0.2 / tall, title, size=9, color=INK, weight="bold",
            parse_math=False, va="center", bbox={"facecolor": "white", "linewidth": 0, "pad": 1.5},
        )  # fmt: skip
        return figure, chart


def sort_units(units: Sequence[Unit], layer: int) -> list[int]:
    """The units of a layer by what they follow, the events that are told best first."""
    own = [unit for unit in units if unit.layer == layer]
    best: dict[str, float] = {}
    for unit in own:
        best[unit.event] = max(best.get(unit.event, 0.0), unit.auc)
    own.sort(key=lambda unit: (-best[unit.event], unit.event, -unit.auc))
    return [unit.number for unit in own]


def _edges(trace: Trace, end: int) -> npt.NDArray[np.float64]:
    """Where the time of each note begins, and where the last one's ends, ``(n + 1,)``."""
    onsets, first, counts = np.unique(trace.onset, return_index=True, return_counts=True)
    after = np.append(onsets[1:], max(end, int(onsets[-1]) + 1))
    place = np.arange(len(trace.onset)) - np.repeat(first, counts)
    length = np.repeat((after - onsets) / counts, counts)
    starts = trace.onset + place * length
    return np.append(starts, after[-1])


def _legend(chart: Any) -> None:
    legend = chart.legend(
        loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=8, frameon=True, framealpha=0.85,
        edgecolor="none", fontsize=7.5, labelcolor=INK, borderpad=0.2,
    )  # fmt: skip
    for text in legend.get_texts():  # parts are named by strangers: a dollar is a dollar
        text.set_parse_math(False)
