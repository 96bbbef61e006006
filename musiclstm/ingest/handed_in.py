"""One file that a musician hands in: read so finely that nothing of it moves."""

from dataclasses import dataclass
from pathlib import Path

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.batch import load
from musiclstm.ingest.folder import read_piece
from musiclstm.ingest.midi.texts import opening_texts, own_grid
from musiclstm.ingest.report import FileReport
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.walk import check_is_music
from musiclstm.score import Score

FINEST_GRID = 960
NOTATION_GRID = 480  # exact for 128ths, triplets and quintuplets of them


@dataclass(frozen=True)
class HandedIn:
    """A file as it was handed in.

    Attributes:
        score: Its music; on the file's own grid where that has at most 960 steps a quarter.
        name: The file's name, without folders.
        sha256: Of its bytes, hexadecimal.
        remarks: What reading it changed, in words.
    """

    score: Score
    name: str
    sha256: str
    remarks: tuple[str, ...] = ()


def read_handed_in(path: Path) -> HandedIn:
    """Read a file that is to be gone on with, on the ticks that it counts in itself.

    Args:
        path: A file of any kind that can be read.

    Raises:
        MusicLSTMError: If there is no such file, or it cannot be read.
    """
    data, digest = _load(path)
    grid = min(own_grid(data) or NOTATION_GRID, FINEST_GRID)
    reading = read_piece(path, IngestSettings(steps_per_quarter=grid))
    assert reading.score is not None  # noqa: S101 - a piece that was skipped is an error there
    return HandedIn(reading.score, path.name, digest, _changed(reading.report, grid))


def texts_of(path: Path) -> tuple[str, ...]:
    """What a MIDI file says of itself before its first note."""
    return opening_texts(_load(path)[0])


def _changed(report: FileReport, grid: int) -> tuple[str, ...]:
    """What of a file is not written back as it came, in words."""
    said = [*(repair.words for repair in report.repairs), *report.remarks]
    if report.worst_snap:
        said.append(f"notes are moved to the nearest of {grid} steps a quarter")
    if report.merged:
        said.append(f"struck twice at once in one part, and read as one: {report.merged:,}")
    if report.cut:
        said.append(f"struck again while they sounded, and ended there: {report.cut:,}")
    return tuple(said)


def _load(path: Path) -> tuple[bytes, str]:
    check_is_music(path)
    try:
        return load(path, IngestSettings())
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error}", kind=error.kind, fix=error.fix) from error
