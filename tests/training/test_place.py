"""One training a folder, and what a killed one leaves is used again."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from musiclstm.errors import TrainingError
from musiclstm.files import UnwritableError
from musiclstm.training.checkpoint import Checkpoint, save_checkpoint
from musiclstm.training.place import claimed, is_shell, settle


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trained" / "mine"


def begun(folder, step=0):
    """What is there when TensorFlow is being loaded, or later."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("vocabulary.json", "corpus.json", "novelty.npz"):
        (folder / name).write_bytes(b"")
    save_checkpoint(folder, Checkpoint({}, {"step": step}))


def in_another_thread(function):
    """Call it where this thread's locks count as another's; return what was raised."""
    raised = []

    def work():
        try:
            function()
        except TrainingError as error:
            raised.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised


def claim(folder):
    with claimed(folder):
        pass


def test_a_folder_is_held_by_one(folder):
    with claimed(folder):
        (refused,) = in_another_thread(lambda: claim(folder))
        assert refused.startswith(f"another training is writing to {folder}")
        (refused,) = in_another_thread(lambda: settle(folder, print))
        assert "another training" in refused
        with claimed(folder):  # the command line around the library
            pass
        assert in_another_thread(lambda: claim(folder)), "the inner one gave nothing back"
        (folder / "notes.txt").touch()
    assert in_another_thread(lambda: claim(folder)) == []


def test_a_killed_process_holds_nothing(folder):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from musiclstm.training.place import claimed\n"
        f"with claimed(Path({str(folder)!r})):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(TrainingError, match="another training"), claimed(folder):
            pass
        process.kill()
    (folder / ".history.csv.0123abcd.tmp").touch()
    (folder / "checkpoint" / ".state.safetensors.0123abcd.tmp").touch()
    with claimed(folder):
        assert [path.name for path in folder.rglob("*")] == ["checkpoint", "lock"]


def test_a_folder_that_got_nothing_goes_again(folder):
    with pytest.raises(KeyError), claimed(folder):
        raise KeyError
    assert not folder.exists()
    folder.mkdir(parents=True)
    claim(folder)
    assert folder.exists(), "it was not ours to remove"
    with claimed(folder):
        begun(folder)
    assert (folder / "checkpoint" / "lock").exists()


def test_what_never_came_to_a_step_is_a_shell(folder):
    assert not is_shell(folder)
    folder.mkdir(parents=True)
    assert is_shell(folder)
    begun(folder)
    (folder / ".corpus.json.0123abcd.tmp").touch()
    assert is_shell(folder)
    begun(folder, step=7)
    assert not is_shell(folder)
    begun(folder)
    (folder / "checkpoint" / "state.safetensors").write_bytes(b"damaged")
    assert not is_shell(folder)
    begun(folder)
    (folder / "model.safetensors").touch()
    assert not is_shell(folder)


def test_a_shell_is_used_again_and_anything_else_is_not(folder):
    said = []
    assert settle(folder, said.append) == folder
    assert said == []
    begun(folder)
    assert settle(folder, said.append) == folder
    assert "never came to its first step" in said.pop()
    begun(folder, step=7)
    assert settle(folder, said.append) == folder.with_name("mine-2")
    assert "--resume would go on with it" in said.pop()
    other = folder.with_name("notes")
    other.mkdir()
    (other / "notes.txt").touch()
    assert settle(other, said.append) == folder.with_name("notes-2")
    assert said == [f"{other} is there already; writing to {folder.with_name('notes-2')}"]
    assert not (other / "checkpoint").exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UnwritableError, match=r"cannot write .*mine: .*choose another place"):
        claim(tmp_path / "file" / "mine")

    def read_only(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(UnwritableError, match="Permission denied"):
        claim(tmp_path / "mine")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_said(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(UnwritableError, match="Permission denied"):
        claim(tmp_path / "mine")


def test_a_disk_without_locks_is_said(folder, monkeypatch):
    def none(*_, **__):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    said = []
    with claimed(folder, said.append):
        (folder / "checkpoint" / "here").touch()
    assert "knows no locks" in said[0]
