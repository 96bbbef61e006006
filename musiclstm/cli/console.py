"""The terminal: results go to stdout, progress and remarks to stderr.

A bar is drawn only where a person watches; in a log ten plain lines tell the same.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

Progress = Callable[[int, int], None]

UNBOUNDED = 100_000  # columns: as good as no limit
PLAIN_LINES = 10  # a line every tenth of the way


def one_thread() -> None:
    """Let NumPy multiply in one thread; to be called before it is imported.

    What composes and scores goes row by row: products of a vector and a matrix, in which more
    threads only wait for each other.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def remark(message: str) -> None:
    """Say something beside the result, on stderr."""
    click.echo(message, err=True)


def print_json(result: Mapping[str, Any]) -> None:
    """Print the one JSON object of ``--json``."""
    # ASCII, because a file name need not be valid text, and JSON must be
    click.echo(json.dumps(result, indent=2))


def print_table(table: "Table") -> None:
    """Print a rich table on stdout: as wide as the terminal, or as it needs to be in a file."""
    from rich.console import Console  # noqa: PLC0415 - `--help` does without rich

    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = UNBOUNDED
        console.width = console.measure(table).maximum
    with console.capture() as captured:
        console.print(table)
    # rich fills lines up to the width; nobody wants that in a file
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show how far a piece of work is.

    Args:
        title: What is being done, for example ``"Reading"``.
        quiet: Show nothing.

    Yields:
        A function to call with the number of things done and the number of all.
    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        with _bar(title) as show:
            yield show
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # transient: once it is done the bar goes, and only results stay on the screen
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(title: str) -> Progress:
    said = 0

    def show(done: int, total: int) -> None:
        nonlocal said
        tenth = PLAIN_LINES * done // max(1, total)
        if tenth > said:
            said = tenth
            remark(f"{title}: {done} of {total}")

    return show
