"""A folder -> the music files in it, and everything else by count, so that nothing is lost unsaid.

Links to folders are followed, each folder once. Hidden files and folders are passed over without a
word.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.batch import MusicFile
from musiclstm.ingest.kinds import KINDS
from musiclstm.ingest.names import numbered, printable
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport

SUFFIXES_IN_WORDS = " ".join(sorted(KINDS))
NO_SUFFIX = "without suffix"


@dataclass(frozen=True)
class Found:
    """What lies in a folder.

    Attributes:
        files: The music files, sorted by source.
        shut: A report of each folder that could not be opened.
        passed_over: How many files of other kinds there are, by suffix, the commonest first.
    """

    files: tuple[MusicFile, ...]
    shut: tuple[FileReport, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)


def find_music(root: Path) -> Found:
    """List the music files below a folder; a file is a folder of one.

    Args:
        root: A folder or a music file.

    Raises:
        MusicLSTMError: If it does not exist, cannot be opened, or holds no music.
    """
    if not os.path.isdir(root):  # noqa: PTH112 - pathlib raises where a folder above is shut
        check_is_music(root)
        return Found((music_file(root, root.name, ""),))
    files: list[MusicFile] = []
    shut: list[FileReport] = []
    others: Counter[str] = Counter()
    for path, error in _walk(root):
        below = path.relative_to(root)
        source = printable(below.as_posix())
        if error is not None:
            words = error.strerror or str(error)
            if path == root:
                raise MusicLSTMError(f"{root} cannot be opened: {words}")
            shut.append(FileReport.skipped(f"{source}/", Problem.NO_PERMISSION.error(words)))
        elif path.suffix.lower() in KINDS:
            style = printable(below.parts[0]) if len(below.parts) > 1 else ""
            files.append(music_file(path, source, style))
        else:
            others[path.suffix.lower() or NO_SUFFIX] += 1
    if not files and not shut:
        raise MusicLSTMError(f"{root} holds no music files; the kinds read are {SUFFIXES_IN_WORDS}")
    files.sort(key=lambda file: (file.source, os.fspath(file.path)))
    # two names that differ in what cannot be printed may be printed alike
    sources = numbered((file.source for file in files), same=str)
    named = tuple(
        MusicFile(file.path, source, file.style, file.kind)
        for file, source in zip(files, sources, strict=True)
    )
    return Found(named, tuple(shut), dict(others.most_common()))


def _walk(root: Path) -> Iterator[tuple[Path, OSError | None]]:
    """Yield the files below ``root``, and the folders that cannot be opened, with the error.

    ``os.walk`` says nothing of those, and (before Python 3.12) cannot go deeper than the call
    stack.
    """
    seen: set[str] = set()
    folders = [root]
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            continue
        seen.add(real)
        try:
            inside = sorted(_entries(folder))
        except OSError as error:
            yield folder, error
            continue
        yield from ((path, None) for path, is_folder in inside if not is_folder)
        # the last is the next: folders come in the order of their names
        folders += [path for path, is_folder in reversed(inside) if is_folder]


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """What lies in a folder, unless hidden, and whether it is a folder itself."""
    with os.scandir(folder) as entries:
        return [
            (Path(entry.path), _is_folder(entry))
            for entry in entries
            if not entry.name.startswith(".")
        ]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to where nobody may look: reported when it is to be read
        return False


def music_file(path: Path, source: str, style: str) -> MusicFile:
    """Describe one file; its kind is what its name says, and readers look again.

    Args:
        path: Where it lies, with a suffix of :data:`musiclstm.ingest.kinds.KINDS`.
        source: What its pieces are called.
        style: Name of the style.
    """
    # .mid, .midi and .kar are one kind to the cache: they are read alike
    return MusicFile(path, source, style, KINDS[path.suffix.lower()].value)


def check_is_music(path: Path) -> None:
    """Refuse a path that is no music file by its name.

    Raises:
        MusicLSTMError: Saying what it is.
    """
    try:
        exists, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise MusicLSTMError(f"{path} cannot be opened: {error.strerror or error}") from error
    if not exists:
        raise MusicLSTMError(f"{path} does not exist; give a folder of music or a music file")
    if is_folder:
        raise MusicLSTMError(f"{path} is a folder; give one music file ({SUFFIXES_IN_WORDS})")
    if path.suffix.lower() not in KINDS:
        raise MusicLSTMError(f"{path} is no music file; the kinds read are {SUFFIXES_IN_WORDS}")
