"""The corpora inside music21's own wheel -> Corpora, ready to learn from without a download.

Sources are ``style/name``, unique, and fit to be file names. Encodings whose header reserves
rights are left out, and reported.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from musiclstm.errors import RequestError, UnreadableFileError
from musiclstm.ingest.batch import MusicFile, Progress, answer, read_all
from musiclstm.ingest.cache import Cache
from musiclstm.ingest.notation import read_stream
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
            2964,
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
        (reading for of_file in readings for reading in of_file),
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
        raise UnreadableFileError("its encoder reserves the rights")
    return [_read_chorale(path, settings, source, style)]


def _read_chorale(path: Path, settings: IngestSettings, source: str, style: str) -> Reading:
    """Read the four voices of a chorale."""
    from music21 import converter  # noqa: PLC0415

    # no pickles: music21 would leave one in the temporary folder for each file
    score = converter.parse(path, forceSource=True, storePickle=False)
    if score.metadata is not None and score.metadata.copyright:
        raise UnreadableFileError("its encoder reserves the rights")
    staves = list(score.parts)
    found = {voice: [s for s in staves if _sings(s, voice)] for voice in _VOICES}
    if any(len(of_voice) != 1 for of_voice in found.values()):
        names = ", ".join(" ".join((staff.partName or "?").split()) for staff in staves)
        raise UnreadableFileError(f"its parts are not four voices but: {names}")
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
    head, *tunes = re.split(r"(?m)^(?=X:)", text)
    for tune in tunes:
        number, title = _heading(tune)
        piece = f"{number:0>4}-{title}" if source.endswith("/") else ""
        report = FileReport(source + piece, sha256(tune.encode()).hexdigest())
        try:
            reading = _read_tune(head + tune, settings, source + piece, style)
        except UnreadableFileError as error:
            reading = Reading(replace(report, reason=str(error)))
        except Exception as error:  # music21 raises whatever its parser stumbles over
            reason = f"music21 cannot parse it ({type(error).__name__})"
            reading = Reading(replace(report, reason=reason))
        report = replace(reading.report, content_hash=report.content_hash)
        yield replace(reading, report=report, piece=piece)


def _read_tune(text: str, settings: IngestSettings, source: str, style: str) -> Reading:
    """Read one tune."""
    from music21 import converter  # noqa: PLC0415

    if _RIGHTS.search(text.encode()):
        raise UnreadableFileError("its encoder reserves the rights")
    score = converter.parseData(text, format="abc")
    parts = list(score.parts)  # not unpacked with a star: music21's iterators start again there
    if len(parts) != 1:
        raise UnreadableFileError(f"it has {len(parts)} voices, and a melody has one")
    (part,) = parts
    if len(re.findall(r"(?m)^M:|\[M:", text)) == 1:
        # one meter is written; the others are music21's own, made for bars that do not add up
        for signature in list(part.recurse().getElementsByClass("TimeSignature"))[1:]:
            if signature.activeSite is not None:
                signature.activeSite.remove(signature)
    return read_stream(
        score,
        source=source,
        style=style,
        steps_per_quarter=settings.steps_per_quarter,
        voices=[(part, Part(FIDDLE, name="melody"))],
    )


def _heading(tune: str) -> tuple[str, str]:
    """Number and title of a tune, fit for a file name."""
    number = re.match(r"X:\s*(\w+)", tune)
    title = re.search(r"(?m)^T:\s*(.*)", tune)
    words = re.findall(r"[a-z0-9]+", (title[1] if title else "").lower().replace("'", ""))
    return (number[1] if number else "0"), "-".join(words)[:60] or "untitled"


def _with_unique_sources(readings: list[Reading]) -> list[Reading]:
    """Number the second and later piece of one name."""
    seen: dict[str, int] = {}
    unique = []
    for reading in readings:
        name = reading.report.source
        # compared without case: not every file system tells "Reel" from "reel"
        seen[name.lower()] = count = seen.get(name.lower(), 0) + 1
        if count > 1:
            source = f"{name}-{count}"
            score = reading.score
            reading = replace(  # noqa: PLW2901
                reading,
                report=replace(reading.report, source=source),
                score=None if score is None else replace(score, source=source),
            )
        unique.append(reading)
    return unique


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
                report = replace(reading.report, reason=f"the same music as {earlier}")
                reading = replace(reading, report=report, score=None)  # noqa: PLW2901
        kept.append(reading)
    return kept
