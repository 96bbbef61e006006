"""Many files -> their readings: from the cache where they were read before, else by workers."""

import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.cache import Cache
from musiclstm.ingest.kinds import Kind, kind_of
from musiclstm.ingest.packed import DamagedEntryError, Record, pack, records
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.shelf import Shelf, StoredReading
from musiclstm.ingest.workers import Loss, Task, available_cores, run_tasks

Progress = Callable[[int, int], None]
Reader = Callable[[bytes, Path, IngestSettings, str, str], Sequence[Reading]]

# Starting a worker takes 0.6 s, and a small MIDI file is read in milliseconds however hostile it
# is; a large one, or one that music21 must parse, is read where it can be stopped.
MIN_FILES_FOR_WORKERS = 8
MAX_BYTES_WITHOUT_WORKER = 1_000_000

_LOSSES: Mapping[Loss, Problem] = {
    Loss.TIMED_OUT: Problem.TOO_SLOW,
    Loss.TOO_BIG: Problem.TOO_BIG,
    Loss.DIED: Problem.CRASHED,
}


@dataclass(frozen=True)
class MusicFile:
    """One file to read.

    Attributes:
        path: Where it lies.
        source: What its pieces are called, with ``/``.
        style: Name of the style; may be empty.
        kind: What decides how it is read; a cache entry of one kind is none of another.
    """

    path: Path
    source: str
    style: str
    kind: str


def read_all(
    files: Sequence[MusicFile],
    function: Callable[[Task], bytes],
    settings: IngestSettings,
    *,
    jobs: int | None,
    cache: Cache | None,
    progress: Progress | None,
) -> list[tuple[StoredReading, ...]]:
    """Read files; every failure is told and none is fatal.

    Args:
        files: What to read.
        function: From a task to packed readings; a function of a module, since workers find it by
            its name. See :func:`answer`.
        settings: Grid, pedal and limits.
        jobs: Worker processes, >= 1; default all cores.
        cache: Where readings are kept, if anywhere.
        progress: Called with the number of files done and the number of all.

    Returns:
        The readings of each file, in the order of ``files``; their scores stay on disk.
    """
    readings: dict[int, tuple[StoredReading, ...]] = {}
    unread: dict[int, str] = {}  # index -> content hash
    in_workers, shelf = False, Shelf()

    def done(index: int, result: tuple[StoredReading, ...]) -> None:
        readings[index] = result
        if progress is not None:
            progress(len(readings), len(files))

    for index, file in enumerate(files):
        try:
            data, content_hash = load(file.path, settings)
        except UnreadableFileError as error:
            done(index, (_skipped(file, error),))
            continue
        known = _remembered(file, content_hash, cache)
        if known is not None:
            done(index, known)
            continue
        unread[index] = content_hash
        in_workers |= not _is_quick(data, file)
    in_workers |= len(unread) >= MIN_FILES_FOR_WORKERS
    indices = list(unread)
    tasks = [_task(files[index], settings) for index in indices]
    jobs = (jobs or available_cores()) if in_workers else 0
    for number, packed in _answers(function, tasks, settings, jobs):
        index = indices[number]
        file, content_hash = files[index], unread[index]
        if isinstance(packed, Loss):
            done(index, (_skipped(file, _LOSSES[packed].error(), content_hash),))
        else:
            done(index, _kept(file, content_hash, packed, cache, shelf))
    return [readings[index] for index in range(len(files))]


def answer(task: Task, reader: Reader) -> bytes:
    """Read the file of a task, in whichever process this is, and return packed readings.

    Args:
        task: As :func:`read_all` makes it.
        reader: From bytes, path, settings, source and style to readings. Reports without a content
            hash are given that of the file. What is packed bears no names, so that files of one
            content have one cache entry, byte for byte, whoever writes it last.
    """
    settings = IngestSettings(**task["settings"])
    path, source, style = Path(task["path"]), task["source"], task["style"]
    content_hash = ""
    readings: Sequence[Reading]
    try:
        data, content_hash = load(path, settings)
        readings = reader(data, path, settings, source, style)
    except UnreadableFileError as error:
        readings = [Reading(FileReport.skipped(source, error))]
    except MemoryError:
        raise  # the worker is given up, and the file with it
    except Exception as error:  # our fault, but no reason to lose the other files
        failed = Problem.READER_FAILED.error(f"{type(error).__name__}: {error}")
        readings = [Reading(FileReport.skipped(source, failed))]
    return pack([reading.completed(content_hash).nameless() for reading in readings])


def load(path: Path, settings: IngestSettings) -> tuple[bytes, str]:
    """Read the bytes of a file, and hash them.

    Raises:
        UnreadableFileError: If it is too large, no file, or not to be opened; the reason alone.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, for ever
            raise Problem.NO_FILE.error()
        if status.st_size > settings.max_bytes:
            raise Problem.TOO_LARGE.error(f"{status.st_size:,} bytes, of {settings.max_bytes:,}")
        with path.open("rb") as file:
            data = file.read(settings.max_bytes + 1)  # it may have grown, or have lied
    except FileNotFoundError as error:
        raise Problem.NO_FILE.error("a link that leads nowhere") from error
    except OSError as error:
        raise Problem.NO_PERMISSION.error(error.strerror or str(error)) from error
    if len(data) > settings.max_bytes:
        raise Problem.TOO_LARGE.error(f"more than {settings.max_bytes:,} bytes")
    return data, hashlib.sha256(data).hexdigest()


def _is_quick(data: bytes, file: MusicFile) -> bool:
    """Whether a file is read in no time, whatever is in it."""
    try:
        is_midi = kind_of(data, file.path.suffix) is Kind.MIDI
    except UnreadableFileError:  # nor will it be read at all
        return True
    return is_midi and len(data) <= MAX_BYTES_WITHOUT_WORKER


def _remembered(
    file: MusicFile, content_hash: str, cache: Cache | None
) -> tuple[StoredReading, ...] | None:
    """The readings of a file that was read before."""
    entry = cache.load(content_hash, file.kind) if cache is not None else None
    if cache is None or entry is None:
        return None
    try:
        found = records(entry, source=file.source)
    except DamagedEntryError:  # as good as none: the file is read anew
        return None
    place = cache.path(content_hash, file.kind)
    return tuple(StoredReading.of(record, file.style, place) for record in found)


def _kept(
    file: MusicFile, content_hash: str, packed: bytes, cache: Cache | None, shelf: Shelf
) -> tuple[StoredReading, ...]:
    """Put what was just read where it is found again."""
    found = records(packed, source=file.source)
    lasting = cache is not None and _is_lasting(found, content_hash)
    if cache is not None and lasting and cache.store(content_hash, file.kind, packed):
        place = cache.path(content_hash, file.kind)
        return tuple(StoredReading.of(record, file.style, place) for record in found)
    begin = shelf.put(packed)
    return tuple(StoredReading.of(record, file.style, shelf, begin) for record in found)


def _is_lasting(found: Sequence[Record], content_hash: str) -> bool:
    """Whether this is what any later reading of the bytes that were hashed would find.

    The file may have changed while it was read, and a fault of ours may be mended.
    """
    return all(
        record.file_hash == content_hash and record.report.problem != Problem.READER_FAILED.name
        for record in found
    )


def _task(file: MusicFile, settings: IngestSettings) -> Task:
    return {
        "path": str(file.path),
        "source": file.source,
        "style": file.style,
        "settings": settings.as_dict(),
    }


def _answers(
    function: Callable[[Task], bytes],
    tasks: list[Task],
    settings: IngestSettings,
    jobs: int,
) -> Iterator[tuple[int, bytes | Loss]]:
    """Have tasks done, by ``jobs`` processes or (0) here; yield their places and answers."""
    if not jobs:
        for number, task in enumerate(tasks):
            yield number, function(task)
        return
    for answered in run_tasks(
        f"{function.__module__}:{function.__name__}",
        tasks,
        jobs=jobs,
        timeout_seconds=settings.timeout_seconds,
        max_memory=settings.max_memory,
    ):
        yield answered.task, answered.answer


def _skipped(file: MusicFile, error: UnreadableFileError, content_hash: str = "") -> StoredReading:
    report = FileReport.skipped(file.source, error, content_hash)
    return StoredReading(replace(report, style=file.style))
