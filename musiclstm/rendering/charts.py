"""Charts: a white figure in the house style, and its PNG.

Only matplotlib's object interface is used, as everywhere here: nothing global is touched.
"""

from io import BytesIO
from typing import Any

import numpy as np

from musiclstm.rendering.colours import DOTS_PER_INCH, FAINT, GREY, INK


def blank(width: float, height: float, layout: Any = None) -> Any:
    """An empty white figure; sizes in inches, the layout one of matplotlib's engines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Any, "np.ndarray[Any, Any]"]:
    """Begin a picture.

    Args:
        width: In inches; 6.5 is as wide as a page that is read on a telephone bears.
        height: In inches.
        rows: Rows of charts.
        columns: Charts in a row.

    Returns:
        The figure, and its axes, ``(rows, columns)``.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    figure = blank(width, height, ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))
    return figure, figure.subplots(rows, columns, squeeze=False)


def plain(axes: Any, title: str = "", x: str = "", y: str = "") -> None:
    """Give a chart the house style: a line below, a line at the left, and what they mean.

    Args:
        axes: The chart.
        title: Above it, at the left.
        x: What runs to the right, with its unit.
        y: What runs upwards, with its unit.
    """
    axes.set_title(title, loc="left", size=10.5, color=INK, weight="bold", parse_math=False)
    axes.set_xlabel(x, size=9, color=GREY, parse_math=False)
    axes.set_ylabel(y, size=9, color=GREY, parse_math=False)
    axes.tick_params(length=2, labelsize=8.5, labelcolor=GREY, color=FAINT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(FAINT)


def as_png(figure: Any) -> bytes:
    """Draw a figure; the same figure gives the same bytes."""
    file = BytesIO()
    figure.canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()
