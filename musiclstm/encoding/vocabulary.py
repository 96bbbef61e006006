"""The vocabulary: what every id means, and what a model knows of its corpus.

An event row has five fields, predicted in this order (:class:`Field`); q is ``steps_per_quarter``.

========  ==========================  ====================================================
field     ids                         meaning
========  ==========================  ====================================================
shift     0 ... 4q                    steps since the previous row's onset
          4q + 1 (WAIT)               a whole note passes and nothing begins
          4q + 2 (END)                the piece is over
part      0 ... parts - 1             the model's parts, at most 16
pitch     0 ... 127                   MIDI
duration  0 ... 8q - 1                that many steps plus one
          8q (TIE)                    8q steps, and the next row goes on with the same note
velocity  0 ... 31                    MIDI velocity // 4
========  ==========================  ====================================================

Every id exists whether the corpus uses it or not, so that no piece is ever out of vocabulary;
``counts`` only says what is common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.parts import MAX_MODEL_PARTS, ModelPart, build_model_parts
from musiclstm.errors import EncodingError
from musiclstm.score import DEFAULT_STEPS_PER_QUARTER, Score

SHIFT_QUARTERS = 4  # a whole note
DURATION_QUARTERS = 8
N_PITCHES = 128
N_VELOCITIES = 32
SPARE_STYLES = 8  # ids kept free, so that fine-tuning can name new styles
MAX_STYLES = 256
MAX_METERS = 64


class Field(IntEnum):
    """The fields of an event row, in the order in which they are predicted."""

    SHIFT = 0
    PART = 1
    PITCH = 2
    DURATION = 3
    VELOCITY = 4


@dataclass(frozen=True)
class Vocabulary:
    """What the ids of a model mean.

    Attributes:
        parts: The model's parts; the id of a part is its place here.
        row_order: A permutation of the part ids: the order of rows within an onset.
        styles: Names of the styles; condition id ``i + 1`` is ``styles[i]``. Empty names are spare.
        meters: Names of the meters that the corpus uses; condition id ``i + 1``.
        steps_per_quarter: The grid.
        counts: For each field, how often each id occurs in the corpus.
    """

    parts: tuple[ModelPart, ...]
    row_order: tuple[int, ...]
    styles: tuple[str, ...] = ("",) * SPARE_STYLES
    meters: tuple[str, ...] = ()
    steps_per_quarter: int = DEFAULT_STEPS_PER_QUARTER
    counts: Mapping[Field, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.steps_per_quarter <= 960:
            raise EncodingError(f"steps_per_quarter {self.steps_per_quarter} is outside 1 to 960")
        if not 1 <= len(self.parts) <= MAX_MODEL_PARTS:
            raise EncodingError(f"{len(self.parts)} model parts; use 1 to {MAX_MODEL_PARTS}")
        if sorted(self.row_order) != list(range(len(self.parts))):
            raise EncodingError(f"row order {self.row_order} is no permutation of the parts")
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise EncodingError(f"two model parts have one name; they are {', '.join(names)}")
        if len(self.styles) > MAX_STYLES or len(self.meters) > MAX_METERS:
            raise EncodingError("too many styles or meters")
        for name, counts in self.counts.items():
            if len(counts) != self.size(name):
                raise EncodingError(f"{len(counts)} counts for {self.size(name)} {name.name} ids")
            if min(counts) < 0:
                raise EncodingError(f"an id of {name.name} occurs {min(counts)} times; use 0 up")

    # --- sizes and special ids --------------------------------------------------------------

    @cached_property
    def max_shift(self) -> int:
        """The largest gap that one row covers, in steps."""
        return SHIFT_QUARTERS * self.steps_per_quarter

    @cached_property
    def max_duration(self) -> int:
        """The longest duration without a tie, in steps."""
        return DURATION_QUARTERS * self.steps_per_quarter

    @cached_property
    def wait(self) -> int:
        """The shift id under which a whole note passes."""
        return self.max_shift + 1

    @cached_property
    def end(self) -> int:
        """The shift id that ends a piece."""
        return self.max_shift + 2

    @cached_property
    def tie(self) -> int:
        """The duration id that goes on in the next row."""
        return self.max_duration

    def steps_of(self, shift: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Steps that pass with each shift id: none with END, a whole note with WAIT."""
        passed: npt.NDArray[np.int32] = self._steps.take(shift)
        return passed

    @cached_property
    def _steps(self) -> npt.NDArray[np.int32]:
        """Steps that pass with each shift id; the last entry, none, is for START's -1."""
        return np.array([*range(self.max_shift + 1), self.max_shift, 0, 0], np.int32)

    def size(self, field: Field) -> int:
        """Number of ids of a field."""
        return (
            self.max_shift + 3,
            len(self.parts),
            N_PITCHES,
            self.max_duration + 1,
            N_VELOCITIES,
        )[field]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of ids of each field, in field order."""
        return tuple(self.size(name) for name in Field)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each field's ids stand when all fields are laid side by side."""
        bounds = np.concatenate([[0], np.cumsum(self.sizes)]).tolist()
        return tuple(slice(low, high) for low, high in pairwise(bounds))

    @cached_property
    def ranks(self) -> npt.NDArray[np.int32]:
        """For each part id its place in the row order, int32 ``(parts,)``."""
        return np.argsort(np.asarray(self.row_order)).astype(np.int32)

    @cached_property
    def later(self) -> npt.NDArray[np.bool_]:
        """For each part id the parts after it in the row order, bool ``(parts, parts)``."""
        after: npt.NDArray[np.bool_] = self.ranks[None, :] > self.ranks[:, None]
        return after

    @cached_property
    def durations(self) -> npt.NDArray[np.bool_]:
        """For each part id the legal durations, bool ``(parts, durations)``: a hit is one step."""
        legal = np.ones((len(self.parts), self.max_duration + 1), bool)
        legal[self.drum_parts, 1:] = False
        return legal

    @cached_property
    def drum_parts(self) -> npt.NDArray[np.bool_]:
        """For each part id whether it is a drum kit, bool ``(parts,)``."""
        return np.array([part.is_drum for part in self.parts])

    @cached_property
    def has_drums(self) -> bool:
        """Whether one of the parts is a drum kit."""
        return bool(self.drum_parts.any())

    @cached_property
    def middles(self) -> npt.NDArray[np.int32]:
        """The pitch about which each part moves, int32 ``(parts,)``: its median in the corpus."""
        medians = [min(max(round(part.median), 0), N_PITCHES - 1) for part in self.parts]
        return np.array(medians, np.int32)

    @property
    def style_names(self) -> tuple[str, ...]:
        """The styles that have a name."""
        return tuple(style for style in self.styles if style)

    # --- what training starts from ----------------------------------------------------------

    def log_frequencies(self, field: Field) -> npt.NDArray[np.float32]:
        """Smoothed log-probability of each id, float32 ``(size,)``.

        Add-a-half smoothing (Krichevsky & Trofimov 1981): an id that the corpus never uses stays
        possible. The heads' biases start here, so that training begins at the unigram model.
        """
        counts = np.asarray(self.counts.get(field, (0,) * self.size(field)), np.float64) + 0.5
        logs: npt.NDArray[np.float32] = np.log(counts / counts.sum()).astype(np.float32)
        return logs

    def with_counts(self, rows: Iterable[npt.NDArray[np.integer[Any]]]) -> "Vocabulary":
        """Count ids over event tables (each ``(n, 5)``)."""
        totals = {name: np.zeros(self.size(name), np.int64) for name in Field}
        for table in rows:
            is_note = table[:, Field.SHIFT] <= self.max_shift
            for name, total in totals.items():
                column = table[:, name] if name == Field.SHIFT else table[is_note, name]
                np.add(total, np.bincount(column, minlength=len(total)), out=total)
        return replace(self, counts={name: tuple(total.tolist()) for name, total in totals.items()})

    def with_styles(self, names: Iterable[str]) -> "Vocabulary":
        """Give spare style ids to names that are new.

        Raises:
            EncodingError: If there are more new names than spare ids.
        """
        styles = list(self.styles)
        for name in names:
            if not name or name in styles:
                continue
            if "" not in styles:
                raise EncodingError(f"no spare id is left for the style {name!r}")
            styles[styles.index("")] = name
        return replace(self, styles=tuple(styles))

    # --- as JSON ----------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, for ``vocabulary.json``."""
        return {
            "steps_per_quarter": self.steps_per_quarter,
            "parts": [part.as_dict() for part in self.parts],
            "row_order": list(self.row_order),
            "styles": list(self.styles),
            "meters": list(self.meters),
            "counts": {name.name.lower(): list(self.counts.get(name, ())) for name in Field},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Vocabulary":
        """Undo :meth:`as_dict`, checking everything.

        Raises:
            EncodingError: If something is missing, of the wrong type or out of range.
        """
        try:
            return cls(
                parts=tuple(ModelPart.from_dict(part) for part in values["parts"]),
                row_order=tuple(int(part) for part in values["row_order"]),
                styles=tuple(str(style) for style in values["styles"]),
                meters=tuple(str(meter) for meter in values["meters"]),
                steps_per_quarter=int(values["steps_per_quarter"]),
                counts={
                    name: tuple(int(count) for count in values["counts"][name.name.lower()])
                    for name in Field
                    if values["counts"].get(name.name.lower())
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise EncodingError(f"the vocabulary is damaged: {error!r}") from error


def build_vocabulary(scores: Sequence[Score], *, style_names: bool = True) -> Vocabulary:
    """Make a vocabulary for a corpus (without counts: those need the encoded rows).

    Args:
        scores: The training pieces, at least one, on one grid. They are gone through and not kept,
            so that they may lie on disk.
        style_names: Whether the sub-folders become styles; otherwise all styles stay spare.

    Raises:
        EncodingError: If there are no scores or they are on different grids.
    """
    if not len(scores):
        raise EncodingError("there is no music to make a vocabulary of")
    grids: set[int] = set()
    meters: set[str] = set()
    styles: set[str] = set()
    for score in scores:
        grids.add(score.steps_per_quarter)
        meters.update(meter.name for meter in score.meter_map.meters)
        styles.add(score.style)
    if len(grids) > 1:
        raise EncodingError(f"the pieces are on different grids: {sorted(grids)} steps a quarter")
    parts = build_model_parts(scores)
    kept_styles = sorted(styles - {""})[: MAX_STYLES - SPARE_STYLES] if style_names else []
    return Vocabulary(
        parts=parts,
        # bass after soprano, then the middle: outer voices first, as a harmony student writes
        row_order=_outer_first(parts),
        styles=(*kept_styles, *("",) * SPARE_STYLES),
        meters=tuple(sorted(meters)[:MAX_METERS]),
        steps_per_quarter=grids.pop(),
    )


def _outer_first(parts: Sequence[ModelPart]) -> tuple[int, ...]:
    """Highest part, lowest, then the middle from above; drums last."""
    pitched = [index for index, part in enumerate(parts) if not part.is_drum]
    drums = [index for index, part in enumerate(parts) if part.is_drum]
    return (*pitched[:1], *pitched[1:][-1:], *pitched[1:-1], *drums)
