"""``musiclstm vary``: the same rhythm with new pitches, or the same pitches in a new rhythm."""

from pathlib import Path
from typing import Any

import click

from musiclstm.cli.composing import make, music_options
from musiclstm.cli.options import PATH


@click.command()
@click.argument("piece", type=PATH)
@click.option(
    "--keep", type=click.Choice(["rhythm", "pitch"]), required=True, help="What is not varied."
)
@click.option(
    "--amount",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Share of the bars that are varied.",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    help="Its name, or number from 1; may be repeated.  [default: all it has]",
)
@music_options(particles=True)
def vary(piece: Path, keep: str, amount: float, parts: tuple[str, ...], **given: Any) -> None:
    """Vary PIECE: keep its rhythm and draw new pitches, or the reverse.

    \b
    Example:
      musiclstm vary piece.mid --keep rhythm
      musiclstm vary piece.mid --keep pitch --amount 1 --part soprano
    """  # noqa: D301
    chosen = {"parts": list(parts) or None, "particles": given["particles"]}
    make("vary", given, piece, keep=keep, amount=amount, **chosen)
