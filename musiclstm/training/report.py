"""What a training tells while it runs; the command line shows it, a notebook may."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from musiclstm.evaluation.verdict import Verdict

FIELDS = ("shift", "part", "pitch", "duration", "velocity")


@dataclass(frozen=True)
class Summary:
    """What was found, and what is to be expected, before the first step.

    Attributes:
        pieces: Pieces to learn from.
        held_out: Pieces held out.
        notes: Notes to learn from.
        parts: Names of the model's parts.
        styles: Names of the styles.
        parameters: Weights of the network.
        memory_mb: Estimate of the memory that training needs.
        minutes: Estimate of how long it takes.
        warnings: What the user should know, a line each.
    """

    pieces: int
    held_out: int
    notes: int
    parts: tuple[str, ...]
    styles: tuple[str, ...]
    parameters: int
    memory_mb: int
    minutes: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """One step.

    Attributes:
        step: Steps done.
        steps: Steps in all; 0 while it is being measured how many fit.
        train_nats: Nats a note in training, averaged over the last steps (with dropout).
        notes_per_second: Notes learned from in a second.
        seconds_left: Estimate.
    """

    step: int
    steps: int
    train_nats: float
    notes_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Evaluation:
    """A row of ``history.csv``.

    Attributes:
        step: Steps done.
        epoch: Times that the pieces have been played.
        seconds: Since the beginning, over all runs.
        learning_rate: At this step.
        train_nats: Nats a note in training since the last row (with dropout).
        valid_nats: Nats a note on the held-out pieces; NaN where none are.
        valid_fields: The same by field; their sum is ``valid_nats``.
        notes_per_second: Notes learned from in a second since the last row.
    """

    step: int
    epoch: float
    seconds: float
    learning_rate: float
    train_nats: float
    valid_nats: float
    valid_fields: tuple[float, ...]
    notes_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """One flat row."""
        row = asdict(self)
        fields = row.pop("valid_fields")
        names = (f"valid_{name}" for name in FIELDS)
        return {**row, **dict(zip(names, fields, strict=True))}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Evaluation":
        """Undo :meth:`as_dict`."""
        fields = tuple(float(row[f"valid_{name}"]) for name in FIELDS)
        own = {name: row[name] for name in row if not name.startswith("valid_")}
        return cls(**own, valid_nats=row["valid_nats"], valid_fields=fields)


class Reporter(Protocol):
    """Somebody who wants to know."""

    def started(self, summary: Summary) -> None:
        """Before the first step."""

    def planned(self, steps: int) -> None:
        """Once it is known how many steps there will be."""

    def stepped(self, progress: Progress) -> None:
        """After each step."""

    def evaluated(self, evaluation: Evaluation, best: bool) -> None:
        """After the held-out pieces have been scored."""

    def judged(self, verdict: Verdict) -> None:
        """In the end."""

    def said(self, message: str) -> None:
        """Anything else, in words."""


class Silent:
    """A reporter that tells nobody."""

    def started(self, summary: Summary) -> None:
        """Nothing."""

    def planned(self, steps: int) -> None:
        """Nothing."""

    def stepped(self, progress: Progress) -> None:
        """Nothing."""

    def evaluated(self, evaluation: Evaluation, best: bool) -> None:
        """Nothing."""

    def judged(self, verdict: Verdict) -> None:
        """Nothing."""

    def said(self, message: str) -> None:
        """Nothing."""
