"""Where readings lie until somebody wants them: in the cache, else in a temporary file.

A corpus may be larger than memory, so only the reports are held; a score is read from disk each
time that it is asked for, in some hundred microseconds.
"""

import operator
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, overload

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.packed import Record, unpack
from musiclstm.ingest.report import Corpus, FileReport, IngestReport, Reading
from musiclstm.score import Score


class Shelf:
    """A temporary file of packed readings; it vanishes with the process, however that ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()  # one file position, and batches are made in a thread

    def put(self, entry: bytes) -> int:
        """Keep packed readings, and return where they begin."""
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="musiclstm-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            try:
                at = self._file.seek(0, 2)
                self._file.write(entry)
                self._file.flush()
            except OSError as error:
                raise MusicLSTMError(
                    f"no room for what was read in {tempfile.gettempdir()} ({error.strerror}); "
                    "free some, or let TMPDIR name another folder"
                ) from error
            return at

    def get(self, at: int, size: int) -> bytes:
        """Read ``size`` bytes from ``at`` on."""
        with self._lock:
            assert self._file is not None  # noqa: S101 - nothing was put, nothing is asked for
            self._file.seek(at)
            return self._file.read(size)


@dataclass(frozen=True)
class StoredReading:
    """A :class:`Reading` whose score is on disk.

    Attributes:
        report: What became of the piece.
        place: The cache entry or shelf that holds its record; None where there is no music.
        at: Where the record begins, in bytes.
        size: How long it is, in bytes.
        has_score: Whether there is music in it.
    """

    report: FileReport
    place: Path | Shelf | None = None
    at: int = 0
    size: int = 0
    has_score: bool = False

    @classmethod
    def of(cls, record: Record, style: str, place: Path | Shelf, begin: int = 0) -> "StoredReading":
        """Point at a record of an entry that begins at ``begin`` of ``place``."""
        report = replace(record.report, style=style)
        return cls(report, place, begin + record.at, record.size, record.has_score)

    def load(self) -> Reading:
        """Read it.

        Raises:
            MusicLSTMError: If the cache was changed meanwhile.
        """
        if self.place is None or not self.has_score:
            return Reading(self.report)
        try:
            record, report = self._bytes(self.place), self.report
            return unpack(record, source=report.source, style=report.style)
        except (OSError, ValueError) as error:
            raise MusicLSTMError(
                f"{self.place} was changed or removed while it was in use; run this again"
            ) from error

    def _bytes(self, place: Path | Shelf) -> bytes:
        if isinstance(place, Shelf):
            return place.get(self.at, self.size)
        with place.open("rb") as file:
            file.seek(self.at)
            return file.read(self.size)


class StoredScores(Sequence[Score]):
    """The scores of readings, each read from disk whenever it is asked for.

    Args:
        readings: Those that have a score.
    """

    def __init__(self, readings: Sequence[StoredReading]) -> None:
        self._readings = readings

    def __len__(self) -> int:
        return len(self._readings)

    @overload
    def __getitem__(self, index: int) -> Score: ...
    @overload
    def __getitem__(self, index: slice) -> "StoredScores": ...
    def __getitem__(self, index: int | slice) -> "Score | StoredScores":
        if isinstance(index, slice):
            return StoredScores(self._readings[index])
        score = self._readings[index].load().score
        assert score is not None  # noqa: S101 - only such readings are here
        return score

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    # as with a list, equality is of what is in it
    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Score]:
        return (self[index] for index in range(len(self)))


def corpus_of(readings: Sequence[StoredReading], passed_over: Mapping[str, int]) -> Corpus:
    """Gather readings, in their order, their scores left on disk.

    Args:
        readings: Of every file.
        passed_over: How many files of other kinds there were, by suffix.
    """
    kept = [reading for reading in readings if reading.report.kept]
    report = IngestReport(tuple(reading.report for reading in readings), passed_over)
    return Corpus(StoredScores(kept), report)
