"""A folder of packed readings, by content hash, so that no file is read twice.

An entry is a file that is renamed into place whole, so that a run killed at any moment leaves none
that is half written. It may be deleted at any time: the folder is a cache, and nothing else.
"""

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from musiclstm.ingest.settings import READER_VERSION, IngestSettings

CACHE_VARIABLE = "MUSICLSTM_CACHE"
_UNFINISHED = "unfinished"  # sub-folder of what is being written
_ABANDONED_SECONDS = 3600.0  # older than any writing takes: left by a run that was killed


def default_cache_dir() -> Path:
    """``$MUSICLSTM_CACHE``, else the user's cache folder for this program."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where nothing is chosen

    return user_cache_path("musiclstm", appauthor=False)


class Cache:
    """Entries by content hash, for one set of settings and one version of the readers.

    Args:
        settings: What changes readings is part of the folder's name.
        folder: Where; default :func:`default_cache_dir`.
    """

    def __init__(self, settings: IngestSettings, folder: Path | None = None) -> None:
        meaning = json.dumps([READER_VERSION, settings.meaning()], sort_keys=True).encode()
        name = f"readings-{hashlib.sha256(meaning).hexdigest()[:12]}"
        self.folder = (folder or default_cache_dir()) / name
        self._sweep()

    def path(self, content_hash: str, kind: str) -> Path:
        """Where the entry of a file is, or would be.

        Args:
            content_hash: SHA-256 of the file, in hex.
            kind: Which reader reads it.
        """
        # 256 sub-folders keep each of them short
        return self.folder / content_hash[:2] / f"{content_hash[2:]}{kind}"

    def load(self, content_hash: str, kind: str) -> bytes | None:
        """The entry of a file, or None where there is none."""
        try:
            return self.path(content_hash, kind).read_bytes()
        except OSError:
            return None

    def store(self, content_hash: str, kind: str, entry: bytes) -> bool:
        """Keep an entry; tell whether that was possible."""
        path = self.path(content_hash, kind)
        temporary = self.folder / _UNFINISHED / secrets.token_hex(8)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.parent.mkdir(exist_ok=True)
            try:
                temporary.write_bytes(entry)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            return True
        return False

    def _sweep(self) -> None:
        """Remove what killed runs have left."""
        with suppress(OSError):
            for path in (self.folder / _UNFINISHED).iterdir():
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink(missing_ok=True)
