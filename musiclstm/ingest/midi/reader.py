"""A MIDI file -> its Scores, through music21's event layer.

Parts: one for each track, channel and program that has notes, in file order; drums (channel 10)
are one part a track and channel. Ticks are time: an onset is rounded to the nearest step, halves
up, an end likewise, and every note lasts at least one step. Where a file counts film frames instead
of beats (SMPTE), its seconds are put on the grid at 120 bpm, and it counts as performed.
"""

import numpy as np
import numpy.typing as npt

from musiclstm.ingest.midi.events import DRUM_CHANNEL, EventTable, read_events
from musiclstm.ingest.midi.pairing import PlayedNotes, pair_notes, programs
from musiclstm.ingest.midi.timing import is_performed, read_key, read_meters, read_tempos, to_steps
from musiclstm.ingest.problems import Problem, Repair, Repaired
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Column, MeterMap, NoteArray, Part, Score
from musiclstm.score.notes import MAX_PARTS

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar", ".rmi"})
# A note that lasts longer counts as several, since models learn it as several, tied. So a few
# thousand bytes cannot become a billion rows: 2,048 notes at once, each of 100,000 quarters.
QUARTERS_A_ROW = 8


def read_midi(
    data: bytes, settings: IngestSettings, *, source: str, style: str = ""
) -> list[Reading]:
    """Read one MIDI file: repair what can be understood, and say so.

    Args:
        data: The whole file.
        settings: Grid, pedal and limits.
        source: Where it came from, for the scores and the reports.
        style: Name of the style.

    Returns:
        One piece, or those of a file of loose patterns (type 2), at least one: each with its
        score, and a report that lacks only the content hash.

    Raises:
        UnreadableFileError: With the reason alone, in words; the caller names the file.
    """
    contents = read_events(data, settings.max_notes)
    return [
        _read_piece(
            table, settings, source, style, piece, contents.repairs, has_beats=contents.has_beats
        )
        for piece, table in contents.pieces
    ]


def _read_piece(
    table: EventTable,
    settings: IngestSettings,
    source: str,
    style: str,
    piece: str,
    repairs: tuple[Repaired, ...],
    *,
    has_beats: bool,
) -> Reading:
    """Make a score of one table of events."""
    source += piece
    played = pair_notes(table, pedal=settings.pedal)
    parts, part = _parts(table, played)
    ppq, grid = table.ticks_per_quarter, settings.steps_per_quarter
    tick = table.tick[played.event]
    onset = to_steps(tick, ppq, grid)
    end = to_steps(played.end, ppq, grid)
    snap = np.abs(tick * (grid / ppq) - onset)
    performed = not has_beats or is_performed(tick / ppq)
    pitch, velocity = table.first[played.event], table.second[played.event]
    score, changes = Score.build(
        np.stack([onset, np.maximum(end - onset, 1), pitch, velocity, part], axis=1),
        parts,
        steps_per_quarter=grid,
        tempos=read_tempos(table.metas, ppq, grid) if has_beats else (),
        meter_map=MeterMap() if performed else read_meters(table.metas, ppq, grid),
        key=read_key(table.metas, int(tick.min())),
        style=style,
        source=source,
        performed=performed,
    )
    _check_length(score.notes, settings)
    if played.hanging:
        repairs = (*repairs, Repair.HANGING.found(f"{played.hanging:,}"))
    remarks = []
    if performed:
        remarks.append("played freely: the meter is left out, and notes keep their own time")
    if played.held:
        remarks.append(f"the pedal is read as longer notes: {played.held:,}")
    report = FileReport(
        source=source,
        notes=len(score.notes),
        worst_snap=round(float(snap.max()), 4),
        mean_snap=round(float(snap.mean()), 4),
        merged=changes.merged,
        cut=changes.cut,
        performed=performed,
        repairs=repairs,
        remarks=tuple(remarks),
    )
    return Reading(report, score, piece=piece)


def _check_length(notes: NoteArray, settings: IngestSettings) -> None:
    """Refuse notes that would be too many rows."""
    row = QUARTERS_A_ROW * settings.steps_per_quarter
    rows = int((-(-notes[:, Column.DURATION] // row)).sum(dtype=np.int64))
    if rows > settings.max_notes:
        raise Problem.TOO_MANY_NOTES.error(
            f"long ones, which count as {rows:,} of {QUARTERS_A_ROW} quarters"
        )


def _parts(table: EventTable, played: PlayedNotes) -> tuple[list[Part], npt.NDArray[np.int64]]:
    """The parts, and the part of each note."""
    rows = played.event
    program = programs(table, rows)
    key = (table.track[rows] * (int(table.bus.max()) + 1) + table.bus[rows]) * 128 + program
    unique, first_seen, part = np.unique(key, return_index=True, return_inverse=True)
    if len(unique) > MAX_PARTS:
        raise Problem.TOO_MANY_PARTS.error(f"{len(unique):,}, and at most {MAX_PARTS:,} are read")
    # track by track, channel by channel; programs of one channel as they come into play
    order = np.lexsort((first_seen, unique // 128))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    parts = [
        Part(
            program=int(program[first]),
            is_drum=bool(table.bus[rows[first]] % 16 == DRUM_CHANNEL),
            name=table.names[table.track[rows[first]]],
        )
        for first in first_seen[order]
    ]
    return parts, place[part]
