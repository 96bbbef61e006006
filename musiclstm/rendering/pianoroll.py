"""Scores as pictures: a piano roll in systems, read like a page of music.

Time runs to the right and breaks into rows of whole bars; pitch runs upwards, with the keys of the
piano behind it. A colour is a part, its depth the velocity. Drums have lanes of their own below.

matplotlib is loaded on the first call, and only its object interface is used: nothing global is
touched, so pictures can be drawn from a server's threads.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.files import atomic_write_bytes
from musiclstm.rendering.charts import as_png, blank
from musiclstm.rendering.colours import (
    BLACK_KEY,
    DOTS_PER_INCH,
    FAINT,
    GREY,
    INK,
    PALE,
    PART_COLOURS,
)
from musiclstm.rendering.page import Page, System, lay_out
from musiclstm.score import Column, Score

# General MIDI percussion, as drummers shorten it; other keys show their number
DRUM_NAMES = {
    35: "Kick 2", 36: "Kick", 37: "Side stick", 38: "Snare", 39: "Clap", 40: "Snare 2",
    41: "Floor tom 2", 42: "Closed hat", 43: "Floor tom", 44: "Pedal hat", 45: "Low tom",
    46: "Open hat", 47: "Mid tom 2", 48: "Mid tom", 49: "Crash", 50: "High tom", 51: "Ride",
    52: "China", 53: "Ride bell", 54: "Tambourine", 55: "Splash", 56: "Cowbell", 57: "Crash 2",
    59: "Ride 2", 69: "Cabasa", 70: "Maracas", 75: "Claves", 76: "Wood block", 81: "Triangle",
}  # fmt: skip


def draw_piano_roll(score: Score, path: Path | str, *, title: str | None = None) -> None:
    """Draw a score as a PNG picture.

    Args:
        score: What to draw. A long piece makes a tall picture; beyond 30 rows time is squeezed.
        path: Where to; an existing file is replaced.
        title: Above the picture; by default the name of the score's source.

    Raises:
        RequestError: If the place cannot be written.
    """
    page = lay_out(score)
    figure = blank(page.width, page.height)  # as high as it must be once the header is known
    heading = title if title is not None else Path(score.source).stem
    legend = _legend_rows(figure, score, page.width - page.left - page.right)
    header = 0.25 + 0.36 * bool(heading) + 0.3 + 0.26 * len(legend)
    height = header + page.height
    figure.set_size_inches(page.width, height)

    def place(x: float, below_top: float) -> tuple[float, float]:
        """Turn inches from the top left corner into the figure's coordinates."""
        return x / page.width, 1 - below_top / height

    y = 0.25
    if heading:
        y += 0.2
        _write(figure, *place(page.left, y), heading, size=15, color=INK, weight="bold")
        y += 0.16
    _write(figure, *place(page.left, y + 0.12), _subtitle(score), size=9.5, color=GREY)
    y += 0.3
    for row in legend:
        for x, colour, name in row:
            _swatch(figure, place(page.left + x, y + 0.17), colour, page.width, height)
            _write(figure, *place(page.left + x + 0.2, y + 0.16), name, size=9.5, color=INK)
        y += 0.26
    colours = _note_colours(score)
    for system in page.systems:
        _draw_system(figure, score, page, system, header, height, colours)
    atomic_write_bytes(path, as_png(figure))


def _draw_system(
    figure: Any,
    score: Score,
    page: Page,
    system: System,
    header: float,
    height: float,
    colours: npt.NDArray[np.float64],
) -> None:
    """Draw one row: the pitched part of it, and the drums below."""
    width = (system.end - system.start) * page.inches_per_step
    top = header + system.top
    for lanes, lane_height in ((page.pitches, page.pitch_height), (page.drums, page.drum_height)):
        if not len(lanes):
            continue
        tall = len(lanes) * lane_height
        axes = figure.add_axes(
            (page.left / page.width, 1 - (top + tall) / height, width / page.width, tall / height)
        )
        axes.set(xlim=(system.start, system.end), ylim=(-0.5, len(lanes) - 0.5), xticks=[])
        axes.tick_params(length=0, labelsize=8, labelcolor=GREY, pad=5)
        for spine in axes.spines.values():
            spine.set(color=PALE, linewidth=0.8)
        is_drum = lanes is page.drums
        _draw_lanes(axes, lanes, is_drum)
        _draw_bars(axes, score, system, named=lanes is (page.pitches or page.drums))
        _draw_notes(axes, score, page, system, is_drum, colours)
        top += tall + page.drum_gap


def _draw_lanes(axes: Any, lanes: Sequence[int], is_drum: bool) -> None:
    """Draw what lies behind the notes, and name it at the left."""
    if is_drum:
        for lane in range(1, len(lanes), 2):
            axes.axhspan(lane - 0.5, lane + 0.5, color=BLACK_KEY, linewidth=0, zorder=0)
        names = [DRUM_NAMES.get(pitch, f"key {pitch}") for pitch in lanes]
        axes.set_yticks(range(len(lanes)), names, fontsize=6.5)
        return
    octaves = []
    for lane, pitch in enumerate(lanes):
        if pitch % 12 in (1, 3, 6, 8, 10):
            axes.axhspan(lane - 0.5, lane + 0.5, color=BLACK_KEY, linewidth=0, zorder=0)
        elif pitch % 12 == 0:
            axes.axhline(lane - 0.5, color=PALE, linewidth=0.6, zorder=1)
            octaves.append(lane)
    axes.set_yticks(octaves, [f"C{lanes[lane] // 12 - 1}" for lane in octaves])


def _draw_bars(axes: Any, score: Score, system: System, *, named: bool) -> None:
    """Draw bar lines and beats; above them, where ``named``, bar numbers and new meters."""
    ruler = (0, (2, 2)) if not score.meter_map.specified else "-"
    axes.vlines(
        system.beats, *axes.get_ylim(), color=FAINT, linewidth=0.5, linestyle=ruler, zorder=1
    )
    axes.vlines(
        system.bars, *axes.get_ylim(), color=PALE, linewidth=0.9, linestyle=ruler, zorder=1.5
    )
    if not named:
        return
    for step, label, is_meter in system.labels:
        axes.annotate(
            label,
            (step, 1),
            xycoords=("data", "axes fraction"),
            xytext=(2 if not is_meter else 14, 3),
            textcoords="offset points",
            fontsize=7.5,
            color=INK if is_meter else GREY,
            weight="bold" if is_meter else "normal",
        )


def _draw_notes(
    axes: Any,
    score: Score,
    page: Page,
    system: System,
    is_drum: bool,
    colours: npt.NDArray[np.float64],
) -> None:
    """Draw the notes that sound in a system, those among them that began earlier too."""
    from matplotlib.collections import PolyCollection  # noqa: PLC0415

    onset, duration, pitch, _, part = score.notes.T
    drum_parts = np.array([part.is_drum for part in score.parts], bool)
    here = (onset < system.end) & (onset + duration > system.start) & (drum_parts[part] == is_drum)
    left = onset[here].astype(float)
    if is_drum:
        length = np.full(len(left), 0.055 / page.inches_per_step)  # a hit has no length to show
    else:
        length = np.maximum(duration[here], 0.03 / page.inches_per_step)
        length -= np.minimum(0.015 / page.inches_per_step, length / 4)  # parts repeated notes
    lane = np.searchsorted(page.drums if is_drum else page.pitches, pitch[here])
    # pitches a little thicker than their keys, which are thin lines on a page of many octaves
    half = 0.4 if is_drum else 0.62
    low, high = lane - half, lane + half
    corners = np.stack(
        [(left, low), (left, high), (left + length, high), (left + length, low)]
    )  # (4, 2, n)
    axes.add_collection(
        PolyCollection(
            list(corners.transpose(2, 0, 1)),
            facecolors=colours[here],
            edgecolors="white",
            linewidths=0.3,
            zorder=3,
        )
    )


def _note_colours(score: Score) -> npt.NDArray[np.float64]:
    """Colour each note: its part's colour, paler the softer it is. RGB, shape ``(n, 3)``."""
    palette = np.array([_rgb(_colour(part)) for part in range(len(score.parts))]).reshape(-1, 3)
    velocity = score.notes[:, Column.VELOCITY] / max(
        1, score.notes[:, Column.VELOCITY].max(initial=1)
    )
    depth = (0.3 + 0.7 * velocity)[:, None]
    colours: npt.NDArray[np.float64] = 1 - depth * (1 - palette[score.notes[:, Column.PART]])
    return colours


def _colour(part: int) -> str:
    return PART_COLOURS[part % len(PART_COLOURS)]


def _rgb(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def _subtitle(score: Score) -> str:
    """Say key, meter, tempo and size in a line."""
    meters = list(dict.fromkeys(meter.name for meter in score.meter_map.meters))
    words = [
        score.key.name if score.key else "",
        ", ".join(meters[:3]) + (" …" if len(meters) > 3 else ""),
        f"{score.bpm:.0f} bpm" if score.tempos else "",
        "performed" if score.performed else _counted(score.bars, "bar"),
        _counted(len(score.notes), "note"),
    ]
    return "  ·  ".join(word for word in words if word)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _legend_rows(figure: Any, score: Score, width: float) -> list[list[tuple[float, str, str]]]:
    """Set the names of the parts that sound in rows: offset in inches, colour, name."""
    rows: list[list[tuple[float, str, str]]] = []
    x = width + 1
    for number in np.unique(score.notes[:, Column.PART]).tolist():
        name = score.parts[number].name.strip()[:40] or f"Part {number + 1}"
        text = _write(figure, 0, 0, name, size=9.5)
        needed = text.get_window_extent().width / DOTS_PER_INCH + 0.5
        text.remove()
        if x + needed > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, _colour(number), name))
        x += needed
    return rows


def _swatch(figure: Any, at: tuple[float, float], colour: str, width: float, height: float) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    figure.add_artist(Rectangle(at, 0.13 / width, 0.1 / height, color=colour, linewidth=0))


def _write(figure: Any, x: float, y: float, text: str, **style: Any) -> Any:
    """Write literally what is there: no formulas between dollars, a box for a missing glyph."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

    font = get_font(findfont(FontProperties(weight=style.get("weight", "normal"))))
    drawn = "".join(sign if font.get_char_index(ord(sign)) else "□" for sign in text)
    return figure.text(x, y, drawn, parse_math=False, **style)
