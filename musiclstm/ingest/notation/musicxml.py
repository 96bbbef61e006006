"""The bytes of a MusicXML file -> text that is safe to hand to music21.

Files come from strangers. A packed file is unpacked in memory and never to disk, up to a limit.
XML that declares entities of its own is refused before anything is expanded, and nothing is ever
fetched: the address in MusicXML's DOCTYPE is not looked at. What music21 would misread is written
so that it reads it: cue notes, which do not sound, become rests; the notes of a drum kit carry
their MIDI keys; a score ordered by measure is ordered by part.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from xml.etree import ElementTree as ET
from xml.parsers import expat

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.problems import Problem

UNPACKED_FACTOR = 20  # XML packs twentyfold at best; a score that unpacks to more is none
_MAX_CONTAINER_BYTES = 100_000  # the archive's table of contents, some 300 bytes in practice
_MAX_DEPTH = 100  # MusicXML nests some ten deep
_CONTAINER = "META-INF/container.xml"
_SCORES = ("score-partwise", "score-timewise")
# Drum notes have no pitch in music21, only a place on the staff. Their MIDI key is handed through
# as a display octave that no staff has.
DRUM_OCTAVE = 1000


def unpacked(data: bytes, max_bytes: int) -> bytes:
    """Take the score out of a compressed MusicXML file.

    Args:
        data: A zip archive.
        max_bytes: What a file may hold; the score may hold 20 times as much.

    Raises:
        UnreadableFileError: If there is none, if it is too large, or if the archive is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _member(archive, _score_name(archive), max_bytes * UNPACKED_FACTOR)
    except UnreadableFileError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Problem.BAD_NOTATION.error(
            f"its zip archive is damaged ({type(error).__name__})"
        ) from error


def _score_name(archive: zipfile.ZipFile) -> str:
    """The name of the score in the archive: as its container says, else the first XML file."""
    names = archive.namelist()
    if _CONTAINER in names:
        text = _member(archive, _CONTAINER, _MAX_CONTAINER_BYTES)
        _survey(text)
        for rootfile in _tree(text).iter():
            if rootfile.tag.endswith("rootfile") and rootfile.get("full-path") in names:
                return str(rootfile.get("full-path"))
    for name in names:
        if name.lower().endswith((".xml", ".musicxml")) and not name.startswith(
            ("META-INF", "__MACOSX")
        ):
            return name
    raise Problem.NOT_THIS_NOTATION.error("a zip archive without MusicXML in it")


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Unpack one file of an archive, into memory."""
    info = archive.getinfo(name)
    if info.flag_bits & 1:
        raise Problem.BAD_NOTATION.error("its zip archive wants a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Problem.BAD_NOTATION.error("its zip archive is packed in an unusual way")
    with archive.open(info) as file:
        content = file.read(limit + 1)  # what an archive says of its sizes may be a lie
    if len(content) > limit:
        raise Problem.TOO_LARGE.error(f"more than {limit:,} bytes when unpacked")
    return content


def readable(data: bytes, max_notes: int) -> str:
    """Check MusicXML, and write it as music21 reads it rightly.

    Args:
        data: XML in any encoding that it declares.
        max_notes: More notes are refused.

    Raises:
        UnreadableFileError: If it is no MusicXML, no XML, unsafe, or too large.
    """
    data = data.lstrip(b" \t\r\n")
    if not data.startswith((b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0<")):
        raise Problem.NOT_THIS_NOTATION.error("no XML")
    notes = 0

    def watch(tag: str) -> None:
        nonlocal notes
        notes += tag in ("pitch", "unpitched")
        if notes > max_notes:
            raise Problem.TOO_MANY_NOTES.error(f"more than {max_notes:,}")

    name = _survey(data, watch)
    if name.lower().endswith("html"):
        raise Problem.WEB_PAGE.error()
    if name not in _SCORES:
        raise Problem.NOT_THIS_NOTATION.error(f"XML, but no MusicXML (<{name[:40]}>)")
    root = _tree(data)
    if root.tag == "score-timewise":
        root = _by_part(root)
    _silence_cues(root)
    _give_keys_to_drums(root)
    return ET.tostring(root, encoding="unicode")


def _survey(data: bytes, watch: Callable[[str], None] | None = None) -> str:
    """Go through XML without building anything, and return the name of its root.

    Args:
        data: The document.
        watch: Called with the name of each element.

    Raises:
        UnreadableFileError: If it is no XML, declares entities, or nests absurdly deep.
    """
    names: list[str] = []
    depth = 0

    def begin(tag: str, _: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise Problem.BAD_NOTATION.error(f"XML nested more than {_MAX_DEPTH} deep")
        if not names:
            names.append(tag)
        if watch is not None:
            watch(tag)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(_name: str, _system: str | None, _public: str | None, own: int) -> None:
        if own:
            raise Problem.BAD_NOTATION.error("XML with declarations of its own, which are unsafe")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # also an unknown encoding
        raise Problem.BAD_NOTATION.error(f"its XML is damaged ({error})") from error
    return names[0]


def _tree(data: bytes) -> ET.Element:
    """Build the tree of XML that was surveyed."""
    try:
        return ET.fromstring(data)  # noqa: S314 - nothing in it expands any more
    except ET.ParseError as error:  # it minds the colons of names, which the survey does not
        raise Problem.BAD_NOTATION.error(f"its XML is damaged ({error})") from error


def _by_part(timewise: ET.Element) -> ET.Element:
    """Turn measures of parts into parts of measures."""
    root = ET.Element("score-partwise", timewise.attrib)
    root.extend(child for child in timewise if child.tag != "measure")
    parts: dict[str, ET.Element] = {}
    for measure in timewise.findall("measure"):
        for piece in measure.findall("part"):
            name = piece.get("id", "")
            if name not in parts:
                parts[name] = ET.SubElement(root, "part", {"id": name})
            ET.SubElement(parts[name], "measure", measure.attrib).extend(piece)
    return root


def _silence_cues(root: ET.Element) -> None:
    """Make rests of cue notes: they show what others play."""
    for measure in root.iter("measure"):
        for note in measure.findall("note"):
            if note.find("cue") is None:
                continue
            if note.find("chord") is not None or note.find("grace") is not None:
                measure.remove(note)  # takes no time of its own
                continue
            for child in list(note):
                if child.tag in ("pitch", "unpitched", "tie", "notations"):
                    note.remove(child)
            if note.find("rest") is None:
                note.insert(0, ET.Element("rest"))


def _give_keys_to_drums(root: ET.Element) -> None:
    """Write the MIDI key of each note of a drum kit where :func:`drum_key` finds it."""
    for part in root.findall("part"):
        keys = _keys_of(root, part.get("id", ""))
        if not keys:
            continue
        only = next(iter(keys.values())) if len(keys) == 1 else None
        for note in part.iter("note"):
            unpitched, instrument = note.find("unpitched"), note.find("instrument")
            key = only if instrument is None else keys.get(instrument.get("id", ""), only)
            if unpitched is not None and key is not None:
                for child in list(unpitched):
                    unpitched.remove(child)
                ET.SubElement(unpitched, "display-step").text = "C"
                ET.SubElement(unpitched, "display-octave").text = str(DRUM_OCTAVE + key)


def _keys_of(root: ET.Element, part_id: str) -> dict[str, int]:
    """The MIDI key, 0-127, of each drum in a part, by the name that notes call it by."""
    keys = {}
    for part in root.findall("part-list/score-part"):
        if part.get("id", "") == part_id:
            for drum in part.findall("midi-instrument"):
                number = (drum.findtext("midi-unpitched") or "").strip()
                if re.fullmatch(r"[0-9]{1,3}", number) and 1 <= int(number) <= 128:
                    keys[drum.get("id", "")] = int(number) - 1  # MusicXML counts from 1
    return keys


def drum_key(display_octave: int) -> int | None:
    """The MIDI key, 0-127, that stands in a display octave, or None."""
    key = display_octave - DRUM_OCTAVE
    return key if 0 <= key <= 127 else None
