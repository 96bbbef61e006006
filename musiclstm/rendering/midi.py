"""Scores as Standard MIDI Files, exact to the tick.

Conventions: a step is a whole number of ticks (at the default grid 20 of them, 480 ticks a
quarter), so that no note moves. Track 0 carries tempos, meters, key and texts; after it comes one
track a part, in order, the empty ones too.

What MIDI has no word for is written so that a reader can tell:

* an unspecified meter is a bare 1/4 (a file without any counts as 4/4), and unspecified tempo and
  key are left out;
* a pickup is a first bar cut short by the next time signature. Where its length can be a meter
  (a quarter in 4/4 is 1/4), that is what stands there, as notation programs write it; where it
  cannot (a triplet eighth), the meter of the piece stands at tick 0 *and again* at the first
  downbeat. One rule reads both: a second time signature within one bar of the first ends a pickup;
* a tempo is stored in whole microseconds a quarter and cannot be slower than 3.58 bpm: slower ones
  are written as that.

A drum hit, which in a score is a step long, is written as a sixteenth, or up to the next of its
kind: a key that is released at once is dropped by some players.

Beyond 15 melodic parts MIDI's channels are used twice. Tracks still keep the notes apart, but a
synthesiser plays parts on one channel with one sound.
"""

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.errors import ScoreError
from musiclstm.files import atomic_write_bytes
from musiclstm.score import Column, Meter, Score
from musiclstm.score.notes import MAX_STEP

USUAL_TICKS_PER_QUARTER = 480  # what most sequencers write; a multiple of the default grid
READABLE_TICKS = 10**7  # pretty_midi refuses to read a file with more
MAX_TICKS = 2**28 - 1  # the longest pause that a MIDI file can express
MAX_MICROSECONDS = 2**24 - 1  # a quarter's length is stored in three bytes


def write_midi(score: Score, path: Path | str, *, texts: Sequence[str] = ()) -> None:
    """Write a score as a MIDI file.

    The same score and texts give the same bytes. The file appears whole or not at all.

    Args:
        score: What to write.
        path: Where to; an existing file is replaced (see
            :func:`musiclstm.files.free_path`).
        texts: Written as text events at time 0, in order, as UTF-8.

    Raises:
        ScoreError: If the piece is longer than MIDI can express.
        RequestError: If the place cannot be written.
    """
    atomic_write_bytes(path, midi_bytes(score, texts=texts))


def midi_bytes(score: Score, *, texts: Sequence[str] = ()) -> bytes:
    """Return what :func:`write_midi` writes."""
    import pretty_midi  # noqa: PLC0415 - so that `--help` need not wait for it

    ends = _ends(score)
    ticks_per_step = _ticks_per_step(score, ends)
    midi = _midi_in_ticks()(resolution=score.steps_per_quarter * ticks_per_step, charset="utf-8")
    # pretty_midi multiplies back to microseconds and truncates: aim at the middle of the integer
    midi._tick_scales = [
        (tempo.step * ticks_per_step, (_microseconds(tempo.bpm) + 0.5) / 1e6 / midi.resolution)
        for tempo in score.tempos
    ]
    midi.time_signature_changes = [
        pretty_midi.TimeSignature(meter.numerator, meter.denominator, meter.step * ticks_per_step)
        for meter in _written_meters(score)
    ]
    if score.key is not None:
        midi.key_signature_changes = [pretty_midi.KeySignature(score.key.index, 0)]
    midi.text_events = [pretty_midi.Text(_encodable(text), 0) for text in texts]

    midi.instruments = [
        pretty_midi.Instrument(part.program, part.is_drum, _encodable(part.name))
        for part in score.parts
    ]
    for (onset, _, pitch, velocity, part), end in zip(
        score.notes.tolist(), ends.tolist(), strict=True
    ):
        midi.instruments[part].notes.append(
            pretty_midi.Note(velocity, pitch, onset * ticks_per_step, end * ticks_per_step)
        )
    file = BytesIO()
    midi.write(file)
    return file.getvalue()


@cache
def _midi_in_ticks() -> Any:
    """Make a `PrettyMIDI` whose times are ticks.

    pretty_midi keeps seconds and finds ticks again by rounding, through a table with an entry for
    every tick. Ours are exact and need neither.
    """
    import pretty_midi  # noqa: PLC0415

    class MidiInTicks(pretty_midi.PrettyMIDI):  # type: ignore[misc, unused-ignore]
        def time_to_tick(self, time: int) -> int:
            return time

    return MidiInTicks


def _ticks_per_step(score: Score, ends: npt.NDArray[np.int64]) -> int:
    """Choose how fine the file is: as usual, coarser for pieces of many hours.

    Raises:
        ScoreError: If the piece is too long even at one tick a step.
    """
    last_step = max(
        int(ends.max(initial=0)),
        *(tempo.step for tempo in score.tempos),
        *(meter.step for meter in score.meter_map.meters),
        score.meter_map.pickup_steps,
    )
    if last_step >= MAX_TICKS:
        raise ScoreError(
            f"step {last_step} lies beyond what a MIDI file can express; end before {MAX_TICKS}"
        )
    usual = max(1, round(USUAL_TICKS_PER_QUARTER / score.steps_per_quarter))
    return min(usual, max(1, READABLE_TICKS // max(1, last_step + 1)))


def _ends(score: Score) -> npt.NDArray[np.int64]:
    """The step at which each note is written to end, ``(n,)``."""
    ends = (score.notes[:, Column.ONSET] + score.notes[:, Column.DURATION]).astype(np.int64)
    sixteenth = max(1, score.steps_per_quarter // 4)
    following: dict[tuple[int, int], int] = {}
    drums = np.array([part.is_drum for part in score.parts] or [False])
    for row in np.flatnonzero(drums[score.notes[:, Column.PART]])[::-1].tolist():
        onset, _, pitch, _, part = score.notes[row].tolist()
        ends[row] = min(onset + sixteenth, following.get((part, pitch), MAX_STEP))
        following[part, pitch] = onset
    return ends


def _microseconds(bpm: float) -> int:
    return min(round(6e7 / bpm), MAX_MICROSECONDS)


def _written_meters(score: Score) -> list[Meter]:
    """Say meters and pickup in time signatures, as the module's docstring has it."""
    meters, pickup_steps = score.meter_map.meters, score.meter_map.pickup_steps
    if not meters:
        return [Meter(0, 1, 4)]
    if not pickup_steps:
        return list(meters)
    # changes inside the pickup count from the first downbeat; only the last is ever in force
    inside = [meter for meter in meters if meter.step <= pickup_steps]
    first = inside[-1]
    opening = _meter_of(pickup_steps, score.steps_per_quarter, first.denominator) or first
    return [
        Meter(0, opening.numerator, opening.denominator),
        Meter(pickup_steps, first.numerator, first.denominator),
        *meters[len(inside) :],
    ]


def _meter_of(steps: int, steps_per_quarter: int, denominator: int) -> Meter | None:
    """Find the meter whose bar lasts ``steps``, in beats of ``denominator`` or the next finer."""
    while denominator <= 64:
        beats, rest = divmod(steps * denominator, 4 * steps_per_quarter)
        if not rest and 1 <= beats <= 64:
            return Meter(0, beats, denominator)
        denominator *= 2
    return None


def _encodable(text: str) -> str:
    """Replace what UTF-8 cannot carry (halves of surrogate pairs) by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
