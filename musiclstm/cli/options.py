"""Options that several commands share, so that they are called and mean the same everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)

model_option = click.option(
    "-m", "--model", default="chorales", show_default=True, help="A model folder or name."
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print exactly one JSON object instead."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Show no progress; results and errors only."
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="Files read at once.  [default: as many as there are cores]",
)

_LIMITS = (
    click.option(
        "--max-bytes", type=click.IntRange(min=1), help="Skip larger files.  [default: 10,000,000]"
    ),
    click.option(
        "--max-notes",
        type=click.IntRange(min=1),
        help="Skip pieces of more notes.  [default: 200,000]",
    ),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(min=0, min_open=True),
        help="Skip files that take more seconds to read.  [default: 30]",
    ),
    click.option(
        "--max-memory",
        type=click.IntRange(min=1),
        help="Skip files that take more bytes of memory to read.  [default: 1,000,000,000]",
    ),
)
LIMIT_NAMES = ("max_bytes", "max_notes", "timeout_seconds", "max_memory")


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how much one file may take to read."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command
