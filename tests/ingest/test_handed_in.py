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


@pytest.mark.parametrize(
    ("grid", "read"), [(24, 480), (120, 480), (480, 480), (960, 960), (384, 384)]
)
def test_a_file_is_read_on_its_own_grid(tmp_path, grid, read):
    path = tmp_path / "a.mid"
    path.write_bytes(midi_bytes(score_on(grid)))
    handed = read_handed_in(path, 24)
    assert handed.score.steps_per_quarter == read
    assert handed.score.notes.tolist() == score_on(grid).on_grid(read).notes.tolist()
    assert handed.name == "a.mid"
    assert len(handed.sha256) == 64


def test_a_grid_that_is_too_fine_is_left(midi, on, off):
    data = midi([on(0, 60), off(100, 60)], ticks_per_beat=1021)
    assert own_grid(data, 24) is None
    assert own_grid(b"no midi", 24) is None


@given(st.lists(st.text(max_size=40), max_size=3))
def test_texts_come_back(texts):
    plain = [text.encode("utf-8", "replace").decode() for text in texts]
    assert opening_texts(midi_bytes(score_on(24), texts=texts)) == tuple(plain)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_whatever_the_bytes_they_are_read(data, cut):
    opening_texts(data)
    own_grid(data, 24)
    whole = midi_bytes(score_on(24), texts=["hello"])
    opening_texts(whole[:cut] + data)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(MusicLSTMError, match="does not exist"):
        read_handed_in(tmp_path / "none.mid", 24)
    with pytest.raises(MusicLSTMError, match="does not exist"):
        texts_of(tmp_path / "none.mid")
