"""Many files -> their readings: from the cache where they were read before, else by workers."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from musiclstm.errors import MusicLSTMError, UnreadableFileError
from musiclstm.ingest.cache import Cache, pack, unpack, with_hash
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.workers import Loss, Task, available_cores, run_tasks

Progress = Callable[[int, int], None]
Reader = Callable[[bytes, Path, IngestSettings, str, str], Sequence[Reading]]

MIN_FILES_FOR_WORKERS = 8  # with fewer, starting a worker (0.6 s) costs more than it saves


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
) -> list[tuple[Reading, ...]]:
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
        The readings of each file, in the order of ``files``.
    """
    readings: dict[int, tuple[Reading, ...]] = {}
    hashes: dict[int, str] = {}

    def done(index: int, result: tuple[Reading, ...]) -> None:
        readings[index] = result
        if progress is not None:
            progress(len(readings), len(files))

    for index, file in enumerate(files):
        if cache is None:
            continue
        try:
            _, hashes[index] = load(file.path, settings)
        except UnreadableFileError as error:
            done(index, (_skipped(file, str(error)),))
            continue
        known = cache.load(hashes[index], file.kind, source=file.source, style=file.style)
        if known is not None:
            done(index, known)
    unread = [index for index in range(len(files)) if index not in readings]
    tasks = [_task(files[index], settings) for index in unread]
    for place, packed in _answers(function, tasks, settings, jobs):
        index = unread[place]
        if isinstance(packed, Loss):
            reason = _loss_in_words(packed, settings)
            done(index, (_skipped(files[index], reason, hashes.get(index, "")),))
            continue
        result = unpack(packed)
        if cache is not None and _read_from(result, hashes[index]):
            cache.store(hashes[index], files[index].kind, packed)
        done(index, result)
    return [readings[index] for index in range(len(files))]


def answer(task: Task, reader: Reader) -> bytes:
    """Read the file of a task, in whichever process this is, and return packed readings.

    Args:
        task: As :func:`read_all` makes it.
        reader: From bytes, path, settings, source and style to readings. Reports without a content
            hash are given that of the file.
    """
    settings = IngestSettings(**task["settings"])
    path, source, style = Path(task["path"]), task["source"], task["style"]
    content_hash = ""
    readings: Sequence[Reading]
    try:
        data, content_hash = load(path, settings)
        readings = reader(data, path, settings, source, style)
    except MusicLSTMError as error:
        readings = [Reading(FileReport(source, reason=str(error)))]
    except Exception as error:  # our fault, but no reason to lose the other files
        kind = f"{type(error).__name__}: {error}"
        reason = f"the reader failed on it ({kind}); please report this, with the file"
        readings = [Reading(FileReport(source, reason=reason))]
    return pack([with_hash(reading, content_hash) for reading in readings])


def load(path: Path, settings: IngestSettings) -> tuple[bytes, str]:
    """Read the bytes of a file, and hash them.

    Raises:
        UnreadableFileError: If it is too large, no file, or not to be opened; the reason alone.
    """
    try:
        if not path.is_file():
            raise UnreadableFileError("it is no ordinary file")
        if path.stat().st_size > settings.max_bytes:
            raise UnreadableFileError(
                f"it is larger than {settings.max_bytes / 1e6:g} MB, which music never is"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be opened ({error.strerror})") from error
    return data, hashlib.sha256(data).hexdigest()


def _read_from(result: tuple[Reading, ...], content_hash: str) -> bool:
    """Whether these readings are of the bytes that were hashed (the file may have changed)."""
    return all(reading.file_hash == content_hash for reading in result)


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
    jobs: int | None,
) -> Iterator[tuple[int, bytes | Loss]]:
    """Have tasks done, here or in worker processes; yield their places and answers."""
    if len(tasks) < MIN_FILES_FOR_WORKERS:
        for place, task in enumerate(tasks):
            yield place, function(task)
        return
    for answered in run_tasks(
        f"{function.__module__}:{function.__name__}",
        tasks,
        jobs=jobs or available_cores(),
        timeout_seconds=settings.timeout_seconds,
    ):
        yield answered.task, answered.answer


def _skipped(file: MusicFile, reason: str, content_hash: str = "") -> Reading:
    return Reading(FileReport(file.source, content_hash, reason))


def _loss_in_words(loss: Loss, settings: IngestSettings) -> str:
    if loss is Loss.TIMED_OUT:
        return f"reading it took longer than {settings.timeout_seconds:g} s"
    return "reading it crashed the reader (out of memory?)"
