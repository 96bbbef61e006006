"""What `musiclstm train` says while it runs: lines, and a bar where a person watches."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from musiclstm.cli.console import remark

if TYPE_CHECKING:
    from musiclstm.evaluation.verdict import Verdict
    from musiclstm.training import Evaluation, Progress, Summary


class _Lines:
    """A reporter that says in lines what happens."""

    def __init__(self, say: Callable[[str], None], show: "Callable[[Progress], None]") -> None:
        self.verdict: Verdict | None = None
        self._say = say
        self._show = show

    def started(self, summary: "Summary") -> None:
        self._say(
            f"{summary.pieces:,} pieces with {summary.notes:,} notes to learn from, "
            f"{summary.held_out:,} held out; parts: {', '.join(summary.parts)}"
        )
        if summary.styles:
            self._say(f"styles: {', '.join(summary.styles)}")
        self._say(
            f"a network of {summary.parameters:,} weights; "
            f"about {max(summary.minutes, 1):,.0f} min and {summary.memory_mb:,} MB of memory"
        )
        for warning in summary.warnings:
            self._say(f"warning: {warning}")
        self._say("loading TensorFlow, which takes some seconds ...")

    def planned(self, steps: int) -> None:
        self._say(f"{steps:,} steps; nats a note, the lower the better:")

    def stepped(self, progress: "Progress") -> None:
        self._show(progress)

    def evaluated(self, evaluation: "Evaluation", best: bool) -> None:
        held_out = (
            "" if math.isnan(evaluation.valid_nats) else f"  held out {evaluation.valid_nats:6.3f}"
        )
        self._say(
            f"step {evaluation.step:6,}  epoch {evaluation.epoch:5.1f}  "
            f"train {evaluation.train_nats:6.3f}{held_out}{' best' if best else '     '}  "
            f"{evaluation.notes_per_second:6,.0f} notes/s  {_clock(evaluation.seconds):>5}"
        )

    def judged(self, verdict: "Verdict") -> None:
        self.verdict = verdict
        self._say(f"verdict: {verdict.title}")
        for finding in verdict.findings:
            self._say(f"  {finding.in_words()}")

    def said(self, message: str) -> None:
        self._say(message)


def _clock(seconds: float) -> str:
    """Minutes and seconds, ``"3:05"``.

    >>> _clock(185)
    '3:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@contextmanager
def training_reporter(quiet: bool) -> Iterator[Any]:
    """A reporter for :func:`musiclstm.training.train`: a bar for a person, lines for a log.

    It keeps the verdict, as ``verdict``.
    """
    if quiet:
        yield _Lines(lambda _: None, lambda _: None)
    elif not sys.stderr.isatty():
        yield _Lines(remark, lambda _: None)
    else:
        with _bar() as (say, show):
            yield _Lines(say, show)


@contextmanager
def _bar() -> Iterator[Any]:
    """One line that moves (steps, loss, speed, time left), and a way to print above it."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(
            "{task.fields[nats]} nats  {task.fields[rate]} notes/s  {task.fields[left]} left"
        ),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, nats="-", rate="-", left="?")

        def say(message: str) -> None:
            bar.console.print(message, markup=False, highlight=False, soft_wrap=True)

        def show(now: "Progress") -> None:
            bar.update(
                task,
                completed=now.step,
                total=now.steps or None,
                nats=f"{now.train_nats:.3f}",
                rate=f"{now.notes_per_second:,.0f}",
                left=_clock(now.seconds_left) if math.isfinite(now.seconds_left) else "?",
            )

        yield say, show
