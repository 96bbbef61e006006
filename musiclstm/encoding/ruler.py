"""The ruler: where in bar and beat a step stands, and how many bars are left, as ids.

Every bar of one meter is like every other, so the ids of all places in it are worked out once; a
step is then looked up, whatever its distance from the beginning.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.stages import NEVER, IntArray
from musiclstm.encoding.vocabulary import Vocabulary
from musiclstm.score import MeterMap

LONGEST_BAR_QUARTERS = 8
BAR_LENGTHS = 16  # in eighths, up to eight quarters
MOST_BARS_LEFT = 32
UNSPECIFIED_BARS = 0  # "bars" of a piece whose length is not given


class Ruler(NamedTuple):
    """The meters and lengths of B pieces, or of one for any number of rows.

    Attributes:
        start: First barline of each stretch of one meter; NEVER beyond the last, ``(B, S)``.
        bar: Number of the bar that begins there, ``(B, S)``.
        bar_steps: Length of its bars, ``(B, S)``.
        row: Where its places begin in ``places``, ``(B, S)``.
        last: Two more than the length in bars, ``(B,)``.
        least: The least id of bars left: 1, or 0 where the length is unspecified, ``(B,)``.
        places: Position in the bar, position in the beat, kind of bar, as ids: int32 ``(places,
            3)``.
    """

    start: IntArray
    bar: IntArray
    bar_steps: IntArray
    row: IntArray
    last: IntArray
    least: IntArray
    places: IntArray

    @classmethod
    def of(cls, meter_maps: Sequence[MeterMap], bars: IntArray, vocabulary: Vocabulary) -> "Ruler":
        """Lay the ruler out.

        Args:
            meter_maps: One for each stream, or one for all.
            bars: Length of each in bars, ``(B,)`` or ``(1,)``; 0 is unspecified.
            vocabulary: For the grid.
        """
        q = vocabulary.steps_per_quarter
        known: dict[tuple[Any, ...], int] = {}
        tables: list[npt.NDArray[Any]] = []
        rows: list[dict[str, list[int]]] = []
        for meter_map in meter_maps:
            stretches = meter_map.stretches(q)
            first = []
            for length, beat, compound in zip(
                stretches.bar_steps, stretches.beat_steps, stretches.compound, strict=True
            ):
                kind = (int(length), int(beat), bool(compound), meter_map.specified)
                if kind not in known:
                    known[kind] = sum(len(table) for table in tables)
                    tables.append(_places(*kind, q))
                first.append(known[kind])
            rows.append(
                {
                    "start": stretches.start.tolist(),
                    "bar": stretches.bar.tolist(),
                    "bar_steps": stretches.bar_steps.tolist(),
                    "row": first,
                }
            )
        most = max(len(row["row"]) for row in rows)
        beyond = {"start": int(NEVER), "bar": 0, "bar_steps": 1, "row": 0}
        columns = {
            name: np.array([row[name] + [fill] * (most - len(row[name])) for row in rows], np.int32)
            for name, fill in beyond.items()
        }
        unspecified = np.asarray(bars) == UNSPECIFIED_BARS
        return cls(
            **columns,
            last=np.where(unspecified, -NEVER, np.asarray(bars) + 2).astype(np.int32),
            least=np.where(unspecified, 0, 1).astype(np.int32),
            places=np.concatenate(tables).astype(np.int32),
        )

    def select(self, streams: npt.NDArray[np.intp]) -> "Ruler":
        """The rulers of these streams."""
        if len(self.start) > 1:
            return Ruler._make([*(values[streams] for values in self[:-1]), self.places])
        if len(self.last) > 1:
            return self._replace(last=self.last[streams], least=self.least[streams])
        return self

    @classmethod
    def joined(cls, rulers: Sequence["Ruler"]) -> "Ruler":
        """The rulers of several groups of streams that were selected from one ruler."""
        first = rulers[0]
        if len(first.last) == 1:  # one for all streams
            return first
        ends = [np.concatenate(values) for values in zip(*(r[4:6] for r in rulers), strict=True)]
        own = [np.concatenate(values) for values in zip(*(r[:4] for r in rulers), strict=True)]
        return cls._make([*(own if len(first.start) > 1 else first[:4]), *ends, first.places])

    def read(self, step: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Where each step stands.

        Args:
            step: ``(N,)``; N is the number of streams, or any where there is one ruler.

        Returns:
            Ids of position in the bar, position in the beat and kind of bar, int32 ``(N, 3)``; of
            bars left, ``(N,)``; steps since the barline, ``(N,)``, and the bar's length, ``(N,)``.
        """
        start, bar, bar_steps, row = self._stretch(step)
        bars, position = np.divmod(step - start, bar_steps)
        left = self.last - (bars + bar)
        return (
            self.places.take(position + row, axis=0),
            np.minimum(np.maximum(left, self.least), _MOST_LEFT),
            position,
            bar_steps if len(bar_steps) == len(step) else bar_steps.repeat(len(step)),
        )

    def place(self, step: IntArray) -> IntArray:
        """Of :meth:`read` the ids of the position in the bar alone, ``(N,)``."""
        start, _, bar_steps, row = self._stretch(step)
        ids: IntArray = self.places.take((step - start) % bar_steps + row, axis=0)[:, 0]
        return ids

    def _stretch(self, step: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Of each step's stretch of one meter ``start``, ``bar``, ``bar_steps`` and ``row``."""
        if self.start.shape[1] == 1:
            return self.start[:, 0], self.bar[:, 0], self.bar_steps[:, 0], self.row[:, 0]
        begun = (self.start <= step[:, None]).sum(axis=1)
        which = np.maximum(begun - 1, 0)
        own = np.arange(len(step)) if len(self.start) > 1 else 0
        return (
            self.start[own, which],
            self.bar[own, which],
            self.bar_steps[own, which],
            self.row[own, which],
        )


_MOST_LEFT = np.array([MOST_BARS_LEFT + 2], np.int32)


def _places(
    bar_steps: int, beat_steps: int, compound: bool, specified: bool, q: int
) -> npt.NDArray[Any]:
    """The ids of all positions in a bar, ``(bar_steps, 3)``."""
    position = np.arange(bar_steps)
    longest = LONGEST_BAR_QUARTERS * q
    if not specified:  # ids of their own
        return np.stack([longest + position, 4 * q + position % q, 0 * position], axis=1)
    eighths = min(max(2 * bar_steps // q, 1), BAR_LENGTHS)
    kind = np.full(bar_steps, eighths + BAR_LENGTHS * compound)
    in_beat = np.minimum(position % beat_steps, 4 * q - 1)
    return np.stack([np.minimum(position, longest - 1), in_beat, kind], axis=1)
