"""What the decoder carries from row to row, and what it has worked out within a row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Tracker
from musiclstm.encoding.ruler import Ruler
from musiclstm.encoding.stages import Before, IntArray, Onset, Voice
from musiclstm.model.heads import DurationHints, Hints, PitchHints
from musiclstm.score import MeterMap

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


class Asked(NamedTuple):
    """A field of the next row that is being asked for.

    Attributes:
        field: Which.
        legal: Its legal ids, bool ``(B, size)``; all of them where a row has no such field.
        sums: What its head has heard, and the heads after it, ``(B, ...)``.
        hints: What the heads of pitch and duration go by beside it.
    """

    field: int
    legal: BoolArray
    sums: FloatArray
    hints: Hints | None = None


class HeardOnset(NamedTuple):
    """An onset, once the shift is known.

    Attributes:
        stage: What is known of it.
        layer: What the onset layer makes of it, float32 ``(B, onset_units)``.
        place: Steps since the barline, int32 ``(B,)``.
        bar: Length of the bar in steps, int32 ``(B,)``.
    """

    stage: Onset
    layer: FloatArray
    place: IntArray
    bar: IntArray

    def select(self, at: npt.NDArray[np.intp]) -> "HeardOnset":
        """The onsets of these streams."""
        return HeardOnset(
            Onset._make(_rows(self.stage, at)),
            *_rows(self[1:], at),
        )


class Known(NamedTuple):
    """What is known of a row once its first fields are.

    Attributes:
        fields: Those fields, as bytes; what they were when this was worked out.
        sums: What the heads after them have heard, ``(B, ...)``; see :mod:`.folded`.
        absent: Which streams have no more fields than the shift, ``(B,)`` bool; None for none.
        heard: The onset, from the shift on.
        voice: The stage, from the part on.
        hints: For the head that comes next, where it is that of pitch or duration.
    """

    fields: bytes
    sums: FloatArray
    absent: BoolArray | None = None
    heard: HeardOnset | None = None
    voice: Voice | None = None
    hints: Hints | None = None

    def select(self, at: npt.NDArray[np.intp]) -> "Known":
        """What is known of these streams' rows."""
        fields = np.frombuffer(self.fields, np.int32).reshape(len(self.sums), -1)
        hints = self.hints
        if isinstance(hints, PitchHints):
            hints = PitchHints._make(_rows(hints, at))
        elif hints is not None:
            hints = DurationHints._make(_rows(hints, at))
        return Known(
            fields=fields.take(at, axis=0).tobytes(),
            sums=self.sums.take(at, axis=0),
            absent=None if self.absent is None else self.absent.take(at),
            heard=None if self.heard is None else self.heard.select(at),
            voice=None if self.voice is None else Voice._make(_rows(self.voice, at)),
            hints=hints,
        )


def _rows(
    arrays: Iterable[npt.NDArray[Any]], at: npt.NDArray[np.intp]
) -> Iterator[npt.NDArray[Any]]:
    """These rows of each array."""
    return (array.take(at, axis=0) for array in arrays)


@dataclass(slots=True)
class DecoderState:
    """Everything that the next row depends on, for B streams. It is never changed.

    Attributes:
        tracker: The musical past.
        h: Hidden state of each layer, float32 ``(L, B, U)``.
        c: Cell state of each layer, float32 ``(L, B, U)``.
        output: What the heads read, float32 ``(B, U)``.
        before: The stage before the next row.
        conditions: What the conditions say to every row, float32 ``(B, U)``.
        keys: Of each piece, as far as they are known, int32 ``(B,)``; see
            :mod:`musiclstm.encoding.degrees`.
        meter_maps: One for all streams, or one for each.
        ruler: The same with the lengths in bars, to be looked up.
        row: What has been worked out of the row that is being chosen, so that no field does it
            again: one entry for each number of fields that are known.
    """

    tracker: Tracker
    h: FloatArray
    c: FloatArray
    output: FloatArray
    before: Before
    conditions: FloatArray
    keys: IntArray
    meter_maps: tuple[MeterMap, ...]
    ruler: Ruler
    row: list[Known | None] = dataclass_field(default_factory=lambda: [None] * 6, repr=False)

    def __len__(self) -> int:
        return len(self.conditions)

    def select(self, streams: npt.ArrayLike) -> "DecoderState":
        """The streams with these indices, repeated as often as they are named.

        What has been worked out of the row that is being chosen goes with them.
        """
        at = np.asarray(streams, np.intp)
        maps = self.meter_maps
        row: list[Known | None] = [None] * len(self.row)
        for fields in reversed(range(len(row))):
            known = self.row[fields]
            if known is not None:  # it contains what was known with fewer fields
                row[fields] = known.select(at)
                break
        return DecoderState(
            tracker=self.tracker.select(at),
            h=self.h.take(at, axis=1),
            c=self.c.take(at, axis=1),
            output=self.output.take(at, axis=0),
            before=self.before.select(at),
            conditions=self.conditions.take(at, axis=0),
            keys=self.keys.take(at),
            meter_maps=maps if len(maps) == 1 else tuple(maps[index] for index in at.tolist()),
            ruler=self.ruler.select(at),
            row=row,
        )

    @classmethod
    def joined(cls, states: Sequence["DecoderState"]) -> "DecoderState":
        """The streams of all, one after the other; they began together.

        Args:
            states: Selected, and gone on with, from states that began as one.
        """
        if len(states) == 1:
            return states[0]
        maps = states[0].meter_maps
        return cls(
            tracker=Tracker.joined([state.tracker for state in states]),
            h=np.concatenate([state.h for state in states], axis=1),
            c=np.concatenate([state.c for state in states], axis=1),
            output=np.concatenate([state.output for state in states]),
            before=Before.joined([state.before for state in states]),
            conditions=np.concatenate([state.conditions for state in states]),
            keys=np.concatenate([state.keys for state in states]),
            meter_maps=maps if len(maps) == 1 else sum((s.meter_maps for s in states), ()),
            ruler=Ruler.joined([state.ruler for state in states]),
        )
