"""Gradients over lag: how much of what the last note teaches reaches the state k rows before it.

What a recurrent network learns about rows long past it learns through dL_T/dh_{T-k}, the gradient
of the last row's loss with respect to the state k rows before. In a network of tanh units this is
a product of k matrices of which each, as a rule, shrinks it; where they stretch it instead it
grows as fast (Hochreiter 1991; Bengio et al. 1994). In an LSTM the cell hands it on times the
forget gate, which may stay near 1 (Hochreiter & Schmidhuber 1997; Gers et al. 2000), and does so
from the beginning where the gate's bias starts at 1 (Jozefowicz et al. 2015). Gradients that grow
are held by cutting them to a greatest length (Pascanu et al. 2013).

All gradients are worked out by hand in double precision, which holds what has shrunk to 1e-300; a
test compares them with finite differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.errors import TrainingError
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.plain import (
    Music,
    PlainModel,
    PlainSettings,
    Rows,
    Tell,
    Trace,
    Trained,
    textbook,
    train_plain,
)
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
_SETTLED = 10  # rows; before it the gradient depends on how the heads read the state
_TINY = float(np.finfo(np.float64).tiny)
_FEWEST = 32  # sequences of which medians and quartiles say something


@dataclass(frozen=True)
class GradientsSettings:
    """What is measured, and on which networks.

    Attributes:
        networks: What the tanh-RNN and the LSTMs have in common.
        lags: The largest lag k, in rows; at most what enough pieces are long.
        sequences: How many; at least 32.
        radius: Spectral radius of the recurrent matrix that is to explode, above 1.
        exploding_steps: Of its training, by plain gradient descent.
        exploding_rate: Its learning rate.
        clip_norm: To which its gradients are cut.
        seed: Of the choice of sequences.
    """

    networks: PlainSettings = field(default_factory=PlainSettings)
    lags: int = 200
    sequences: int = 128
    radius: float = 2.5
    exploding_steps: int = 300
    exploding_rate: float = 0.5
    clip_norm: float = 1.0
    seed: int = 0

    @classmethod
    def quick(cls) -> "GradientsSettings":
        """About a minute on two cores, the training of the networks included."""
        networks = PlainSettings(steps=200, lanes=16)
        return cls(networks=networks, sequences=64, exploding_steps=60)


class Norms(NamedTuple):
    """Norms of the gradient of the last row's nats, one row a sequence; column k is lag k.

    Attributes:
        h: With respect to the hidden state, all layers together, float64 ``(B, lags + 1)``.
        c: With respect to the cells; 0 in tanh units.
    """

    h: Array
    c: Array


def gradients_over_lag(model: PlainModel, inputs: Array, last: Rows) -> Norms:
    """Norms of dL_T/dh_{T-k} and dL_T/dc_{T-k}.

    Args:
        model: In double precision, if gradients may become small.
        inputs: What is read, int32 ``(B, T, 5)``, from an empty state.
        last: What comes after the last row, B rows.

    Returns:
        For k from 0 to T - 1. The gradient with respect to h_t is that along all ways that lead
        from h_t to the loss with c_t held still, and the other way round.

    Source:
        Backpropagation through time; for the LSTM equations (5) to (8) in
        :mod:`musiclstm.model.lstm`.
    """
    traces = model.run(inputs)
    rows = inputs.shape[1]
    arriving = np.zeros_like(traces[-1].x)
    arriving[:, -1] = _head_gradient(model, traces[-1].h[:, -1], last)
    squares = np.zeros((2, len(inputs), rows))
    backward = _through_tanh if model.settings.kind == "rnn" else _through_lstm
    for layer in reversed(range(len(traces))):
        kernel, recurrent = (
            model.weights[f"cell.{layer}.{name}"] for name in ("kernel", "recurrent_kernel")
        )
        found, da = backward(traces[layer], recurrent, arriving)
        squares += found
        arriving = da @ kernel.T
    h, c = np.sqrt(squares[:, :, ::-1])
    return Norms(h, c)


def _head_gradient(model: PlainModel, read: Array, last: Rows) -> Array:
    """The gradient of the nats of rows with respect to what their heads read, ``(B, U)``."""
    width, every = model.settings.head_units, np.arange(len(read))
    d_heard = np.zeros((len(read), len(Field) * width), read.dtype)
    for each, (hidden, logs) in zip(Field, model.heads(read, last), strict=True):
        d_logits = np.exp(logs)
        d_logits[every, last.targets[:, each]] -= 1
        d_logits *= last.counts[:, each, None]
        d_hidden = d_logits @ model.weights[f"{each.name.lower()}.kernel"].T
        d_heard[:, each * width : (each + 1) * width] = d_hidden * (hidden > 0)
    found: Array = d_heard @ model.weights["heads.kernel"].T
    return found


def _through_tanh(trace: Trace, recurrent: Array, arriving: Array) -> tuple[Array, Array]:
    """Backwards through tanh units.

    Returns:
        Squared norms with respect to h and c, ``(2, B, T)``, and the gradient of what the units
        read before the tanh, ``(B, T, U)``.
    """
    squares = np.zeros((2, *trace.x.shape[:2]))
    da = np.zeros_like(trace.h[:, 1:])
    dh = np.zeros_like(trace.h[:, 0])
    for t in reversed(range(trace.x.shape[1])):
        dh = dh + arriving[:, t]
        squares[0, :, t] = (dh**2).sum(axis=1)
        da[:, t] = dh * (1 - trace.h[:, t + 1] ** 2)
        dh = da[:, t] @ recurrent.T
    return squares, da


def _through_lstm(trace: Trace, recurrent: Array, arriving: Array) -> tuple[Array, Array]:
    """The same through LSTM cells; the gradient is that of all gates, ``(B, T, 4 U)``."""
    squares = np.zeros((2, *trace.x.shape[:2]))
    da = np.zeros_like(trace.gates)
    dh = np.zeros_like(trace.h[:, 0])
    dc = np.zeros_like(dh)
    for t in reversed(range(trace.x.shape[1])):
        i, f, g, o = np.split(trace.gates[:, t], 4, axis=1)
        squashed = np.tanh(trace.c[:, t + 1])
        dh = dh + arriving[:, t]
        dc = dc + dh * o * (1 - squashed**2)
        squares[0, :, t], squares[1, :, t] = (dh**2).sum(axis=1), (dc**2).sum(axis=1)
        slopes = (g * i * (1 - i), trace.c[:, t] * f * (1 - f), i * (1 - g**2))
        of_c = [dc * slope for slope in slopes]
        da[:, t] = np.concatenate([*of_c, dh * squashed * o * (1 - o)], axis=1)
        dh, dc = da[:, t] @ recurrent.T, dc * f
    return squares, da


# --- the experiment -------------------------------------------------------------------------


class Sequences(NamedTuple):
    """Stretches of pieces.

    Attributes:
        inputs: What is read, int32 ``(B, lags + 1, 5)``.
        last: The row after each.
    """

    inputs: Array
    last: Rows


def draw_sequences(music: Music, lags: int, count: int, rng: np.random.Generator) -> Sequences:
    """Draw stretches of ``lags + 1`` rows out of all pieces, held-out ones first.

    Args:
        music: The pieces.
        lags: The largest lag; less where not even 32 stretches are so long.
        count: How many stretches; from a long piece several, not overlapping by more than a half.
        rng: Says where they begin.

    Raises:
        TrainingError: If no piece has three rows.
    """
    pieces = [*music.of("valid"), *music.of("train")]
    lengths = np.sort([len(piece.events) for piece in pieces])[::-1]
    enough = _places(lengths, lags) >= min(_FEWEST, count)
    while lags > 1 and not enough:
        lags -= 1
        enough = _places(lengths, lags) >= min(_FEWEST, count)
    if not len(lengths) or lengths[0] < lags + 2:
        raise TrainingError("gradients over lag need pieces of a few notes at least")
    found: list[tuple[Array, Rows]] = []
    for piece in pieces:
        room = len(piece.events) - (lags + 1)
        if room < 1 or len(found) >= count:
            continue
        rows = Rows.of(piece, music.vocabulary)
        step = (lags + 1) // 2 + 1
        for low in range(0, room, step):
            first = low + int(rng.integers(min(step, room - low)))
            stop = first + lags + 1
            if rows.counts[stop - 1].all() and len(found) < count:
                found.append((rows.inputs[first:stop], Rows(*(a[stop - 1] for a in rows))))
    inputs = np.stack([each for each, _ in found])
    return Sequences(
        inputs, Rows(*(np.stack(a) for a in zip(*(last for _, last in found), strict=True)))
    )


def _places(lengths: Array, lags: int) -> int:
    """How many stretches there are room for."""
    room = np.maximum(lengths - (lags + 1), 0)
    return int(np.ceil(room / ((lags + 1) // 2 + 1)).sum())


@dataclass(frozen=True)
class Curve:
    """Norms over lag of one network, relative to lag 0 of each sequence.

    Attributes:
        name: Of the network.
        trained: Whether it had been.
        of: ``"h"`` or ``"c"``.
        median: Over sequences, ``(lags + 1,)``.
        quartiles: Lower and upper, ``(2, lags + 1)``.
        at_0: Median norm at lag 0, in nats per unit of the state.
    """

    name: str
    trained: bool
    of: str
    median: Array
    quartiles: Array
    at_0: float
    factor: float = field(init=False)
    half_life: float | None = field(init=False)

    def __post_init__(self) -> None:
        # By what the gradient is multiplied at each step back: the geometric mean from lag 10 on
        # (from the first where there are few). Where it shrinks, the half-life follows, in rows.
        first = min(_SETTLED, (len(self.median) - 1) // 2)
        low, high = np.maximum(self.median[[first, -1]], _TINY)
        factor = float(np.exp((np.log(high) - np.log(low)) / max(len(self.median) - 1 - first, 1)))
        object.__setattr__(self, "factor", factor)
        life = float(np.log(2) / -np.log(factor)) if factor < 1 else None
        object.__setattr__(self, "half_life", life)

    @property
    def label(self) -> str:
        """For legends."""
        state = "" if self.of == "h" else ", cell"
        return f"{self.name}{state}"


def curves_of(name: str, trained: bool, norms: Norms) -> list[Curve]:
    """Medians and quartiles over sequences: of h, and of c where there are cells."""
    found = []
    for of, values in zip(("h", "c"), norms, strict=True):
        if not values.any():
            continue
        at_0 = values[:, :1]
        relative = values / np.where(at_0 > 0, at_0, 1)
        low, median, high = np.quantile(relative, (0.25, 0.5, 0.75), axis=0)
        found.append(
            Curve(name, trained, of, median, np.stack([low, high]), float(np.median(at_0)))
        )
    return found


def gradients(
    settings: GradientsSettings,
    music: Music,
    *,
    trained: Mapping[str, Trained] | None = None,
    tell: Tell = silent,
) -> Outcome:
    """Measure gradients over lag, before and after training, and let some explode.

    Args:
        settings: How large all is.
        music: The user's own.
        trained: Networks that have learned from it, as :func:`~.plain.train_plain` returns them for
            :func:`~.plain.textbook`; None trains them.
        tell: Is told how far it is.
    """
    if trained is None:
        trained = train_plain(music, textbook(settings.networks), tell)
    rng = np.random.default_rng([settings.seed, 1])
    sequences = draw_sequences(music, settings.lags, settings.sequences, rng)
    tell(f"gradients over {sequences.inputs.shape[1] - 1} rows")
    curves = []
    for name, network in trained.items():
        for model, done in ((network.before, False), (network.after, True)):
            norms = gradients_over_lag(model.as_float64(), *sequences)
            curves += curves_of(name, done, norms)
    tell(f"a recurrent matrix of spectral radius {settings.radius:g}")
    exploding = explode(settings, music)
    norms = gradients_over_lag(exploding["not clipped"].before.as_float64(), *sequences)
    curves += curves_of(f"tanh-RNN, radius {settings.radius:g}", False, norms)
    histories = {name: each.after.history for name, each in exploding.items()}
    return _outcome(settings, curves, histories, trained, len(sequences.inputs))


def explode(settings: GradientsSettings, music: Music) -> dict[str, Trained]:
    """Train tanh units by plain gradient descent from a recurrent matrix that stretches.

    Args:
        settings: Its radius, steps, rate and clipping.
        music: To learn from.

    Returns:
        ``"not clipped"`` and ``"clipped"``, alike in all else.
    """
    free = replace(
        settings.networks,
        kind="rnn",
        layers=1,
        radius=settings.radius,
        steps=settings.exploding_steps,
        learning_rate=settings.exploding_rate,
        descent=True,
        clip_norm=None,
    )
    clipped = replace(free, clip_norm=settings.clip_norm)
    return train_plain(music, {"not clipped": free, "clipped": clipped})


# --- words, table, pictures -----------------------------------------------------------------


def _outcome(
    settings: GradientsSettings,
    curves: Sequence[Curve],
    histories: Mapping[str, Array],
    trained: Mapping[str, Trained],
    count: int,
) -> Outcome:
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
    orders = np.log10(max(best.median[-1], _TINY)) - np.log10(max(worst.median[-1], _TINY))
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
        f"from k = {min(_SETTLED, lags // 2)} on; and the rows in which it halves.",
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
