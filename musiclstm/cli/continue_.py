"""``musiclstm continue``: go on from a piece."""

from pathlib import Path
from typing import Any

import click

from musiclstm.cli.composing import make, music_options
from musiclstm.cli.options import PATH


@click.command("continue")
@click.argument("primer", type=PATH)
@click.option("--bars", type=int, required=True, help="How many bars to add.")
@click.option(
    "--keep-primer/--no-keep-primer",
    default=True,
    show_default=True,
    help="Whether what was given stands at the beginning of what is written.",
)
@music_options(particles=False)
def continue_(primer: Path, bars: int, keep_primer: bool, **given: Any) -> None:
    """Go on from PRIMER, in its key, meter and tempo, with its parts.

    Any music will do: more parts than the model knows, another key, notes between its steps. What
    the model makes of them is said, and the given notes are written as they came.

    \b
    Example:
      musiclstm continue tune.mid --bars 8
      musiclstm continue tune.mid --bars 16 -n 3 --no-keep-primer --end cadence
    """  # noqa: D301
    make("continue", given, primer, bars=bars, keep_primer=keep_primer)
