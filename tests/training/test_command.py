"""What `musiclstm train` says of folders and lists."""

import threading

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.rendering import write_midi
from musiclstm.training.checkpoint import Checkpoint, load_progress, save_checkpoint
from musiclstm.training.place import claimed
from tests.training.tiny import piece


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSICLSTM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def music(tmp_path):
    for number in range(2):
        write_midi(piece(number), tmp_path / "music" / f"piece{number}.mid")
    return tmp_path / "music"


def run(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


def test_names_that_are_not_there_are_said(music, tmp_path):
    names = tmp_path / "names.txt"
    names.write_bytes(b"piece0  # too well known\npiece1\nFugue\n\xe9tude\n")
    result = run(music, "-o", tmp_path / "m", "--leave-out", names, "--steps", 1)
    assert result.exit_code == 1
    assert "names 2 pieces that are not there: Fugue, " in result.stderr
    assert "no music is left" in result.stderr
    assert not (tmp_path / "m").exists()


def test_a_folder_in_use_is_one_line(music, tmp_path):
    out = tmp_path / "m"
    held, done = threading.Event(), threading.Event()

    def hold():
        with claimed(out):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    kept = {"step": 3, "settings": {}, "vocabulary": {"steps_per_quarter": 24}}
    save_checkpoint(out, Checkpoint({}, kept))
    try:
        for wish in (("--steps", 1), ("--resume",)):
            result = run(music, "-o", out, *wish)
            assert result.exit_code == 1
            assert result.stderr.startswith(f"Error: another training is writing to {out}")
            assert result.stderr.count("\n") == 1
    finally:
        done.set()
        thread.join()


def test_a_place_that_cannot_be_written_is_known_before_anything_is_read(music, tmp_path):
    (tmp_path / "file").touch()
    result = run(music, "-o", tmp_path / "file" / "m", "--steps", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot write")
    assert not (tmp_path / "cache").exists()


def test_a_beginning_is_gone_on_with_or_begun_again(music, tmp_path):
    pytest.importorskip("tensorflow")
    out = tmp_path / "mine"
    wish = ("--steps", 2, "--preset", "tiny", "--lanes", 2, "--max-notes", 900)
    first = run(music, "-o", tmp_path / "first", *wish)
    assert first.exit_code == 0, first.output
    begun = dict(load_progress(tmp_path / "first"))
    # as it is while TensorFlow is being loaded
    save_checkpoint(out, Checkpoint({}, {**begun, "step": 0}))
    again = run(music, "-o", out, *wish)
    assert again.exit_code == 0, again.output
    assert "never came to its first step" in again.stderr
    assert not (tmp_path / "mine-2").exists()
    assert (out / "model.safetensors").read_bytes() == (
        tmp_path / "first" / "model.safetensors"
    ).read_bytes()
    other = tmp_path / "other"
    save_checkpoint(other, Checkpoint({}, {**begun, "step": 0}))
    resumed = run(music, "-o", other, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "going on at step 0" in resumed.stderr
    assert (other / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    assert load_progress(other)["settings"]["max_notes"] == 900
