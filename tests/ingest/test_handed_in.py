"""Files that are handed in: on their own grid, and with what they say of themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest import read_handed_in, texts_of
from musiclstm.ingest.midi.texts import opening_texts, own_grid
from musiclstm.rendering import midi_bytes
from musiclstm.score import Part, Score


def score_on(grid):
    return Score.build(
        [[7, 3, 60, 80, 0], [11, grid, 62, 80, 0]], [Part(name="a")], steps_per_quarter=grid
    )[0]


@pytest.mark.parametrize("ticks", [24, 96, 220, 384, 480, 512, 960])
def test_nothing_moves_on_a_files_own_ticks(tmp_path, midi, on, off, ticks):
    path = tmp_path / "a.mid"
    path.write_bytes(midi([on(7, 60), off(19, 60), on(20, 62), off(21, 62)], ticks_per_beat=ticks))
    handed = read_handed_in(path)
    assert handed.score.steps_per_quarter == ticks
    assert handed.score.notes[:, :3].tolist() == [[7, 12, 60], [20, 1, 62]]
    assert handed.remarks == ()
    assert handed.name == "a.mid"
    assert len(handed.sha256) == 64


def test_ticks_too_fine_for_a_score_are_rounded_and_that_is_said(tmp_path, midi, on, off):
    path = tmp_path / "a.mid"
    path.write_bytes(midi([on(1, 60), off(1024, 60)], ticks_per_beat=1024))
    handed = read_handed_in(path)
    assert handed.score.notes[:, :2].tolist() == [[1, 959]]
    assert handed.remarks == ("notes are moved to the nearest of 960 steps a quarter",)
    path.write_bytes(midi([on(512, 60), off(1024, 60)], ticks_per_beat=1024))
    assert read_handed_in(path).remarks == ()


def test_written_music_is_read_as_finely_as_it_is_written(tmp_path):
    path = tmp_path / "a.abc"
    path.write_text("X:1\nM:2/4\nL:1/8\nK:C\n(5:4:5C/D/E/F/G/ A2|c4|]\n", encoding="utf-8")
    handed = read_handed_in(path)
    steps = handed.score.notes[:, 0] / handed.score.steps_per_quarter
    assert steps.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 2], abs=1e-9)


def test_what_is_not_written_back_as_it_came_is_said(tmp_path, midi, on, off, pedal):
    path = tmp_path / "a.mid"
    held = [pedal(0, 127), on(0, 60), off(100, 60), on(480, 62), off(600, 62), pedal(960, 0)]
    path.write_bytes(midi(held))
    handed = read_handed_in(path)
    assert handed.score.notes[:, :2].tolist() == [[0, 960], [480, 480]]
    assert handed.remarks == ("the pedal is read as longer notes: 2",)
    twice = [on(0, 60), on(0, 60), off(100, 60), off(200, 60)]
    path.write_bytes(midi(twice))
    assert read_handed_in(path).remarks == ("struck twice at once in one part, and read as one: 1",)


def test_the_ticks_that_a_file_counts_in(midi, on, off):
    assert own_grid(midi([on(0, 60), off(100, 60)], ticks_per_beat=1021)) == 1021
    assert own_grid(b"no midi") is None


@given(st.lists(st.text(max_size=40), max_size=3))
def test_texts_come_back(texts):
    plain = [text.encode("utf-8", "replace").decode() for text in texts]
    assert opening_texts(midi_bytes(score_on(24), texts=texts)) == tuple(plain)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_whatever_the_bytes_they_are_read(data, cut):
    opening_texts(data)
    own_grid(data)
    whole = midi_bytes(score_on(24), texts=["hello"])
    opening_texts(whole[:cut] + data)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(MusicLSTMError, match="does not exist"):
        read_handed_in(tmp_path / "none.mid")
    with pytest.raises(MusicLSTMError, match="does not exist"):
        texts_of(tmp_path / "none.mid")
