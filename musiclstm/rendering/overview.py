"""A corpus as a picture: what was kept, and what the kept pieces are like."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.files import atomic_write_bytes
from musiclstm.rendering.charts import as_png, blank
from musiclstm.rendering.colours import FAINT, GREY, INK, PART_COLOURS
from musiclstm.score import Key

_BLUE, _RED, _GREEN = PART_COLOURS[:3]
_INCHES = (13.0, 7.4)
_BINS = 24
_FIFTHS = [(7 * step) % 12 for step in range(-5, 7)]  # tonics from Db to F sharp, C in the middle
_MOST_BARS = 8  # rows of a bar chart; the rest is one row


@dataclass(frozen=True)
class Overview:
    """What the picture shows.

    Attributes:
        title: Above it.
        intact: Pieces kept as they were.
        repaired: Pieces in which something was put right.
        skipped: Files left out, by reason.
        notes: Notes of each piece.
        seconds: Length of each piece.
        parts: Parts of each piece.
        keys: Name of each piece's key; empty where none is written.
        meters: Each piece's first meter; empty where none is known.
    """

    title: str
    intact: int
    repaired: int
    skipped: Mapping[str, int]
    notes: Sequence[int]
    seconds: Sequence[float]
    parts: Sequence[int]
    keys: Sequence[str]
    meters: Sequence[str]


def draw_overview(overview: Overview, path: Path | str) -> None:
    """Draw a corpus as a PNG picture.

    Args:
        overview: What to show.
        path: Where to; an existing file is replaced.

    Raises:
        RequestError: If the place cannot be written.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15, wspace=0.04, hspace=0.06)
    figure = blank(*_INCHES, layout)
    figure.suptitle(
        overview.title, x=0.012, ha="left", size=15, weight="bold", color=INK, parse_math=False
    )
    axes = figure.subplots(2, 3)
    files = {"kept as it was": overview.intact, "kept, repaired": overview.repaired}
    colours = [_BLUE, _GREEN] + [_RED] * len(overview.skipped)
    _bars(axes[0, 0], "files", {**files, **overview.skipped}, colours)
    _histogram(axes[0, 1], "notes in a piece", overview.notes)
    _histogram(axes[0, 2], "seconds", overview.seconds)
    _bars(axes[1, 0], "parts", _tally([str(count) for count in sorted(overview.parts)]))
    _keys(axes[1, 1], overview.keys)
    _bars(axes[1, 2], "meters", _tally(overview.meters))
    atomic_write_bytes(path, as_png(figure))


def _tally(values: Sequence[str]) -> dict[str, int]:
    """Count values, the commonest first; the rest and those without come last."""
    counts = Counter(values)
    unknown = counts.pop("", 0)
    ordered = counts.most_common()
    shown, rest = dict(ordered[:_MOST_BARS]), sum(count for _, count in ordered[_MOST_BARS:])
    return {**shown, **({"others": rest} if rest else {}), **({"none": unknown} if unknown else {})}


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", size=11, color=INK, weight="bold")
    axes.tick_params(length=0, labelsize=9, labelcolor=GREY)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT)


def _bars(
    axes: Any, title: str, counts: Mapping[str, int], colours: Sequence[str] | None = None
) -> None:
    """Draw a horizontal bar for each value, with its count."""
    rows = np.arange(len(counts))
    values = np.array(list(counts.values()), float)
    axes.barh(rows, values, color=colours or _BLUE, height=0.7)
    for row, value in zip(rows, values, strict=True):
        axes.text(value, row, f"  {value:,.0f}", va="center", size=9, color=INK)
    axes.set_yticks(rows, [_short(name) for name in counts], parse_math=False)
    axes.set(xticks=[], xlim=(0, 1.18 * max(values.max(initial=0), 1)))
    axes.set_ylim(max(len(counts), 4) - 0.5, -0.5)
    _plain(axes, title)
    axes.spines["bottom"].set_visible(False)


def _short(name: str, longest: int = 34) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _histogram(axes: Any, title: str, values: Sequence[float]) -> None:
    """Draw how often which size occurs, on a logarithmic scale, with the median."""
    _plain(axes, title)
    axes.set_yticks([])
    positive = np.array([value for value in values if value > 0], float)
    if not len(positive):
        return
    low, high = positive.min(), positive.max()
    edges = np.geomspace(low * 0.9, high * 1.1, _BINS + 1)
    axes.hist(positive, edges, color=_BLUE)
    median = float(np.median(positive))
    axes.axvline(median, color=_RED, linewidth=1.5)
    axes.set_xscale("log")
    ticks = np.unique([float(f"{value:.1g}") for value in np.geomspace(low, high, 5)])
    axes.set_xticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_title(f"median {median:,.0f}", loc="right", size=9, color=_RED)


def _keys(axes: Any, keys: Sequence[str]) -> None:
    """Draw major above and minor below, in the order of fifths, so that neighbours are akin."""
    counts = Counter(keys)
    major = [counts[Key(tonic).name] for tonic in _FIFTHS]
    minor = [counts[Key((tonic + 9) % 12, "minor").name] for tonic in _FIFTHS]
    places = np.arange(12)
    axes.bar(places, major, color=_BLUE, width=0.75)
    axes.bar(places, [-count for count in minor], color=_GREEN, width=0.75)
    tallest = max([*major, *minor, 1])
    for place, (above, below) in enumerate(zip(major, minor, strict=True)):
        tonic = _FIFTHS[place]
        name = Key(tonic).name.split()[0]
        relative = Key((tonic + 9) % 12, "minor").name.split()[0].lower()
        axes.text(place, above + tallest * 0.04, name, ha="center", size=9, color=INK)
        axes.text(
            place, -below - tallest * 0.04, relative, ha="center", va="top", size=9, color=INK
        )
    axes.set(xticks=[], yticks=[])
    axes.set_ylim(-max(minor) - 0.2 * tallest, max(major) + 0.2 * tallest)
    axes.axhline(0, color=FAINT, linewidth=1)
    unknown = counts[""]
    _plain(axes, "keys, major and minor")
    axes.set_title(f"{unknown:,} without" if unknown else "", loc="right", size=9, color=GREY)
    axes.spines["bottom"].set_visible(False)
