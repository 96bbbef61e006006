"""The bytes of a MIDI file -> tables of its events, read through music21's event layer.

Conventions: a tick is an integer since the beginning of the piece. A *bus* is a MIDI channel of
one port, ``16 * port + channel`` with the channel 0-15; pedal and program belong to the bus
whichever track they stand in, as on a synthesiser.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from musiclstm.ingest.midi.chunks import (
    MAX_TRACKS,
    Chunk,
    Division,
    Header,
    read_header,
    track_chunks,
    unwrapped,
)
from musiclstm.ingest.midi.track import Limits, Track
from musiclstm.ingest.problems import Findings, Problem, Repair, Repaired
from musiclstm.score.notes import MAX_PARTS

MAX_QUARTERS = 100_000  # 14 hours at 120 bpm: the longest opera cycle; Problem.TOO_LONG says it
DRUM_CHANNEL = 9  # channel 10 as musicians count
# Messages that are read at most, 1.2 million at the default max_notes: a note has two, and in real
# music seldom more than two controllers beside them. It takes four seconds.
_MESSAGES_A_NOTE = 4
_MESSAGES_WITHOUT_NOTES = 400_000


@dataclass(frozen=True)
class EventTable:
    """The events of a piece that matter to a Score, in file order: track by track.

    Attributes:
        ticks_per_quarter: The file's own grid, >= 1.
        tick, track, bus, kind, first, second: Columns, ``int64`` of shape ``(n,)``.
        names: The name of each track, perhaps empty.
        track_ends: The tick after which nothing of each track sounds, ``int64``.
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


@dataclass(frozen=True)
class MidiContents:
    """What a MIDI file holds.

    Attributes:
        pieces: Each with what its source adds to the file's, and its events: one piece, named "",
            or the patterns of a file of type 2 that have notes, named "#1" by their track.
        has_beats: Whether its ticks are parts of a beat; else a quarter is half a second.
        repairs: What was put right.
    """

    pieces: tuple[tuple[str, EventTable], ...]
    has_beats: bool
    repairs: tuple[Repaired, ...]


def read_events(data: bytes, max_notes: int) -> MidiContents:
    """Read the events of a MIDI file, as far as it can be read.

    Args:
        data: The whole file.
        max_notes: More note-ons than this are refused.

    Raises:
        UnreadableFileError: With a reason a musician understands.
    """
    found = Findings()
    data = unwrapped(data, found)
    header = read_header(data, found)
    tracks = _read_tracks(data, header, max_notes, found)
    sounding = [track for track in tracks if track.notes]
    if not sounding:
        detail = "; ".join(repair.words for repair in found.repaired)
        if header.midi_type > 2:
            raise Problem.UNKNOWN_TYPE.error(f"type {header.midi_type:,}")
        raise Problem.NO_NOTES.error(detail)
    if header.midi_type > 2:
        found.note(Repair.UNKNOWN_TYPE, f"type {header.midi_type:,}")
    if not header.division.has_beats:
        found.note(Repair.FILM_FRAMES)
    if header.midi_type == 2:
        if len(sounding) > MAX_PARTS:
            raise Problem.TOO_MANY_PARTS.error(f"{len(sounding):,} patterns")
        found.note(Repair.PATTERNS, f"{len(sounding):,}")
        pieces = [(f"#{track.number}", [track]) for track in sounding]
    else:
        pieces = [("", tracks)]
    return MidiContents(
        tuple((name, _table(members, header.division)) for name, members in pieces),
        header.division.has_beats,
        found.repaired,
    )


def _read_tracks(data: bytes, header: Header, max_notes: int, found: Findings) -> list[Track]:
    """Read the tracks, without those that hold nothing of interest."""
    from musiclstm.ingest.midi.messages import read_track  # noqa: PLC0415 - music21

    division = header.division
    quarter = -(-division.ticks_per_quarter // division.scale)
    limits = Limits(
        tick=MAX_QUARTERS * quarter,
        quarter=quarter,
        notes=max_notes,
        messages=_MESSAGES_WITHOUT_NOTES + _MESSAGES_A_NOTE * max_notes,
    )
    tracks = []
    number = 0
    chunks = islice(track_chunks(data, header.end, found), MAX_TRACKS)
    for number, chunk in enumerate(chunks, start=1):
        track = read_track(chunk.content, number, limits, found)
        _note_damage(track, chunk, quarter, found)
        if track.packed or track.metas:
            tracks.append(track)
    if number < header.tracks:
        found.note(Repair.TRACKS_MISSING, f"{number:,} of {header.tracks:,}")
    if number > header.tracks:
        found.note(Repair.TRACKS_EXTRA, f"{number:,}, not {header.tracks:,}")
    return tracks


def _note_damage(track: Track, chunk: Chunk, quarter: int, found: Findings) -> None:
    """Say where a track broke off, or how its end was found."""
    place = f"track {track.number}"
    ended = track.left >= 0
    if track.broken_at >= 0 or (chunk.is_last and not chunk.whole and not ended):
        last = track.end if track.broken_at < 0 else track.broken_at
        found.note(Repair.CUT_OFF, f"{place}, after {last / quarter:.4g} quarters")
    elif not chunk.whole:
        found.note(Repair.CHUNK_LENGTH, place)
    elif track.left > 0:
        found.note(Repair.JUNK_AFTER, place, count=track.left)


def _table(tracks: Sequence[Track], division: Division) -> EventTable:
    """Lay tracks one after the other."""
    lengths = [len(track.packed) for track in tracks]
    packed = np.concatenate([np.asarray(track.packed, np.int64) for track in tracks])
    metas = [
        (tick * division.scale, kind, content)
        for track in tracks
        for tick, kind, content in track.metas
    ]
    port_of = np.repeat(np.array([track.port for track in tracks], np.int64), lengths)
    return EventTable(
        ticks_per_quarter=division.ticks_per_quarter,
        tick=(packed >> 23) * division.scale,
        track=np.repeat(np.arange(len(tracks), dtype=np.int64), lengths),
        bus=(packed >> 19 & 0xF) + 16 * port_of,
        kind=packed >> 16 & 0x7,
        first=packed >> 8 & 0xFF,
        second=packed & 0xFF,
        names=tuple(track.name for track in tracks),
        track_ends=np.array([track.end for track in tracks], np.int64) * division.scale,
        metas=tuple(sorted(metas, key=lambda meta: meta[0])),
    )
