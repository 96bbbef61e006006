"""The bytes of a notation file -> its pieces, through music21.

MusicXML, plain or packed, is one piece; an ABC file has a piece for each tune; a kern file has one
for each section that begins with new spines. Everything is parsed from memory: nothing is written
to disk, nothing is fetched. A file that makes music21 hang is for the caller to give up on.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from hashlib import sha256
from typing import Any

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.kinds import Kind
from musiclstm.ingest.names import numbered, printable
from musiclstm.ingest.notation import musicxml
from musiclstm.ingest.notation.staves import told_apart
from musiclstm.ingest.notation.stream import read_stream
from musiclstm.ingest.notation.tunes import (
    common_fields,
    drop_invented_meters,
    each_tune,
    heading,
    split_tunes,
    voices_of,
    with_note_length,
    without_prose,
)
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Part

Stream = Any  # music21 carries no usable types
_DETAIL = 100  # characters of a library's message that are shown
# music21 makes an object of each beat in a bar: a meter of 9999999/4 takes it hours
_ENDLESS_METER = re.compile(
    r"(?m)(?:(?:^|\[)M:\s*|(?:^|\t)\*M)(?:\d{4,}|\d+/\d{4,})|<beat(?:s|-type)>[^<]*\d{4}"
)


def read_written(
    data: bytes, kind: Kind, settings: IngestSettings, *, source: str, style: str = ""
) -> list[Reading]:
    """Read one notation file.

    Args:
        data: The whole file.
        kind: Any but MIDI.
        settings: Grid and limits.
        source: Where it came from; pieces of a file with several add ``#`` and a name to it.
        style: Name of the style.

    Returns:
        Its pieces, at least one; a piece that cannot be read is skipped alone.

    Raises:
        UnreadableFileError: If no piece of it can be found.
    """
    if kind is Kind.ABC:
        return list(_read_abc(_text(data), settings, source, style))
    stream, remarks = parse_score(data, kind, settings)
    scores = list(stream.scores) if "Opus" in stream.classes else [stream]
    if len(scores) == 1:
        return [_read_score(scores[0], settings, source, style, remarks)]
    return list(_read_sections(scores, data, settings, source, style))


def parse_score(
    data: bytes, kind: Kind, settings: IngestSettings
) -> tuple[Stream, tuple[str, ...]]:
    """Parse MusicXML or kern.

    Args:
        data: The whole file.
        kind: Neither MIDI nor ABC.
        settings: The limits.

    Returns:
        What :func:`parse` returns.

    Raises:
        UnreadableFileError: If it is not of this kind, unsafe, too large, or if music21 fails.
    """
    if kind is not Kind.KERN:
        if kind is Kind.PACKED_MUSICXML:
            data = musicxml.unpacked(data, settings.max_bytes)
        return parse(musicxml.readable(data, settings.max_notes), "musicxml")
    text = _text(data)
    if re.search(r"(?m)(?:^|\t)\*\*kern\b", text) is None:
        raise Problem.NOT_THIS_NOTATION.error("no **kern in it")
    stream, remarks = parse(text, "humdrum")
    for part in stream.recurse().getElementsByClass("Part"):
        part.atSoundingPitch = True  # kern is, whatever the instrument
        for record in part.recurse().getElementsByClass("MiscTandem"):
            if record.tandem.startswith('"'):  # of *I"Name, which music21 leaves as it is
                part.partName = record.tandem[1:]
    return stream, remarks


def parse(text: str, notation: str) -> tuple[Stream, tuple[str, ...]]:
    """Parse text with music21.

    Args:
        text: The music.
        notation: ``"musicxml"``, ``"abc"`` or ``"humdrum"``.

    Returns:
        A score, or an opus of scores; and remarks where music21 passed something over.

    Raises:
        UnreadableFileError: If music21 fails on it, in whatever way.
    """
    from music21 import converter  # noqa: PLC0415

    if _ENDLESS_METER.search(text):
        raise Problem.BAD_NOTATION.error("a meter of thousands of beats")
    with _listening() as said, _any_failure():
        stream = converter.parseData(text, format=notation)
    if not said:
        return stream, ()
    return stream, (f"music21 was in doubt {len(said)} times, first: {said[0]}",)


@contextmanager
def _any_failure() -> Iterator[None]:
    """Turn whatever music21 raises into one kind of problem."""
    try:
        yield
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:
        name, words = type(error).__name__, _shortened(str(error))
        raise Problem.BAD_NOTATION.error(f"{name}: {words}" if words else name) from error


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what a library warns of, and keep it from the terminal."""
    said: list[str] = []
    printed = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        redirect_stderr(printed),
        redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        yield said
    # deprecations are for programmers, and the rest of a message is where in music21 it arose
    told = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]
    said += [_shortened(line) for line in (*told, *printed.getvalue().splitlines()) if line.strip()]


def _shortened(words: str) -> str:
    """The first line, without the addresses of objects, so that it is the same every time."""
    line = printable(re.sub(r" at 0x[0-9a-f]+|\b0x[0-9a-f]+", "", words.strip()).partition("\n")[0])
    return line if len(line) <= _DETAIL else line[: _DETAIL - 1] + "…"


def _text(data: bytes) -> str:
    """Decode, as UTF-8 or else as Latin-1, with line ends of one kind.

    Raises:
        UnreadableFileError: If it is no text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if "\0" in text:
        raise Problem.NOT_THIS_NOTATION.error("no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_score(
    stream: Stream, settings: IngestSettings, source: str, style: str, remarks: Sequence[str] = ()
) -> Reading:
    """Read one parsed score."""
    with _any_failure():
        return read_stream(
            stream,
            source=source,
            style=style,
            steps_per_quarter=settings.steps_per_quarter,
            max_notes=settings.max_notes,
            remarks=remarks,
        )


def _read_sections(
    scores: Sequence[Stream], data: bytes, settings: IngestSettings, source: str, style: str
) -> Iterator[Reading]:
    """Read scores that stood one after the other in a file."""
    if not scores:
        raise Problem.NO_NOTES.error()
    for number, score in enumerate(scores, 1):
        piece = f"#{number}"
        try:
            reading = _read_score(score, settings, source + piece, style)
        except UnreadableFileError as error:
            reading = Reading(FileReport.skipped(source + piece, error))
        content_hash = sha256(piece.encode() + data).hexdigest()
        report = replace(reading.report, content_hash=content_hash)
        yield replace(reading, report=report, piece=piece)


def _read_abc(text: str, settings: IngestSettings, source: str, style: str) -> Iterator[Reading]:
    """Read the tunes of an ABC file."""
    if re.search(r"(?m)^K:", text) is None:
        raise Problem.NOT_THIS_NOTATION.error("no tune with a key (K:) in it")
    head, tunes = split_tunes(text)
    if tunes:
        head = common_fields(head)
        tunes = [head + tune for tune in tunes]
    else:
        tunes = [text]
    pieces = [""]
    if len(tunes) > 1:
        pieces = numbered("#{}-{}".format(*heading(tune[len(head) :])) for tune in tunes)
    names = [source + piece for piece in pieces]
    readings = each_tune(tunes, names, lambda tune, name: _read_tune(tune, settings, name, style))
    for reading, piece in zip(readings, pieces, strict=True):
        yield replace(reading, piece=piece)


def _read_tune(text: str, settings: IngestSettings, source: str, style: str) -> Reading:
    """Read one tune."""
    text, prose = without_prose(with_note_length(text))
    remarks = [f"lines of text behind the tune left out: {prose}"] if prose else []
    staves: list[Stream] = []
    parts: list[Part] = []
    for voice in voices_of(text):
        stream, said = parse(voice.text, "abc")
        remarks += said
        for part in stream.recurse().getElementsByClass("Part"):
            drop_invented_meters(part, voice.text)
            staves.append(part)
            parts.append(Part(voice.program, name=voice.name))
    if not staves:
        raise Problem.NO_NOTES.error()
    with _any_failure():
        return read_stream(
            staves[0],
            source=source,
            style=style,
            steps_per_quarter=settings.steps_per_quarter,
            max_notes=settings.max_notes,
            voices=list(zip(staves, told_apart(parts, [False] * len(parts)), strict=True)),
            remarks=remarks,
        )
