"""What a user types enters: words, numbers, paths. Files, tables and one-line errors leave.

One file a command: it parses, calls and prints. This module only knows their names, so that
``musiclstm --help`` loads none of them.
"""

import sys
from io import TextIOWrapper

import click

from musiclstm import __version__
from musiclstm.cli.group import Lazy, LazyGroup

__all__ = ["main"]

SECTIONS = {
    "Learn from music": {
        "corpus": Lazy("musiclstm.cli.corpus:corpus", "Write a built-in corpus as MIDI files."),
        "ingest": Lazy("musiclstm.cli.ingest:ingest", "Read a folder and report every file."),
        "train": Lazy("musiclstm.cli.train:train", "Train a model on a folder of music."),
        "models": Lazy("musiclstm.cli.models:models", "List the models found, with their cards."),
    },
    "Make music": {
        "generate": Lazy("musiclstm.cli.generate:generate", "Write new pieces."),
        "continue": Lazy("musiclstm.cli.continue_:continue_", "Go on from a piece."),
        "harmonize": Lazy("musiclstm.cli.harmonize:harmonize", "Add parts to a melody."),
        "infill": Lazy("musiclstm.cli.infill:infill", "Write a stretch of a piece anew."),
        "vary": Lazy("musiclstm.cli.vary:vary", "Keep rhythm or pitches, draw the rest anew."),
        "replay": Lazy("musiclstm.cli.replay:replay", "Make a written piece again."),
    },
    "Look and listen": {
        "evaluate": Lazy("musiclstm.cli.evaluate:evaluate", "Say how good a model is, and why."),
        "inspect": Lazy("musiclstm.cli.inspect:inspect", "Show gates and memory along a piece."),
        "lab": Lazy("musiclstm.cli.lab:lab", "Run what textbooks say of LSTMs."),
        "render": Lazy("musiclstm.cli.render:render", "Draw a piece as a piano roll."),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "MUSICLSTM",
        "max_content_width": 100,
    },
    epilog="Every option can come from the environment: MUSICLSTM_INGEST_JOBS=1 stands for "
    "`ingest --jobs 1`. What is typed wins.",
)
@click.version_option(__version__, prog_name="musiclstm")
def main() -> None:
    """Train an LSTM on a folder of music and let it compose.

    \b
    Example:
      musiclstm corpus chorales midi_data/chorales
      musiclstm train midi_data/chorales -o trained/mine --minutes 10
      musiclstm generate -m trained/mine -o out/ -n 3
    """  # noqa: D301 - click's \b keeps the lines as they are
    for stream in (sys.stdout, sys.stderr):
        # a file name need not be text; better a \x escape in a message than no message
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
