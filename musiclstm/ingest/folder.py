"""A folder of music -> a Corpus: every file read once, every failure told, none of them fatal."""

from pathlib import Path

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.batch import (
    MAX_BYTES_WITHOUT_WORKER,
    MusicFile,
    Progress,
    answer,
    load,
    read_all,
)
from musiclstm.ingest.cache import Cache
from musiclstm.ingest.kinds import Kind, kind_of
from musiclstm.ingest.midi.reader import read_midi
from musiclstm.ingest.notation.reader import read_written
from musiclstm.ingest.report import Corpus, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.shelf import StoredReading, corpus_of
from musiclstm.ingest.walk import check_is_music, find_music
from musiclstm.ingest.workers import Task
from musiclstm.score import Score


def read_score(path: str | Path, settings: IngestSettings | None = None) -> Score:
    """Read one file of music.

    Args:
        path: A file of any kind in :data:`musiclstm.ingest.kinds.KINDS`. Of several pieces in it
            the first that can be read is taken; :func:`read_folder` reads them all.
        settings: Grid, pedal and limits.

    Raises:
        MusicLSTMError: If there is no such file, or no reader for its kind.
        UnreadableFileError: If it cannot be read, with the reason.
    """
    score = read_piece(Path(path), settings or IngestSettings()).score
    assert score is not None  # noqa: S101 - a piece that was skipped is an error there
    return score


def read_piece(path: Path, settings: IngestSettings) -> Reading:
    """Read one file of music, and say what was made of it.

    Args:
        path: As for :func:`read_score`, which see for errors too.
        settings: Grid, pedal and limits.
    """
    check_is_music(path)
    try:
        data, _ = load(path, settings)
        kind = kind_of(data, path.suffix)
        if kind is Kind.MIDI and len(data) <= MAX_BYTES_WITHOUT_WORKER:
            readings = _read_bytes(data, path, settings, path.name, "")
        else:  # in a process that can be stopped
            file = MusicFile(path, path.name, "", kind.value)
            (stored,) = read_all([file], read_task, settings, jobs=1, cache=None, progress=None)
            readings = [reading.load() for reading in stored]
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error}", kind=error.kind, fix=error.fix) from error
    for reading in readings:
        if reading.score is not None:
            return reading
    report = readings[0].report
    raise UnreadableFileError(f"{path}: {report.reason}", kind=report.problem, fix=report.fix)


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
        path: Hidden files and folders in it are passed over, files of other kinds are counted;
            links that lead round in circles are followed once. The name of a sub-folder directly
            below it is the style of its pieces.
        settings: Grid, pedal and limits.
        jobs: Worker processes, >= 1; default all cores. Fewer than 8 small MIDI files that were not
            read before are read in this process.
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
    found = find_music(Path(path))
    readings = read_all(
        found.files,
        read_task,
        settings,
        jobs=jobs,
        cache=Cache(settings) if cache else None,
        progress=progress,
    )
    told = [(file.source, of_file) for file, of_file in zip(found.files, readings, strict=True)]
    told += [(report.source, (StoredReading(report),)) for report in found.shut]
    told.sort(key=lambda of_file: of_file[0])
    return corpus_of([reading for _, of_file in told for reading in of_file], found.passed_over)


def read_task(task: Task) -> bytes:
    """Do one task of :func:`read_folder`."""
    return answer(task, _read_bytes)


def _read_bytes(
    data: bytes, path: Path, settings: IngestSettings, source: str, style: str
) -> list[Reading]:
    """Read with the reader for what the file is, whatever it is called."""
    kind = kind_of(data, path.suffix)
    if kind is Kind.MIDI:
        return read_midi(data, settings, source=source, style=style)
    return read_written(data, kind, settings, source=source, style=style)
