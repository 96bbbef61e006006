"""Pictures along a piece, all as wide as each other: what is above each other is one moment.

The notes of one onset are read one after the other. Where something is drawn for each note, the
time until the next onset is shared out between them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.insight.events import describe
from musiclstm.insight.trace import Notes
from musiclstm.insight.units import QUANTITIES, Findings
from musiclstm.rendering.charts import as_png, new_figure
from musiclstm.rendering.colours import BLACK_KEY, FAINT, GREY, INK, PALE, PART_COLOURS
from musiclstm.rendering.document import Picture

FloatArray = npt.NDArray[np.float32]

_LEFT, _RIGHT, _TOP, _BOTTOM = 1.45, 0.15, 0.3, 0.08  # inches around the chart
_INCHES_PER_QUARTER, _NARROWEST, _WIDEST = 0.26, 6.0, 60.0
_ROLL, _MAP, _LINE = 2.3, 1.7, 0.8  # heights in inches
_FOR_LEGEND = 0.16  # of a chart's height, above what is drawn
_LEAST_LABELLED = 0.075  # of a map's height, that the units need that share a label
NOTHING = "nothing that was asked"  # what units follow that no event tells of


class Strips:
    """Draws what happens along one piece.

    Args:
        notes: Those that are drawn, one after the other.
        vocabulary: Of the model.
    """

    def __init__(self, notes: Notes, vocabulary: Vocabulary) -> None:
        self._notes, self._vocabulary = notes, vocabulary
        self._end = int((notes.onset + notes.duration).max())
        steps = np.arange(self._end + 1)
        places = notes.encoded.meter_map.locate(steps, vocabulary.steps_per_quarter)
        bars = np.flatnonzero(np.diff(places.bar, prepend=places.bar[0] - 1))
        self._start = int(bars[bars <= notes.onset[0]][-1])
        self._bars = bars[bars >= self._start]
        self._numbers = places.bar[self._bars] + 1
        quarters = (self._end - self._start) / vocabulary.steps_per_quarter
        chart = float(np.clip(quarters * _INCHES_PER_QUARTER, _NARROWEST, _WIDEST))
        self._width = _LEFT + chart + _RIGHT
        self._edges = _edges(notes, self._end)

    def roll(self, title: str = "") -> Picture:
        """The notes."""
        figure, chart = self._chart(_ROLL, title or "notes")
        t, v = self._notes, self._vocabulary
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
        chart.set_ylim(low, high + _FOR_LEGEND * (high - low))
        _legend(chart)
        said = f"{len(t.onset)} notes in {len(self._bars)} bars as a piano roll."
        return Picture(as_png(figure), said)

    def map(
        self, values: FloatArray, title: str, groups: Sequence[tuple[str, int]], *, signed: bool
    ) -> Picture:
        """All units of a layer, one line each, from top to bottom as they stand in ``values``.

        Args:
            values: ``(n, units)``.
            title: What they are.
            groups: What neighbours have in common and how many they are, from top to bottom.
            signed: Whether they are on both sides of 0; else they lie between 0 and 1.
        """
        if signed:
            most = float(max(np.quantile(np.abs(values), 0.995), 1e-6))
            colours = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
            said = f"blue below 0, red above, at most {most:.2g}"
        else:
            colours = {"cmap": "Greys", "vmin": 0.0, "vmax": 1.0}
            said = "white 0, closed; black 1, open"
        units = values.shape[1]
        figure, chart = self._chart(_MAP, f"{title} ({said})")
        chart.pcolormesh(self._edges, np.arange(units + 1), values.T, rasterized=True, **colours)
        chart.set_ylim(units, 0)
        ends = np.cumsum([count for _, count in groups])
        labelled = [
            (float(end - count / 2), words)
            for end, (words, count) in zip(ends, groups, strict=True)
            if count >= _LEAST_LABELLED * units
        ]
        # the first are the largest: of the many small ones lines alone would be left to see
        chart.hlines(ends[: len(labelled)], self._start, self._end, color="#D55E00", lw=0.8)
        chart.set_yticks(
            [at for at, _ in labelled], [words for _, words in labelled], size=7, parse_math=False
        )
        mean = f"; on average {float(values.mean()):.2f}"
        told = ", ".join(f"{count} follow {words}" for words, count in groups)
        return Picture(as_png(figure), f"{title} of {units} units: {said}{mean}. {told}.")

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

    def surprise(self, told: FloatArray) -> Picture:
        """What each note cost, what of it in which field.

        Args:
            told: Nats, ``(n, 5)``.
        """
        figure, chart = self._chart(_MAP, "surprise of each note, in nats")
        bottom = np.zeros(len(told))
        for field in Field:
            nats = told[:, field].astype(np.float64)
            if nats.max() > 0.05:
                chart.stairs(
                    bottom + nats, self._edges, baseline=bottom, fill=True,
                    color=PART_COLOURS[field], label=field.name.lower(),
                )  # fmt: skip
            bottom += nats
        chart.set_ylim(0, max(1.0, float(bottom.max())) * (1 + _FOR_LEGEND))
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


def sort_units(
    findings: Findings, layer: int, units: int
) -> tuple[list[int], list[tuple[str, int]]]:
    """The units of a layer by what they follow; what most follow stands above.

    Args:
        findings: What each follows.
        layer: From 0.
        units: How many it has.

    Returns:
        Their numbers, and the groups: what they follow, and how many do. Units that tell their
        event no better than chance are the last.
    """
    groups: dict[str, list[tuple[int, bool, float, int]]] = {}
    lost = set(range(units))
    for unit in findings.units:
        if unit.layer == layer and findings.follows(unit):
            event = describe(unit.event)
            words = event.where if event.ahead else event.words
            place = (QUANTITIES.index(unit.quantity), unit.high, -unit.auc, unit.number)
            groups.setdefault(words, []).append(place)  # what does alike stands together
            lost.discard(unit.number)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    numbers = [place[-1] for _, group in ordered for place in sorted(group)]
    counted = [(words, len(group)) for words, group in ordered]
    if lost:
        counted.append((NOTHING, len(lost)))
    return numbers + sorted(lost), counted


def _edges(notes: Notes, end: int) -> npt.NDArray[np.float64]:
    """Where the time of each note begins, and where the last one's ends, ``(n + 1,)``."""
    onsets, first, counts = np.unique(notes.onset, return_index=True, return_counts=True)
    after = np.append(onsets[1:], max(end, int(onsets[-1]) + 1))
    place = np.arange(len(notes.onset)) - np.repeat(first, counts)
    length = np.repeat((after - onsets) / counts, counts)
    starts = notes.onset + place * length
    return np.append(starts, after[-1])


def _legend(chart: Any) -> None:
    legend = chart.legend(
        loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=8, frameon=True, framealpha=0.85,
        edgecolor="none", fontsize=7.5, labelcolor=INK, borderpad=0.2,
    )  # fmt: skip
    for text in legend.get_texts():  # parts are named by strangers: a dollar is a dollar
        text.set_parse_math(False)
