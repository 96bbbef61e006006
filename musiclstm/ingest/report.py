"""What became of every file: kept, with what was changed, or skipped, and why."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.problems import Problem, Repair, Repaired
from musiclstm.score import DEFAULT_BPM, Score, Tempo


@dataclass(frozen=True)
class FileReport:
    """What became of one piece.

    Attributes:
        source: Path below the folder that was read, with ``/``.
        content_hash: SHA-256 of the file's bytes in hex (of the piece's own text where a file
            holds several pieces); empty where the file could not be opened.
        reason: Why it was skipped, in words; empty when it was kept.
        problem: The same by name, for counting: one of :class:`Problem`.
        fix: What the user can do about it, in words.
        style: Name of the style of its folder; may be empty.
        notes: Notes kept.
        parts: Parts with notes.
        bars: Bars from the first full one to the last that sounds.
        seconds: Until the last note ends.
        key: As written, "C minor"; empty where none is.
        meter: The first, "3/4"; empty where none is known.
        worst_snap: Largest distance from a note's onset to its step, in steps, 0-0.5.
        mean_snap: The mean of those distances, in steps.
        merged: Notes dropped because their pitch began twice at one step in one part.
        cut: Notes shortened because their pitch was struck again while it sounded.
        performed: Whether it was played freely, so that its meter was dropped.
        repairs: What was put right before it could be read.
        remarks: Anything else that a reader should know, in words.
    """

    source: str
    content_hash: str = ""
    reason: str = ""
    problem: str = ""
    fix: str = ""
    style: str = ""
    notes: int = 0
    parts: int = 0
    bars: int = 0
    seconds: float = 0.0
    key: str = ""
    meter: str = ""
    worst_snap: float = 0.0
    mean_snap: float = 0.0
    merged: int = 0
    cut: int = 0
    performed: bool = False
    repairs: tuple[Repaired, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the piece is in the corpus."""
        return not self.reason

    @classmethod
    def skipped(
        cls, source: str, error: UnreadableFileError, content_hash: str = ""
    ) -> "FileReport":
        """The report of a file that cannot be read."""
        return cls(source, content_hash, reason=str(error), problem=error.kind, fix=error.fix)


@dataclass(frozen=True)
class Reading:
    """One piece as read.

    Attributes:
        report: What became of it.
        score: The piece, unless it was skipped.
        file_hash: SHA-256 of the bytes of the file it stood in.
        piece: What its source adds to the file's, where a file holds several pieces.
    """

    report: FileReport
    score: Score | None = None
    file_hash: str = ""
    piece: str = ""

    def completed(self, file_hash: str) -> "Reading":
        """The reading with what every reader would have to add to its report.

        Args:
            file_hash: SHA-256 of the file; it is the content hash too where that is missing.
        """
        report = replace(self.report, content_hash=self.report.content_hash or file_hash)
        if (score := self.score) is not None:
            meters = score.meter_map.meters
            report = replace(
                report,
                parts=len(score.parts),
                bars=score.bars,
                seconds=round(_seconds(score), 2),
                key=score.key.name if score.key else "",
                meter=meters[0].name if meters else "",
            )
        return replace(self, report=report, file_hash=file_hash)

    def nameless(self) -> "Reading":
        """The reading without where its file lies."""
        score = self.score
        return replace(
            self,
            report=replace(self.report, source=self.piece, style=""),
            score=None if score is None else replace(score, source="", style=""),
        )


def _seconds(score: Score) -> float:
    """When the last note ends."""
    tempos = score.tempos
    if not tempos or tempos[0].step:  # before the first that is written, MIDI's own
        tempos = (Tempo(0, DEFAULT_BPM), *tempos)
    steps = [0, *(tempo.step for tempo in tempos[1:]), score.end]
    quarters_a_step = 1 / score.steps_per_quarter
    return sum(
        max(0, min(later, score.end) - earlier) * quarters_a_step * 60 / tempo.bpm
        for tempo, (earlier, later) in zip(tempos, pairwise(steps), strict=True)
    )


@dataclass(frozen=True)
class IngestReport:
    """A report of every file, in the order of their paths.

    Attributes:
        files: What became of each piece, and of each file that was skipped.
        passed_over: How many files of other kinds lay beside them, by suffix.
    """

    files: tuple[FileReport, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def kept(self) -> tuple[FileReport, ...]:
        """Reports of the pieces in the corpus, index-aligned with ``Corpus.scores``."""
        return tuple(file for file in self.files if file.kept)

    @property
    def skipped(self) -> tuple[FileReport, ...]:
        """Reports of the files left out."""
        return tuple(file for file in self.files if not file.kept)

    @property
    def repaired(self) -> tuple[FileReport, ...]:
        """Reports of the pieces in which something was put right."""
        return tuple(file for file in self.kept if file.repairs)

    @property
    def reasons(self) -> dict[str, int]:
        """How many files were skipped for each reason, without details, the commonest first."""
        names = Counter(file.problem or file.reason for file in self.skipped)
        known = Problem.__members__
        return {
            known[name].reason if name in known else name: count
            for name, count in names.most_common()
        }

    @property
    def repairs(self) -> dict[str, int]:
        """In how many pieces each kind of thing was put right, the commonest first."""
        kinds = Counter(kind for file in self.kept for kind in {r.kind for r in file.repairs})
        return {Repair[kind].words: count for kind, count in kinds.most_common()}

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for ``--json``."""
        return {
            "kept": len(self.kept),
            "skipped": len(self.skipped),
            "notes": sum(file.notes for file in self.kept),
            "repaired": len(self.repaired),
            "reasons": self.reasons,
            "repairs": self.repairs,
            "passed_over": dict(self.passed_over),
            "files": [_as_dict(file) for file in self.files],
        }


def _as_dict(file: FileReport) -> dict[str, Any]:
    repairs = [{"kind": repair.kind, "words": repair.words} for repair in file.repairs]
    return {**asdict(file), "repairs": repairs, "kept": file.kept}


@dataclass(frozen=True)
class Corpus:
    """Scores and the report of every file.

    Attributes:
        scores: The pieces, in the order of their sources. Those of a folder are read from disk
            each time that they are asked for, so that they need not fit into memory.
        report: What became of every file; ``report.kept[i]`` belongs to ``scores[i]``.
    """

    scores: Sequence[Score]
    report: IngestReport

    @property
    def hashes(self) -> tuple[str, ...]:
        """The content hash of each score, index-aligned: what a split is made on."""
        return tuple(file.content_hash for file in self.report.kept)

    @property
    def digest(self) -> str:
        """One hash, in hex, for the contents of all pieces in their order."""
        return hashlib.sha256("\n".join(self.hashes).encode()).hexdigest()

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "Corpus":
        """Gather readings, in their order."""
        scores = tuple(reading.score for reading in readings if reading.score is not None)
        return cls(scores, IngestReport(tuple(reading.report for reading in readings)))
