"""Opening a file of a stranger's folder: a regular one, inside that folder, and small enough.

Everything that can be wrong with a file becomes a :class:`BundleError` of one line that names the
file, says what is wrong, and what to do.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from musiclstm.errors import BundleError

GET_AGAIN = "get the model again, or train it anew"
_MOST_SHOWN = 300  # characters of a reason: a stranger's names and numbers may be megabytes long


def printable(text: object, limit: int = _MOST_SHOWN) -> str:
    r"""A stranger's words on one line, without control characters, cut to ``limit``.

    >>> printable("a\nb\x1b[2J"), printable("long" * 9, limit=7)
    ('a\\nb\\x1b[2J', 'longlon…')
    """
    words = str(text)
    cut = words[:limit] + "…" * (len(words) > limit)
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in cut
    )


def fault(path: Path, reason: str, advice: str = GET_AGAIN) -> BundleError:
    """The error for a file: where, what, and what to do.

    Args:
        path: The file.
        reason: A verb and what follows it, as ``"is missing"``; may hold a stranger's words.
        advice: What the user can do about it.
    """
    return BundleError(f"{printable(path, 2000)} {printable(reason)}; {advice}")


def damaged(path: Path, reason: object) -> BundleError:
    """The error for a file whose content makes no sense.

    Args:
        path: The file.
        reason: In words, or the error that was met.
    """
    nameless = isinstance(reason, BaseException) and not str(reason)
    return fault(path, f"is damaged: {type(reason).__name__ if nameless else reason}")


@contextmanager
def opened(path: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """Open a file of a bundle for reading.

    Args:
        path: The file. A link is followed only within its folder.
        max_bytes: The largest size that is read.

    Raises:
        BundleError: If it is missing, no regular file, outside its folder, too large, or may not
            be read.
    """
    try:
        _check_place(path)
        # never wait for the other end of a pipe that has taken the file's place meanwhile
        with os.fdopen(_open_without_waiting(path), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise fault(path, "is no file")
            if about.st_size > max_bytes:
                raise fault(path, f"has {about.st_size:,} bytes; at most {max_bytes:,} are read")
            yield file
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise fault(path, reason, "see that you may read it, or get the model again") from error


def _check_place(path: Path) -> None:
    if not os.path.lexists(path):
        raise fault(path, "is missing")
    if not path.is_file():
        raise fault(path, "is no file")
    if path.resolve().parent != path.parent.resolve():
        raise fault(path, "is a link out of its folder")


def _open_without_waiting(path: Path) -> int:
    # Windows has no such pipes, and elsewhere there is no text mode
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
