"""A click group that loads a command when it is called, and turns errors into one line."""
# ruff: noqa: ARG002 - click hands every method its context

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from musiclstm.errors import MusicLSTMError

_LONGEST_LINE = 400  # characters of an error; what strangers' files say may be of any length
INTERRUPTED = 130  # what shells report after Ctrl-C: 128 + SIGINT

# what the machine, not the program, refuses; any other OSError keeps its traceback
_REFUSALS = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES",
        "EPERM",
        "ENOSPC",
        "EROFS",
        "EDQUOT",
        "EISDIR",
        "ENOTDIR",
        "ENAMETOOLONG",
    )
    if hasattr(errno, name)  # Windows lacks some
)


@dataclass(frozen=True)
class Lazy:
    """A command that is not loaded yet.

    Attributes:
        target: ``"package.module:name"`` of a `click.Command`.
        summary: One sentence for the list of commands.
    """

    target: str
    summary: str


class LazyGroup(click.Group):
    """A group whose commands stand in sections and are imported when called.

    Args:
        sections: Heading -> command name -> where it lives; the order is kept in the help.
    """

    def __init__(
        self, *args: Any, sections: Mapping[str, Mapping[str, Lazy]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the sections."""
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None where there is none of that name."""
        for commands in self.sections.values():
            if cmd_name in commands:
                module, _, name = commands[cmd_name].target.partition(":")
                command: click.Command = getattr(import_module(module), name)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of the help, from the summaries alone."""
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, lazy.summary) for name, lazy in commands.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and say in one line what a user can put right; our own faults keep tracebacks."""
        try:
            return super().invoke(ctx)
        except MusicLSTMError as error:
            raise click.ClickException(one_line(str(error))) from error
        except OSError as error:
            if error.errno not in _REFUSALS or error.filename is None:
                raise
            path = click.format_filename(error.filename)
            words = f"{path}: {error.strerror}; choose another place"
            raise click.ClickException(one_line(words)) from error
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)


def one_line(text: str) -> str:
    r"""A text as one line that a terminal can show: no control characters, no endless words.

    >>> one_line("two\nlines \x1b[31min red")
    'two lines ?[31min red'
    """
    line = " ".join(text.splitlines())
    line = "".join(sign if sign.isprintable() else "?" for sign in line)
    if len(line) > _LONGEST_LINE:
        line = f"{line[: _LONGEST_LINE // 2]} … {line[-_LONGEST_LINE // 2 :]}"
    return line
