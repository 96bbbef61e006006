import stat

import pytest

from musiclstm.errors import RequestError
from musiclstm.files import atomic_write_bytes, free_path


def test_free_path_takes_the_next_number(tmp_path):
    wished = tmp_path / "song.mid"
    names = []
    for _ in range(3):
        path = free_path(wished)
        path.write_bytes(b"")
        names.append(path.name)
    assert names == ["song.mid", "song-2.mid", "song-3.mid"]


def test_free_path_works_for_folders_and_names_without_suffix(tmp_path):
    (tmp_path / "out").mkdir()
    assert free_path(tmp_path / "out").name == "out-2"


def test_free_path_counts_a_dangling_link_as_taken(tmp_path):
    (tmp_path / "a.mid").symlink_to(tmp_path / "nowhere")
    assert free_path(tmp_path / "a.mid").name == "a-2.mid"


def test_write_replaces_whole_and_follows_the_umask(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old and longer")
    plain = stat.S_IMODE(path.stat().st_mode)
    atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == plain
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_failed_rename_leaves_no_temporary_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").touch()
    with pytest.raises(RequestError, match=r"cannot write .*folder: .*choose another place"):
        atomic_write_bytes(tmp_path / "folder", b"data")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_long_names_fit(tmp_path):
    path = tmp_path / ("n" * 250)
    atomic_write_bytes(path, b"x")
    assert path.read_bytes() == b"x"
