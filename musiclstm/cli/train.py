"""``musiclstm train``: a folder of music in, a model folder out."""

import math
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from musiclstm.cli.console import print_json, progress, remark
from musiclstm.cli.options import PATH, jobs_option, json_option, quiet_option
from musiclstm.errors import MusicLSTMError

if TYPE_CHECKING:
    from musiclstm.model import Bundle
    from musiclstm.training import Evaluation, Progress, Summary

DEFAULT_MINUTES = 20.0


@click.command()
@click.argument("src", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="The model folder, as trained/NAME.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help=f"How long to train.  [default: {DEFAULT_MINUTES:.0f}]",
)
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Or how many times.")
@click.option("--steps", type=click.IntRange(1), help="Or how many steps: makes a training again.")
@click.option(
    "--preset",
    "preset_name",
    type=click.Choice(["tiny", "small", "default", "large"]),
    default="default",
    show_default=True,
    help="Size of the network; large wants hours and much music.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--resume", is_flag=True, help="Go on with the training in OUT where it stopped.")
@click.option("--init-from", metavar="MODEL", help="Fine-tune this model instead of a new one.")
@click.option(
    "--parts", metavar="A,B", help="Learn only these parts, by name or number.  [default: all]"
)
@click.option("--drop-drums", is_flag=True, help="Leave drums out.")
@click.option(
    "--leave-out",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A text file: pieces not to use, a name a line.",
)
@click.option("--steps-per-quarter", type=click.IntRange(1, 960), help="The grid.  [default: 24]")
@click.option("--pedal/--no-pedal", default=True, help="Whether the sustain pedal holds notes.")
@click.option("--dropout", type=click.FloatRange(0, 0.9), help="Against memorising, by the preset.")
@click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True), help="By the preset.")
@click.option("--lanes", type=click.IntRange(1, 1024), help="Pieces side by side.  [default: 32]")
@click.option(
    "--evaluations",
    type=click.IntRange(1),
    help="How often the held-out pieces are scored.  [default: up to 20]",
)
@click.option("--licence", help="What the music allows, for the model card.")
@jobs_option
@json_option
@quiet_option
def train(
    src: Path,
    out: Path,
    minutes: float | None,
    epochs: float | None,
    steps: int | None,
    preset_name: str,
    seed: int,
    resume: bool,
    init_from: str | None,
    parts: str | None,
    drop_drums: bool,
    leave_out: Path | None,
    steps_per_quarter: int | None,
    pedal: bool,
    dropout: float | None,
    learning_rate: float | None,
    lanes: int | None,
    evaluations: int | None,
    licence: str | None,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn from the music in SRC and write the model to OUT.

    Sub-folders of SRC are styles. Ctrl-C stops and leaves a usable model; --resume goes on.

    \b
    Example:
      musiclstm train midi_data/mine -o trained/mine --minutes 30
      musiclstm train midi_data/mine -o trained/mine --resume
      musiclstm train midi_data/mine -o trained/tuned --init-from chorales --minutes 5
    """  # noqa: D301
    if sum(value is not None for value in (minutes, epochs, steps)) > 1:
        raise click.UsageError("give one of --minutes, --epochs and --steps")
    if not out.name:
        raise click.UsageError(f"{out} is no name for a model folder; write it like trained/mine")
    if resume:
        _refuse_settings(click.get_current_context())
    from musiclstm.files import free_path  # noqa: PLC0415
    from musiclstm.ingest import IngestSettings, read_folder  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.training import preset  # noqa: PLC0415
    from musiclstm.training import train as run  # noqa: PLC0415

    start = load_bundle(init_from) if init_from else None
    config = preset(preset_name, seed=seed, steps=steps or 0)
    config = _configured(
        config, dropout, learning_rate=learning_rate, lanes=lanes, evaluations=evaluations
    )
    if not resume:
        free = free_path(out)
        if free != out:
            remark(f"{out} is there already; writing to {free}")
        out = free
    model = load_bundle(out) if resume else start
    grid = _grid(model, steps_per_quarter)
    if resume and model is not None:
        pedal = bool(model.config.get("data", {}).get("pedal", True))
    settings = IngestSettings(pedal=pedal, **({"steps_per_quarter": grid} if grid else {}))
    with progress("Reading", quiet=quiet) as show:
        corpus = read_folder(src, settings=settings, jobs=jobs, progress=show)
    skipped = corpus.report.skipped
    for file in skipped[:10]:
        remark(f"skipped {file.source}: {file.reason}")
    if len(skipped) > 10:
        remark(f"... and {len(skipped) - 10} more; `musiclstm ingest {src}` lists them all")
    if not corpus.scores:
        raise MusicLSTMError(f"nothing in {src} could be read: `musiclstm ingest {src}` says why")
    left_out = _names(leave_out)
    with _reporter(quiet) as reporter:
        bundle = run(
            corpus,
            config,
            out,
            minutes=None if steps or epochs else minutes or DEFAULT_MINUTES,
            epochs=epochs,
            resume=resume,
            init_from=start,
            parts=[name.strip() for name in parts.split(",")] if parts else (),
            drop_drums=drop_drums,
            leave_out=(lambda source: Path(source).stem in left_out) if left_out else None,
            settings={
                "command": _command(),
                "steps_per_quarter": settings.steps_per_quarter,
                "pedal": settings.pedal,
                **({"licence": licence} if licence else {}),
                **({"left_out": f"{len(left_out)} pieces, see {leave_out}"} if left_out else {}),
            },
            reporter=reporter,
        )
    result = {"model": str(out), "digest": bundle.digest, **bundle.results}
    if as_json:
        print_json(result)
        return
    nats = bundle.results.get("valid_nats_per_note")
    judged = f": {nats:.3f} nats a note on held-out pieces" if nats is not None else ""
    click.echo(f"{out} is ready{judged}")
    remark(f"make music with it: musiclstm generate -m {out} -o out/ -n 3")


def _refuse_settings(context: click.Context) -> None:
    """What a training began with holds to its end: say so, rather than pass a wish over."""
    free = {"src", "out", "resume", "jobs", "as_json", "quiet"}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in free and source not in (None, ParameterSource.DEFAULT):
            raise click.UsageError(
                f"--resume goes on with the settings that it began with; leave out "
                f"{parameter.opts[-1]}"
            )


def _configured(config: Any, dropout: float | None, **changes: Any) -> Any:
    """A preset with what was asked for put over it."""
    from dataclasses import replace  # noqa: PLC0415

    if dropout is not None:
        config = replace(config, network=replace(config.network, dropout=dropout))
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(config, **given)


def _grid(model: "Bundle | None", asked: int | None) -> int | None:
    """The grid to read on: a model that is there already decides it."""
    if model is None:
        return asked
    grid = model.vocabulary.steps_per_quarter
    if asked not in (None, grid):
        raise click.UsageError(f"{model.name} has {grid} steps a quarter; that cannot be changed")
    return grid


def _names(path: Path | None) -> frozenset[str]:
    """Pieces that are named in a text file, a name a line, # for remarks."""
    if path is None:
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if (name := line.split("#")[0].strip()))


def _command() -> str:
    """What was typed, for the model card; without the folders of this machine."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["musiclstm", *words])


class _Lines:
    """A reporter that says in lines what happens."""

    def __init__(self, say: Callable[[str], None], show: "Callable[[Progress], None]") -> None:
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

    def said(self, message: str) -> None:
        self._say(message)


def _clock(seconds: float) -> str:
    """Minutes and seconds, ``"3:05"``.

    >>> _clock(185)
    '3:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@contextmanager
def _reporter(quiet: bool) -> Iterator[Any]:
    from musiclstm.training import Silent  # noqa: PLC0415

    if quiet:
        yield Silent()
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
