"""One file that a musician hands in: read so finely that nothing of it moves."""

from dataclasses import dataclass
from pathlib import Path

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.batch import load
from musiclstm.ingest.folder import read_score
from musiclstm.ingest.midi.texts import opening_texts, own_grid
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.walk import check_is_music
from musiclstm.score import Score


@dataclass(frozen=True)
class HandedIn:
    """A file as it was handed in.

    Attributes:
        score: Its music; on the file's own grid where that has at most 960 steps a quarter.
        name: The file's name, without folders.
        sha256: Of its bytes, hexadecimal.
    """

    score: Score
    name: str
    sha256: str


def read_handed_in(path: Path, steps_per_quarter: int) -> HandedIn:
    """Read a file that is to be gone on with.

    Args:
        path: A file of any kind that can be read.
        steps_per_quarter: A grid that the score's is to be a multiple of, where it can be.

    Raises:
        MusicLSTMError: If there is no such file, or it cannot be read.
    """
    data, digest = _load(path)
    grid = own_grid(data, steps_per_quarter)
    settings = IngestSettings() if grid is None else IngestSettings(steps_per_quarter=grid)
    return HandedIn(read_score(path, settings), path.name, digest)


def texts_of(path: Path) -> tuple[str, ...]:
    """What a MIDI file says of itself before its first note."""
    return opening_texts(_load(path)[0])


def _load(path: Path) -> tuple[bytes, str]:
    check_is_music(path)
    try:
        return load(path, IngestSettings())
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path}: {error}", kind=error.kind, fix=error.fix) from error
