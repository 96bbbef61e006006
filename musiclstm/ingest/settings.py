"""What a reader may be told: the grid, the pedal, and how much it may take on."""

from dataclasses import asdict, dataclass

from musiclstm.errors import RequestError
from musiclstm.score import DEFAULT_STEPS_PER_QUARTER

READER_VERSION = 5  # raise it whenever the same file would give another Score: it empties the cache

_RESOURCES = frozenset({"timeout_seconds", "max_memory"})


@dataclass(frozen=True)
class IngestSettings:
    """How files are read.

    Attributes:
        steps_per_quarter: The grid, 1-960.
        pedal: Whether the sustain pedal lengthens notes (as one hears them) or not (as one
            plays them).
        max_bytes: Larger files are skipped; MIDI is small, so 10 MB are not music but a mistake.
        max_notes: Files with more notes are skipped; a whole opera has some 100,000.
        timeout_seconds: A file that takes longer is skipped.
        max_memory: Bytes that reading one file may take; a reader that takes more is ended, and
            its file skipped.
    """

    steps_per_quarter: int = DEFAULT_STEPS_PER_QUARTER
    pedal: bool = True
    max_bytes: int = 10_000_000
    max_notes: int = 200_000
    timeout_seconds: float = 30.0
    max_memory: int = 1_000_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.steps_per_quarter <= 960:
            raise RequestError(f"steps_per_quarter {self.steps_per_quarter} is outside 1 to 960")
        for name in ("max_bytes", "max_notes", "timeout_seconds", "max_memory"):
            if getattr(self, name) <= 0:
                raise RequestError(f"{name} {getattr(self, name)} must be positive")

    def meaning(self) -> dict[str, float]:
        """What decides how a file is read; time and memory decide only whether it can be."""
        values = self.as_dict()
        return {name: values[name] for name in values if name not in _RESOURCES}

    def as_dict(self) -> dict[str, float]:
        """The settings as plain numbers; ``IngestSettings(**d)`` undoes it."""
        return asdict(self)
