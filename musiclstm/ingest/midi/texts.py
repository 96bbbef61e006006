"""What a MIDI file says of itself in words: the texts before its first note.

Only the beginning of the first track is looked at, where programs write how a file came about.
"""

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.midi.chunks import read_header, track_chunks, unwrapped
from musiclstm.ingest.problems import Findings

_META, _TEXT = 0xFF, 0x01
_LONGEST = 4  # bytes of a length; the standard has no more


def opening_texts(data: bytes) -> tuple[str, ...]:
    """The text events at the beginning of the first track, in order.

    Args:
        data: The whole file.

    Returns:
        Nothing where the bytes are no MIDI. What is no UTF-8 is replaced.
    """
    found = Findings()
    try:
        data = unwrapped(data, found)
        track = next(track_chunks(data, read_header(data, found).end, found), None)
    except UnreadableFileError:
        return ()
    content, at, texts = b"" if track is None else track.content, 0, []
    while content[at : at + 2] and content[at : at + 2] == bytes((0, _META)):
        kind = content[at + 2 : at + 3]
        length, at = _length(content, at + 3)
        if length is None or at + length > len(content):
            break
        if kind == bytes((_TEXT,)):
            texts.append(content[at : at + length].decode("utf-8", "replace"))
        at += length
    return tuple(texts)


def own_grid(data: bytes) -> int | None:
    """The ticks a quarter that a MIDI file counts in, as its header says.

    Args:
        data: The whole file.

    Returns:
        1-32767; None where the file counts no beats, or the bytes are no MIDI.
    """
    found = Findings()
    try:
        division = read_header(unwrapped(data, found), found).division
    except UnreadableFileError:
        return None
    return division.ticks_per_quarter if division.has_beats else None


def _length(content: bytes, at: int) -> tuple[int | None, int]:
    """A length of seven bits a byte, and where it ends; None where it does not."""
    value = 0
    for place in range(at, min(at + _LONGEST, len(content))):
        value = value << 7 | content[place] & 0x7F
        if not content[place] & 0x80:
            return value, place + 1
    return None, at
