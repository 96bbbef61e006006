"""``musiclstm generate``: new pieces from a model, without TensorFlow."""

from typing import Any

import click

from musiclstm.cli.composing import make, music_options


@click.command()
@click.option("--bars", type=int, help="Length in bars.  [default: as in the corpus]")
@click.option("--meter", help="As 3/4; one that the model knows.  [default: as in the corpus]")
@music_options(particles=False)
def generate(**given: Any) -> None:
    """Compose new pieces and write them as MIDI.

    What is left open (meter, tempo, key, length) is drawn from what the model learned from.

    \b
    Example:
      musiclstm generate
      musiclstm generate -m trained/mine -o out/ -n 3 --bars 16 --key "A minor"
      musiclstm generate --chords "C|Am F|G7|C" --bars 8 --end cadence
      musiclstm generate --pitch-temperature 1.1 --program soprano=73 --seed 7
    """  # noqa: D301
    make("generate", given)
