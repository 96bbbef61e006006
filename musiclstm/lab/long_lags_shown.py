"""Pictures and table of the long lags: learning curves beside what can be had without memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from musiclstm.lab.one_layer import NETWORKS, Run
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import INK, PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table

# the two LSTMs differ in how they begin alone: one colour, and dashes for the usual beginning
_STYLES: dict[str, tuple[str, Any]] = dict(
    zip(
        NETWORKS,
        (
            (PART_COLOURS[0], "-"),
            (PART_COLOURS[0], (0, (2, 1.5))),
            (PART_COLOURS[2], "-"),
            (PART_COLOURS[1], "-"),
        ),
        strict=True,
    )
)
_ALPHA_OF_A_SEED = 0.35
_TITLES = {
    "adding": "Adding: keep two numbers, give their sum",
    "temporal order": "Temporal order: which of two symbols came first?",
    "copy": "Copying: say ten symbols again",
}


def shown(runs: Sequence[Run]) -> list[Block]:
    """A picture a task, and one table of all ends."""
    names = dict.fromkeys(run.task.name for run in runs)
    blocks: list[Block] = [_picture([run for run in runs if run.task.name == n]) for n in names]
    return [*blocks, _table(runs)]


def _picture(runs: Sequence[Run]) -> Picture:
    """Learning curves of one task, a chart a lag, every seed and the median."""
    task = runs[0].task
    lags = list(dict.fromkeys(run.task.lag for run in runs))
    networks = list(dict.fromkeys(run.network for run in runs))
    figure, charts = new_figure(6.5, 3.4, columns=len(lags))
    for axes, lag in zip(charts[0], lags, strict=True):
        here = [run for run in runs if run.task.lag == lag]
        for network in networks:
            _draw(axes, [run for run in here if run.network == network])
        axes.axhline(task.baseline, color=INK, linewidth=1, linestyle=(0, (4, 2)))
        axes.annotate(
            f"without memory: {task.baseline:.3f}",
            (1, task.baseline),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            size=8,
            color=INK,
        )
        axes.set_xlim(left=0)
        if task.classes:  # the first steps, before anything is known, would flatten all the rest
            axes.set_ylim(0, task.baseline * 1.35)
        else:
            axes.set_yscale("log")
            axes.set_ylim(1e-3, task.baseline * 3)
            axes.yaxis.set_major_formatter("{x:g}")
        y = task.error if axes is charts[0][0] else ""
        plain(axes, f"T = {lag}", "steps of training", y)
    figure.suptitle(
        _TITLES[task.name], size=11, weight="bold", color=INK, ha="left", x=0.012, parse_math=False
    )
    labels = [_handle(network) for network in networks]
    figure.legend(handles=labels, loc="outside lower left", ncols=4, frameon=False, fontsize=8.5)
    longest = [run for run in runs if run.task.lag == lags[-1]]
    ends = ", ".join(f"{network} {_end(longest, network):.3f}" for network in networks)
    return Picture(
        as_png(figure),
        f"Error against steps of training at the {task.name} task for lags {lags}, with a line at "
        f"{task.baseline:.3f}, the error without memory. In the end, at T = {lags[-1]}: {ends}.",
        "Thin lines are single seeds, thick ones their median; a line ends where the task was "
        "learned. LSTM and GRU begin with memories of many lengths; LSTM, bias 1 with short "
        "ones.",
    )


def _end(runs: Sequence[Run], network: str) -> float:
    """The median error of a network."""
    return float(np.median([run.learned.error for run in runs if run.network == network]))


def _draw(axes: Any, runs: Sequence[Run]) -> None:
    """One network's curves; a seed that has stopped counts with its last value in the median."""
    if not runs:
        return
    longest = max(runs, key=lambda run: len(run.learned.curve)).learned
    colour, dashes = _STYLES[runs[0].network]
    curves = [run.learned.curve for run in runs]
    places = (np.arange(len(longest.curve)) + 1) * longest.steps / len(longest.curve)
    if len(runs) > 1:
        for curve in curves:
            axes.plot(
                places[: len(curve)], curve, color=colour, linewidth=0.8, alpha=_ALPHA_OF_A_SEED
            )
    held = [curve + curve[-1:] * (len(places) - len(curve)) for curve in curves]
    axes.plot(places, np.median(held, axis=0), color=colour, linestyle=dashes, linewidth=1.8)


def _handle(network: str) -> Any:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    colour, dashes = _STYLES[network]
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=1.8, label=network)


def _table(runs: Sequence[Run]) -> Table:
    """Every run's end."""
    rows = []
    for run in runs:
        task, end = run.task, run.learned
        rows.append(
            [
                task.name,
                str(task.lag),
                run.network,
                str(run.seed),
                str(end.steps),
                f"{end.error:.4f}",
                f"{task.baseline:.4f}",
                f"{100 * end.right:.1f}",
            ]
        )
    columns = ["task", "T", "network", "seed", "steps", "error", "baseline", "right, %"]
    caption = (
        "Error and right answers on new sequences. Errors: mean square for adding, nats for the "
        "others. A sum is right within 0.08, as in 1997."
    )
    return Table(columns, rows, caption)
