"""The bytes of a MIDI file -> one table of its events, read through music21's event layer.

Conventions: a tick is an integer since the beginning of the piece. A *bus* is a MIDI channel of
one port, ``16 * port + channel`` with the channel 0-15; pedal and program belong to the bus
whichever track they stand in, as on a synthesiser.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from musiclstm.errors import UnreadableFileError

MAX_TICK = 2**38  # what fits beside the rest of an event in 63 bits; 140 years at 120 bpm
DRUM_CHANNEL = 9  # channel 10 as musicians count
_CHUNK_HEADER = 8


class Kind(IntEnum):
    """What an event does; ``first`` and ``second`` are its data bytes."""

    OFF = 0  # pitch, velocity
    ON = 1  # pitch, velocity > 0
    PEDAL = 2  # 64, position
    PROGRAM = 3  # program, 0


@dataclass(frozen=True)
class EventTable:
    """The events of a file that matter to a Score, in file order: track by track.

    Attributes:
        ticks_per_quarter: The file's own grid, >= 1.
        tick, track, bus, kind, first, second: Columns, ``int64`` of shape ``(n,)``.
        names: The name of each track, perhaps empty.
        track_ends: The tick of each track's last event, ``int64``.
        metas: ``(tick, meta type, data)`` of tempos, meters and keys, in order of time.
    """

    ticks_per_quarter: int
    tick: npt.NDArray[np.int64]
    track: npt.NDArray[np.int64]
    bus: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    names: tuple[str, ...]
    track_ends: npt.NDArray[np.int64]
    metas: tuple[tuple[int, int, bytes], ...]


def read_events(data: bytes, max_notes: int) -> EventTable:
    """Read the events of a MIDI file.

    Args:
        data: The whole file; a RIFF wrapper (``.rmi``) is taken off.
        max_notes: More note-ons than this are refused.

    Raises:
        UnreadableFileError: With a reason a musician understands.
    """
    from musiclstm.ingest.messages import read_track, ticks_per_quarter  # noqa: PLC0415 - music21

    data = _unwrapped(data)
    n_tracks = _check_header(data)
    tracks = []
    room = max_notes
    for number, chunk in enumerate(_track_chunks(data, n_tracks), start=1):
        tracks.append(read_track(chunk, number, room))
        room -= tracks[-1].notes
    if room == max_notes:
        raise UnreadableFileError("it holds no notes")
    lengths = [len(track.packed) for track in tracks]
    packed = np.fromiter(
        (event for track in tracks for event in track.packed), np.int64, count=sum(lengths)
    )
    track_of = np.repeat(np.arange(len(tracks), dtype=np.int64), lengths)
    port_of = np.repeat(np.array([track.port for track in tracks], np.int64), lengths)
    kind = packed >> 16 & 0x7
    first = packed >> 8 & 0xFF
    bad = np.flatnonzero((first > 127) & (kind <= Kind.ON))
    if bad.size:
        row = bad[0]
        raise UnreadableFileError(f"track {track_of[row] + 1} is damaged: pitch {first[row]}")
    return EventTable(
        ticks_per_quarter=ticks_per_quarter(data[:4] + b"\0\0\0\x06" + data[8:14]),
        tick=packed >> 23,
        track=track_of,
        bus=(packed >> 19 & 0xF) + 16 * port_of,
        kind=kind,
        first=first,
        second=packed & 0xFF,
        names=tuple(track.name for track in tracks),
        track_ends=np.array([track.end for track in tracks], np.int64),
        metas=tuple(
            sorted((meta for track in tracks for meta in track.metas), key=lambda meta: meta[0])
        ),
    )


def _unwrapped(data: bytes) -> bytes:
    """Take the RIFF wrapper off, where there is one."""
    if not data:
        raise UnreadableFileError("the file is empty")
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    at = 12
    while at + _CHUNK_HEADER <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            return data[at + 8 : at + 8 + size]
        at += _CHUNK_HEADER + size + size % 2  # RIFF chunks are padded to even lengths
    raise UnreadableFileError("it is a RIFF file without MIDI in it")


def _check_header(data: bytes) -> int:
    """Refuse what is no MIDI file of beats; return the number of tracks."""
    if data[:4] != b"MThd":
        raise UnreadableFileError("it is not a MIDI file (no MThd at its beginning)")
    if len(data) < 14:
        raise UnreadableFileError("the file is cut off in its header")
    midi_format, n_tracks, division = (
        int.from_bytes(data[at : at + 2], "big") for at in (8, 10, 12)
    )
    if midi_format > 1:
        raise UnreadableFileError(
            f"it is MIDI of type {midi_format} (loose patterns); save it as type 0 or 1"
        )
    if division & 0x8000:
        raise UnreadableFileError(
            "its time is counted in film frames (SMPTE), not in beats; save it with ticks a quarter"
        )
    if division == 0:
        raise UnreadableFileError("its header says that a quarter note has 0 ticks")
    return n_tracks


def _track_chunks(data: bytes, n_tracks: int) -> Iterator[bytes]:
    """Yield the bytes of each track; chunks of other kinds are passed over, as MIDI demands."""
    at = _CHUNK_HEADER + int.from_bytes(data[4:8], "big")
    found = 0
    while found < n_tracks and at + _CHUNK_HEADER <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            found += 1
            if at + _CHUNK_HEADER + size > len(data):
                raise UnreadableFileError(f"the file is cut off in track {found} of {n_tracks}")
            yield data[at + _CHUNK_HEADER : at + _CHUNK_HEADER + size]
        at += _CHUNK_HEADER + size
    if found < n_tracks:
        raise UnreadableFileError(f"the file is cut off after track {found} of {n_tracks}")
