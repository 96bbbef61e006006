"""Pictures and table of what one more note costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table

if TYPE_CHECKING:
    from musiclstm.lab.cost import Costs


def shown(costs: "Costs") -> list[Block]:
    """One picture of time and memory, and all numbers in a table."""
    return [_picture(costs), _table(costs)]


def _picture(costs: "Costs") -> Picture:
    """Time of a note, time of all, and memory, against the notes before."""
    figure, charts = new_figure(6.5, 3.2, columns=3)
    time, total, memory = charts[0]
    lengths = np.array(costs.lengths)
    for name, colour in zip(costs.milliseconds, PART_COLOURS, strict=False):
        times = np.array(costs.milliseconds[name])
        # the time of all notes until then; those before the shortest history count as there
        together = np.cumsum(
            np.diff(lengths, prepend=0) * (times + np.concatenate([times[:1], times[:-1]])) / 2
        )
        mebibytes = np.array(costs.bytes[name]) / 2**20
        for axes, values in ((time, times), (total, together / 1e3), (memory, mebibytes)):
            axes.plot(lengths, values, "o-", color=colour, linewidth=1.8, markersize=3, label=name)
    plain(time, "One note", "notes before", "milliseconds")
    plain(total, "All notes together", "notes", "seconds")
    plain(memory, "Memory of the past", "notes before", "MiB")
    for axes in charts[0]:
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter(_thousands)
    handles, labels = time.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    ends = "; ".join(
        f"{name} from {times[0]:.2f} to {times[-1]:.2f} milliseconds a note"
        for name, times in costs.milliseconds.items()
    )
    return Picture(
        as_png(figure),
        f"Time of a note, time of all notes and memory against the notes that went before, from "
        f"{lengths[0]} to {lengths[-1]}: {ends}.",
        "A level line costs the same at every note; a rising one makes the sum of all notes curve "
        "upwards.",
    )


def _thousands(count: float, _place: Any = None) -> str:
    return f"{count / 1000:g}k" if count >= 1000 else f"{count:g}"


def _table(costs: "Costs") -> Table:
    """All that was measured."""
    names: Sequence[str] = list(costs.milliseconds)
    columns = ["notes before"]
    columns += [f"{name}, ms a note" for name in names] + [f"{name}, bytes" for name in names]
    rows = []
    for place, length in enumerate(costs.lengths):
        times = [f"{costs.milliseconds[name][place]:.3f}" for name in names]
        kept = [f"{costs.bytes[name][place]:,}" for name in names]
        rows.append([f"{length:,}", *times, *kept])
    weights = ", ".join(f"{name} {count:,}" for name, count in costs.weights.items())
    return Table(
        columns, rows, f"Median time of one more note; bytes are counted. Weights: {weights}"
    )
