"""``musiclstm corpus``: write a built-in corpus as MIDI files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import print_json, print_table, progress, remark
from musiclstm.cli.options import PATH, jobs_option, json_option, quiet_option

if TYPE_CHECKING:
    from musiclstm.score import Score

MOST_REMARKS = 10  # lines; of a large corpus hundreds may be duplicates


@click.command()
@click.argument("name", required=False)
@click.argument("out", required=False, type=PATH)
@click.option("--list", "show_list", is_flag=True, help="List the built-in corpora.")
@jobs_option
@json_option
@quiet_option
def corpus(
    name: str | None,
    out: Path | None,
    *,
    show_list: bool,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the built-in corpus NAME to the folder OUT, one MIDI file a piece.

    The music is part of music21, which is installed: nothing is downloaded. A file that exists is
    never overwritten, and one that holds the very same music is left as it is, so that the command
    can be run again.

    \b
    Example:
      musiclstm corpus --list
      musiclstm corpus chorales midi_data/chorales
    """  # noqa: D301
    if show_list:
        _print_list(as_json=as_json)
        return
    if name is None or out is None:
        raise click.UsageError("give the NAME of a corpus and a folder OUT, or --list")

    from musiclstm.ingest import read_builtin  # noqa: PLC0415

    with progress("Reading", quiet=quiet) as show:
        music = read_builtin(name, jobs=jobs, progress=show)
    written: list[str] = []
    unchanged: list[str] = []
    with progress("Writing", quiet=quiet) as show:
        for done, score in enumerate(music.scores, start=1):
            path, is_new = _write(score, out)
            (written if is_new else unchanged).append(str(path))
            show(done, len(music.scores))
    if as_json:
        skipped = {file.source: file.reason for file in music.report.skipped}
        result = {"name": name, "out": str(out), "written": written, "unchanged": unchanged}
        print_json({**result, "skipped": skipped})
        return
    if not quiet:
        for file in music.report.skipped[:MOST_REMARKS]:
            remark(f"left out: {file.source} ({file.reason})")
        if len(music.report.skipped) > MOST_REMARKS:
            more = len(music.report.skipped) - MOST_REMARKS
            remark(f"left out: {more} more; --json lists them all")
    if unchanged:
        click.echo(f"{out}: {len(unchanged)} pieces were there already")
    if written or not unchanged:
        click.echo(f"{out}: wrote {len(written)} pieces")


def _print_list(*, as_json: bool) -> None:
    from musiclstm.ingest import BUILTIN  # noqa: PLC0415

    if as_json:
        corpora: list[dict[str, Any]] = [
            {"name": each.name, "pieces": each.count, "description": each.description}
            for each in BUILTIN.values()
        ]
        print_json({"corpora": corpora})
        return
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("pieces", justify="right")
    table.add_column("what it is")
    for each in BUILTIN.values():
        table.add_row(each.name, str(each.count), each.description)
    print_table(table)


def _write(score: "Score", out: Path) -> tuple[Path, bool]:
    """Write a piece below ``out``, and say where it is and whether it was not there before."""
    from musiclstm.files import atomic_write_bytes  # noqa: PLC0415
    from musiclstm.rendering.midi import midi_bytes  # noqa: PLC0415

    data = midi_bytes(score)
    for path in _names(out / f"{score.source}.mid"):
        if not path.exists():
            atomic_write_bytes(path, data)
            return path, True
        if path.is_file() and path.read_bytes() == data:
            return path, False
    raise AssertionError("numbers never end")


def _names(wished: Path) -> Iterator[Path]:
    """Yield ``a.mid``, ``a-2.mid``, ``a-3.mid``, … without end, as ``free_path`` counts."""
    yield wished
    number = 2
    while True:
        yield wished.with_name(f"{wished.stem}-{number}{wished.suffix}")
        number += 1
