import inspect
import json
import os
import sys

import pytest

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest import walk
from musiclstm.ingest.walk import NO_SUFFIX, find_music


def lay(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")
    return root


def sources(root):
    return [file.source for file in find_music(root).files]


def link(path, target, *, folder=False):
    try:
        path.symlink_to(target, target_is_directory=folder)
    except OSError:
        pytest.skip("this system makes no links")


def test_every_kind_in_every_folder(tmp_path):
    lay(tmp_path, "b.MID", "a.xml", "x/c.MXL", "x/y/d.krn", "x/e.abc", "z/f.musicxml", "z/g.kar")
    found = find_music(tmp_path)
    assert [(file.source, file.style, file.kind) for file in found.files] == [
        ("a.xml", "", ".musicxml"),
        ("b.MID", "", ".mid"),
        ("x/c.MXL", "x", ".mxl"),
        ("x/e.abc", "x", ".abc"),
        ("x/y/d.krn", "x", ".krn"),
        ("z/f.musicxml", "z", ".musicxml"),
        ("z/g.kar", "z", ".mid"),
    ]
    assert all(file.path.read_bytes() == b"?" for file in found.files)


def test_other_kinds_are_counted_and_hidden_files_are_not(tmp_path):
    lay(tmp_path, "a.mid", "b.PDF", "x/c.pdf", "x/README", "d.mscz", ".e.pdf", ".git/f.mid")
    found = find_music(tmp_path)
    assert sources(tmp_path) == ["a.mid"]
    assert found.passed_over == {".pdf": 2, NO_SUFFIX: 1, ".mscz": 1}
    assert next(iter(found.passed_over)) == ".pdf"


def test_a_folder_named_like_a_file_is_a_folder(tmp_path):
    assert sources(lay(tmp_path, "x.mid/a.mid", "x.mid/y.xml/b.mid")) == [
        "x.mid/a.mid",
        "x.mid/y.xml/b.mid",
    ]


def test_a_folder_that_cannot_be_opened_is_reported(tmp_path, monkeypatch):
    lay(tmp_path, "a/1.mid", "shut/2.mid", "z/3.mid")
    look_into = walk._entries

    def refuse(path):
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return look_into(path)

    monkeypatch.setattr(walk, "_entries", refuse)
    found = find_music(tmp_path)
    assert [file.source for file in found.files] == ["a/1.mid", "z/3.mid"]
    (report,) = found.shut
    assert (report.source, report.problem) == ("shut/", "NO_PERMISSION")
    assert report.reason.endswith("Permission denied")
    with pytest.raises(MusicLSTMError, match="cannot be opened: Permission denied"):
        find_music(tmp_path / "shut")


def test_links_in_a_circle_are_followed_once(tmp_path):
    lay(tmp_path, "a/1.mid")
    link(tmp_path / "a" / "up", tmp_path, folder=True)
    link(tmp_path / "a" / "self", tmp_path / "a" / "self", folder=True)
    assert sources(tmp_path) == ["a/1.mid"]


def test_links_are_followed_and_broken_ones_are_listed(tmp_path):
    elsewhere = lay(tmp_path / "elsewhere", "1.mid")
    root = lay(tmp_path / "root", "0.mid")
    link(root / "there", elsewhere, folder=True)
    link(root / "gone.mid", root / "nowhere")
    link(root / "loop.mid", root / "loop.mid")
    assert sources(root) == ["0.mid", "gone.mid", "loop.mid", "there/1.mid"]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_names_that_are_no_text_can_be_opened_and_printed(tmp_path):
    names = [b"caf\xe9.mid", b"two\nlines.mid", b"caf\\xe9.mid", "caf\u00e9.mid".encode()]
    try:
        for name in names:
            with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
                file.write(name)
    except OSError:
        pytest.skip("this file system takes text only")
    found = find_music(tmp_path)
    assert {file.path.read_bytes() for file in found.files} == set(names)
    shown = [file.source for file in found.files]
    assert len(set(shown)) == 4
    assert json.dumps(shown).encode()
    assert all(source.isprintable() for source in shown)
    assert "café.mid" in shown


def test_folders_may_lie_deeper_than_the_call_stack(tmp_path):
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    lay(deep, "a.mid")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        found = find_music(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert [file.source for file in found.files] == ["d/" * 300 + "a.mid"]


def test_one_file_is_a_folder_of_one(tmp_path):
    assert sources(lay(tmp_path, "a.mid") / "a.mid") == ["a.mid"]


def test_what_is_no_music_is_one_clear_line(tmp_path):
    lay(tmp_path, "x/a.txt")
    for path, words in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "x", "holds no music files"),
        (tmp_path / "x" / "a.txt", "is no music file"),
    ):
        with pytest.raises(MusicLSTMError, match=words) as caught:
            find_music(path)
        assert "\n" not in str(caught.value)
