"""Steering: wishes that lean on the model's choices without taking them away.

Each wish adds to the logarithms of the probabilities of a field before it is drawn, a *potential*;
what that adds up to counts in a particle's weight. So a wish works with every model, and needs no
labels in training. A wish leans, it does not force: what the model finds very unlikely stays so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.model import DecoderState
from musiclstm.score import Key

if TYPE_CHECKING:
    from musiclstm.features.chord_symbols import Spans

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

# In nats; chosen by benchmarks/control.py on pieces that are no test pieces.
_OFF_CHORD = 5.0  # a note that is foreign to the chord that holds
_OFF_CHORD_QUARTER = 5.0  # and for each quarter that it sounds
_OFF_BASS = 2.0  # the lowest part on another note than the bass of a chord, where one is written
_CADENCE = 5.0  # whatever is not as a cadence has it
_LEAN_PER_BAR = 4.0  # how strongly lengths lean for each bar's worth of notes too few or too many
_MOST_LEAN = 4.0


class Cadence(NamedTuple):
    """An ending on the tonic chord, on a strong beat.

    Attributes:
        key: Whose tonic, as the model reads it.
        close: The step at which the last bar begins.
        strong: The steps in it on which the last chord may stand.
        end: The step at which the piece ends.
        part: The lowest part that will be heard.
    """

    key: Key
    close: int
    strong: tuple[int, ...]
    end: int
    part: int


@dataclass(frozen=True)
class Sheet:
    """What is wished for of one piece, step by step.

    Attributes:
        foreign: Whether a pitch class is foreign to the chord at a step, ``(steps, 12)`` bool; all
            False where none is asked for.
        foreign_before: How many steps before each step a pitch class was foreign, int32 ``(steps +
            1, 12)``.
        bass: Pitch class that the lowest part should have at a step, -1 for any, ``(steps,)``.
        pace: Notes a step that are asked for; None leaves it to the model.
        bar_steps: Length of a bar, for the pace.
        begins: The step from which on notes are counted.
        cadence: How the piece is to end; None leaves it to the model.
    """

    foreign: BoolArray
    foreign_before: IntArray
    bass: IntArray
    pace: float | None = None
    bar_steps: int = 1
    begins: int = 0
    cadence: "Cadence | None" = None

    @classmethod
    def of(
        cls,
        spans: "Spans | None" = None,
        *,
        semitones: int = 0,
        pace: float | None = None,
        bar_steps: int = 1,
        begins: int = 0,
        cadence: "Cadence | None" = None,
    ) -> "Sheet":
        """Lay wishes out.

        Args:
            spans: The chords that are asked for.
            semitones: By how much the model reads the music higher than it is written.
            pace: Notes a step.
            bar_steps: Length of a bar.
            begins: Where counting begins.
            cadence: How the piece is to end.
        """
        steps = max(int(spans.end[-1]) if spans is not None else 1, cadence.end if cadence else 1)
        foreign, bass = np.zeros((steps, 12), bool), np.full(steps, -1, np.int32)
        classes = (np.arange(12) - semitones) % 12  # as they are written
        if spans is not None:
            for start, stop, chord in zip(spans.start, spans.end, spans.chords, strict=True):
                foreign[start:stop] = ~np.isin(classes, list(chord.pitch_classes))
                if chord.bass is not None:
                    bass[start:stop] = (chord.bass + semitones) % 12
        if cadence is not None:
            third = 3 if cadence.key.mode == "minor" else 4
            tonic = cadence.key.tonic
            foreign[cadence.close :] = ~np.isin((np.arange(12) - tonic) % 12, (0, third, 7))
            bass[cadence.close :] = tonic
        before = np.zeros((steps + 1, 12), np.int32)
        np.cumsum(foreign, axis=0, out=before[1:])
        return cls(foreign, before, bass, pace, bar_steps, begins, cadence)


@dataclass
class Steering:
    """The wishes of N streams.

    Attributes:
        vocabulary: For the ids.
        sheets: What is wished for.
        sheet: Which of these is each stream's, ``(N,)``.
        notes: How many notes each has since they are counted, ``(N,)``.
    """

    vocabulary: Vocabulary
    sheets: tuple[Sheet | None, ...]
    sheet: npt.NDArray[np.intp]
    notes: IntArray

    @classmethod
    def start(cls, sheets: Sequence[Sheet | None], vocabulary: Vocabulary) -> "Steering":
        """Of streams with a sheet each; None for no wish."""
        n = len(sheets)
        return cls(vocabulary, tuple(sheets), np.arange(n), np.zeros(n, np.int32))

    def select(self, streams: npt.NDArray[np.intp]) -> "Steering":
        """Of these streams."""
        return replace(self, sheet=self.sheet[streams], notes=self.notes[streams])

    @classmethod
    def joined(cls, steerings: Sequence["Steering"]) -> "Steering":
        """Of all streams, one after the other; of the same sheets."""
        return replace(
            steerings[0],
            sheet=np.concatenate([of.sheet for of in steerings]),
            notes=np.concatenate([of.notes for of in steerings]),
        )

    def advance(self, state: DecoderState, event: IntArray) -> None:
        """Take note of a row; ``state`` is that before it."""
        if not any(sheet and sheet.pace for sheet in self.sheets):
            return
        step = state.tracker.now + self.vocabulary.steps_of(event[:, Field.SHIFT])
        begins = np.array([sheet.begins if sheet else 0 for sheet in self.sheets])[self.sheet]
        self.notes += (event[:, Field.SHIFT] <= self.vocabulary.max_shift) & (step >= begins)

    def tilt(self, field: Field, state: DecoderState, event: IntArray) -> FloatArray | None:
        """What is added to the log-probabilities of a field, float32 ``(N, size)``; None: nothing.

        Args:
            field: Which.
            state: Of the streams.
            event: int32 ``(N, 5)``; the columns before ``field`` hold what was chosen.
        """
        if field in (Field.PART, Field.VELOCITY) or not any(self.sheets):
            return None
        found = np.zeros((len(self.sheet), self.vocabulary.size(field)), np.float32)
        step = state.tracker.now + self.vocabulary.steps_of(event[:, Field.SHIFT])
        for number in np.unique(self.sheet).tolist():
            sheet = self.sheets[number]
            if sheet is not None:
                at = np.flatnonzero(self.sheet == number)
                if field == Field.SHIFT:
                    found[at] = self._shifts(sheet, state, at)
                elif field == Field.PITCH:
                    found[at] = self._pitches(sheet, step[at], event[at, Field.PART])
                else:
                    found[at] = self._durations(sheet, step[at], event[at])
        return found

    def _lean(self, sheet: Sheet, now: IntArray, at: npt.NDArray[np.intp]) -> FloatArray:
        """How much shorter than by themselves notes should be, ``(n,)``."""
        if sheet.pace is None:
            return np.zeros(len(at), np.float32)
        missing = sheet.pace * (now - sheet.begins) - self.notes[at]
        lean = _LEAN_PER_BAR * missing / (sheet.pace * sheet.bar_steps)
        result: FloatArray = np.clip(lean, -_MOST_LEAN, _MOST_LEAN).astype(np.float32)
        return result

    def _shifts(self, sheet: Sheet, state: DecoderState, at: npt.NDArray[np.intp]) -> FloatArray:
        v, now = self.vocabulary, state.tracker.now[at]
        found = np.zeros((len(at), v.max_shift + 3), np.float32)
        shifts = np.arange(1, v.max_shift + 1)
        found[:, 1 : v.wait] = -self._lean(sheet, now, at)[:, None] * np.log(shifts)
        if (cadence := sheet.cadence) is not None:
            step = now[:, None] + np.arange(v.max_shift + 1)
            weak = (step >= cadence.close) & ~np.isin(step, cadence.strong)
            weak[:, 0] = False
            found[:, : v.wait] -= _CADENCE * weak
            ends = np.maximum.reduce(state.tracker.ends[at][:, :-1], axis=1)
            tonic = np.arange(128) % 12 == sheet.bass[-1]
            lowest = (ends > now[:, None]).argmax(axis=1)
            closed = tonic[lowest] & np.isin(now, cadence.strong)
            found[:, v.end] -= _CADENCE * ~closed
        return found

    def _pitches(self, sheet: Sheet, step: IntArray, part: IntArray) -> FloatArray:
        v = self.vocabulary
        place = np.minimum(step, len(sheet.foreign) - 1)
        by_class = -_OFF_CHORD * sheet.foreign[place].astype(np.float32)
        bass = np.where(part == lowest_part(v, range(len(v.parts))), sheet.bass[place], -1)
        close = sheet.cadence.close if sheet.cadence else len(sheet.foreign)
        if sheet.cadence is not None:
            closes = (part == sheet.cadence.part) & (step >= close)
            bass = np.where(closes, sheet.cadence.key.tonic, bass)
        strength = np.where(step >= close, _CADENCE, _OFF_BASS).astype(np.float32)
        other = (bass[:, None] >= 0) & (np.arange(12) != bass[:, None])
        by_class -= other * strength[:, None]
        by_class *= ~v.drum_parts[part][:, None]
        return np.tile(by_class, (1, 11))[:, :128]

    def _durations(self, sheet: Sheet, step: IntArray, event: IntArray) -> FloatArray:
        v = self.vocabulary
        lasts = np.minimum(np.arange(v.max_duration + 1) + 1, v.max_duration)
        ends = np.minimum(step[:, None] + lasts, len(sheet.foreign))
        own = event[:, Field.PITCH] % 12
        begins = np.minimum(step, len(sheet.foreign))
        before = sheet.foreign_before
        steps = before[ends, own[:, None]] - before[begins, own][:, None]
        found = -_OFF_CHORD_QUARTER * steps / v.steps_per_quarter
        everyone = np.arange(len(step))
        found -= self._lean(sheet, step, everyone)[:, None] * np.log(lasts)
        if (cadence := sheet.cadence) is not None:
            early = step[:, None] + lasts != cadence.end
            found -= _CADENCE / 2 * (early & np.isin(step, cadence.strong)[:, None])
        drums = v.drum_parts[event[:, Field.PART]]
        result: FloatArray = np.where(drums[:, None], 0, found).astype(np.float32)
        return result


def lowest_part(v: Vocabulary, parts: Iterable[int]) -> int:
    """The lowest of some model parts, by their usual pitches; drums only for want of others."""
    return min(parts, key=lambda n: (v.parts[n].is_drum, v.parts[n].median))
