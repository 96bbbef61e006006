"""Time on the page: meters, tempos, and where a step stands in its bar.

Conventions: time is the *step*, an integer on a grid of ``steps_per_quarter``. A meter change
opens a new bar where it stands. A pickup is the part of the first bar that sounds before the first
barline: with ``pickup_steps = 24`` step 24 is the first downbeat, and the pickup is bar -1. Where
no meter is known (``meters`` empty) bars are counted in four quarters, and only as a ruler.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from musiclstm.errors import ScoreError

IntArray = npt.NDArray[np.int32]

QUARTERS_PER_UNSPECIFIED_BAR = 4
MAX_DENOMINATOR = 64  # MIDI stores the exponent; nobody writes finer beats than 64ths
MAX_NUMERATOR = 64

_NUMBER = re.compile(r"[0-9]{1,4}")  # no more: whole numbers of any length are no meter


@dataclass(frozen=True, order=True)
class Tempo:
    """A tempo from a step on.

    Attributes:
        step: Where it begins, >= 0.
        bpm: Quarter notes a minute, 1-1000.
    """

    step: int
    bpm: float

    def __post_init__(self) -> None:
        if self.step < 0:
            raise ScoreError(f"a tempo cannot begin at step {self.step}; steps start at 0")
        if not 1 <= self.bpm <= 1000:
            raise ScoreError(f"a tempo of {self.bpm} bpm is out of range; use 1 to 1000")


@dataclass(frozen=True, order=True)
class Meter:
    """A meter from a step on.

    Attributes:
        step: Where its first full bar begins, >= 0.
        numerator: Beats a bar, 1-64.
        denominator: The beat's note value: a power of two, 1-64.
    """

    step: int
    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.step < 0:
            raise ScoreError(f"a meter cannot begin at step {self.step}; steps start at 0")
        power_of_two = self.denominator > 0 and self.denominator & (self.denominator - 1) == 0
        if not (
            1 <= self.numerator <= MAX_NUMERATOR
            and power_of_two
            and self.denominator <= MAX_DENOMINATOR
        ):
            raise ScoreError(
                f"{self.numerator}/{self.denominator} is no meter; "
                "use 1-64 over a power of two up to 64"
            )

    @property
    def name(self) -> str:
        """The meter as written, ``"3/4"``."""
        return f"{self.numerator}/{self.denominator}"

    @property
    def is_compound(self) -> bool:
        """Whether three written beats make a felt one, as in 6/8, 9/8 and 12/8."""
        return self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0

    @classmethod
    def parse(cls, text: str) -> "Meter":
        """Read ``"3/4"``.

        Raises:
            ScoreError: If ``text`` is no meter.

        >>> Meter.parse("6/8").beat_steps(24)
        36
        """
        numerator, slash, denominator = text.strip().partition("/")
        if not slash or not all(_NUMBER.fullmatch(word) for word in (numerator, denominator)):
            raise ScoreError(f"{text[:40]!r} is no meter; write it like '3/4'")
        return cls(0, int(numerator), int(denominator))

    def bar_steps(self, steps_per_quarter: int) -> int:
        """Length of a bar in steps (at least 1, rounded down where the grid is too coarse)."""
        return max(1, self.numerator * 4 * steps_per_quarter // self.denominator)

    def beat_steps(self, steps_per_quarter: int) -> int:
        """Length of a felt beat in steps: in 6/8, 9/8, 12/8 it is the dotted value."""
        unit = max(1, 4 * steps_per_quarter // self.denominator)
        return 3 * unit if self.is_compound else unit


@dataclass(frozen=True)
class Places:
    """Where steps stand. All arrays have the shape of the steps asked for.

    Attributes:
        bar: Bar number, int32; 0 is the first full bar, -1 the pickup.
        position: Steps since the barline, int32, 0 to ``bar_steps - 1``.
        bar_steps: Length of that bar, int32.
        beat_steps: Length of a felt beat in that bar, int32.
        compound: Whether those beats are dotted, bool.
    """

    bar: IntArray
    position: IntArray
    bar_steps: IntArray
    beat_steps: IntArray
    compound: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stretches:
    """The stretches of a piece that have one meter each. All arrays are ``(stretches,)``.

    Attributes:
        start: Step of the first barline; what is before the first of all is the pickup.
        bar: Number of the bar that begins there.
        bar_steps: Length of a bar in steps.
        beat_steps: Length of a felt beat in steps.
        compound: Whether those beats are dotted, bool.
    """

    start: npt.NDArray[np.int64]
    bar: npt.NDArray[np.int64]
    bar_steps: npt.NDArray[np.int64]
    beat_steps: npt.NDArray[np.int64]
    compound: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MeterMap:
    """The meters of a piece, given to the model and never predicted by it.

    Attributes:
        meters: In order of their steps, the first at 0; empty means *unspecified*.
        pickup_steps: Steps before the first barline, shorter than the first bar.
    """

    meters: tuple[Meter, ...] = ()
    pickup_steps: int = 0

    def __post_init__(self) -> None:
        steps = [meter.step for meter in self.meters]
        if steps and steps[0] != 0:
            raise ScoreError(f"the first meter begins at step {steps[0]}; it must begin at 0")
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ScoreError(f"meter changes are out of order: {steps}")
        if self.pickup_steps < 0 or (self.pickup_steps and not self.meters):
            raise ScoreError(
                f"a pickup of {self.pickup_steps} steps needs a meter, and cannot be negative"
            )

    @property
    def specified(self) -> bool:
        """Whether the piece says what its meter is."""
        return bool(self.meters)

    def locate(self, steps: npt.ArrayLike, steps_per_quarter: int) -> Places:
        """Find bar and beat of each step.

        Args:
            steps: Integer steps >= 0, any shape.
            steps_per_quarter: The grid.

        >>> MeterMap((Meter(0, 3, 4),), pickup_steps=24).locate([0, 24, 100], 24).bar.tolist()
        [-1, 0, 1]
        """
        stretches = self.stretches(steps_per_quarter)
        at = np.asarray(steps, dtype=np.int64)
        which = np.maximum(np.searchsorted(stretches.start, at, side="right") - 1, 0)
        since = at - stretches.start[which]
        length = stretches.bar_steps[which]
        return Places(
            bar=(stretches.bar[which] + since // length).astype(np.int32),
            position=(since % length).astype(np.int32),
            bar_steps=length.astype(np.int32),
            beat_steps=stretches.beat_steps[which].astype(np.int32),
            compound=stretches.compound[which],
        )

    def stretches(self, steps_per_quarter: int) -> "Stretches":
        """The stretches of one meter each, at least one; bars and beats as :meth:`locate` counts.

        Args:
            steps_per_quarter: The grid.
        """
        if not self.meters:
            return Stretches(
                start=np.zeros(1, np.int64),
                bar=np.zeros(1, np.int64),
                bar_steps=np.array([QUARTERS_PER_UNSPECIFIED_BAR * steps_per_quarter]),
                beat_steps=np.array([steps_per_quarter]),
                compound=np.zeros(1, bool),
            )
        bar_steps = np.array([m.bar_steps(steps_per_quarter) for m in self.meters])
        starts = np.array([m.step for m in self.meters], np.int64)
        starts[0] = self.pickup_steps
        # a change that falls inside the pickup is read as the meter of the first full bar
        starts = np.maximum.accumulate(starts)
        elapsed = -(-np.diff(starts) // bar_steps[:-1])  # a cut bar counts as a bar
        return Stretches(
            start=starts,
            bar=np.concatenate([[0], np.cumsum(elapsed)]),
            bar_steps=bar_steps,
            beat_steps=np.array([m.beat_steps(steps_per_quarter) for m in self.meters]),
            compound=np.array([m.is_compound for m in self.meters]),
        )
