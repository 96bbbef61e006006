"""A folder of music -> a Corpus: every file read once, every failure told, none of them fatal."""

import os
from collections.abc import Iterator
from pathlib import Path

from musiclstm.errors import MusicLSTMError, UnreadableFileError
from musiclstm.ingest.batch import MusicFile, Progress, answer, load, read_all
from musiclstm.ingest.cache import Cache
from musiclstm.ingest.midi import MIDI_SUFFIXES, read_midi
from musiclstm.ingest.report import Corpus, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.workers import Task
from musiclstm.score import Score

MUSIC_SUFFIXES = MIDI_SUFFIXES
_KINDS = " ".join(sorted(MUSIC_SUFFIXES))


def read_score(path: str | Path, settings: IngestSettings | None = None) -> Score:
    """Read one file of music.

    Args:
        path: A ``.mid``, ``.midi`` or ``.kar`` file.
        settings: Grid, pedal and limits.

    Raises:
        MusicLSTMError: If there is no such file, or no reader for its kind.
        UnreadableFileError: If it cannot be read, with the reason.
    """
    path, settings = Path(path), settings or IngestSettings()
    _check_is_music(path)
    try:
        data, _ = load(path, settings)
        (reading,) = _read_bytes(data, path, settings, path.name, "")
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error}") from error
    if reading.score is None:
        raise UnreadableFileError(f"{path}: {reading.report.reason}")
    return reading.score


def read_folder(
    path: str | Path,
    *,
    settings: IngestSettings | None = None,
    jobs: int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Corpus:
    """Read a folder of music, and its sub-folders; a single file is a folder of one.

    Args:
        path: Hidden files and folders in it are passed over; links that lead round in circles are
            followed once. The name of a sub-folder directly below it is the style of its pieces.
        settings: Grid, pedal and limits.
        jobs: Worker processes, >= 1; default all cores. Fewer than 8 unread files are read in this
            process.
        cache: Whether files read before, with these settings, are taken from the cache.
        progress: Called with the number of files done and the number of all.

    Returns:
        The scores in the order of their paths, and a report of every file. A file that cannot be
        read is skipped with its reason and never ends the run; if none survives, ``scores`` is
        empty.

    Raises:
        MusicLSTMError: If there is no such folder, or no music file in it.
    """
    settings = settings or IngestSettings()
    readings = read_all(
        _files_of(Path(path)),
        read_task,
        settings,
        jobs=jobs,
        cache=Cache(settings) if cache else None,
        progress=progress,
    )
    return Corpus.of([reading for of_file in readings for reading in of_file])


def read_task(task: Task) -> bytes:
    """Do one task of :func:`read_folder`."""
    return answer(task, _read_bytes)


def _read_bytes(
    data: bytes, path: Path, settings: IngestSettings, source: str, style: str
) -> list[Reading]:
    """Read with the reader for files of this kind; for now all of them are MIDI."""
    if path.suffix.lower() not in MIDI_SUFFIXES:
        raise UnreadableFileError(f"files of the kind {path.suffix} are not read")
    return [read_midi(data, settings, source=source, style=style)]


def _files_of(root: Path) -> list[MusicFile]:
    """List the music files below ``root``, sorted by source."""
    if not root.is_dir():
        _check_is_music(root)
        return [_music_file(root, root.name, "")]
    files = sorted(_walk(root), key=lambda file: file.source)
    if not files:
        raise MusicLSTMError(f"{root} holds no music files; the kinds read are {_KINDS}")
    return files


def _walk(root: Path) -> Iterator[MusicFile]:
    """Yield the music files below ``root``, in no order."""
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        below = Path(folder).relative_to(root)
        style = below.parts[0] if below.parts else ""
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in MUSIC_SUFFIXES:
                yield _music_file(Path(folder, name), (below / name).as_posix(), style)


def _music_file(path: Path, source: str, style: str) -> MusicFile:
    # all kinds of MIDI file are one kind to the cache: .mid, .midi and .kar are read alike
    suffix = path.suffix.lower()
    return MusicFile(path, source, style, ".mid" if suffix in MIDI_SUFFIXES else suffix)


def _check_is_music(path: Path) -> None:
    """Refuse a path that is no music file."""
    if not path.exists():
        raise MusicLSTMError(f"{path} does not exist; give a folder of music or a music file")
    if path.is_dir():
        raise MusicLSTMError(f"{path} is a folder; give one music file ({_KINDS})")
    if path.suffix.lower() not in MUSIC_SUFFIXES:
        raise MusicLSTMError(f"{path} is no music file; the kinds read are {_KINDS}")
