import errno
import os
import stat

import pytest

from musiclstm.errors import RequestError
from musiclstm.files import (
    UnwritableError,
    atomic_write_bytes,
    atomic_writer,
    free_path,
    sweep_temporaries,
)


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


def test_names_of_many_bytes_fit(tmp_path):
    path = tmp_path / ("曲" * 84)  # 252 bytes
    atomic_write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_breaks_off_leaves_the_old_file(tmp_path, fault):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(fault), atomic_writer(path) as file:  # noqa: PT012
        file.write(b"new")
        raise fault
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize(("code", "full"), [(errno.ENOSPC, True), (errno.EACCES, False)])
def test_a_full_disk_can_be_told_from_a_closed_one(tmp_path, code, full):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(UnwritableError) as caught, atomic_writer(path):
        raise OSError(code, os.strerror(code))
    assert (caught.value.full, caught.value.path) == (full, path)
    assert caught.value.reason == os.strerror(code)
    assert ("make room" in str(caught.value)) == full
    assert path.read_bytes() == b"old"


def test_durable_waits_for_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    atomic_write_bytes(tmp_path / "a", b"1")
    assert not synced
    atomic_write_bytes(tmp_path / "a", b"2", durable=True)
    assert len(synced) == 1


def test_sweeping_takes_temporaries_and_nothing_else(tmp_path):
    kept = {"a.tmp", ".hidden", ".tmp", "notes.0123abcd.tmp", ".state.tmp", "folder"}
    for name in kept - {"folder"}:
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / ".history.csv.0123abcd.tmp").touch()
    (tmp_path / ".rows.abc_12xy.tmp").touch()
    assert sweep_temporaries(tmp_path) == 2
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert sweep_temporaries(tmp_path / "nowhere") == 0


def test_what_a_killed_writer_leaves_is_swept(tmp_path):
    left = None
    with atomic_writer(tmp_path / "a.bin") as file:
        file.write(b"new")
        (left,) = tmp_path.iterdir()
        name = left.name
    (tmp_path / name).touch()
    assert sweep_temporaries(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
