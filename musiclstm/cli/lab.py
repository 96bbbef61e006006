"""``musiclstm lab``: the theory of LSTMs, run on this machine."""

import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import one_thread, print_json, print_table, progress, remark
from musiclstm.cli.options import PATH, json_option, model_option, quiet_option
from musiclstm.errors import MusicLSTMError
from musiclstm.lab.experiments import EXPERIMENTS

if TYPE_CHECKING:
    from musiclstm.lab.music import Music
    from musiclstm.lab.outcome import Outcome
    from musiclstm.lab.page import Kept
    from musiclstm.rendering.document import Block, Table

Tell = Callable[[str], None]

WIDTH = 100  # columns of text, at most
SECONDS_BETWEEN_LINES = 10.0  # of progress, where nobody watches

_OPTIONS = (
    click.argument("src", required=False, type=PATH),
    model_option,
    click.option(
        "-o", "--out", type=PATH, default="out/lab", show_default=True, help="Folder of outcomes."
    ),
    click.option("--quick", is_flag=True, help="Small figures: a minute or so each."),
    click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance in it."
    ),
    click.option("--again", is_flag=True, help="Do it again; what was there is replaced."),
    json_option,
    quiet_option,
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class _InOrder(click.Group):
    """A group that lists its commands in the order of their definition."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=_InOrder)
def lab() -> None:
    """Run what textbooks say of LSTMs, and see whether it is so.

    Each experiment writes its pictures (PNG), tables (CSV) and numbers (JSON) into a folder, and
    all of them stand on one page, index.html. What lies there from the same settings and the same
    music is not done again, so that a run that was killed goes on; where it is of others, nothing
    is overwritten: the next free number of the folder is taken, and said.

    Begin with `musiclstm lab all --quick`: all of it, on a laptop in under ten minutes.
    """


@lab.command(name="all")
@_options
def everything(**given: Any) -> None:
    """Run every experiment, one after the other.

    SRC is a folder of music, by default the built-in corpus that the model was made of. What the
    model has learned from is learned from here too. One that fails is said, and the others go on.

    \b
    Example:
      musiclstm lab all --quick
      musiclstm lab all midi_data/ -m trained/mine -o out/mine
    """  # noqa: D301
    _perform(list(EXPERIMENTS), given)


def _add(name: str, summary: str) -> None:
    @_options
    def command(**given: Any) -> None:
        _perform([name], given)

    command.__doc__ = f"""{summary}

    SRC is a folder of music, by default the built-in corpus that the model was made of.

    \b
    Example:
      musiclstm lab {name} --quick
    """
    lab.command(name=name)(command)


for _name, _experiment in EXPERIMENTS.items():
    _add(_name, _experiment.summary)


def _perform(names: Sequence[str], given: Mapping[str, Any]) -> None:
    """Run experiments, and say what they found."""
    one_thread()
    from musiclstm.lab.music import Music  # noqa: PLC0415
    from musiclstm.lab.page import settled, write_page  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415

    quiet = given["quiet"]
    with progress("Reading", quiet=quiet) as show:
        music = Music(load_bundle(given["model"]), given["src"], show)
        if given["src"] is not None:
            _tell_of_strangers(names, music)
        failed: dict[str, str] = {}
        keys: dict[str, dict[str, Any]] = {}
        settings: dict[str, Any] = {}
        for name in names:
            with _caught(name, failed, alone=len(names) == 1):
                settings[name] = EXPERIMENTS[name].settings(
                    quick=given["quick"], seed=given["seed"]
                )
                keys[name] = EXPERIMENTS[name].key(settings[name], music)
    out = given["out"] if given["again"] else settled(given["out"], keys)
    if out != given["out"]:
        remark(f"{given['out']} holds outcomes of other settings or music: writing to {out}")
    results: dict[str, Any] = {}
    for name, key in keys.items():
        with _caught(name, failed, alone=len(names) == 1):
            results[name] = _one(name, settings[name], key, music, out, given)
            write_page(out, EXPERIMENTS)  # with each, so that a killed run has one too
    page = str(out / "index.html")
    if given["as_json"]:
        if len(names) > 1:
            print_json({"out": str(out), "page": page, "experiments": results, "failed": failed})
        else:
            print_json({"out": str(out), "page": page, **results[names[0]]})
    elif results:
        click.echo(f"all on one page: {page}")
    if failed:
        raise MusicLSTMError(f"failed: {', '.join(failed)}; the others are done")


def _tell_of_strangers(names: Sequence[str], music: "Music") -> None:
    """Say where the model knows nothing of the music that it is asked about.

    Raises:
        MusicLSTMError: If that cannot be read: better now than between two experiments.
    """
    known = music.pieces.count("train")
    asked = [set(EXPERIMENTS[name].given) for name in names]
    if not known and any("bundle" in given and len(given) > 1 for given in asked):
        remark(
            f"{music.bundle.name} has learned from none of the pieces in {music.src}: what is said "
            "of it here is how it takes strange music; -m chooses a model trained on them"
        )


@contextmanager
def _caught(name: str, failed: dict[str, str], *, alone: bool) -> Iterator[None]:
    """Let the others go on when one fails; of our own faults show where."""
    try:
        yield
    except Exception as error:
        if alone:
            raise
        if not isinstance(error, MusicLSTMError):
            remark(traceback.format_exc())
        failed[name] = " ".join(str(error).splitlines()) or type(error).__name__
        remark(f"{name} failed: {failed[name]}")


def _one(
    name: str,
    settings: Any,
    key: Mapping[str, Any],
    music: "Music",
    out: Path,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Run one experiment, or take what lies there, and print it."""
    from musiclstm.lab.outcome import json_ready  # noqa: PLC0415
    from musiclstm.lab.page import keep, kept  # noqa: PLC0415

    found: Kept | None = None if given["again"] else kept(out, name)
    is_old, began = found is not None, time.monotonic()
    if found is None:
        with _telling(name, quiet=given["quiet"]) as tell:
            outcome = EXPERIMENTS[name].run(settings, music, tell)
        found = keep(outcome, key, out)
    seconds = round(time.monotonic() - began, 1)
    if not given["as_json"]:
        _print(found.outcome)
        for path in found.paths:
            click.echo(str(path))
        click.echo("")
    if is_old and not given["quiet"]:
        remark(f"{name} was there already; --again does it again")
    outcome = found.outcome
    return {
        "name": name,
        "title": outcome.title,
        "claim": outcome.claim,
        "found": outcome.found,
        "numbers": json_ready(outcome.numbers),
        "paths": [str(path) for path in found.paths],
        "seconds": 0.0 if is_old else seconds,
        "done_before": is_old,
    }


def _print(outcome: "Outcome") -> None:
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    click.echo(click.style(outcome.title, bold=True))
    for body in (f"The claim: {outcome.claim}", f"Found: {outcome.found}"):
        click.echo(click.wrap_text(body, width, preserve_paragraphs=True))
        click.echo("")
    for table in _tables(outcome.blocks):
        _print_table(table, width)


def _tables(blocks: "Sequence[Block]") -> "Iterator[Table]":
    from musiclstm.rendering.document import Fold, Table  # noqa: PLC0415

    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Fold):
            yield from _tables(block.blocks)


def _print_table(table: "Table", width: int) -> None:
    from rich.table import Table as Drawn  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if table.caption:
        click.echo(click.wrap_text(table.caption, width))
    drawn = Drawn(box=None, header_style="bold", pad_edge=False)
    for name, numeric in zip(table.columns, table.numeric, strict=True):
        drawn.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    print_table(drawn)
    click.echo("")


@contextmanager
def _telling(name: str, *, quiet: bool) -> Iterator[Tell]:
    """A way to tell how far it is: a line that moves for a person, now and then one for a log."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        with Console(stderr=True).status(Text(name)) as status:
            yield lambda message: status.update(Text(f"{name}: {message}"))
    else:
        said = -SECONDS_BETWEEN_LINES

        def tell(message: str) -> None:
            nonlocal said
            if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                remark(f"{name}: {message}")

        yield tell
