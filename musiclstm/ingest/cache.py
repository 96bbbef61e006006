"""Readings as bytes, and a folder of them, so that no file is read twice.

A cache entry is a fixed head (magic, CRC-32, length of the header), a JSON header, and the note
tables as raw little-endian ``int32``: a few hundred microseconds to open, and nothing in it can
run. The same bytes travel from the worker processes. An entry that is damaged in any way is no
entry.
"""

import hashlib
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.problems import Repaired
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import READER_VERSION, IngestSettings
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score, Tempo

CACHE_VARIABLE = "MUSICLSTM_CACHE"
_MAGIC = b"MLR1"
_HEAD = struct.Struct("<4sII")  # magic, CRC-32 of the rest, length of the JSON header
_ROW_BYTES = 4 * len(Column)


class DamagedEntryError(ValueError):
    """Bytes that are no readings; never shown to a user."""


def pack(readings: Sequence[Reading]) -> bytes:
    """Write readings as bytes; :func:`unpack` undoes it exactly."""
    header = json.dumps(
        [
            {
                "file_hash": reading.file_hash,
                "piece": reading.piece,
                "report": asdict(reading.report),
                "score": None if reading.score is None else _described(reading.score),
            }
            for reading in readings
        ],
        separators=(",", ":"),
    ).encode()
    tables = [
        reading.score.notes.astype("<i4").tobytes()
        for reading in readings
        if reading.score is not None
    ]
    body = b"".join([header, *tables])
    return _HEAD.pack(_MAGIC, zlib.crc32(body), len(header)) + body


def unpack(
    data: bytes, *, source: str | None = None, style: str | None = None
) -> tuple[Reading, ...]:
    """Read what :func:`pack` wrote.

    Args:
        data: The bytes.
        source: Where the file lies now, if not where it lay then.
        style: Its style now; goes with ``source``.

    Raises:
        DamagedEntryError: If these are not the bytes that were written.
    """
    if len(data) < _HEAD.size:
        raise DamagedEntryError("too short")
    magic, checksum, header_size = _HEAD.unpack_from(data)
    if magic != _MAGIC or zlib.crc32(memoryview(data)[_HEAD.size :]) != checksum:
        raise DamagedEntryError("wrong checksum")
    at = _HEAD.size + header_size
    readings = []
    try:
        for entry in json.loads(data[_HEAD.size : at]):
            report, described = entry["report"], entry["score"]
            report["remarks"] = tuple(report["remarks"])
            report["repairs"] = tuple(Repaired(**repair) for repair in report["repairs"])
            if source is not None:
                report["source"] = source + entry["piece"]
            score = None
            if described is not None:
                if source is not None:
                    described["source"], described["style"] = report["source"], style or ""
                count = described.pop("notes")
                table = np.frombuffer(data, "<i4", count * len(Column), at)
                at += count * _ROW_BYTES
                score = _restored(table.reshape(-1, len(Column)), described)
            readings.append(
                Reading(FileReport(**report), score, entry["file_hash"], entry["piece"])
            )
    except (KeyError, TypeError, ValueError, MusicLSTMError) as error:
        raise DamagedEntryError("not what was written") from error
    return tuple(readings)


def with_hash(reading: Reading, file_hash: str) -> Reading:
    """The reading with the hash of its file, which is the content hash where it has none."""
    report = replace(reading.report, content_hash=reading.report.content_hash or file_hash)
    return replace(reading, report=report, file_hash=file_hash)


def _described(score: Score) -> dict[str, Any]:
    """Everything of a score but its notes, as plain values."""
    return {
        "notes": len(score.notes),
        "parts": [[part.program, part.is_drum, part.name] for part in score.parts],
        "steps_per_quarter": score.steps_per_quarter,
        "tempos": [[tempo.step, tempo.bpm] for tempo in score.tempos],
        "meters": [[m.step, m.numerator, m.denominator] for m in score.meter_map.meters],
        "pickup_steps": score.meter_map.pickup_steps,
        "key": None if score.key is None else score.key.index,
        "style": score.style,
        "source": score.source,
        "performed": score.performed,
    }


def _restored(table: "np.ndarray[Any, np.dtype[np.int32]]", described: dict[str, Any]) -> Score:
    """Undo :func:`_described`."""
    key = described["key"]
    return Score(
        table,
        tuple(Part(*part) for part in described["parts"]),
        steps_per_quarter=described["steps_per_quarter"],
        tempos=tuple(Tempo(*tempo) for tempo in described["tempos"]),
        meter_map=MeterMap(
            tuple(Meter(*meter) for meter in described["meters"]), described["pickup_steps"]
        ),
        key=None if key is None else Key.from_index(key),
        style=described["style"],
        source=described["source"],
        performed=described["performed"],
    )


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
        meaning = json.dumps([READER_VERSION, settings.as_dict()], sort_keys=True).encode()
        name = f"readings-{hashlib.sha256(meaning).hexdigest()[:12]}"
        self.folder = (folder or default_cache_dir()) / name

    def _path(self, content_hash: str, suffix: str) -> Path:
        # 256 sub-folders keep each of them short; the suffix decides which reader reads
        return self.folder / content_hash[:2] / f"{content_hash[2:]}{suffix}"

    def load(
        self, content_hash: str, suffix: str, *, source: str, style: str
    ) -> tuple[Reading, ...] | None:
        """The readings of a file, or None where there is no sound entry."""
        try:
            data = self._path(content_hash, suffix).read_bytes()
            return unpack(data, source=source, style=style)
        except (OSError, DamagedEntryError):
            return None

    def store(self, content_hash: str, suffix: str, entry: bytes) -> None:
        """Keep an entry, in one move; where the folder cannot be written, go without."""
        path = self._path(content_hash, suffix)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(entry)
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
