"""Readings as bytes: how they travel from a worker, and how they lie in the cache.

One record a piece, one after the other: a fixed head (magic, CRC-32 of the rest, how many records
there are in all, length of header and of table), a JSON header, and the note table as raw
little-endian ``int32``. A piece can be read without those beside it, in a few hundred microseconds,
and nothing in it can run. Bytes that are damaged in any way are no readings.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.problems import Repaired
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score, Tempo

_MAGIC = b"MLR2"
_HEAD = struct.Struct("<4sIIII")  # magic, CRC-32, records in all, bytes of header and of table


class DamagedEntryError(ValueError):
    """Bytes that are no readings; never shown to a user."""


@dataclass(frozen=True)
class Record:
    """One piece within packed readings.

    Attributes:
        at: Where its record begins.
        size: Bytes of its record.
        report: What became of the piece.
        has_score: Whether there is music to :func:`unpack`.
        piece: What its source adds to the file's, where a file holds several pieces.
        file_hash: SHA-256 of the bytes of the file it stood in.
    """

    at: int
    size: int
    report: FileReport
    has_score: bool
    piece: str
    file_hash: str


def pack(readings: Sequence[Reading]) -> bytes:
    """Write readings as bytes; :func:`records` and :func:`unpack` undo it exactly."""
    return b"".join(_packed(reading, len(readings)) for reading in readings)


def records(data: bytes, *, source: str | None = None) -> tuple[Record, ...]:
    """List what :func:`pack` wrote, without making the scores.

    Args:
        data: The bytes.
        source: Where the file lies now, if not where it lay then.

    Raises:
        DamagedEntryError: If these are not the bytes that were written.
    """
    found = tuple(_records(data, source))
    if not found:
        raise DamagedEntryError("empty")
    return found


def unpack(record: bytes, *, source: str | None = None, style: str | None = None) -> Reading:
    """Read one record, with its score.

    Args:
        record: The ``size`` bytes from ``at`` on of a :class:`Record`.
        source: Where the piece lies now, if not where it lay then.
        style: Its style now, if not what it was then.

    Raises:
        DamagedEntryError: If these are not the bytes that were written.
    """
    ((header, _, _, table),) = _headers(record)
    report, described, score = _report(header), header["score"], None
    if source is not None:
        report = replace(report, source=source)
    try:
        if described is not None:
            described["source"] = report.source
            described["style"] = described["style"] if style is None else style
            score = _restored(table, described)
    except (KeyError, TypeError, ValueError, MusicLSTMError) as error:
        raise DamagedEntryError("not what was written") from error
    return Reading(report, score, header["file_hash"], header["piece"])


def _packed(reading: Reading, count: int) -> bytes:
    score = reading.score
    header = json.dumps(
        {
            "file_hash": reading.file_hash,
            "piece": reading.piece,
            "report": asdict(reading.report),
            "score": None if score is None else _described(score),
        },
        separators=(",", ":"),
    ).encode()
    table = b"" if score is None else score.notes.astype("<i4").tobytes()
    body = header + table
    return _HEAD.pack(_MAGIC, zlib.crc32(body), count, len(header), len(table)) + body


def _headers(data: bytes) -> Iterator[tuple[dict[str, Any], int, int, npt.NDArray[np.int32]]]:
    """Yield header, place, size and table of each record; check the bytes, not their meaning."""
    view, at = memoryview(data), 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise DamagedEntryError("too short")
        magic, checksum, _, header_size, table_size = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size
        end = begin + header_size + table_size
        if magic != _MAGIC or end > len(data) or zlib.crc32(view[begin:end]) != checksum:
            raise DamagedEntryError("wrong checksum")
        table = np.frombuffer(data, "<i4", table_size // 4, begin + header_size)
        try:
            header = json.loads(data[begin : begin + header_size])
            yield header, at, end - at, table.reshape(-1, len(Column))
        except ValueError as error:
            raise DamagedEntryError("not what was written") from error
        at = end


def _records(data: bytes, source: str | None) -> Iterator[Record]:
    counts = []
    for header, at, size, _ in _headers(data):
        counts.append(_HEAD.unpack_from(data, at)[2])
        report = _report(header)
        if source is not None:
            report = replace(report, source=source + header["piece"])
        yield Record(
            at, size, report, header["score"] is not None, header["piece"], header["file_hash"]
        )
    if any(count != len(counts) for count in counts):
        raise DamagedEntryError("records are missing")


def _report(header: dict[str, Any]) -> FileReport:
    try:
        values = header["report"]
        return FileReport(
            **{
                **values,
                "remarks": tuple(values["remarks"]),
                "repairs": tuple(Repaired(**repair) for repair in values["repairs"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise DamagedEntryError("not what was written") from error


def _described(score: Score) -> dict[str, Any]:
    """Everything of a score but its notes, as plain values."""
    return {
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


def _restored(table: npt.NDArray[np.int32], described: dict[str, Any]) -> Score:
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
