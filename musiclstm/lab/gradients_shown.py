"""What was found of gradients, in words, tables and pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.lab.gradient_norms import SETTLED, TINY, Curve, GradientsSettings
from musiclstm.lab.outcome import Outcome
from musiclstm.lab.plain_keras import Trained
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table

Array = npt.NDArray[Any]

_CLAIM = (
    "In a plain recurrent network the gradient of a note with respect to the state k notes before "
    "it shrinks or grows exponentially with k (Hochreiter 1991; Bengio, Simard & Frasconi 1994); "
    "the LSTM's cell lets it survive (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins "
    "2000), the better at first if the forget gate's bias begins at 1 (Jozefowicz, Zaremba & "
    "Sutskever 2015); gradients that explode are held by clipping their norm (Pascanu, Mikolov & "
    "Bengio 2013)."
)
_SHOWN_LAGS = (1, 10, 50, 100, 200)


def outcome(
    settings: GradientsSettings,
    curves: Sequence[Curve],
    histories: Mapping[str, Array],
    trained: Mapping[str, Trained],
    count: int,
) -> Outcome:
    """Put what was measured into an outcome.

    Args:
        settings: How large all was.
        curves: Of each network, before and after training.
        histories: Of the networks that explode, by name: loss and norm, ``(steps, 2)``.
        trained: The networks.
        count: How many sequences there were.
    """
    lags = len(curves[0].median) - 1
    losses = {name: _final(network.after.history[:, 0]) for name, network in trained.items()}
    explosion = {name: _summary(history) for name, history in histories.items()}
    blocks: tuple[Block, ...] = (
        Picture(_lag_picture(curves), _lag_alt(curves, lags), _LAG_CAPTION.format(count=count)),
        _lag_table(curves, lags),
        Picture(_explosion_picture(histories), _explosion_alt(explosion), _EXPLOSION_CAPTION),
        _explosion_table(explosion),
    )
    return Outcome(
        name="gradients",
        title="Gradients over lag",
        claim=_CLAIM,
        found=" ".join([*_lag_words(curves, lags, count), *_explosion_words(settings, explosion)]),
        blocks=blocks,
        numbers={
            "settings": settings,
            "sequences": count,
            "lags": lags,
            "training_loss": losses,
            "curves": curves,
            "explosion": {
                name: {"loss": history[:, 0], "norm": history[:, 1], **explosion[name]}
                for name, history in histories.items()
            },
        },
    )


_LAG_CAPTION = (
    "Norm of the gradient of a note's nats with respect to the state k rows before it, relative to "
    "k = 0: median and quartiles of {count} stretches of music. The scale is logarithmic."
)
_EXPLOSION_CAPTION = (
    "Norm of the gradient, before it is clipped, and loss at each step of plain gradient descent."
)


def _final(losses: Array) -> float | None:
    """Mean of the last twentieth of the steps, in nats a row."""
    return float(losses[-max(1, len(losses) // 20) :].mean()) if len(losses) else None


def _summary(history: Array) -> dict[str, Any]:
    """What of a training is told in a table."""
    if not len(history):
        return {"steps": 0, "finite": True}
    finite = np.isfinite(history).all(axis=1)
    kept = history[finite] if finite.any() else history
    return {
        "steps": len(history),
        "finite": bool(finite.all()),
        "first_norm": float(kept[0, 1]),
        "median_norm": float(np.median(kept[:, 1])),
        "largest_norm": float(kept[:, 1].max()),
        "first_loss": float(kept[0, 0]),
        "largest_loss": float(kept[:, 0].max()),
        "last_loss": _final(kept[:, 0]),
        "rises": int((np.diff(kept[:, 0]) > 0.5).sum()),
    }


def _lag_words(curves: Sequence[Curve], lags: int, count: int) -> list[str]:
    words = []
    for trained, when in ((False, "Before"), (True, "After")):
        said = [
            f"{curve.name}: {curve.median[-1]:.1e} (times {curve.factor:.3f} a row"
            + (f", half-life {curve.half_life:.1f} rows)" if curve.half_life else ")")
            for curve in curves
            if curve.trained == trained and curve.of == "h"
        ]
        words.append(
            f"{when} training, the gradient {lags} rows back, relative to that at the note itself "
            f"(median of {count} stretches of music), is {'; '.join(said)}."
        )
    after = [curve for curve in curves if curve.trained and curve.of == "h"]
    best = max(after, key=lambda curve: float(curve.median[-1]))
    worst = min(after, key=lambda curve: float(curve.median[-1]))
    orders = np.log10(max(best.median[-1], TINY)) - np.log10(max(worst.median[-1], TINY))
    words.append(
        f"After training it survives best in {best.name} and least in {worst.name}: "
        f"{orders:.1f} orders of magnitude lie between them."
    )
    return words


def _explosion_words(settings: GradientsSettings, found: Mapping[str, dict[str, Any]]) -> list[str]:
    free, held = found["not clipped"], found["clipped"]
    if not (free["steps"] and held["steps"]):
        return []
    rate, radius = settings.exploding_rate, settings.radius
    words = [
        f"From a recurrent matrix of spectral radius {radius:g}, the gradient's norm begins at "
        f"{free['first_norm']:.3g}. Without clipping its median is {free['median_norm']:.3g}, its "
        f"largest value {free['largest_norm']:.3g}, and the longest step moves the weights by "
        f"{rate * free['largest_norm']:.3g}; with clipping {held['median_norm']:.3g}, "
        f"{held['largest_norm']:.3g}, and at most {rate * settings.clip_norm:.3g}."
    ]
    if not free["finite"]:
        words.append(f"Without clipping the loss is no number any more at step {free['steps']}.")
    words.append(
        f"The loss, {free['first_loss']:.2f} at first, ends at {free['last_loss']:.2f} nats a row "
        f"without clipping (its highest: {free['largest_loss']:.2f}) and at "
        f"{held['last_loss']:.2f} with it (its highest: {held['largest_loss']:.2f})."
    )
    return words


def _lag_table(curves: Sequence[Curve], lags: int) -> Table:
    shown = [lag for lag in _SHOWN_LAGS if lag < lags] + [lags]
    return Table(
        ("network", "of", "trained", *(f"k = {k}" for k in shown), "factor a row", "half-life"),
        [
            (
                curve.name,
                curve.of,
                "yes" if curve.trained else "no",
                *(f"{curve.median[k]:.1e}" for k in shown),
                f"{curve.factor:.4f}",
                "–" if curve.half_life is None else f"{curve.half_life:.1f}",
            )
            for curve in curves
        ],
        "Median norm of the gradient relative to k = 0; by what it is multiplied at each row back, "
        f"from k = {min(SETTLED, lags // 2)} on; and the rows in which it halves.",
    )


def _explosion_table(found: Mapping[str, dict[str, Any]]) -> Table:
    keys = ("median_norm", "largest_norm", "first_loss", "largest_loss", "last_loss")
    return Table(
        ("training", "steps", "median norm", "largest norm", "first", "largest", "last loss"),
        [
            (name, str(each["steps"]), *(f"{each[key]:.3g}" if key in each else "" for key in keys))
            for name, each in found.items()
        ],
        "The norm of the gradient before clipping, and the loss in nats a row.",
    )


def _lag_picture(curves: Sequence[Curve]) -> bytes:
    figure, axes = new_figure(6.5, 3.4, 1, 2)
    names = list(dict.fromkeys(curve.name for curve in curves))
    least = max(1e-40, min(float(curve.median[-1]) for curve in curves) / 10)
    for chart, trained, title in zip(axes[0], (False, True), ("Before", "After"), strict=True):
        plain(chart, f"{title} training", "lag k, in rows", "" if trained else "relative norm")
        for curve in curves:
            if curve.trained == trained and curve.of == "h":
                colour = PART_COLOURS[names.index(curve.name) % len(PART_COLOURS)]
                k = np.arange(len(curve.median))
                chart.plot(k, np.maximum(curve.median, least), color=colour, label=curve.label)
                low, high = np.maximum(curve.quartiles, least)
                chart.fill_between(k, low, high, color=colour, alpha=0.18, linewidth=0)
        chart.set_yscale("log")
    low = min(chart.get_ylim()[0] for chart in axes[0])
    high = max(chart.get_ylim()[1] for chart in axes[0])
    for chart in axes[0]:
        chart.set_ylim(low, high)
    figure.legend(
        *axes[0][0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=8.5,
        frameon=False,
    )
    return as_png(figure)


def _lag_alt(curves: Sequence[Curve], lags: int) -> str:
    said = (
        f"{c.name} {'after' if c.trained else 'before'} training: {c.median[-1]:.1g}"
        for c in curves
        if c.of == "h"
    )
    return f"Lines of the gradient's norm over lag. At lag {lags}, relative to lag 0: " + "; ".join(
        said
    )


def _explosion_picture(histories: Mapping[str, Array]) -> bytes:
    figure, axes = new_figure(6.5, 2.8, 1, 2)
    titles = (("Norm of the gradient", 1), ("Loss, nats a row", 0))
    for chart, (title, column) in zip(axes[0], titles, strict=True):
        plain(chart, title, "step of training")
        for colour, (name, history) in zip(PART_COLOURS, histories.items(), strict=False):
            chart.plot(history[:, column], color=colour, label=name, linewidth=1.1)
    axes[0][0].set_yscale("log")
    axes[0][0].legend(fontsize=8.5, frameon=False)
    return as_png(figure)


def _explosion_alt(found: Mapping[str, dict[str, Any]]) -> str:
    said = (
        f"{name}: norms up to {each['largest_norm']:.2g}, last loss {each['last_loss']:.2f}"
        for name, each in found.items()
        if each["steps"]
    )
    return "Lines over the steps of training. " + "; ".join(said)
