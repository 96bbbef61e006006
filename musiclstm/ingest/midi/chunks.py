"""The bytes of a MIDI file -> its header and the bytes of its tracks, however they are wrapped.

A file is a header chunk (MThd) and track chunks (MTrk), each with its length before it. Lengths
lie: one is believed only where a chunk, or nothing, follows it, or the track's own end stands right
before. Else the track goes on to the next MTrk, and its content says where it ends. Every byte is
looked at a fixed number of times, so that no file takes longer than its size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from musiclstm.ingest.problems import Findings, Problem, Repair

MAX_TRACKS = 65_535  # the most that a header can declare
END_OF_TRACK = b"\xff\x2f\x00"
_HEADER_ID, _TRACK_ID = b"MThd", b"MTrk"
_CHUNK_HEADER = 8  # bytes: four letters and a length
_HEADER_BYTES = 14
_JUNK_BEFORE = 4096  # bytes; a MacBinary header has 128
_PAGE_BEGINNING = 1024  # bytes in which a web page shows itself
_PAGE_TAGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<meta", b"<script")
_NTSC = Fraction(30_000, 1001)  # frames a second that the standard writes as 29
_QUARTERS_A_SECOND = 2  # at 120 bpm, MIDI's own tempo


@dataclass(frozen=True)
class Division:
    """What a tick is.

    Attributes:
        ticks_per_quarter: Of ticks times ``scale``; >= 1.
        scale: What a file's ticks are multiplied with, so that a quarter has a whole number.
        has_beats: Whether the file counts beats; else film frames, and a quarter is half a second.
    """

    ticks_per_quarter: int
    scale: int = 1
    has_beats: bool = True


@dataclass(frozen=True)
class Header:
    """The first chunk.

    Attributes:
        midi_type: 0 and 1 are one piece; 2 is a piece a track.
        tracks: How many it declares.
        division: What a tick is.
        end: Where the next chunk begins.
    """

    midi_type: int
    tracks: int
    division: Division
    end: int


@dataclass(frozen=True)
class Chunk:
    """One track.

    Attributes:
        content: Its bytes, without the chunk's header.
        whole: Whether its length is to be believed.
        is_last: Whether the file ends with it; of interest where the length is not believed.
    """

    content: bytes
    whole: bool = True
    is_last: bool = False


def unwrapped(data: bytes, found: Findings) -> bytes:
    """Take off what stands round the MIDI file: a RIFF wrapper, or bytes before its header.

    Raises:
        UnreadableFileError: If there is no MIDI in it.
    """
    if not data:
        raise Problem.EMPTY.error()
    if data[:4] == b"RIFF":
        data = _out_of_riff(data)
        found.note(Repair.RIFF)
    if data[:4] == _HEADER_ID:
        return data
    if _is_web_page(data):
        raise Problem.WEB_PAGE.error()
    if _HEADER_ID.startswith(data[:4]):
        raise Problem.CUT_IN_HEADER.error()
    at = data.find(_HEADER_ID, 0, _JUNK_BEFORE + len(_HEADER_ID))
    if at < 0:
        raise Problem.NOT_MIDI.error()
    found.note(Repair.JUNK_BEFORE, count=at)
    return data[at:]


def _out_of_riff(data: bytes) -> bytes:
    """The content of the wrapper's ``data`` chunk; where lengths lie, all from the MIDI header."""
    at = 12  # "RIFF", a length, and the kind of content
    while at + _CHUNK_HEADER <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        begin = at + _CHUNK_HEADER
        if data[at : at + 4] == b"data" and data[begin : begin + 4] == _HEADER_ID:
            return data[begin : begin + size]
        at = begin + size + size % 2  # RIFF chunks are padded to even lengths
    at = data.find(_HEADER_ID, 0, _JUNK_BEFORE + len(_HEADER_ID))
    if at < 0:
        raise Problem.NO_MIDI_INSIDE.error()
    return data[at:]


def _is_web_page(data: bytes) -> bool:
    """Whether a file begins as web pages do, in any case, in 8 or 16 bits a sign."""
    beginning = data[:_PAGE_BEGINNING].replace(b"\0", b"").lower()
    text = beginning.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")  # byte order marks and blanks
    is_xml = text.startswith((b"<?xml", b"<!--"))
    return text.startswith(_PAGE_TAGS) or (is_xml and b"<html" in text)


def read_header(data: bytes, found: Findings) -> Header:
    """Read the header chunk.

    Args:
        data: From MThd on.
        found: Takes what had to be put right.

    Raises:
        UnreadableFileError: If it is cut off, or says that a quarter has no ticks.
    """
    size = int.from_bytes(data[4:8], "big")
    after = _CHUNK_HEADER + size
    if len(data) < _HEADER_BYTES or (after < _HEADER_BYTES and data[after:][:4] == _TRACK_ID):
        raise Problem.CUT_IN_HEADER.error()
    midi_type, tracks, division = (int.from_bytes(data[at : at + 2], "big") for at in (8, 10, 12))
    if not _HEADER_BYTES <= after <= len(data):
        after = _HEADER_BYTES
        found.note(Repair.CHUNK_LENGTH, f"{size:,} bytes for the header")
    return Header(midi_type, tracks, _read_division(division), after)


def _read_division(value: int) -> Division:
    """What a tick is, from the header's last two bytes."""
    if not value & 0x8000:
        if not value:
            raise Problem.NO_TICKS.error()
        return Division(value)
    frames, ticks_per_frame = 256 - (value >> 8), value & 0xFF
    if not ticks_per_frame:
        raise Problem.NO_TICKS.error("a film frame has 0 ticks")
    frames_a_second = _NTSC if frames == 29 else Fraction(frames)
    quarter = frames_a_second * ticks_per_frame / _QUARTERS_A_SECOND
    return Division(quarter.numerator, quarter.denominator, has_beats=False)


def track_chunks(data: bytes, at: int, found: Findings) -> Iterator[Chunk]:
    """Yield each track; chunks of other kinds are passed over, as the standard demands.

    Args:
        data: From MThd on.
        at: Where the header ends.
        found: Takes what had to be put right.
    """
    while at < len(data):
        begin = at + _CHUNK_HEADER
        if data[at : at + 4] == _TRACK_ID and begin <= len(data):
            end = begin + _size(data, at)
            whole = _is_believable(data, begin, end)
            if not whole:
                end = data.find(_TRACK_ID, begin)
            is_last = end < 0 or end == len(data)
            end = len(data) if end < 0 else end
            yield Chunk(data[begin:end], whole, is_last)
            at = end
        elif _is_other_chunk(data, at) and data[at : at + 4] != _HEADER_ID:
            at = begin + _size(data, at)
        else:
            # a second file behind the first is other music: its tracks must not sound with these
            second = data[at : at + 4] == _HEADER_ID
            following = -1 if second else data.find(_TRACK_ID, at + 1)
            stray = (following if following >= 0 else len(data)) - at
            found.note(Repair.JUNK_AFTER, count=stray)
            at += stray


def _size(data: bytes, at: int) -> int:
    return int.from_bytes(data[at + 4 : at + 8], "big")


def _is_believable(data: bytes, begin: int, end: int) -> bool:
    """Whether a track from ``begin`` to ``end`` ends where tracks end."""
    return end <= len(data) and (
        end == len(data)
        or data[end : end + 4] == _TRACK_ID
        or data[max(begin, end - 3) : end] == END_OF_TRACK
        or _is_other_chunk(data, end)
    )


def _is_other_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk with a name of its own stands there, whole."""
    name = data[at : at + 4]
    return (
        at + _CHUNK_HEADER <= len(data)
        and name != _TRACK_ID
        and all(0x20 <= sign < 0x7F for sign in name)
        and at + _CHUNK_HEADER + _size(data, at) <= len(data)
    )
