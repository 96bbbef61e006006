"""``musiclstm infill``: a stretch of a piece, written anew."""

import re
from pathlib import Path
from typing import Any

import click

from musiclstm.cli.composing import make, music_options
from musiclstm.cli.options import PATH


@click.command()
@click.argument("piece", type=PATH)
@click.option(
    "--bars", required=True, metavar="FIRST-LAST", help="Which bars, as 5-8 or 5; 0: the pickup."
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    help="Its name, or number from 1; may be repeated.  [default: all it has]",
)
@music_options(particles=True)
def infill(piece: Path, bars: str, parts: tuple[str, ...], **given: Any) -> None:
    """Write a stretch of PIECE anew, so that it joins at both ends.

    Everything else is written as it came.

    \b
    Example:
      musiclstm infill piece.mid --bars 5-8
      musiclstm infill piece.mid --bars 5-8 --part bass -n 3
    """  # noqa: D301
    match = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:-\s*([0-9]{1,4})\s*)?", bars)
    if match is None:
        words = f"{bars[:40]!r} are no bars; write 5-8, or 5"
        raise click.BadParameter(words, param_hint="--bars")
    wanted = [int(match[1]), int(match[2] or match[1])]
    options = {"bars": wanted, "parts": list(parts) or None, "particles": given["particles"]}
    make("infill", given, piece, **options)
