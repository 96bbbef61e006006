import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiclstm.errors import MusicLSTMError, RequestError, UnreadableFileError
from musiclstm.ingest import IngestSettings, batch, read_folder, read_score

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, midi, on, off):
    """Styles, kinds, strangers, and files that are broken."""
    root = tmp_path / "music"
    for number, name in enumerate(
        ["top.mid", "a/one.MID", "a/deep/two.midi", "b/three.kar", "b/four.Mid"]
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(midi([on(0, 60 + number), off(480, 60 + number)]))
    (root / "a" / "empty.mid").write_bytes(b"")
    (root / "a" / "picture.mid").write_bytes(b"\x89PNG")
    (root / "a" / "notes.txt").write_text("no music")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.mid").write_bytes(b"")
    (root / ".hidden.mid").write_bytes(b"")
    return root


def test_a_folder_is_read_in_order_with_its_styles(folder):
    corpus = read_folder(folder)
    assert [(score.source, score.style) for score in corpus.scores] == [
        ("a/deep/two.midi", "a"),
        ("a/one.MID", "a"),
        ("b/four.Mid", "b"),
        ("b/three.kar", "b"),
        ("top.mid", ""),
    ]
    assert [file.source for file in corpus.report.kept] == [s.source for s in corpus.scores]
    assert len(set(corpus.hashes)) == 5
    assert corpus.report.reasons == {
        "the file is empty": 1,
        "it is not a MIDI file (no MThd at its beginning)": 1,
    }


def test_the_report_is_plain_values(folder):
    told = json.loads(json.dumps(read_folder(folder).report.as_dict()))
    assert (told["kept"], told["skipped"], told["notes"]) == (5, 2, 5)
    assert [file["source"] for file in told["files"] if not file["kept"]] == [
        "a/empty.mid",
        "a/picture.mid",
    ]


def test_workers_read_what_this_process_reads(folder, monkeypatch):
    here = read_folder(folder, cache=False)
    monkeypatch.setattr(batch, "MIN_FILES_FOR_WORKERS", 1)
    assert read_folder(folder, cache=False, jobs=2) == here


def test_progress_counts_every_file(folder):
    for _ in ("unread", "cached"):
        seen = []
        read_folder(folder, progress=lambda done, total: seen.append((done, total)))  # noqa: B023
        assert seen == [(done, 7) for done in range(1, 8)]


def test_a_second_run_reads_nothing(folder, monkeypatch):
    first = read_folder(folder)

    def refuse(*_):
        raise AssertionError("a cached file was read again")

    monkeypatch.setattr("musiclstm.ingest.folder.read_midi", refuse)
    assert read_folder(folder) == first
    (folder / "b" / "three.kar").rename(folder / "c.mid")  # the same bytes elsewhere
    moved = read_folder(folder)
    assert [(s.source, s.style) for s in moved.scores][2:] == [
        ("b/four.Mid", "b"),
        ("c.mid", ""),
        ("top.mid", ""),
    ]


def test_damaged_cache_entries_are_read_again(folder):
    first = read_folder(folder)
    entries = [path for path in Path(os.environ["MUSICLSTM_CACHE"]).rglob("*") if path.is_file()]
    assert len(entries) == 7
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert read_folder(folder) == first


def test_settings_change_what_is_read(folder):
    assert read_folder(folder).scores[0].notes[0, 1] == 24
    assert read_folder(folder, settings=IngestSettings(steps_per_quarter=12)).scores[0].notes[
        0, 1
    ] == 12  # fmt: skip


def test_large_files_are_skipped_unread(folder):
    (folder / "large.mid").write_bytes(bytes(2000))
    report = read_folder(folder, settings=IngestSettings(max_bytes=1000)).report
    assert "larger than 0.001 MB" in {f.source: f.reason for f in report.skipped}["large.mid"]


def test_links_in_a_circle_are_followed_once(folder):
    try:
        (folder / "a" / "loop").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert len(read_folder(folder).scores) == 5


def test_a_link_to_nothing_is_skipped(folder):
    try:
        (folder / "gone.mid").symlink_to(folder / "nowhere")
    except OSError:
        pytest.skip("this system makes no links")
    reasons = {file.source: file.reason for file in read_folder(folder).report.skipped}
    assert reasons["gone.mid"] == "it is no ordinary file"


def test_one_file_is_a_folder_of_one(folder):
    corpus = read_folder(folder / "a" / "one.MID")
    assert [score.source for score in corpus.scores] == ["one.MID"]


def test_nothing_may_survive(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"")
    corpus = read_folder(tmp_path)
    assert corpus.scores == ()
    assert corpus.report.skipped[0].reason == "the file is empty"


def test_a_fault_of_ours_costs_one_file(folder, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("musiclstm.ingest.folder.read_midi", fail)
    reasons = read_folder(folder, cache=False).report.reasons
    assert list(reasons) == [
        "the reader failed on it (ZeroDivisionError: oh); please report this, with the file"
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_music_is_one_clear_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MusicLSTMError, match=r"does not exist|holds no music files") as caught:
        read_folder(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_score_names_the_file(tmp_path, one_note):
    (tmp_path / "good.mid").write_bytes(one_note)
    assert read_score(tmp_path / "good.mid").source == "good.mid"
    (tmp_path / "bad.mid").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=r"bad\.mid: the file is empty"):
        read_score(tmp_path / "bad.mid")
    with pytest.raises(MusicLSTMError, match="is no music file"):
        read_score(Path(__file__))
    with pytest.raises(MusicLSTMError, match="is a folder"):
        read_score(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"steps_per_quarter": 0}, {"max_notes": 0}, {"timeout_seconds": -1}]
)
def test_settings_are_checked(wrong):
    with pytest.raises(RequestError, match=next(iter(wrong))):
        IngestSettings(**wrong)


def test_a_script_without_a_main_guard_may_read_a_folder(tmp_path, midi, on):
    for number in range(9):
        (tmp_path / f"{number}.mid").write_bytes(midi([on(0, 60 + number)]))
    script = tmp_path / "script.py"
    script.write_text(
        "from musiclstm.ingest import read_folder\n"
        f"print(len(read_folder({str(tmp_path)!r}, jobs=2).scores))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "9\n"


def test_music21_is_imported_only_where_music_is_read():
    code = "import sys, musiclstm.ingest; sys.exit('music21' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
