"""What was found of listening, in words, tables and a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.lab.listening_histories import CUT, SHUFFLED, STATE
from musiclstm.lab.listening_losses import Hearing, ListeningSettings, Losses
from musiclstm.lab.outcome import Outcome
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.document import Block, Picture, Table

Array = npt.NDArray[Any]

_LINEAR = 0.02  # nats a note; below it the picture's scale is linear, above it logarithmic

_CLAIM = (
    "A recurrent network uses the order of what it has just heard, keeps a vaguer idea of what was "
    "before, and beyond some distance nothing (Khandelwal, He, Qi & Jurafsky 2018): the farther "
    "away the part of the history is that is cut off or shuffled, the less is lost."
)


def outcome(
    settings: ListeningSettings, heard: Sequence[Hearing], losses: Sequence[Losses]
) -> Outcome:
    """Put what was heard into an outcome.

    Args:
        settings: How finely it was measured.
        heard: Of each model and way, in the order in which they are told.
        losses: What that was summed up from, in any order.
    """
    pieces = len(np.unique(losses[0].piece))
    blocks: tuple[Block, ...] = (
        Picture(_picture(heard), _alt(heard), _CAPTION),
        _table(heard),
        _share_table(heard),
    )
    return Outcome(
        name="listening",
        title="How far back it listens",
        claim=_CLAIM,
        found=_words(heard, pieces, len(losses[0].piece)),
        blocks=blocks,
        numbers={
            "settings": settings,
            "pieces": pieces,
            "moments": len(losses[0].piece),
            "notes": int(losses[0].notes.sum()),
            "heard": [
                {
                    **vars(each),
                    "memory": _bars(each.memory, each),
                    "interval": [_bars(end, each) for end in each.interval or ()],
                }
                for each in heard
            ],
        },
    )


_CAPTION = (
    "Nats a note that are lost when the history beyond k bars is cut off or shuffled, at moments "
    "that have such a history; bands are one standard error over pieces."
)
_WORDS = {STATE: "state alone cut", CUT: "all cut", SHUFFLED: "bars shuffled"}


def _bars(bars: float | None, each: Hearing) -> str:
    """Bars, as they are read."""
    if bars is None:
        return "–"
    farthest = each.bars[np.flatnonzero(np.isfinite(each.lost))[-1]]
    return f"{bars:g}" if np.isfinite(bars) else f"> {farthest:g}"


def _interval(each: Hearing) -> str:
    if each.interval is None:
        return "–"
    low, high = (_bars(end, each) for end in each.interval)
    return f"{low} – {high}" if low != high else low


def _with_error(lost: float, error: float) -> str:
    """Nats with their standard error, if there are any."""
    if not np.isfinite(lost):
        return "–"
    return f"{lost:+.3f} ± {error:.3f}" if np.isfinite(error) else f"{lost:+.3f}"


def _words(heard: Sequence[Hearing], pieces: int, moments: int) -> str:
    words = [f"At {moments} moments of {pieces} held-out pieces:"]
    for each in heard:
        lost = f"{_with_error(each.lost[0], each.error[0])} nats a note"
        name = f"{each.model}, {_WORDS[each.way]}"
        if each.memory is None:
            words.append(f"{name}: {lost} at k = 0, too little to speak of a memory.")
        else:
            words.append(
                f"{name}: {lost} at k = 0, effective memory {_bars(each.memory, each)} bars (95 % "
                f"of resamples {_interval(each)}), clearly heard to {_bars(each.clear, each)} bars."
            )
    by_way = {(each.model, each.way): float(each.lost[0]) for each in heard}
    for model, way in by_way:
        if way == STATE and by_way.get((model, CUT), 0) > 0:
            share = by_way[model, STATE] / by_way[model, CUT]
            words.append(
                f"Of what {model} loses without any history, {100 * share:.0f} % is lost where the "
                "LSTM's state alone is emptied; the musical context around it holds the rest."
            )
    return " ".join(words)


def _table(heard: Sequence[Hearing]) -> Table:
    return Table(
        (
            "model",
            "history",
            "whole",
            *(f"k = {k:g}" for k in heard[0].bars),
            "memory",
            "95 %",
            "clear",
        ),
        [
            (
                each.model,
                _WORDS[each.way],
                f"{each.whole:.3f}",
                *(
                    _with_error(lost, error)
                    for lost, error in zip(each.lost, each.error, strict=True)
                ),
                _bars(each.memory, each),
                _interval(each),
                _bars(each.clear, each),
            )
            for each in heard
        ],
        "Nats a note with the whole history; what is lost where what is beyond k bars is taken "
        "away, with its standard error over pieces; and the effective memory in bars: the smallest "
        "k from which on less than 1 % of the loss without any history is lost, with its interval "
        "by bootstrap over pieces; and the greatest k at which more than two standard errors are.",
    )


def _share_table(heard: Sequence[Hearing]) -> Table:
    return Table(
        ("model", "history", *(f"k = {k:g}" for k in heard[0].bars)),
        [
            (
                each.model,
                _WORDS[each.way],
                *(f"{100 * share:.1f}" if np.isfinite(share) else "–" for share in each.share),
            )
            for each in heard
        ]
        + [("pieces", "", *(str(count) for count in heard[0].pieces))],
        "The same in per cent of what the same moments lose without any history (or with all of it "
        "shuffled), and the number of pieces that have history beyond k bars.",
    )


def _picture(heard: Sequence[Hearing]) -> bytes:
    figure, axes = new_figure(6.5, 3.4, 1, 2)
    names = list(dict.fromkeys(each.model for each in heard))
    shown = np.isfinite([each.lost for each in heard]).any(axis=0)
    x = np.arange(int(shown.sum()))
    for chart, ways, title in zip(
        axes[0], ((CUT, STATE), (SHUFFLED,)), ("History cut", "Bars shuffled"), strict=True
    ):
        plain(chart, title, "k, in bars", "nats a note lost" if CUT in ways else "")
        for each in heard:
            if each.way not in ways:
                continue
            colour = PART_COLOURS[names.index(each.model) % len(PART_COLOURS)]
            label = each.model + (", state alone" if each.way == STATE else "")
            chart.plot(
                *(x, each.lost[shown]),
                color=colour,
                label=label,
                linestyle="--" if each.way == STATE else "-",
                marker="o",
                markersize=3,
            )
            low, high = (each.lost + sign * each.error for sign in (-1, 1))
            chart.fill_between(x, low[shown], high[shown], color=colour, alpha=0.18, linewidth=0)
        chart.set_xticks(x, [f"{k:g}" for k in heard[0].bars[shown]])
        # what is lost far away is a hundredth of what is lost nearby, and may be a gain
        chart.set_yscale("symlog", linthresh=_LINEAR)
        chart.axhline(0, color="black", linewidth=0.5)
    legend = figure.legend(
        *axes[0][0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        fontsize=8.5,
        frameon=False,
    )
    for text in legend.get_texts():  # a model may be called anything
        text.set_parse_math(False)
    return as_png(figure)


def _alt(heard: Sequence[Hearing]) -> str:
    said = (
        f"{each.model}, {_WORDS[each.way]}: {each.lost[0]:.2f} nats a note at k = 0, effective "
        f"memory {_bars(each.memory, each)} bars"
        for each in heard
    )
    return "Lines that fall with the distance k. " + "; ".join(said)
