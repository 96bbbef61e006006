import struct

import mido
import numpy as np
import pytest

from musiclstm.ingest.midi.reader import read_midi
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Column, Key, MeterMap, Tempo


def read(data, **settings):
    (reading,) = read_midi(data, IngestSettings(**settings), source="piece.mid", style="test")
    return reading


def rows(data, **settings):
    """(onset, duration, pitch, part) of every note."""
    return read(data, **settings).score.notes[:, [0, 1, 2, 4]].tolist()


def test_a_note_comes_through_with_everything_it_has(one_note):
    reading = read(one_note)
    assert reading.score.notes.tolist() == [[0, 24, 60, 80, 0]]
    assert (reading.score.source, reading.score.style) == ("piece.mid", "test")
    assert (reading.report.notes, reading.report.worst_snap) == (1, 0.0)


# --- pairing


def test_velocity_0_is_a_note_off(midi, on):
    assert rows(midi([on(0, 60), on(480, 60, velocity=0)])) == [[0, 24, 60, 0]]


def test_overlapping_notes_of_one_pitch_end_first_in_first_out(midi, on, off):
    data = midi([on(0, 60), on(240, 60), off(480, 60), off(960, 60)])
    # the first is cut where the second begins, the second keeps the second off
    assert rows(data) == [[0, 12, 60, 0], [12, 36, 60, 0]]
    assert read(data).report.cut == 1


def test_an_off_without_a_note_is_ignored(midi, on, off):
    data = midi([off(0, 60), off(10, 60), on(480, 60), off(960, 60), off(970, 60)])
    assert rows(data) == [[24, 24, 60, 0]]


def test_an_off_in_one_track_ends_no_note_of_another(midi, on, off):
    data = midi([on(0, 60), off(960, 60)], [on(0, 60), off(480, 60)])
    assert rows(data) == [[0, 48, 60, 0], [0, 24, 60, 1]]


def test_every_note_lasts_a_step(midi, on, off):
    assert rows(midi([on(0, 60), off(1, 60), on(480, 62), off(480, 62)])) == [
        [0, 1, 60, 0],
        [24, 1, 62, 0],
    ]


@pytest.mark.parametrize(("tick", "step"), [(9, 0), (10, 1), (11, 1), (29, 1), (30, 2), (489, 24)])
def test_ticks_round_to_the_nearest_step_halves_up(midi, on, off, tick, step):
    assert rows(midi([on(tick, 60), off(tick + 480, 60)]))[0][0] == step


def test_the_snapping_error_is_reported(midi, on, off):
    data = midi([on(0, 60), off(100, 60), on(485, 62), off(600, 62)])
    report = read(data).report
    assert (report.worst_snap, report.mean_snap) == (0.25, 0.125)


def test_duplicates_are_merged_and_counted(midi, on, off):
    data = midi([on(0, 60), off(480, 60), on(480, 60), on(482, 60), off(960, 60), off(970, 60)])
    reading = read(data)
    assert len(reading.score.notes) == 2
    assert reading.report.merged == 1


def test_a_velocity_beyond_127_is_clipped(one_note):
    broken = one_note.replace(b"\x90\x3c\x50", b"\x90\x3c\xff")
    assert read(broken).score.notes[0, Column.VELOCITY] == 127


# --- pedal


def test_the_pedal_holds_notes_until_its_release(midi, on, off, pedal):
    data = midi([on(0, 60), pedal(100, 64), off(480, 60), pedal(960, 63)])
    assert rows(data) == [[0, 48, 60, 0]]
    assert rows(data, pedal=False) == [[0, 24, 60, 0]]


def test_a_pedal_that_is_up_holds_nothing(midi, on, off, pedal):
    data = midi([pedal(0, 127), pedal(10, 0), on(20, 60), off(480, 60), pedal(490, 127)])
    assert rows(data) == [[1, 23, 60, 0]]


def test_a_held_pitch_ends_when_it_is_struck_again(midi, on, off, pedal):
    data = midi([pedal(0, 127), on(0, 60), off(100, 60), on(480, 60), off(580, 60), pedal(960, 0)])
    reading = read(data)
    assert rows(data) == [[0, 24, 60, 0], [24, 24, 60, 0]]
    assert reading.report.cut == 0  # what the pedal added is no repair


def test_a_pedal_never_released_holds_to_the_end_of_the_track(midi, on, off, pedal):
    data = midi([pedal(0, 127), on(0, 60), off(100, 60), on(480, 62), off(960, 62)])
    assert rows(data) == [[0, 48, 60, 0], [24, 24, 62, 0]]


def test_a_pedal_that_moves_and_never_comes_up_is_none(midi, on, off, pedal):
    moves = [pedal(0, 80), pedal(200, 79), pedal(300, 90)]
    data = midi([*moves, on(310, 60), off(480, 60), on(960, 62), off(1440, 62)])
    assert rows(data) == [[16, 8, 60, 0], [48, 24, 62, 0]]


def test_a_pedal_in_a_track_of_its_own_holds_its_channel(midi, on, off, pedal):
    data = midi(
        [on(0, 60), off(480, 60)],
        [on(0, 50, channel=1), off(480, 50, channel=1), off(960, 50, channel=1)],
        [pedal(0, 127), pedal(480 + 240, 0)],
    )
    # the first track ends at 480, and its note with it; the other channel has no pedal
    assert rows(data) == [[0, 24, 60, 0], [0, 24, 50, 1]]
    longer = midi([on(0, 60), off(480, 60), off(960, 61)], [pedal(0, 127), pedal(720, 0)])
    assert rows(longer) == [[0, 36, 60, 0]]


def test_a_release_and_a_new_press_at_the_key_release_are_taken_in_order(midi, on, off, pedal):
    released = midi(
        [pedal(0, 127), on(0, 60), off(480, 60), pedal(480, 0), pedal(480, 127), pedal(960, 0)]
    )
    assert rows(released) == [[0, 24, 60, 0]]
    held = midi(
        [pedal(0, 127), on(0, 60), pedal(480, 0), pedal(480, 127), off(480, 60), pedal(960, 0)]
    )
    assert rows(held) == [[0, 48, 60, 0]]


def test_drums_know_no_pedal(midi, on, off, pedal):
    data = midi([pedal(0, 127, 9), on(0, 36, channel=9), off(100, 36, 9), pedal(960, 0, 9)])
    score = read(data).score
    assert score.notes.tolist() == [[0, 1, 36, 80, 0]]
    assert score.parts[0].is_drum


# --- parts


def test_tracks_and_channels_are_parts_even_with_one_program(midi, on, off, meta, program):
    data = midi(
        [meta(0, "track_name", name="conductor"), meta(0, "set_tempo", tempo=500_000)],
        [meta(0, "track_name", name=" Soprano "), program(0, 52), on(0, 72), off(480, 72)],
        [
            meta(0, "track_name", name="Men"),
            program(0, 52, 1),
            program(0, 52, 2),
            on(0, 48, channel=2),
            on(0, 55, channel=1),
            off(480, 55, 1),
            off(480, 48, 2),
        ],
    )
    score = read(data).score
    assert [(part.name, part.program) for part in score.parts] == [
        ("Soprano", 52),
        ("Men", 52),
        ("Men", 52),
    ]
    assert score.notes[:, [Column.PITCH, Column.PART]].tolist() == [[72, 0], [55, 1], [48, 2]]


def test_a_program_change_opens_a_part_only_where_both_are_played(midi, on, off, program):
    merely_set = midi([program(0, 1), program(0, 40), on(0, 60), off(480, 60), program(960, 73)])
    assert [part.program for part in read(merely_set).score.parts] == [40]
    both = midi([on(0, 60), off(480, 60), program(480, 73), on(480, 60), off(960, 60)])
    score = read(both).score
    assert [part.program for part in score.parts] == [0, 73]
    assert score.notes[:, Column.PART].tolist() == [0, 1]
    first, second, third = (
        [program(tick, number), on(tick, 60), off(tick + 480, 60)]
        for tick, number in ((0, 9), (480, 3), (960, 9))
    )
    back = midi([*first, *second, *third])
    assert read(back).score.notes[:, Column.PART].tolist() == [0, 1, 0]


def test_programs_set_in_another_track_count(midi, on, off, program):
    data = midi([program(0, 40, 0), program(0, 41, 1)], [on(0, 60, channel=1), off(480, 60, 1)])
    assert read(data).score.parts[0].program == 41


def test_a_file_of_type_0_comes_apart_by_channel(midi, on, off):
    data = midi(
        [on(0, 60), on(0, 36, channel=9), on(0, 48, channel=3), off(9, 60), off(9, 48, 3)], kind=0
    )
    assert [part.is_drum for part in read(data).score.parts] == [False, False, True]


def test_ports_keep_channels_apart(midi, on, off, program, meta):
    data = midi(
        [meta(0, "midi_port", port=0), program(0, 10), on(0, 60), off(480, 60)],
        [meta(0, "midi_port", port=1), on(0, 60), off(480, 60)],
    )
    assert [part.program for part in read(data).score.parts] == [10, 0]


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Flöte".encode(), "Flöte"), ("Flöte".encode("latin-1"), "Flöte"), (b"\x00Oboe\n ", "Oboe")],
)
def test_names_are_read_as_utf8_or_else_latin1(one_note, raw, name):
    event = b"\x00\xff\x03" + bytes([len(raw)]) + raw
    size = struct.unpack(">I", one_note[18:22])[0] + len(event)
    data = one_note[:18] + struct.pack(">I", size) + event + one_note[22:]
    assert read(data).score.parts[0].name == name


# --- tempo, meter, key


def test_the_last_tempo_of_a_step_wins_and_repeats_are_dropped(midi, on, off, meta):
    tempos = [(0, 500_000), (480, 600_000), (481, 400_000), (960, 400_000), (1440, 500_000)]
    data = midi(
        [meta(tick, "set_tempo", tempo=tempo) for tick, tempo in tempos],
        [on(0, 60), off(1920, 60)],
    )
    assert read(data).score.tempos == (Tempo(0, 120), Tempo(24, 150), Tempo(72, 120))


def test_impossible_tempos_are_dropped(midi, on, off, meta):
    data = midi([meta(0, "set_tempo", tempo=0), meta(0, "set_tempo", tempo=1)], [on(0, 60)])
    assert read(data).score.tempos == ()


def test_meters_and_key_are_read(midi, on, off, meta):
    data = midi(
        [
            meta(0, "time_signature", numerator=3, denominator=4),
            meta(0, "key_signature", key="F#m"),
            meta(1440, "time_signature", numerator=6, denominator=8),
            meta(1440, "key_signature", key="C"),
        ],
        [on(0, 60), off(9600, 60)],
    )
    score = read(data).score
    assert [(meter.step, meter.name) for meter in score.meter_map.meters] == [
        (0, "3/4"),
        (72, "6/8"),
    ]
    assert score.key == Key.parse("F# minor")


def test_a_bare_quarter_meter_is_no_meter(midi, on, meta):
    data = midi([meta(0, "time_signature", numerator=1, denominator=4), on(0, 60)])
    assert read(data).score.meter_map == MeterMap()


def test_a_first_short_bar_is_a_pickup(midi, on, meta):
    data = midi(
        [
            meta(0, "time_signature", numerator=1, denominator=4),
            on(0, 60),
            meta(480, "time_signature", numerator=4, denominator=4),
        ]
    )
    meters = read(data).score.meter_map
    assert meters.pickup_steps == 24
    assert [(meter.step, meter.name) for meter in meters.meters] == [(0, "4/4")]


# --- containers


def test_a_riff_wrapper_is_taken_off(one_note):
    chunk = b"data" + struct.pack("<I", len(one_note)) + one_note
    extra = b"DISP" + struct.pack("<I", 3) + b"abc\0"  # padded to an even length
    body = b"RMID" + extra + chunk
    assert rows(b"RIFF" + struct.pack("<I", len(body)) + body) == rows(one_note)


def test_chunks_of_other_kinds_are_passed_over(one_note):
    stranger = b"XFIH" + struct.pack(">I", 5) + b"hello"
    assert rows(one_note[:14] + stranger + one_note[14:]) == rows(one_note)


def test_running_status_and_system_messages_are_understood():
    track = (
        b"\x00\xf0\x03abc"  # system exclusive
        b"\x00\x90\x3c\x50\x00\x40\x50"  # two ons, the second in running status
        b"\x81\x40\x3c\x00\x81\x40\x40\x00"  # 192 ticks, 192 ticks
        b"\x00\xff\x2f\x00"
        b"\x00\x90\x3c\x50"  # after the end of the track: no music
    )
    data = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track))
    assert rows(data + track) == [[0, 48, 60, 0], [0, 96, 64, 0]]


def header(*, kind=1, tracks=1, division=480):
    return b"MThd" + struct.pack(">IHHH", 6, kind, tracks, division)


def test_a_long_track_is_read_as_fast_as_a_short_one(midi, on):
    # music21's own loop would copy 1.6 MB for each of 200,000 events here
    event = b"\x01\xb0\x07\x40"
    track = b"\x00\x90\x3c\x40" + event * 400_000 + b"\x00\x80\x3c\x00"
    data = header() + b"MTrk" + struct.pack(">I", len(track)) + track
    assert len(read(data).score.notes) == 1


# --- against another reader


def onsets_by_mido(path):
    """(onset in quarters, pitch, channel) of every note-on, drums apart."""
    file = mido.MidiFile(path, clip=True)
    found = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                found.append((tick / file.ticks_per_beat, message.note))
    return np.array(found)


@pytest.mark.parametrize("pattern", ["pop909/*.mid", "nottingham/*.mid", "piano/*/*.mid"])
def test_notes_of_real_music_survive(shared_data, pattern):
    paths = sorted(shared_data.glob(pattern))[::60]
    survived = total = 0
    for path in paths:
        score = read(path.read_bytes()).score
        ours = {(int(onset), int(pitch)) for onset, pitch in score.notes[:, [0, 2]]}
        theirs = onsets_by_mido(path)
        for quarters, pitch in theirs:
            nearest = quarters * 24
            candidates = {int(np.floor(nearest + 0.5)), int(np.floor(nearest))}
            survived += any(
                (step, int(pitch)) in ours and abs(step - nearest) <= 0.5 for step in candidates
            )
        total += len(theirs)
    assert total > 0
    assert survived / total >= 0.995
