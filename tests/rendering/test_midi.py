import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musiclstm.errors import RequestError, ScoreError
from musiclstm.rendering import write_midi
from musiclstm.rendering.midi import MAX_TICKS, midi_bytes
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score, Tempo
from tests.strategies import scores

PIANO = (Part(0, False, "Piano"),)


def read(data: bytes, tmp_path: Path) -> mido.MidiFile:
    path = tmp_path / "read.mid"
    path.write_bytes(data)
    return mido.MidiFile(path, charset="utf-8")


def events(track):
    """Yield (tick, message)."""
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def note_rows(midi: mido.MidiFile, steps_per_quarter: int) -> np.ndarray:
    """The note table, read independently of the program; fails where a tick is between steps."""
    multiple, rest = divmod(midi.ticks_per_beat, steps_per_quarter)
    assert rest == 0
    rows = []
    for part, track in enumerate(midi.tracks[1:]):
        sounding = {}
        for tick, message in events(track):
            if message.type not in ("note_on", "note_off"):
                continue
            step, rest = divmod(tick, multiple)
            assert rest == 0, "a note lies between the steps"
            if message.type == "note_on" and message.velocity:
                assert message.note not in sounding
                sounding[message.note] = (step, message.velocity)
            else:
                onset, velocity = sounding.pop(message.note)
                rows.append([onset, step - onset, message.note, velocity, part])
        assert not sounding
    rows.sort(key=lambda row: (row[0], row[4], row[2]))
    return np.array(rows, np.int32).reshape(-1, 5)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(score=scores(steps_per_quarter=None))
def test_file_says_what_the_score_says(score, tmp_path):
    midi = read(midi_bytes(score), tmp_path)
    multiple = midi.ticks_per_beat // score.steps_per_quarter
    written = note_rows(midi, score.steps_per_quarter)
    drums = np.array([part.is_drum for part in score.parts] or [False])
    hits = drums[written[:, Column.PART]]
    if hits.any():  # a step in the score, and long enough for any player in the file
        assert written[hits, Column.DURATION].max() <= max(1, score.steps_per_quarter // 4)
    written[hits, Column.DURATION] = 1
    np.testing.assert_array_equal(written, score.notes)

    assert len(midi.tracks) == len(score.parts) + 1
    for part, track in zip(score.parts, midi.tracks[1:], strict=True):
        assert track.name == part.name
        programs = [message for message in track if message.type == "program_change"]
        assert [message.program for message in programs] == [part.program]
        channels = {message.channel for message in track if not message.is_meta}
        assert (channels == {9}) == part.is_drum

    tempos = [(tick, m.tempo) for tick, m in events(midi.tracks[0]) if m.type == "set_tempo"]
    assert tempos == [(t.step * multiple, round(6e7 / t.bpm)) for t in score.tempos]
    keys = [m.key for _, m in events(midi.tracks[0]) if m.type == "key_signature"]
    assert [Key.parse(key) for key in keys] == ([score.key] if score.key else [])


def test_a_drum_hit_lasts_a_sixteenth_or_to_the_next(tmp_path):
    rows = [[0, 1, 42, 80, 0], [3, 1, 42, 80, 0], [3, 1, 36, 80, 0], [48, 1, 42, 80, 0]]
    score, _ = Score.build(rows, [Part(is_drum=True)])
    written = note_rows(read(midi_bytes(score), tmp_path), 24)
    assert written[:, :3].tolist() == [[0, 3, 42], [3, 6, 36], [3, 6, 42], [48, 6, 42]]


def signatures(score: Score, tmp_path: Path) -> list[tuple[int, int, int]]:
    """Time signatures as (step, numerator, denominator)."""
    midi = read(midi_bytes(score), tmp_path)
    multiple = midi.ticks_per_beat // score.steps_per_quarter
    return [
        (tick // multiple, m.numerator, m.denominator)
        for tick, m in events(midi.tracks[0])
        if m.type == "time_signature"
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(score=scores(max_notes=2, performed=False, steps_per_quarter=None))
def test_barlines_stand_where_the_score_has_them(score, tmp_path):
    written = signatures(score, tmp_path)
    if not score.meter_map.specified:
        assert written == [(0, 1, 4)]
        return
    as_read = MeterMap(tuple(Meter(*signature) for signature in written))
    steps = np.arange(0, max(score.end, written[-1][0]) + 400)
    grid = score.steps_per_quarter
    ours = score.meter_map.locate(steps, grid)
    theirs = as_read.locate(steps, grid)
    # what the file calls bar 0 is the pickup here; inside it positions count from the left
    pickup = score.meter_map.pickup_steps
    np.testing.assert_array_equal(ours.bar, theirs.bar - (pickup > 0))
    np.testing.assert_array_equal(ours.position[pickup:], theirs.position[pickup:])
    np.testing.assert_array_equal(ours.bar_steps[pickup:], theirs.bar_steps[pickup:])


@pytest.mark.parametrize(
    ("meter", "pickup_steps", "expected"),
    [
        ("4/4", 24, [(0, 1, 4), (24, 4, 4)]),
        ("4/4", 12, [(0, 1, 8), (12, 4, 4)]),
        ("6/8", 24, [(0, 2, 8), (24, 6, 8)]),
        ("3/4", 48, [(0, 2, 4), (48, 3, 4)]),
        ("4/4", 72 + 18, [(0, 15, 16), (90, 4, 4)]),
        # a triplet eighth is no meter: the first bar is cut short instead
        ("4/4", 8, [(0, 4, 4), (8, 4, 4)]),
    ],
)
def test_pickup_is_a_first_short_bar(meter, pickup_steps, expected, tmp_path):
    meter_map = MeterMap((Meter.parse(meter),), pickup_steps)
    score = Score(np.zeros((0, 5)), PIANO, meter_map=meter_map)
    assert signatures(score, tmp_path) == expected


def test_change_inside_the_pickup_counts_from_the_downbeat(tmp_path):
    meter_map = MeterMap((Meter(0, 4, 4), Meter(12, 3, 4), Meter(96, 2, 4)), 24)
    score = Score(np.zeros((0, 5)), PIANO, meter_map=meter_map)
    assert signatures(score, tmp_path) == [(0, 1, 4), (24, 3, 4), (96, 2, 4)]


def test_texts_come_back_at_time_zero(tmp_path):
    texts = (json.dumps({"seed": 3}), "Größe ♪ 音", "second\nline")
    score = Score([[0, 24, 60, 80, 0]], PIANO, tempos=(Tempo(0, 90.0),), key=Key(0))
    midi = read(midi_bytes(score, texts=texts), tmp_path)
    found = [(tick, m.text) for tick, m in events(midi.tracks[0]) if m.type == "text"]
    assert found == [(0, text) for text in texts]


def test_what_utf8_cannot_carry_becomes_a_question_mark(tmp_path):
    score = Score(np.zeros((0, 5)), (Part(0, False, "a\ud800b"),))
    assert read(midi_bytes(score), tmp_path).tracks[1].name == "a?b"


def test_default_resolution_is_480(tmp_path):
    score = Score([[0, 24, 60, 80, 0]], PIANO)
    assert read(midi_bytes(score), tmp_path).ticks_per_beat == 480


def test_many_parts_stay_apart(tmp_path):
    parts = [Part(n, False, f"part {n}") for n in range(40)]
    score, _ = Score.build([[0, 24, 60, n + 1, n] for n in range(40)], parts)
    midi = read(midi_bytes(score), tmp_path)
    np.testing.assert_array_equal(note_rows(midi, 24), score.notes)
    assert [track.name for track in midi.tracks[1:]] == [part.name for part in parts]
    assert all(m.channel != 9 for track in midi.tracks for m in track if not m.is_meta)


def long_piece(n: int) -> Score:
    rng = np.random.default_rng(0)
    onsets = np.cumsum(rng.integers(0, 40, n))
    rows = np.stack(
        [
            onsets,
            rng.integers(1, 200, n),
            rng.integers(0, 128, n),
            rng.integers(1, 128, n),
            rng.integers(0, 2, n),
        ],
        axis=1,
    )
    tempos = tuple(
        Tempo(int(step), 6e7 / int(rng.integers(60_000, 4_000_000)))
        for step in range(0, int(onsets[-1]), 97)
    )
    score, _ = Score.build(rows, [Part(0, False, "a"), Part(0, False, "b")], tempos=tempos)
    return score


def test_long_piece_under_a_thousand_tempos_is_exact(tmp_path):
    score = long_piece(5000)
    assert len(score.tempos) > 900
    midi = read(midi_bytes(score), tmp_path)
    np.testing.assert_array_equal(note_rows(midi, 24), score.notes)


@pytest.mark.parametrize("onset", [10**6, 10**7, 2 * 10**8])
def test_very_long_piece_is_exact_on_a_coarser_file(onset, tmp_path):
    score = Score([[0, 5, 60, 80, 0], [onset, 7, 61, 80, 0]], PIANO)
    midi = read(midi_bytes(score), tmp_path)
    np.testing.assert_array_equal(note_rows(midi, 24), score.notes)
    assert onset > 9_999_000 or sum(m.time for m in midi.tracks[1]) <= 10**7


def test_piece_beyond_midi_is_refused():
    score = Score([[MAX_TICKS - 1, 1, 60, 80, 0]], PIANO)
    with pytest.raises(ScoreError, match=f"step {MAX_TICKS} lies beyond"):
        midi_bytes(score)


def test_slowest_tempo_that_midi_has(tmp_path):
    score = Score(np.zeros((0, 5)), PIANO, tempos=(Tempo(0, 1.0),))
    found = [m.tempo for m in read(midi_bytes(score), tmp_path).tracks[0] if m.type == "set_tempo"]
    assert found == [2**24 - 1]


def test_tempo_that_begins_late_and_none_at_all(tmp_path):
    score = Score(np.zeros((0, 5)), PIANO, tempos=(Tempo(48, 60.0),))
    track = read(midi_bytes(score), tmp_path).tracks[0]
    assert [(t, m.tempo) for t, m in events(track) if m.type == "set_tempo"] == [(960, 10**6)]
    track = read(midi_bytes(replace(score, tempos=())), tmp_path).tracks[0]
    assert [m for m in track if m.type == "set_tempo"] == []


@given(score=scores(), texts=st.lists(st.text(max_size=8), max_size=2))
@settings(max_examples=30)
def test_same_score_gives_the_same_bytes(score, texts):
    assert midi_bytes(score, texts=texts) == midi_bytes(replace(score), texts=texts)


def test_delta_times_are_never_negative(tmp_path):
    midi = read(midi_bytes(long_piece(300)), tmp_path)
    for track in midi.tracks:
        ticks = [tick for tick, _ in events(track)]
        assert all(later >= earlier for earlier, later in pairwise(ticks))


def test_write_makes_the_folder_and_leaves_nothing_else(tmp_path):
    score = Score([[0, 24, 60, 80, 0]], PIANO)
    target = tmp_path / "new" / "Stück 1.mid"
    write_midi(score, target)
    assert [path.name for path in target.parent.iterdir()] == ["Stück 1.mid"]
    assert target.read_bytes() == midi_bytes(score)


def test_unwritable_place_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RequestError, match=r"cannot write .*out\.mid"):
        write_midi(Score(np.zeros((0, 5)), PIANO), tmp_path / "file" / "out.mid")


def test_package_loads_no_heavy_library():
    code = (
        "import sys, musiclstm.rendering, musiclstm.features;"
        "heavy = {'matplotlib', 'pretty_midi', 'music21', 'tensorflow', 'keras'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)  # noqa: PLW1510
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_write_midi_loads_no_picture_library(tmp_path):
    code = (
        "import sys; from musiclstm.rendering import write_midi;"
        "from musiclstm.score import Part, Score;"
        "write_midi(Score([[0, 24, 60, 80, 0]], (Part(),)), sys.argv[1]);"
        "print(sorted({'matplotlib', 'music21', 'keras'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.mid")]
    result = subprocess.run(command, capture_output=True, text=True)  # noqa: PLW1510
    assert (result.stdout, result.stderr) == ("[]\n", "")
