"""Options that several commands share, so that they are called and mean the same everywhere."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)

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
