"""Pictures and tables of one cell at one note: the way of its numbers, and what its gates read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from musiclstm.encoding import Encoded, Field
from musiclstm.lab.equations import GATES, SOURCES, Array, CellStep
from musiclstm.model.bundle import Bundle
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import FAINT, GREY, INK, PALE, PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table

# blue keeps, orange-red writes, green shows; in the order of GATES
_KEEP, _WRITE, _SHOW = PART_COLOURS[0], PART_COLOURS[1], PART_COLOURS[2]
_GATE_COLOURS = (_WRITE, _KEEP, PART_COLOURS[3], _SHOW)
_PITCHES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def described(bundle: Bundle, piece: Encoded, row: int) -> str:
    """A row of a piece in words.

    Args:
        bundle: For the meaning of the ids.
        piece: The piece.
        row: Of its events; a note.
    """
    v = bundle.vocabulary
    event = piece.events[row].tolist()
    pitch = event[Field.PITCH]
    onset = int(v.steps_of(piece.events[: row + 1, Field.SHIFT]).sum()) / v.steps_per_quarter
    length = min(event[Field.DURATION] + 1, v.max_duration) / v.steps_per_quarter
    part = v.parts[event[Field.PART]].name or f"part {event[Field.PART] + 1}"
    name = f"{_PITCHES[pitch % 12]}{pitch // 12 - 1}"
    long, at = _quarters(length), _quarters(onset)
    return f"{part}, {name} (MIDI {pitch}), {long} long, {at} after the beginning"


def _quarters(count: float) -> str:
    return f"{count:g} quarter{'' if count == 1 else 's'}"


def shown(step: CellStep, c: Array, units: Sequence[int], heard: Array, what: str) -> list[Block]:
    """The cell as a picture, and as tables to be followed with pen and paper.

    Args:
        step: Of all units at the note.
        c: The cell state before it.
        units: Which are shown; the first of them in the pictures.
        heard: What each of SOURCES said to each of GATES of these units, ``(S, 4, units)``.
        what: The note, in words.
    """
    return [
        _flow(step, c, units[0], what),
        _equations(step, c, units),
        _sources(heard[:, :, 0], units[0], what),
        _read(heard, units),
    ]


def _flow(step: CellStep, c: Array, unit: int, what: str) -> Picture:
    """The way of a unit's numbers through its cell."""
    n = {name: float(value.reshape(-1, len(c))[0, unit]) for name, value in step._asdict().items()}
    sums = dict(zip(GATES, step.sums.reshape(len(GATES), -1)[:, unit].tolist(), strict=True))
    before = float(c[unit])
    figure, charts = new_figure(6.5, 4.1)
    axes = charts[0, 0]
    axes.set(xlim=(0, 100), ylim=(0, 62))
    axes.axis("off")
    axes.set_title(f"Unit {unit}: {what}", loc="left", size=9.5, weight="bold", color=INK)
    # the cell state runs along the top
    _arrow(axes, (11, 50), (21, 50), INK)
    _arrow(axes, (27, 50), (50, 50), _KEEP)
    _arrow(axes, (56, 50), (88, 50), INK)
    _number(axes, 6, 50, "c before", before)
    _number(axes, 94, 50, "c now", n["c"])
    _node(axes, 24, 50, "×", _KEEP)
    _node(axes, 53, 50, "+", _WRITE)
    _label(axes, 38.5, 52, f"kept  f c = {n['kept']:+.3f}", _KEEP)
    # the gates below, each with what it read
    _meter(axes, 24, "forget gate f", n["f"], sums["forget"], _KEEP)
    _meter(axes, 45, "input gate i", n["i"], sums["input"], _WRITE)
    _meter(axes, 61, "candidate g", n["g"], sums["candidate"], _GATE_COLOURS[2])
    _meter(axes, 82, "output gate o", n["o"], sums["output"], _SHOW)
    _arrow(axes, (24, 32), (24, 47), _KEEP)
    _arrow(axes, (45, 32), (51.2, 37.2), _WRITE)
    _arrow(axes, (61, 32), (54.8, 37.2), _GATE_COLOURS[2])
    _node(axes, 53, 39, "×", _WRITE)
    _arrow(axes, (53, 42), (53, 47), _WRITE)
    _label(axes, 54.5, 43.6, f"written  i g = {n['written']:+.3f}", _WRITE, left=True)
    # what is shown: h leaves at the right
    _arrow(axes, (82, 50), (82, 42.4), INK)
    _label(axes, 83, 45.9, f"tanh(c) = {n['squashed']:+.3f}", INK, left=True)
    _node(axes, 82, 39, "×", _SHOW)
    _arrow(axes, (82, 32), (82, 36), _SHOW)
    _arrow(axes, (85, 39), (88, 39), _SHOW)
    _number(axes, 94, 39, "h now", n["h"])
    return Picture(
        as_png(figure),
        f"The cell of unit {unit} at this note. The state {before:+.3f} times the forget gate "
        f"{n['f']:.3f} is {n['kept']:+.3f}; the input gate {n['i']:.3f} times the candidate "
        f"{n['g']:+.3f} is {n['written']:+.3f}; together the new state, {n['c']:+.3f}. Its tanh, "
        f"{n['squashed']:+.3f}, times the output gate {n['o']:.3f} is what the unit says: "
        f"{n['h']:+.3f}.",
        "The cell state runs along the top: a part of it is kept, a part is written to it. Below, "
        "how far each gate stands open, and the sum a that it read.",
    )


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0},
    )


def _node(axes: Any, x: float, y: float, sign: str, colour: str) -> None:
    axes.plot([x], [y], "o", markersize=19, color="white", markeredgecolor=colour, mew=1.6)
    axes.text(x, y, sign, ha="center", va="center_baseline", size=14, color=colour)


def _number(axes: Any, x: float, y: float, name: str, value: float) -> None:
    axes.text(x, y, f"{value:+.3f}", ha="center", va="center", size=11, weight="bold", color=INK)
    axes.text(x, y + 3.2, name, ha="center", va="bottom", size=8.5, color=GREY)


def _label(axes: Any, x: float, y: float, said: str, colour: str, left: bool = False) -> None:
    where = "left" if left else "center"
    axes.text(x, y, said, ha=where, va="bottom", size=8.5, color=colour)


def _meter(axes: Any, x: float, name: str, value: float, read: float, colour: str) -> None:
    """A gate as a vessel that is so full; the candidate's goes from -1 to 1."""
    bottom, height, width = 12.0, 18.0, 7.0
    signed = name.startswith("candidate")
    zero = bottom + height / 2 if signed else bottom
    full = height / 2 if signed else height
    box = (x - width / 2, bottom)
    axes.add_patch(_rectangle((x - width / 2, zero), width, value * full, colour, None))
    axes.add_patch(_rectangle(box, width, height, "none", PALE))
    if signed:
        axes.plot([x - width / 2, x + width / 2], [zero, zero], color=PALE, lw=1)
    ends = ("-1", "1") if signed else ("0", "1")
    for end, at in zip(ends, (bottom, bottom + height), strict=True):
        axes.text(x - width / 2 - 0.8, at, end, ha="right", va="center", size=7.5, color=GREY)
    number = f"{value:+.3f}" if signed else f"{value:.3f}"
    axes.text(x, bottom - 1.6, number, ha="center", va="top", size=11, weight="bold", color=colour)
    axes.text(x, bottom - 6, name, ha="center", va="top", size=8.5, color=INK)
    squashed = "tanh" if signed else "sigmoid"
    axes.text(
        x, bottom - 9.4, f"{squashed}({read:+.2f})", ha="center", va="top", size=8, color=GREY
    )


def _rectangle(
    corner: tuple[float, float], width: float, height: float, fill: str, edge: str | None
) -> Any:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    return Rectangle(corner, width, height, facecolor=fill, edgecolor=edge, linewidth=1)


def _sources(heard: Array, unit: int, what: str) -> Picture:
    """What each gate of a unit read, and from where; ``heard`` is ``(sources, 4)``."""
    figure, charts = new_figure(6.5, 3.3, columns=len(GATES))
    places = np.arange(len(SOURCES))[::-1]
    reach = 1.15 * float(np.abs(heard).max()) or 1.0
    for n, (axes, gate) in enumerate(zip(charts[0], GATES, strict=True)):
        axes.barh(places, heard[:, n], height=0.7, color=_GATE_COLOURS[n])
        axes.axvline(0, color=PALE, linewidth=1)
        axes.set(xlim=(-reach, reach), ylim=(-0.6, len(SOURCES) - 0.4))
        axes.set_yticks(places, SOURCES if n == 0 else [""] * len(SOURCES))
        plain(axes, gate, f"sum {heard[:, n].sum():+.2f}")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(FAINT)
    strongest = {gate: SOURCES[int(np.abs(heard[:, n]).argmax())] for n, gate in enumerate(GATES)}
    said = ", ".join(f"{gate}: {source}" for gate, source in strongest.items())
    return Picture(
        as_png(figure),
        f"What was added up for each gate of unit {unit}. The strongest voices: {said}.",
        f"What the gates of unit {unit} read at this note ({what}), and from where: bars to the "
        "right open a gate, bars to the left close it (and push the candidate up or down). “Bar, "
        "degree, repeats” is the place in the bar, the degree of the scale, what a repeat would "
        "bring, and how long the parts still sound.",
    )


def _equations(step: CellStep, c: Array, units: Sequence[int]) -> Table:
    """Each line of the equations with its numbers, a column a unit."""
    a_i, a_f, a_g, a_o = np.split(step.sums, len(GATES))
    lines: list[tuple[str, Array]] = [
        ("c before", c),
        ("a_f, read by the forget gate", a_f),
        ("a_i, read by the input gate", a_i),
        ("a_g, read by the candidate", a_g),
        ("a_o, read by the output gate", a_o),
        ("f = 1 / (1 + exp(-a_f))", step.f),
        ("i = 1 / (1 + exp(-a_i))", step.i),
        ("g = tanh(a_g)", step.g),
        ("o = 1 / (1 + exp(-a_o))", step.o),
        ("f c", step.kept),
        ("i g", step.written),
        ("c now = f c + i g", step.c),
        ("tanh(c now)", step.squashed),
        ("h now = o tanh(c now)", step.h),
    ]
    rows = [[name, *(f"{value[unit]:+.4f}" for unit in units)] for name, value in lines]
    columns = ["", *(f"unit {unit}" for unit in units)]
    return Table(columns, rows, "The cell at this note, to be followed with pen and paper")


def _read(heard: Array, units: Sequence[int]) -> Table:
    """Where the sums come from, a column a unit and gate."""
    rows = [
        [name, *(f"{value:+.3f}" for value in heard[n].T.reshape(-1))]
        for n, name in enumerate(SOURCES)
    ]
    total = heard.sum(axis=0).T.reshape(-1)
    rows.append(["sum a", *(f"{value:+.3f}" for value in total)])
    columns = ["", *(f"{unit}: {gate}" for unit in units for gate in GATES)]
    return Table(columns, rows, "What each gate of each unit read: the sums a, source by source")
