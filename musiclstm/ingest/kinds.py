"""What kind of music file this is: its first bytes say so, and where they do not, its name.

A wrong suffix is common: MusicXML called ``.mid``, a packed score called ``.xml``, a web page
called anything.
"""

import codecs
import re
from collections.abc import Mapping
from enum import Enum

from musiclstm.ingest.midi.reader import MIDI_SUFFIXES
from musiclstm.ingest.problems import Problem

_HEAD = 4096  # bytes; what tells a kind stands at the beginning
_UTF16 = (
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_WEB_PAGE = re.compile(
    r"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


class Kind(Enum):
    """A kind of music file; the value is the suffix that stands for it in the cache."""

    MIDI = ".mid"
    MUSICXML = ".musicxml"
    PACKED_MUSICXML = ".mxl"
    ABC = ".abc"
    KERN = ".krn"


KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(sorted(MIDI_SUFFIXES), Kind.MIDI),
    ".musicxml": Kind.MUSICXML,
    ".xml": Kind.MUSICXML,
    ".mxl": Kind.PACKED_MUSICXML,
    ".abc": Kind.ABC,
    ".krn": Kind.KERN,
}
MUSIC_SUFFIXES = frozenset(KINDS)


def kind_of(data: bytes, suffix: str) -> Kind:
    """Find the kind of a file.

    Args:
        data: The whole file, or its first 4096 bytes.
        suffix: One of :data:`MUSIC_SUFFIXES`, in any case.

    Raises:
        UnreadableFileError: If there is nothing in it, or if it is a web page.

    >>> kind_of(b"<?xml version='1.0'?><score-partwise/>", ".mid").name
    'MUSICXML'
    """
    if not data[:_HEAD].strip() and not data.strip():
        raise Problem.EMPTY.error()
    if data.startswith((b"MThd", b"RIFF")):
        return Kind.MIDI
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.PACKED_MUSICXML
    text = _beginning(data)
    if _WEB_PAGE.match(text):
        raise Problem.WEB_PAGE.error()
    if text.startswith("<"):
        return Kind.MUSICXML
    if re.match(r"%abc|X:\s*\d", text):
        return Kind.ABC
    if text.startswith(("!!!", "**")):
        return Kind.KERN
    return KINDS[suffix.lower()]


def _beginning(data: bytes) -> str:
    """The first characters of a file, as text."""
    encoding = next((name for mark, name in _UTF16 if data.startswith(mark)), "utf-8")
    return data[:_HEAD].decode(encoding, "replace").lstrip("\ufeff").lstrip()
