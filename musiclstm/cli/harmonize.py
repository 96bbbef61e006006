"""``musiclstm harmonize``: the other parts, around a melody."""

from pathlib import Path
from typing import Any

import click

from musiclstm.cli.composing import make, music_options
from musiclstm.cli.options import PATH


@click.command()
@click.argument("melody", type=PATH)
@click.option(
    "--part",
    "parts",
    multiple=True,
    help="Which of the model's parts it is; one for each given part.  [default: the highest]",
)
@music_options(particles=True)
def harmonize(melody: Path, parts: tuple[str, ...], **given: Any) -> None:
    """Add the other parts to MELODY, which is written as it came.

    The melody may be any part, or several. Many ways through are weighed at once, so that the
    harmony prepares what is to come.

    \b
    Example:
      musiclstm harmonize tune.mid
      musiclstm harmonize bass.mid --part bass --seed 3 --best-of 4
    """  # noqa: D301
    options = {"parts": list(parts) or None, "particles": given["particles"]}
    make("harmonize", given, melody, **options)
