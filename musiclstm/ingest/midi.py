"""A MIDI file -> a Score, through music21's event layer.

Parts: one for each track, channel and program that has notes, in file order; drums (channel 10)
are one part a track and channel. Ticks are time: an onset is rounded to the nearest step, halves
up, an end likewise, and every note lasts at least one step. Files that count film frames instead
of beats (SMPTE) are refused.
"""

import numpy as np
import numpy.typing as npt

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.events import DRUM_CHANNEL, EventTable, read_events
from musiclstm.ingest.pairing import PlayedNotes, pair_notes, programs
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.ingest.timing import is_performed, read_key, read_meters, read_tempos, to_steps
from musiclstm.score import MeterMap, Part, Score
from musiclstm.score.notes import MAX_PARTS, MAX_STEP

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar"})


def read_midi(data: bytes, settings: IngestSettings, *, source: str, style: str = "") -> Reading:
    """Read one MIDI file.

    Args:
        data: The whole file.
        settings: Grid, pedal and limits.
        source: Where it came from, for the score and the report.
        style: Name of the style.

    Returns:
        The score, and a report that lacks only the content hash.

    Raises:
        UnreadableFileError: With the reason alone, in words; the caller names the file.
    """
    table = read_events(data, settings.max_notes)
    played = pair_notes(table, pedal=settings.pedal)
    parts, part = _parts(table, played)
    ppq, grid = table.ticks_per_quarter, settings.steps_per_quarter
    tick = table.tick[played.event]
    onset = to_steps(tick, ppq, grid)
    end = to_steps(played.end, ppq, grid)
    if int(max(onset.max(), end.max())) > MAX_STEP:
        raise UnreadableFileError("a note lies further off than 700 hours: a wrong pause in it")
    snap = np.abs(tick * (grid / ppq) - onset)
    performed = is_performed(tick / ppq)
    meters = MeterMap() if performed else read_meters(table.metas, ppq, grid)
    notes = np.stack(
        [
            onset,
            np.maximum(end - onset, 1),
            table.first[played.event],
            np.minimum(table.second[played.event], 127),
            part,
        ],
        axis=1,
    )
    score, repairs = Score.build(
        notes,
        parts,
        steps_per_quarter=grid,
        tempos=read_tempos(table.metas, ppq, grid),
        meter_map=meters,
        key=read_key(table.metas, int(tick.min())),
        style=style,
        source=source,
        performed=performed,
    )
    report = FileReport(
        source=source,
        notes=len(score.notes),
        worst_snap=round(float(snap.max()), 4),
        mean_snap=round(float(snap.mean()), 4),
        merged=repairs.merged,
        cut=repairs.cut,
        performed=performed,
        remarks=_remarks(played, performed=performed),
    )
    return Reading(report, score)


def _parts(table: EventTable, played: PlayedNotes) -> tuple[list[Part], npt.NDArray[np.int64]]:
    """The parts, and the part of each note."""
    rows = played.event
    program = programs(table, rows)
    key = (table.track[rows] * (int(table.bus.max()) + 1) + table.bus[rows]) * 128 + program
    unique, first_seen, part = np.unique(key, return_index=True, return_inverse=True)
    if len(unique) > MAX_PARTS:
        raise UnreadableFileError(f"it has {len(unique)} parts; at most {MAX_PARTS} are read")
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


def _remarks(played: PlayedNotes, *, performed: bool) -> tuple[str, ...]:
    remarks = []
    if played.hanging:
        remarks.append(f"notes never switched off, ended with their track: {played.hanging}")
    if performed:
        remarks.append("played freely: the meter is left out, and notes keep their own time")
    return tuple(remarks)
