"""`Score`: a piece of music, immutable and canonical."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from musiclstm.errors import ScoreError
from musiclstm.score.key import Key
from musiclstm.score.meter import MeterMap, Tempo
from musiclstm.score.notes import (
    MAX_PARTS,
    Column,
    NoteArray,
    Repairs,
    canonical,
    check_ranges,
    is_canonical,
    note_table,
)

DEFAULT_STEPS_PER_QUARTER = 24  # exact for 32nds and for triplets of 16ths
DEFAULT_BPM = 120.0  # what MIDI assumes where nothing is written


@dataclass(frozen=True, order=True)
class Part:
    """One voice, hand or instrument.

    Attributes:
        program: General MIDI program, 0-127 (0 is the piano); of no meaning for drums.
        is_drum: Whether pitches are drums (MIDI channel 10).
        name: As written in the file; may be empty.
    """

    program: int = 0
    is_drum: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127:
            raise ScoreError(f"program {self.program} is outside 0 to 127")


@dataclass(frozen=True, eq=False)
class Score:
    """A piece of music on a grid of steps.

    The constructor accepts a canonical note table only; :meth:`build` takes any.

    Attributes:
        notes: ``int32`` of shape ``(n, 5)``: onset, duration, pitch, velocity, part. Read-only,
            canonical in the sense of :mod:`musiclstm.score.notes`.
        parts: What the part column points at.
        steps_per_quarter: The grid, 1-960.
        tempos: In order of their steps; empty means unspecified (120 bpm when written).
        meter_map: Meters and pickup; empty means unspecified.
        key: As written in the source, or None.
        style: Name of the style, the sub-folder in a corpus; may be empty.
        source: Where it came from, for messages; no part of equality.
        performed: Whether it was played freely, so that the grid says nothing of its beats.
    """

    notes: NoteArray
    parts: tuple[Part, ...]
    steps_per_quarter: int = DEFAULT_STEPS_PER_QUARTER
    tempos: tuple[Tempo, ...] = ()
    meter_map: MeterMap = field(default_factory=MeterMap)
    key: Key | None = None
    style: str = ""
    source: str = ""
    performed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.steps_per_quarter <= 960:
            raise ScoreError(f"steps_per_quarter {self.steps_per_quarter} is outside 1 to 960")
        if len(self.parts) > MAX_PARTS:
            raise ScoreError(f"{len(self.parts)} parts are too many; at most {MAX_PARTS}")
        steps = [tempo.step for tempo in self.tempos]
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ScoreError("tempo changes are out of order")
        notes = note_table(self.notes)  # a copy: what others do to theirs is no matter here
        check_ranges(notes, len(self.parts))
        if not is_canonical(notes, [part.is_drum for part in self.parts]):
            raise ScoreError("the note table is not canonical; make the score with Score.build")
        notes.setflags(write=False)
        object.__setattr__(self, "notes", notes)

    @classmethod
    def build(
        cls, notes: npt.ArrayLike, parts: Iterable[Part], **attributes: object
    ) -> tuple[Self, Repairs]:
        """Make a score of any note table.

        Args:
            notes: Integers of shape ``(n, 5)``, unsorted, perhaps with duplicates and overlaps.
            parts: What the part column points at.
            **attributes: The other attributes of :class:`Score`.

        Returns:
            The score and the repairs that made its table canonical.

        Raises:
            ScoreError: If a value is out of range.
        """
        parts = tuple(parts)
        table, repairs = canonical(notes, [part.is_drum for part in parts])
        return cls(table, parts, **attributes), repairs  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        return self._identity() == other._identity() and np.array_equal(self.notes, other.notes)

    def __hash__(self) -> int:
        return hash((self._identity(), self.notes.tobytes()))

    def _identity(self) -> tuple[object, ...]:
        return (
            self.parts,
            self.steps_per_quarter,
            self.tempos,
            self.meter_map,
            self.key,
            self.style,
            self.performed,
        )

    @property
    def end(self) -> int:
        """The step at which the last note ends; 0 for an empty score."""
        if not len(self.notes):
            return 0
        return int((self.notes[:, Column.ONSET] + self.notes[:, Column.DURATION]).max())

    @property
    def bars(self) -> int:
        """Bars from the first full one to the last that sounds; the pickup is not counted."""
        if not len(self.notes):
            return 0
        last = self.meter_map.locate(self.end - 1, self.steps_per_quarter)
        return int(last.bar) + 1

    @property
    def bpm(self) -> float:
        """The tempo at the beginning, in quarter notes a minute."""
        return self.tempos[0].bpm if self.tempos else DEFAULT_BPM

    def transposed(self, semitones: int) -> "Score":
        """The score ``semitones`` higher (negative: lower); drums stay, the key moves.

        Raises:
            ScoreError: If a pitch would leave 0-127.
        """
        drums = np.array([part.is_drum for part in self.parts] or [False])
        notes = self.notes.astype(np.int64)  # so that no wish is too large to be refused
        notes[:, Column.PITCH] += np.where(drums[notes[:, Column.PART]], 0, semitones)
        key = self.key.transposed(semitones) if self.key else None
        return replace(self, notes=notes, key=key)  # type: ignore[arg-type]

    def on_grid(self, steps_per_quarter: int) -> "Score":
        """The score on another grid: onsets and ends at the nearest step, halves up.

        Every note lasts at least a step. Where the new grid is a multiple of the old one, nothing
        but the numbers changes.

        Args:
            steps_per_quarter: The new grid, 1-960.
        """
        old, new = self.steps_per_quarter, steps_per_quarter
        if new == old:
            return self

        def to_grid(steps: npt.ArrayLike) -> npt.NDArray[np.int64]:
            return (np.asarray(steps, np.int64) * 2 * new + old) // (2 * old)

        notes = self.notes.astype(np.int64)
        onset = to_grid(notes[:, Column.ONSET])
        end = to_grid(notes[:, Column.ONSET] + notes[:, Column.DURATION])
        notes[:, Column.ONSET] = onset
        notes[:, Column.DURATION] = np.maximum(end - onset, 1)
        table, _ = canonical(notes, [part.is_drum for part in self.parts])
        # of changes that come to stand at one step the last holds
        tempos = {int(to_grid(tempo.step)): tempo for tempo in self.tempos}
        meters = {int(to_grid(meter.step)): meter for meter in self.meter_map.meters}
        first = self.meter_map.meters[0].bar_steps(new) - 1 if meters else 0
        return replace(
            self,
            notes=table,
            steps_per_quarter=new,
            tempos=tuple(replace(tempo, step=step) for step, tempo in tempos.items()),
            meter_map=MeterMap(
                tuple(replace(meter, step=step) for step, meter in meters.items()),
                min(int(to_grid(self.meter_map.pickup_steps)), first),
            ),
        )

    def keep_parts(self, kept: Sequence[int]) -> "Score":
        """The score with only these parts, in this order.

        Args:
            kept: Indices into ``parts``, no index twice.
        """
        place = np.full(len(self.parts) + 1, -1)
        place[list(kept)] = np.arange(len(kept))
        notes = self.notes.copy()
        notes[:, Column.PART] = place[notes[:, Column.PART]]
        notes, _ = canonical(
            notes[notes[:, Column.PART] >= 0], [self.parts[index].is_drum for index in kept]
        )
        return replace(self, notes=notes, parts=tuple(self.parts[index] for index in kept))
