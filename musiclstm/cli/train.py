"""``musiclstm train``: a folder of music in, a model folder out."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from musiclstm.cli.console import print_json, progress, remark
from musiclstm.cli.options import (
    LIMIT_NAMES,
    PATH,
    jobs_option,
    json_option,
    limit_options,
    quiet_option,
)
from musiclstm.cli.train_lines import training_reporter
from musiclstm.errors import MusicLSTMError

if TYPE_CHECKING:
    from musiclstm.evaluation.verdict import Verdict
    from musiclstm.ingest import Corpus
    from musiclstm.model import Bundle
    from musiclstm.training import TrainingConfig

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
@limit_options
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
    **limits: Any,
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
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.score import DEFAULT_STEPS_PER_QUARTER  # noqa: PLC0415
    from musiclstm.training import preset  # noqa: PLC0415
    from musiclstm.training.place import claimed, settle  # noqa: PLC0415

    start = load_bundle(init_from) if init_from else None
    config = preset(preset_name, seed=seed, steps=steps or 0)
    config = _configured(
        config, dropout, learning_rate=learning_rate, lanes=lanes, evaluations=evaluations
    )
    left_out = _names(leave_out)
    reading = {name: limit for name, limit in limits.items() if limit is not None}
    if resume:
        reading = {**_begun(out), **reading}
    else:
        grid = _grid(start, steps_per_quarter) or DEFAULT_STEPS_PER_QUARTER
        reading = {"steps_per_quarter": grid, "pedal": pedal, **reading}
        out = settle(out, remark)
    # held from here on, so that a folder that cannot be had is known before an hour of reading
    with claimed(out, remark):
        corpus = _read(src, reading, jobs=jobs, quiet=quiet)
        _say_unmatched(left_out, corpus, leave_out)
        wishes: dict[str, Any] = {
            "minutes": None if steps or epochs else minutes or DEFAULT_MINUTES,
            "epochs": epochs,
            "resume": resume,
            "init_from": start,
            "parts": [name.strip() for name in parts.split(",")] if parts else (),
            "drop_drums": drop_drums,
            "leave_out": (lambda source: Path(source).stem in left_out) if left_out else None,
            "settings": {
                "command": _command(),
                **reading,
                **({"licence": licence} if licence else {}),
                **({"left_out": f"{len(left_out)} pieces, see {leave_out}"} if left_out else {}),
            },
        }
        bundle, verdict = _trained(corpus, config, out, wishes, quiet=quiet)
    if as_json:
        facts = {"model": str(out), "digest": bundle.digest, **bundle.results}
        print_json({**facts, "verdict": verdict and verdict.as_dict()})
        return
    nats = bundle.results.get("valid_nats_per_note")
    judged = f": {nats:.3f} nats a note on held-out pieces" if nats is not None else ""
    click.echo(f"{out} is ready{judged}{f'; {verdict.title}' if verdict else ''}")
    remark(f"make music with it: musiclstm generate -m {out} -o out/ -n 3")


def _read(src: Path, reading: dict[str, Any], *, jobs: int | None, quiet: bool) -> "Corpus":
    """Read the music, and say of the first few files that could not be read why."""
    from musiclstm.ingest import IngestSettings, read_folder  # noqa: PLC0415

    settings = IngestSettings(**reading)
    with progress("Reading", quiet=quiet) as show:
        corpus = read_folder(src, settings=settings, jobs=jobs, progress=show)
    skipped = corpus.report.skipped
    for file in skipped[:10]:
        remark(f"skipped {file.source}: {file.reason}")
    if len(skipped) > 10:
        remark(f"... and {len(skipped) - 10} more; `musiclstm ingest {src}` lists them all")
    if not corpus.scores:
        raise MusicLSTMError(f"nothing in {src} could be read: `musiclstm ingest {src}` says why")
    return corpus


def _trained(
    corpus: "Corpus", config: "TrainingConfig", out: Path, wishes: dict[str, Any], *, quiet: bool
) -> "tuple[Bundle, Verdict | None]":
    from musiclstm.training import train as run  # noqa: PLC0415

    with training_reporter(quiet) as reporter:
        return run(corpus, config, out, reporter=reporter, **wishes), reporter.verdict


def _begun(out: Path) -> dict[str, Any]:
    """How the music was read for the training that is to be resumed."""
    from musiclstm.training.checkpoint import load_progress  # noqa: PLC0415

    kept = load_progress(out)
    said = {name: kept["settings"].get(name) for name in ("pedal", *LIMIT_NAMES)}
    reading = {name: value for name, value in said.items() if value is not None}
    return {**reading, "steps_per_quarter": kept["vocabulary"]["steps_per_quarter"]}


def _say_unmatched(names: frozenset[str], corpus: "Corpus", listed: Path | None) -> None:
    """Tell which pieces were to be left out and are not there: most likely misspelt."""
    there = {Path(file.source).stem for file in corpus.report.files}
    if missing := sorted(names - there):
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        remark(
            f"warning: {listed} names {len(missing)} pieces that are not there: "
            f"{', '.join(missing[:10])}{more}"
        )


def _refuse_settings(context: click.Context) -> None:
    """What a training began with holds to its end: say so, rather than pass a wish over."""
    free = {"src", "out", "resume", "jobs", "as_json", "quiet", "timeout_seconds", "max_memory"}
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
    # names of files need not be valid text: those that are not match here as they do there
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return frozenset(name for line in lines if (name := line.split("#")[0].strip()))


def _command() -> str:
    """What was typed, for the model card; without the folders of this machine."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["musiclstm", *words])
