"""A music21 stream -> a Score: what is written, at sounding pitch.

Tied notes are one note; chords are notes of their part; grace notes, which have no time of their
own, are dropped and counted; repeats are not played out; dynamics and fermatas are left aside, so
every note has one velocity. A short first measure is a pickup. A later measure that is shorter or
longer than its meter says is followed by the same meter, written again where the next bar begins.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.score import DEFAULT_STEPS_PER_QUARTER, Key, Meter, MeterMap, Part, Score, Tempo

Stream = Any  # music21 carries no usable types
VELOCITY = 80  # mezzo forte: notation is read without its dynamics
_NUDGE = 1e-6  # a music21 offset may be a float just below a half step
# church modes by the third above their tonic
_MAJOR_MODES = frozenset({"major", "ionian", "lydian", "mixolydian"})
_MINOR_MODES = frozenset({"minor", "aeolian", "dorian", "phrygian"})


@dataclass
class _Gathered:
    """Notes while they are gathered."""

    rows: list[list[int]] = field(default_factory=list)
    graces: int = 0
    unpitched: int = 0
    worst_snap: float = 0.0
    total_snap: float = 0.0


def read_stream(
    stream: Stream,
    *,
    source: str,
    style: str = "",
    steps_per_quarter: int = DEFAULT_STEPS_PER_QUARTER,
    voices: Sequence[tuple[Stream, Part]] | None = None,
    remarks: Sequence[str] = (),
) -> Reading:
    """Read a parsed score.

    Args:
        stream: A ``music21.stream.Score`` with parts, or a single part.
        source: Where it came from.
        style: Name of the style.
        steps_per_quarter: The grid.
        voices: Which parts of it to take, and what to call them; default all that have notes.
        remarks: Added to the report.

    Returns:
        The score, and a report without a content hash.

    Raises:
        UnreadableFileError: If there are no notes in it.
    """
    if voices is None:
        streams = list(stream.parts) if hasattr(stream, "parts") else []
        voices = [(part, _part(part)) for part in streams or [stream]]
    to_step = _rounding(steps_per_quarter)
    gathered = _Gathered()
    parts: list[Part] = []
    for part_stream, part in voices:
        before = len(gathered.rows)
        _gather(part_stream.flatten(), len(parts), to_step, steps_per_quarter, gathered)
        if len(gathered.rows) > before:
            parts.append(part)
    if not parts:
        raise UnreadableFileError("it holds no notes")
    first = voices[0][0]
    score, repairs = Score.build(
        gathered.rows,
        parts,
        steps_per_quarter=steps_per_quarter,
        tempos=_tempos(first, to_step),
        meter_map=_meters(first, to_step, steps_per_quarter),
        key=_key(first),
        style=style,
        source=source,
    )
    notes = list(remarks)
    if gathered.graces:
        notes.append(f"grace notes left out: {gathered.graces}")
    if gathered.unpitched:
        notes.append(f"notes without a pitch left out: {gathered.unpitched}")
    report = FileReport(
        source=source,
        notes=len(score.notes),
        worst_snap=round(gathered.worst_snap, 4),
        mean_snap=round(gathered.total_snap / len(gathered.rows), 4),
        merged=repairs.merged,
        cut=repairs.cut,
        remarks=tuple(notes),
    )
    return Reading(report, score)


def _rounding(steps_per_quarter: int) -> Callable[[float], int]:
    """A function from quarters to the nearest step, halves up."""
    return lambda quarters: math.floor(float(quarters) * steps_per_quarter + 0.5 + _NUDGE)


def _part(stream: Stream) -> Part:
    """What a staff says of its instrument."""
    instrument = stream.getInstrument(returnDefault=True)
    program = instrument.midiProgram
    name = stream.partName or instrument.partName or ""
    drum = "UnpitchedPercussion" in instrument.classes
    return Part(program if program is not None and not drum else 0, drum, " ".join(name.split()))


def _gather(
    flat: Stream,
    part: int,
    to_step: Callable[[float], int],
    steps_per_quarter: int,
    gathered: _Gathered,
) -> None:
    """Add the notes of one flattened part."""
    shifts = _transpositions(flat)
    tied: dict[int, list[int]] = {}  # pitch -> row that waits for its continuation
    for element in flat.notes:
        if "Harmony" in element.classes:  # a chord symbol is written over the staff, not played
            continue
        if element.duration.isGrace:
            gathered.graces += 1
            continue
        offset = float(element.offset)
        onset = to_step(offset)
        end = to_step(offset + float(element.quarterLength))
        for note in element.notes if element.isChord else (element,):
            if not hasattr(note, "pitch"):
                gathered.unpitched += 1
                continue
            pitch = note.pitch.midi + _shift_at(shifts, offset)
            tie = (note.tie or element.tie) if element.isChord else note.tie
            kind = tie.type if tie is not None else ""
            waiting = tied.pop(pitch, None)
            if waiting is not None and kind in ("stop", "continue"):
                row = waiting
                row[1] = max(end - row[0], row[1])
            else:
                row = [onset, max(end - onset, 1), pitch, VELOCITY, part]
                gathered.rows.append(row)
                snap = abs(offset * steps_per_quarter - onset)
                gathered.worst_snap = max(gathered.worst_snap, snap)
                gathered.total_snap += snap
            if kind in ("start", "continue"):
                tied[pitch] = row


def _transpositions(flat: Stream) -> list[tuple[float, int]]:
    """Semitones from written to sounding pitch, from each offset on."""
    if flat.atSoundingPitch is True:
        return []
    found = []
    for instrument in flat.getElementsByClass("Instrument"):
        interval = instrument.transposition
        found.append((float(instrument.offset), 0 if interval is None else interval.semitones))
    return sorted(found, key=lambda change: change[0]) if any(s for _, s in found) else []


def _shift_at(shifts: list[tuple[float, int]], offset: float) -> int:
    """The transposition in force at an offset."""
    return next((semitones for at, semitones in reversed(shifts) if at <= offset), 0)


def _tempos(part: Stream, to_step: Callable[[float], int]) -> tuple[Tempo, ...]:
    """The metronome marks that give a number; a bare "Andante" gives none."""
    by_step: dict[int, float] = {}
    for mark in part.flatten().getElementsByClass("MetronomeMark"):
        if mark.numberImplicit and mark.numberSounding is None:
            continue
        bpm = mark.getQuarterBPM()
        if bpm is not None and 1 <= bpm <= 1000:
            by_step[to_step(mark.offset)] = round(float(bpm), 4)
    changes = sorted(by_step.items())
    return tuple(
        Tempo(step, bpm)
        for index, (step, bpm) in enumerate(changes)
        if not index or bpm != changes[index - 1][1]
    )


def _meters(part: Stream, to_step: Callable[[float], int], steps_per_quarter: int) -> MeterMap:
    """The meters, the pickup, and a meter written again wherever bars come out of step."""
    measures = list(part.getElementsByClass("Measure"))
    current: Meter | None = None
    meters: list[Meter] = []
    anchor = pickup = bar = 0
    for index, measure in enumerate(measures):
        start = to_step(measure.offset)
        length = to_step(measure.offset + measure.quarterLength) - start
        signature = next(iter(measure.getElementsByClass("TimeSignature")), None)
        written = _meter(start, signature) if signature is not None else None
        if written is not None and (current is None or written.name != current.name):
            current, anchor = written, start
            bar = current.bar_steps(steps_per_quarter)
            meters.append(Meter(start if meters else 0, current.numerator, current.denominator))
            if not index and 0 < length < bar and len(measures) > 1:
                pickup = anchor = length
        elif current is not None and length >= bar and (start - anchor) % bar:
            meters.append(Meter(start, current.numerator, current.denominator))
            anchor = start
    return MeterMap(tuple(meters), pickup if meters else 0)


def _meter(step: int, signature: Stream) -> Meter | None:
    """A written time signature, unless it is one that MIDI could not say."""
    numerator, denominator = signature.numerator, signature.denominator
    power_of_two = denominator & (denominator - 1) == 0
    if 1 <= numerator <= 64 and 1 <= denominator <= 64 and power_of_two:
        return Meter(step, numerator, denominator)
    return None


def _key(part: Stream) -> Key | None:
    """The first key, at sounding pitch, where the source says its mode; a bare signature is none.

    Church modes count as the major or minor with their third.
    """
    flat = part.flatten()
    for signature in flat.getElementsByClass("KeySignature"):
        mode = getattr(signature, "mode", None)
        if mode not in _MAJOR_MODES | _MINOR_MODES:
            return None
        key = Key(signature.tonic.pitchClass, "major" if mode in _MAJOR_MODES else "minor")
        return key.transposed(_shift_at(_transpositions(flat), 0.0))
    return None
