"""A catalogue of hostile MIDI files, byte by byte, and what must become of each."""

import struct
from itertools import pairwise

import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.midi.chunks import MAX_TRACKS
from musiclstm.ingest.midi.events import MAX_QUARTERS
from musiclstm.ingest.midi.pairing import HANGING_QUARTERS
from musiclstm.ingest.midi.reader import read_midi
from musiclstm.ingest.midi.track import MAX_BAD_VALUES, MAX_METAS
from musiclstm.ingest.problems import Problem, Repair
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Column, MeterMap
from tests.mutations import END, midi_file, midi_track, scale

GOOD = midi_file(scale() + END)
NOTE = b"\x00\x90\x3c\x50\x83\x60\x80\x3c\x40"  # one quarter
HALF = scale(notes=4)
LATER = scale(notes=4, first=72)
PAUSE = b"\xff\xff\xff\x7f"  # 268,435,455 ticks, the longest delta time


def read(data, **settings):
    return read_midi(data, IngestSettings(**settings), source="x.mid", style="test")


def read_one(data, **settings):
    (reading,) = read(data, **settings)
    return reading


def rows(reading):
    """(onset, duration, pitch) of every note."""
    return reading.score.notes[:, [0, 1, 2]].tolist()


def kinds(reading):
    return {repair.kind for repair in reading.report.repairs}


def header(*, kind=1, tracks=1, division=480, size=6):
    return b"MThd" + struct.pack(">IHHH", size, kind, tracks, division)


def riff(content, *, name=b"data", size=None):
    chunk = name + struct.pack("<I", len(content) if size is None else size) + content
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"RMID" + chunk


def with_track_length(data, size):
    return data[:18] + struct.pack(">I", size) + data[22:]


def meta(kind, content):
    return b"\x00\xff" + bytes([kind, len(content)]) + content


def piece(content, **settings):
    """A file of one track."""
    return midi_file(content + END, **settings)


SKIPPED = {
    "nothing": (b"", Problem.EMPTY),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(5000), Problem.NOT_MIDI),
    "a text": (b"Dear reader, this is no music.\n", Problem.NOT_MIDI),
    "blanks": (b" \n" * 3000, Problem.NOT_MIDI),
    "MusicXML": (b"<?xml version='1.0'?><score-partwise/>", Problem.NOT_MIDI),
    "a web page": (b"\n <!DOCTYPE HTML PUBLIC><html></html>", Problem.WEB_PAGE),
    "a web page in capitals": (b"<HTML><BODY>404</BODY></HTML>", Problem.WEB_PAGE),
    "an XHTML page": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<html/>", Problem.WEB_PAGE),
    "a web page in 16 bits": ("\ufeff<html>".encode("utf-16-le"), Problem.WEB_PAGE),
    "a recording": (b"RIFF\x20\0\0\0WAVEfmt \4\0\0\0abcd", Problem.NO_MIDI_INSIDE),
    "a wrapper of nothing": (riff(b"abcd", name=b"LIST"), Problem.NO_MIDI_INSIDE),
    "a header too far off": (bytes(5000) + GOOD, Problem.NOT_MIDI),
    "two letters": (b"MT", Problem.CUT_IN_HEADER),
    "half a header": (b"MThd\0\0\0\6\0", Problem.CUT_IN_HEADER),
    "a header of 4 bytes": (b"MThd\0\0\0\4\0\1\0\1" + midi_track(NOTE), Problem.CUT_IN_HEADER),
    "no ticks": (midi_file(NOTE, division=0), Problem.NO_TICKS),
    "film frames without ticks": (midi_file(NOTE, division=0xE700), Problem.NO_TICKS),
    "no tracks": (header(tracks=0), Problem.NO_NOTES),
    "a header alone": (header(), Problem.NO_NOTES),
    "a track without notes": (piece(b""), Problem.NO_NOTES),
    "an unknown type without notes": (midi_file(END, kind=7), Problem.UNKNOWN_TYPE),
    "a note far off": (piece(PAUSE + NOTE[1:], division=1), Problem.TOO_LONG),
    "pauses of 2**28 eighty times": (
        piece((PAUSE + b"\x90\x3c\x50") * 80, division=96),
        Problem.TOO_LONG,
    ),
    "a pause of seventy bits": (piece(b"\xff" * 9 + b"\x7f" + NOTE[1:]), Problem.TOO_LONG),
    "a slow way to infinity": (
        piece(b"".join(b"\xff\xff\x7f\xb0\x07\x40" for _ in range(100)) + NOTE, division=1),
        Problem.TOO_LONG,
    ),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_what_is_no_music_is_skipped_with_reason_and_advice(name):
    data, problem = SKIPPED[name]
    with pytest.raises(UnreadableFileError) as caught:
        read(data)
    assert caught.value.kind == problem.name
    assert caught.value.fix
    assert str(caught.value).startswith(problem.reason)


def test_the_reason_tells_what_was_wrong_with_a_file_of_no_notes():
    with pytest.raises(UnreadableFileError, match=r"no notes: fewer tracks .* \(1 of 2\)"):
        read(header(tracks=2) + midi_track(END))


# bytes, notes that must be there, and the repairs that must be told
KEPT = {
    "nothing wrong": (GOOD, 8, set()),
    "a wrapper": (riff(GOOD), 8, {"RIFF"}),
    "a wrapper with a wrong length": (riff(GOOD, size=2**32 - 1), 8, {"RIFF"}),
    "a wrapper in disorder": (b"RIFF\xff\xff\xff\xffabcdefg" + GOOD, 8, {"RIFF"}),
    "a MacBinary header": (bytes(128) + GOOD, 8, {"JUNK_BEFORE"}),
    "a header of 10 bytes": (header(size=10) + b"abcd" + GOOD[14:], 8, set()),
    "a header of 4 GB": (header(size=2**32 - 1) + GOOD[14:], 8, {"CHUNK_LENGTH"}),
    "a chunk of another kind": (GOOD[:14] + b"XFIH\0\0\0\5hello" + GOOD[14:], 8, set()),
    "such a chunk of 4 GB": (
        GOOD[:14] + b"XFIH\xff\xff\xff\xff" + GOOD[14:],
        8,
        {"JUNK_AFTER"},
    ),
    "a type unknown": (midi_file(scale() + END, kind=9), 8, {"UNKNOWN_TYPE"}),
    "a track of 4 GB": (with_track_length(GOOD, 2**32 - 1), 8, {"CHUNK_LENGTH"}),
    "a track of no length": (with_track_length(GOOD, 0), 8, {"CHUNK_LENGTH"}),
    "a track of half its length": (with_track_length(GOOD, 30), 8, {"CHUNK_LENGTH"}),
    "a first track of 4 GB": (
        with_track_length(midi_file(scale() + END, scale(1) + END), 2**32 - 1),
        16,
        {"CHUNK_LENGTH"},
    ),
    "a first track without end and length": (
        with_track_length(midi_file(scale(), scale(1) + END), 7),
        16,
        {"CHUNK_LENGTH"},
    ),
    "a byte behind the file": (GOOD + b"*", 8, {"JUNK_AFTER"}),
    "a kilobyte behind the file": (GOOD + b"\xff" * 1000, 8, {"JUNK_AFTER"}),
    "events behind the end of the track": (midi_file(scale() + END + scale()), 8, {"JUNK_AFTER"}),
    "a second file behind the first": (GOOD + GOOD, 8, {"JUNK_AFTER"}),
    "a last byte missing": (GOOD[:-1], 8, {"CUT_OFF"}),
    "cut in the middle of a note": (GOOD[: -len(END) - 3], 8, {"CUT_OFF", "HANGING"}),
    "cut in the second track": (
        midi_file(scale() + END, scale(1) + END)[:-58],
        10,
        {"CUT_OFF"},
    ),
    "cut between tracks": (
        header(tracks=3) + midi_track(scale() + END) + b"MTrk\0",
        8,
        {"TRACKS_MISSING", "JUNK_AFTER"},
    ),
    "fewer tracks than declared": (header(tracks=5) + GOOD[14:], 8, {"TRACKS_MISSING"}),
    "more tracks than declared": (header(tracks=0) + GOOD[14:], 8, {"TRACKS_EXTRA"}),
    "two tracks of type 0": (midi_file(scale() + END, scale(1) + END, kind=0), 16, set()),
    "film frames": (midi_file(scale() + END, division=0xE728), 8, {"FILM_FRAMES"}),
    "padded numbers": (piece(b"\x80\x80\x80\x80\x80\x80\x00" + NOTE[1:]), 1, set()),
    "numbers padded with a kilobyte": (piece(b"\x80" * 1000 + NOTE), 1, set()),
    "a padded length": (piece(b"\x00\xff\x01\x80\x80\x80\x80\x80\x02ab" + NOTE), 1, set()),
    "a number without end": (piece(NOTE)[:-4] + b"\xff" * 4, 1, {"CUT_OFF"}),
    "a text of 256 MB": (
        midi_file(HALF + b"\x00\xff\x01\xff\xff\xff\x7f" + b"so long"),
        4,
        {"CUT_OFF"},
    ),
    "a sysex of 256 MB": (midi_file(HALF + b"\x00\xf0\xff\xff\xff\x7f\x43\x12"), 4, {"CUT_OFF"}),
    "a sysex of 256 MB in the middle": (
        piece(HALF + b"\x00\xf0\xff\xff\xff\x7f\x43\x12\xf7" + LATER),
        8,
        {"STRAY_BYTES"},
    ),
    "running status from nowhere": (
        piece(b"\x00\x3c\x50\x60\x3c\x00" + scale()),
        8,
        {"STRAY_BYTES"},
    ),
    "running status over a meta event": (
        piece(b"\x00\x90\x3c\x50" + meta(1, b"la") + b"\x60\x3c\x00\x00\x3e\x50\x60\x3e\x00"),
        2,
        set(),
    ),
    "running status over a sysex": (
        piece(b"\x00\x90\x3c\x50\x00\xf0\x01\xf7\x60\x3c\x00\x00\x3e\x50\x60\x3e\x00"),
        2,
        set(),
    ),
    "system messages": (
        piece(
            HALF + b"\0\xf1\x7f\0\xf2\x7f\x7f\0\xf3\x7f" + b"\0\xf4\0\xf5\0\xf6\0\xf8\0\xfe" + LATER
        ),
        8,
        {"STRAY_BYTES"},
    ),
    "a velocity of 200": (piece(NOTE.replace(b"\x50", b"\xc8") + LATER), 5, {"DATA_BYTES"}),
    "a pitch of 200": (piece(HALF + NOTE.replace(b"\x3c", b"\xc8") + LATER), 8, {"DATA_BYTES"}),
    "a program of 200": (piece(HALF + b"\x00\xc0\xc8" + LATER), 8, {"DATA_BYTES"}),
    "two bytes missing": (piece(HALF + b"\x00\x90\x83\x60\x80\x3c\x40" + LATER), 8, {"DATA_BYTES"}),
    "a tempo of 0": (piece(meta(0x51, bytes(3)) + scale()), 8, {"TEMPO"}),
    "a tempo of 1 byte": (piece(meta(0x51, b"\x07") + scale()), 8, {"TEMPO"}),
    "a tempo of 60,000,000 bpm": (piece(meta(0x51, b"\0\0\1") + scale()), 8, {"TEMPO"}),
    "a meter of 0/4": (piece(meta(0x58, b"\0\2\x18\x08") + scale()), 8, {"METER"}),
    "a meter of 4/2**255": (piece(meta(0x58, b"\4\xff\x18\x08") + scale()), 8, {"METER"}),
    "a meter of nothing": (piece(meta(0x58, b"") + scale()), 8, {"METER"}),
    "64 sharps": (piece(meta(0x59, b"\x40\0") + scale()), 8, {"KEY"}),
    "a key neither major nor minor": (piece(meta(0x59, b"\0\7") + scale()), 8, {"KEY"}),
    "no notes switched off": (piece(b"\0\x90\x3c\x50\x60\x90\x3e\x50"), 2, {"HANGING"}),
    "names that are no text": (piece(meta(3, b"\xff\xfe\x80") + scale()), 8, set()),
    "a port of 255": (piece(meta(0x21, b"\xff") + scale()), 8, set()),
    "a pause before the end": (midi_file(scale() + PAUSE + END[1:], division=1), 8, set()),
    "a huge pause before the end": (
        midi_file(scale() + b"\xff" * 30 + b"\x7f" + END[1:], division=1),
        8,
        set(),
    ),
    "a pause before the last off": (
        piece(b"\x00\x90\x3c\x50" + PAUSE + b"\x80\x3c\x40", division=1),
        1,
        {"HANGING"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_can_be_understood_is_kept_and_every_repair_is_told(name):
    data, notes, repairs = KEPT[name]
    reading = read_one(data)
    assert kinds(reading) == repairs
    assert len(reading.score.notes) == notes


def test_every_repair_is_in_the_catalogue():
    told = set().union(*(repairs for _, _, repairs in KEPT.values())) | {"PATTERNS"}
    assert told == set(Repair.__members__)


# --- what exactly is kept


def test_repairs_say_where_and_how_many():
    cut = read_one(midi_file(scale() + END, scale(1) + END)[:-58])
    assert [repair.detail for repair in cut.report.repairs] == ["track 2, after 2 quarters"]
    tempos = read_one(piece(meta(0x51, bytes(3)) * 3 + scale()))
    assert [repair.detail for repair in tempos.report.repairs] == ["3, first in track 1"]


def test_time_goes_on_after_damage():
    whole = rows(read_one(piece(HALF + LATER)))
    for damage in (b"\x00\xf8", b"\x00\x90\xc8\x40", b"\x00\xf0\xff\xff\xff\x7f\x43\x12\xf7"):
        assert rows(read_one(piece(HALF + damage + LATER))) == whole


FIRST_NOTE_IS_WHOLE = 26  # bytes: header, the track's, and the first note-on


@pytest.mark.parametrize("length", range(FIRST_NOTE_IS_WHOLE))
def test_a_file_cut_before_its_first_note_is_skipped(length):
    with pytest.raises(UnreadableFileError):
        read(GOOD[:length])


@pytest.mark.parametrize("length", range(FIRST_NOTE_IS_WHOLE, len(GOOD)))
def test_a_file_cut_anywhere_keeps_what_came_before(length):
    reading = read_one(GOOD[:length])
    assert "CUT_OFF" in kinds(reading)
    kept = rows(reading)
    assert len(kept) == min(8, (length - 22 + 5) // 9)
    assert kept[:-1] == rows(read_one(GOOD))[: len(kept) - 1]  # the last may have lost its end


def test_a_tempo_meter_or_key_that_is_possible_stays_beside_those_that_are_not():
    data = piece(
        meta(0x51, bytes(3)) + meta(0x51, b"\x06\x1a\x80") + meta(0x58, b"\0\2\x18\x08")
        + meta(0x58, b"\3\2\x18\x08") + meta(0x59, b"\x40\0") + meta(0x59, b"\2\0") + scale()
    )  # fmt: skip
    score = read_one(data).score
    assert score.bpm == 150
    assert [meter.name for meter in score.meter_map.meters] == ["3/4"]
    assert score.key.name == "D major"


@pytest.mark.parametrize(
    ("division", "ticks"),
    [
        (0xE728, 500),  # 25 frames a second, 40 ticks each: half a second
        (0xE850, 960),  # 24 frames, 80 ticks
        (0xE264, 1500),  # 30 frames, 100 ticks
    ],
)
def test_film_frames_are_read_as_seconds_at_120(division, ticks):
    delta = bytes([0x80 | ticks >> 7, ticks & 0x7F])
    track = b"".join(b"\0\x90\x3c\x50" + delta + b"\x80\x3c\x40" for _ in range(4))
    tempo = meta(0x51, b"\x06\x1a\x80")  # of no meaning here
    score = read_one(piece(tempo + track, division=division)).score
    assert score.notes[:, [0, 1]].tolist() == [[24 * n, 24] for n in range(4)]
    assert score.performed
    assert (score.tempos, score.meter_map) == ((), MeterMap())


def test_29_frames_are_29_97():
    # 30,000 frames last 1,001 seconds
    track = b"\x81\xea\x30\x90\x3c\x50\x01\x80\x3c\x40"  # 30,000 ticks of one a frame
    score = read_one(piece(track, division=0xE301)).score
    assert score.notes[0, Column.ONSET] == 1001 * 2 * 24


def test_loose_patterns_are_pieces():
    data = midi_file(
        meta(0x51, b"\x06\x1a\x80") + scale() + END,
        END,
        meta(0x58, b"\3\2\x18\x08") + scale(3, notes=4) + b"\x00\x93\x10\x40" + END,
        kind=2,
    )
    first, third = read(data)
    assert [reading.piece for reading in (first, third)] == ["#1", "#3"]
    assert [reading.score.source for reading in (first, third)] == ["x.mid#1", "x.mid#3"]
    assert first.report.source == "x.mid#1"
    assert (len(first.score.notes), len(third.score.notes)) == (8, 5)
    assert (first.score.bpm, third.score.bpm) == (150, 120)
    assert [meter.name for meter in third.score.meter_map.meters] == ["3/4"]
    assert kinds(first) == {"PATTERNS"}
    assert kinds(third) == {"PATTERNS", "HANGING"}


# --- notes never switched off


def test_a_hanging_note_ends_where_its_pitch_is_struck_again():
    data = piece(b"\0\x90\x3c\x50\x83\x60\x90\x3c\x50\x83\x60\x80\x3c\x40")
    # the only off ends the first note, which the second has cut; the second ends with it too
    assert rows(read_one(data)) == [[0, 24, 60], [24, 24, 60]]


def test_a_hanging_note_ends_after_a_whole_note_or_with_its_track():
    data = midi_file(
        b"\0\x90\x3c\x50\x83\x60\x90\x3e\x50\x83\x60\x80\x3e\x40" + END,
        b"\0\x91\x30\x50" + scale(1, notes=20) + END,
    )
    reading = read_one(data)
    notes = {tuple(note) for note in rows(reading)}
    assert (0, 48, 60) in notes  # its track ends before the whole note does
    assert (0, 24 * HANGING_QUARTERS, 48) in notes
    assert [repair.detail for repair in reading.report.repairs] == ["2"]


@pytest.mark.parametrize("controller", [120, 123])
def test_all_notes_off_switches_notes_off(controller):
    silence = bytes([0x83, 0x60, 0xB0, controller, 0])
    reading = read_one(piece(b"\0\x90\x3c\x50\0\x91\x3e\x50" + silence + scale(2, notes=9)))
    notes = {tuple(note) for note in rows(reading)}
    assert {(0, 24, 60), (0, 24 * HANGING_QUARTERS, 62)} <= notes  # the other channel rings on
    assert [repair.detail for repair in reading.report.repairs] == ["1"]


def test_the_pedal_does_not_ring_through_endless_silence():
    data = midi_file(b"\0\xb0\x40\x7f" + NOTE + b"\xff\xff\x7f" + END[1:])
    assert rows(read_one(data)) == [[0, 17 * 24, 60]]


# --- bounded, at sizes that take no time here


def test_notes_beyond_the_limit_of_time_are_refused_and_all_before_it_kept():
    edge = MAX_QUARTERS - 1
    delta = bytes([0x80 | edge >> 14, 0x80 | edge >> 7 & 0x7F, edge & 0x7F])
    data = piece(delta + b"\x90\x3c\x50\x01\x80\x3c\x40", division=1)
    assert rows(read_one(data)) == [[24 * edge, 24, 60]]
    with pytest.raises(UnreadableFileError, match="100,000 quarters"):
        read(piece(delta + b"\x90\x3c\x50\x02\x90\x3c\x40", division=1))


def test_too_many_notes_are_refused_before_the_rest_is_read():
    many = b"".join(bytes([1, 0x90, n % 128, 64]) for n in range(300))
    with pytest.raises(UnreadableFileError, match="max-notes"):
        read(piece(many + b"\xff" * 100), max_notes=299)
    assert len(read_one(piece(many), max_notes=300).score.notes) == 300


def test_long_notes_count_as_many():
    chord = b"".join(bytes([0, 0x90 | n % 8, n // 8, 64]) for n in range(160))
    end = b"".join(bytes([0, 0x80 | n % 8, n // 8, 64]) for n in range(160))
    data = piece(chord + b"\x84\x00" + end[1:], division=1)  # 512 quarters: 64 rows each
    assert len(read_one(data, max_notes=160 * 64).score.notes) == 160
    with pytest.raises(UnreadableFileError, match="count as 10,240 of 8 quarters"):
        read(data, max_notes=160 * 64 - 1)


@pytest.mark.parametrize(
    "message",
    [b"\1\xb0\x40\x7f", b"\1\xc0\5", b"\1\x80\x3c\0", b"\0\xff\1\0", b"\0\xf0\1\xf7", b"\0\xf8"],
)
def test_messages_are_counted_whatever_they_are(message):
    unlimited = b"".join([scale(notes=1), message * 500_000])
    with pytest.raises(UnreadableFileError, match="more messages than music"):
        read(piece(unlimited), max_notes=1)


def test_tracks_are_counted():
    data = header() + midi_track(NOTE) + midi_track(b"") * (MAX_TRACKS + 10)
    (repair,) = read_one(data).report.repairs
    assert (repair.kind, repair.detail) == ("TRACKS_EXTRA", f"{MAX_TRACKS:,}, not 1")


def test_too_many_parts_are_refused():
    parts = header(tracks=5000) + midi_track(NOTE) * 5000
    with pytest.raises(UnreadableFileError, match="5,000") as caught:
        read(parts)
    assert caught.value.kind == "TOO_MANY_PARTS"
    with pytest.raises(UnreadableFileError, match="5,000 patterns"):
        read(header(kind=2, tracks=5000) + midi_track(NOTE) * 5000)


def test_wrong_lengths_everywhere_are_searched_once():
    data = header() + b"MTrk\xff\xff\xff\xff" * 50_000 + midi_track(NOTE)
    assert len(read_one(data).score.notes) == 1


def test_damage_without_end_is_given_up():
    bad = b"\0\x90\xc8\x40" * (MAX_BAD_VALUES + 10)
    reading = read_one(piece(NOTE + bad + NOTE))
    assert len(reading.score.notes) == 1
    assert {"DATA_BYTES", "CUT_OFF"} == kinds(reading)


def test_tempos_without_end_are_given_up():
    tempos = b"".join(
        b"\1\xff\x51\3\6" + struct.pack(">H", number % 50_000) for number in range(MAX_METAS + 10)
    )
    reading = read_one(piece(tempos + scale()))
    assert len(reading.score.tempos) <= MAX_METAS
    assert [(r.kind, r.detail) for r in reading.report.repairs] == [
        ("TEMPO", "10, first in track 1")
    ]
    assert all(before.step < after.step for before, after in pairwise(reading.score.tempos))


def test_a_name_of_a_megabyte_is_cut():
    name = b"\xc3\xb6" * 500_000
    long = (
        b"\x00\xff\x03"
        + bytes([0x80 | len(name) >> 14, 0x80 | len(name) >> 7 & 0x7F])
        + bytes([len(name) & 0x7F])
    )
    assert read_one(piece(long + name + scale())).score.parts[0].name == "ö" * 200
