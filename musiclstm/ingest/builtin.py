"""The corpora inside music21's own wheel -> Corpora, ready to learn from without a download.

Sources are ``style/name``, unique, and fit to be file names. Encodings whose header reserves
rights are left out, and reported.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from musiclstm.errors import RequestError, UnreadableFileError
from musiclstm.ingest.batch import MusicFile, Progress, answer, read_all
from musiclstm.ingest.cache import Cache
from musiclstm.ingest.kinds import KINDS, Kind
from musiclstm.ingest.names import numbered
from musiclstm.ingest.notation.reader import parse, parse_score
from musiclstm.ingest.notation.stream import read_stream
from musiclstm.ingest.notation.tunes import drop_invented_meters, each_tune, heading, split_tunes
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import Corpus, FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.workers import Task
from musiclstm.score import Part

Stream = Any
CHOIR_AAHS = 52  # General MIDI; the chorales are sung
FIDDLE = 40  # General MIDI violin: both collections were made for it
_VOICES = ("soprano", "alto", "tenor", "bass")
_RIGHTS = re.compile(
    rb"copyright|rights\b.{0,60}\breserved|all rights|non-?commercial|commercial use|licen[cs]",
    re.IGNORECASE,
)
# a file of a hundred tunes takes music21 a quarter of a minute
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class BuiltinCorpus:
    """A corpus that comes with the program.

    Attributes:
        name: As it is asked for.
        description: One sentence.
        folders: Style and folder within music21's corpus.
        count: Pieces kept, with music21 10.5.
    """

    name: str
    description: str
    folders: tuple[tuple[str, str], ...]
    count: int


BUILTIN: dict[str, BuiltinCorpus] = {
    corpus.name: corpus
    for corpus in (
        BuiltinCorpus(
            "chorales",
            "Four-part chorales by J. S. Bach, one part a voice",
            (("bach", "bach"),),
            405,
        ),
        BuiltinCorpus(
            "folk",
            "Irish and American fiddle tunes from O'Neill's Music of Ireland (1850 tunes, 1903) "
            "and Ryan's Mammoth Collection (1883), one melody each",
            (("oneills", "oneills1850"), ("ryansMammoth", "ryansMammoth")),
            2963,
        ),
    )
}


def read_builtin(
    name: str,
    *,
    jobs: int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Corpus:
    """Read a built-in corpus.

    Args:
        name: One of :data:`BUILTIN`.
        jobs: Worker processes, >= 1; default all cores.
        cache: Whether pieces read before are taken from the cache.
        progress: Called with the number of files done and the number of all.

    Raises:
        RequestError: If there is no such corpus.
    """
    if name not in BUILTIN:
        raise RequestError(f"there is no built-in corpus {name!r}; there are {', '.join(BUILTIN)}")
    settings = IngestSettings(timeout_seconds=_TIMEOUT_SECONDS)
    files = sorted(_files(BUILTIN[name]), key=lambda file: (file.source, file.path.name))
    readings = read_all(
        files,
        read_task,
        settings,
        jobs=jobs,
        cache=Cache(settings) if cache else None,
        progress=progress,
    )
    pieces = sorted(
        (reading.load() for of_file in readings for reading in of_file),
        key=lambda reading: reading.report.source,
    )
    return Corpus.of(_without_duplicates(_with_unique_sources(pieces)))


def read_task(task: Task) -> bytes:
    """Do one task of :func:`read_builtin`."""
    return answer(task, _read_encoding)


def _files(corpus: BuiltinCorpus) -> Iterator[MusicFile]:
    """Yield the files of a corpus; found without importing music21."""
    spec = find_spec("music21")
    if spec is None or spec.origin is None:
        raise UnreadableFileError("music21 is not installed; its corpus is the built-in one")
    root = Path(spec.origin).parent / "corpus"
    kind = f".{corpus.name}-music21-{version('music21')}"
    for style, folder in corpus.folders:
        for path in (root / folder).iterdir():
            if path.suffix == ".abc" and corpus.name == "folk":
                # Ryan's have one tune a file, named after it; O'Neill's many, named one by one
                source = f"{style}/" if folder == "oneills1850" else f"{style}/{path.stem}"
                yield MusicFile(path, source, style, kind)
            elif path.suffix in (".mxl", ".xml", ".krn"):
                yield MusicFile(path, f"{style}/{path.stem}", style, kind)


def _read_encoding(
    data: bytes, path: Path, settings: IngestSettings, source: str, style: str
) -> list[Reading]:
    """Read a chorale, or the tunes of an ABC file."""
    if path.suffix == ".abc":
        return list(_read_tunes(data.decode("utf-8", "replace"), settings, source, style))
    if _RIGHTS.search(data):
        raise Problem.RIGHTS_RESERVED.error()
    return [_read_chorale(data, KINDS[path.suffix], settings, source, style)]


def _read_chorale(
    data: bytes, kind: Kind, settings: IngestSettings, source: str, style: str
) -> Reading:
    """Read the four voices of a chorale."""
    score, _ = parse_score(data, kind, settings)
    if score.metadata is not None and score.metadata.copyright:
        raise Problem.RIGHTS_RESERVED.error()
    staves = list(score.parts)
    found = {voice: [s for s in staves if _sings(s, voice)] for voice in _VOICES}
    if any(len(of_voice) != 1 for of_voice in found.values()):
        names = ", ".join(" ".join((staff.partName or "?").split()) for staff in staves)
        raise Problem.NOT_FOUR_VOICES.error(names)
    voices = [(found[voice][0], Part(CHOIR_AAHS, name=voice)) for voice in _VOICES]
    taken = [staff for staff, _ in voices]
    dropped = [
        " ".join((staff.partName or "?").split())
        for staff in staves
        if not any(staff is voice for voice in taken)
    ]
    remarks = [f"left out, beside the voices: {', '.join(dropped)}"] if dropped else []
    return read_stream(
        score,
        source=source,
        style=style,
        steps_per_quarter=settings.steps_per_quarter,
        voices=voices,
        remarks=remarks,
    )


def _sings(staff: Stream, voice: str) -> bool:
    """Whether a staff is this voice: "Soprano", "SopranoOboe 1", but not "Bassoon"."""
    return re.match(rf"(?i:{voice})(?![a-z])", staff.partName or "") is not None


def _read_tunes(text: str, settings: IngestSettings, source: str, style: str) -> Iterator[Reading]:
    """Read each tune of an ABC file as a piece; what it cannot read is skipped alone."""
    head, tunes = split_tunes(text)
    pieces = ["{:0>4}-{}".format(*heading(tune)) if source.endswith("/") else "" for tune in tunes]
    readings = each_tune(
        tunes,
        [source + piece for piece in pieces],
        lambda tune, name: _read_tune(head + tune, settings, name, style),
    )
    for reading, piece in zip(readings, pieces, strict=True):
        yield replace(reading, piece=piece)


def _read_tune(text: str, settings: IngestSettings, source: str, style: str) -> Reading:
    """Read one tune."""
    if _RIGHTS.search(text.encode()):
        raise Problem.RIGHTS_RESERVED.error()
    score, _ = parse(text, "abc")
    parts = list(score.parts)  # not unpacked with a star: music21's iterators start again there
    if len(parts) != 1:
        raise UnreadableFileError(f"it has {len(parts)} voices, and a melody has one")
    (part,) = parts
    drop_invented_meters(part, text)
    return read_stream(
        score,
        source=source,
        style=style,
        steps_per_quarter=settings.steps_per_quarter,
        voices=[(part, Part(FIDDLE, name="melody"))],
    )


def _with_unique_sources(readings: list[Reading]) -> list[Reading]:
    """Number the second and later piece of one name."""
    sources = numbered(reading.report.source for reading in readings)
    return [
        replace(
            reading,
            report=replace(reading.report, source=source),
            score=None if reading.score is None else replace(reading.score, source=source),
        )
        for reading, source in zip(readings, sources, strict=True)
    ]


def _without_duplicates(readings: list[Reading]) -> list[Reading]:
    """Keep the first of pieces with the same notes in the same parts."""
    first: dict[tuple[bytes, int], str] = {}
    kept = []
    for reading in readings:
        score = reading.score
        if score is not None:
            music = (score.notes.tobytes(), len(score.parts))
            earlier = first.setdefault(music, score.source)
            if earlier != score.source:
                same = FileReport.skipped(
                    score.source, Problem.SAME_MUSIC.error(earlier), reading.report.content_hash
                )
                reading = replace(  # noqa: PLW2901
                    reading, report=replace(same, style=score.style), score=None
                )
        kept.append(reading)
    return kept
