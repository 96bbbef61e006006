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

from musiclstm.ingest.midi.events import MAX_QUARTERS
from musiclstm.ingest.midi.reader import QUARTERS_A_ROW
from musiclstm.ingest.notation.bars import align, read_meters
from musiclstm.ingest.notation.musicxml import drum_key
from musiclstm.ingest.notation.staves import part_of, told_apart
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import DEFAULT_STEPS_PER_QUARTER, Key, MeterMap, Part, Score, Tempo
from musiclstm.score.notes import MAX_PARTS

Stream = Any  # music21 carries no usable types
VELOCITY = 80  # mezzo forte: notation is read without its dynamics
_NUDGE = 1e-6  # a music21 offset may be a float just below a half step
# church modes by the third above their tonic
_MAJOR_MODES = frozenset({"major", "ionian", "lydian", "mixolydian"})
_MINOR_MODES = frozenset({"minor", "aeolian", "dorian", "phrygian"})


@dataclass
class _Gathered:
    """Notes while they are gathered: rows of onset, duration, pitch, velocity, part."""

    rows: list[list[int]] = field(default_factory=list)
    graces: int = 0
    unpitched: int = 0
    out_of_range: int = 0
    worst_snap: float = 0.0
    total_snap: float = 0.0


def read_stream(
    stream: Stream,
    *,
    source: str,
    style: str = "",
    steps_per_quarter: int = DEFAULT_STEPS_PER_QUARTER,
    max_notes: int = IngestSettings.max_notes,
    voices: Sequence[tuple[Stream, Part]] | None = None,
    remarks: Sequence[str] = (),
) -> Reading:
    """Read a parsed score.

    Args:
        stream: A ``music21.stream.Score`` with parts, or a single part; its bars are moved where
            its parts drift apart.
        source: Where it came from.
        style: Name of the style.
        steps_per_quarter: The grid.
        max_notes: More notes are refused.
        voices: Which parts of it to take, and what to call them; default all that have notes.
        remarks: Added to the report.

    Returns:
        The score, and a report without a content hash.

    Raises:
        UnreadableFileError: If there are no notes in it, or too many, or if it is too long.
    """
    if voices is None:
        voices = _named(list(stream.parts) if hasattr(stream, "parts") else [stream])
    drifting = align([part_stream for part_stream, _ in voices])
    to_step = _rounding(steps_per_quarter)
    gathered = _Gathered()
    parts: list[Part] = []
    for part_stream, part in voices:
        pitched, struck = _gather(part_stream, to_step, steps_per_quarter, gathered)
        if part.is_drum:
            pitched, struck = pitched + struck, []
        for rows, of in ((pitched, part), (struck, Part(0, True, part.name))):
            if rows:
                gathered.rows += [[*row, len(parts)] for row in rows]
                parts.append(of)
    _check(gathered, parts, steps_per_quarter, max_notes)
    # the first staff that says anything says it for all
    staves = [part_stream for part_stream, _ in voices]
    meter_maps = (read_meters(staff, to_step, steps_per_quarter) for staff in staves)
    score, repairs = Score.build(
        gathered.rows,
        parts,
        steps_per_quarter=steps_per_quarter,
        tempos=next((tempos for staff in staves if (tempos := _tempos(staff, to_step))), ()),
        meter_map=next((meters for meters in meter_maps if meters.specified), MeterMap()),
        key=_key(staves),
        style=style,
        source=source,
    )
    notes = list(remarks)
    for count, what in (
        (drifting, "bars of different length in different parts, made to begin together"),
        (gathered.graces, "grace notes left out"),
        (gathered.unpitched, "notes without a pitch left out"),
        (gathered.out_of_range, "notes outside MIDI's range left out"),
    ):
        if count:
            notes.append(f"{what}: {count}")
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


def _named(streams: Sequence[Stream]) -> list[tuple[Stream, Part]]:
    """All staves, with parts that have different names."""
    hands = ["PartStaff" in stream.classes for stream in streams]
    return list(zip(streams, told_apart([part_of(s) for s in streams], hands), strict=True))


def _check(
    gathered: _Gathered, parts: Sequence[Part], steps_per_quarter: int, max_notes: int
) -> None:
    """Refuse what is no music, or more of it than was asked for."""
    if not parts:
        raise Problem.NO_NOTES.error()
    end = max(onset + duration for onset, duration, *_ in gathered.rows)
    if end > MAX_QUARTERS * steps_per_quarter:
        raise Problem.TOO_LONG.error(f"{end // steps_per_quarter:,} quarters")
    # long notes count as several, as in MIDI
    row = QUARTERS_A_ROW * steps_per_quarter
    rows = sum(-(-duration // row) for _, duration, *_ in gathered.rows)
    if rows > max_notes:
        raise Problem.TOO_MANY_NOTES.error(f"{rows:,} of {max_notes:,}")
    if len(parts) > MAX_PARTS:
        raise Problem.TOO_MANY_PARTS.error(f"{len(parts):,} of {MAX_PARTS:,}")


def _rounding(steps_per_quarter: int) -> Callable[[float], int]:
    """A function from quarters to the nearest step, halves up."""
    return lambda quarters: math.floor(float(quarters) * steps_per_quarter + 0.5 + _NUDGE)


def _gather(
    staff: Stream,
    to_step: Callable[[float], int],
    steps_per_quarter: int,
    gathered: _Gathered,
) -> tuple[list[list[int]], list[list[int]]]:
    """The rows of one staff, still without part: notes, and strokes on drums."""
    shifts = _transpositions(staff)
    pitched: list[list[int]] = []
    struck: list[list[int]] = []
    tied: dict[int, list[int]] = {}  # pitch -> row that waits for its continuation
    for element in staff.flatten().notes:
        if "Harmony" in element.classes:  # a chord symbol is written over the staff, not played
            continue
        if element.duration.isGrace:
            gathered.graces += 1
            continue
        offset = float(element.offset)
        onset = to_step(offset)
        end = to_step(offset + float(element.quarterLength))
        chord = "ChordBase" in element.classes  # of pitches, or of strokes
        for note in element.notes if chord else (element,):
            drum = not hasattr(note, "pitch")
            pitch = _drum(note) if drum else _pitch(note, _shift_at(shifts, offset))
            if pitch is None:
                gathered.unpitched += drum
                gathered.out_of_range += not drum
                continue
            tie = (note.tie or element.tie) if chord else note.tie
            kind = tie.type if tie is not None and not drum else ""
            waiting = tied.pop(pitch, None)
            # a tie goes on where its note ends; elsewhere it is a slur or a second ending
            reached = waiting is not None and onset <= sum(waiting[:2]) + 1
            if waiting is not None and reached and kind in ("stop", "continue"):
                row = waiting
                row[1] = max(end - row[0], row[1])
            else:
                row = [onset, max(end - onset, 1), pitch, VELOCITY]
                (struck if drum else pitched).append(row)
                snap = abs(offset * steps_per_quarter - onset)
                gathered.worst_snap = max(gathered.worst_snap, snap)
                gathered.total_snap += snap
            if kind in ("start", "continue"):
                tied[pitch] = row
    return pitched, struck


def _pitch(note: Stream, shift: int) -> int | None:
    """The sounding pitch, if it is in MIDI's range; music21 would move it there by octaves."""
    pitch: int = note.pitch.midi + shift
    return pitch if 0 <= pitch <= 127 and -0.5 < note.pitch.ps < 127.5 else None


def _drum(note: Stream) -> int | None:
    """The MIDI key of a note without a pitch, where it was handed through."""
    octave = getattr(note, "displayOctave", None)
    return drum_key(octave) if isinstance(octave, int) else None


def _transpositions(staff: Stream) -> list[tuple[float, int]]:
    """Semitones from written to sounding pitch, from each offset on."""
    if staff.atSoundingPitch is True:
        return []
    found = []
    for instrument in staff.flatten().getElementsByClass("Instrument"):
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


def _key(staves: Sequence[Stream]) -> Key | None:
    """The first key, at sounding pitch, where the source says its mode; a bare signature is none.

    The first staff with a signature says it for all. Church modes count as the major or minor with
    their third.
    """
    for staff in staves:
        signatures = list(staff.flatten().getElementsByClass("KeySignature"))
        for signature in signatures:
            if signature.offset != signatures[0].offset:
                break
            mode = getattr(signature, "mode", None)  # kern has a bare signature beside the key
            if mode in _MAJOR_MODES | _MINOR_MODES:
                key = Key(signature.tonic.pitchClass, "major" if mode in _MAJOR_MODES else "minor")
                return key.transposed(_shift_at(_transpositions(staff), 0.0))
        if signatures:
            return None
    return None
