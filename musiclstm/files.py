"""Where files go: never over an existing one, and never half written."""

import os
import secrets
from pathlib import Path

from musiclstm.errors import RequestError


def free_path(path: Path | str) -> Path:
    """Return ``path``, or where that is taken the next free number beside it.

    Args:
        path: The name that is wished for.

    Returns:
        ``song.mid``, else ``song-2.mid``, ``song-3.mid`` and so on. A dangling link counts as
        taken.
    """
    wished = Path(path)
    candidate, number = wished, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = wished.with_name(f"{wished.stem}-{number}{wished.suffix}")
    return candidate


def atomic_write_bytes(path: Path | str, data: bytes) -> None:
    """Write a file whole or not at all.

    The bytes go to a temporary name in the same folder, which is then renamed: whoever looks at
    ``path`` meanwhile sees the old file or the new one. Missing folders are made.

    Args:
        path: Where to; an existing file is replaced (see :func:`free_path`).
        data: What to write.

    Raises:
        RequestError: If the place cannot be written.
    """
    target = Path(path)
    # not tempfile: its files are private to the user, and the result should follow the umask
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)  # gone already where all went well
    except OSError as error:
        raise RequestError(
            f"cannot write {target}: {error.strerror or error}; choose another place"
        ) from error
