import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiclstm.errors import MusicLSTMError, RequestError, UnreadableFileError
from musiclstm.ingest import IngestSettings, batch, read_folder, read_score, walk
from tests.ingest.notation.pages import FLUTE, mxl

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
    assert {f.source: f.problem for f in report.skipped}["large.mid"] == "TOO_LARGE"


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
    problems = {file.source: file.problem for file in read_folder(folder).report.skipped}
    assert problems["gone.mid"] == "NO_FILE"


def test_a_pipe_is_never_opened(folder):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes with names")
    os.mkfifo(folder / "pipe.mid")  # whoever opens it waits for ever
    os.mkfifo(folder / "pipe.xml")
    problems = {file.source: file.problem for file in read_folder(folder).report.skipped}
    assert problems["pipe.mid"] == problems["pipe.xml"] == "NO_FILE"


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
    skipped = read_folder(folder, cache=False).report.skipped
    reasons = {file.source: file.reason for file in skipped}
    assert reasons["top.mid"] == "the reader failed on it: ZeroDivisionError: oh"
    assert len(reasons) == 7


@pytest.fixture
def mixed(tmp_path, one_note):
    """One file of each kind, some under a wrong name, and what is no music."""
    root = tmp_path / "mixed"
    root.mkdir()
    for name, data in {
        "a.mid": one_note,
        "b.musicxml": FLUTE,
        "c.mxl": mxl(FLUTE),
        "d.abc": b"X:1\nT:One\nK:C\nCD|\n\nX:2\nT:Two\nK:C\nEF|\n",
        "e.krn": b"**kern\n4c\n*-\n",
        "f.mid": FLUTE,
        "g.xml": mxl(FLUTE),
        "h.mxl": FLUTE,
        "i.xml": one_note,
        "pom.xml": b"<project/>",
        "site.xml": b"<!DOCTYPE html><html></html>",
        "page.pdf": b"%PDF",
    }.items():
        (root / name).write_bytes(data)
    return root


def test_every_kind_is_read_whatever_it_is_called(mixed):
    first = read_folder(mixed)
    assert [(score.source, score.notes[0, 2]) for score in first.scores] == [
        ("a.mid", 60),
        ("b.musicxml", 72),
        ("c.mxl", 72),
        ("d.abc#1-one", 60),
        ("d.abc#2-two", 64),
        ("e.krn", 60),
        ("f.mid", 72),
        ("g.xml", 72),
        ("h.mxl", 72),
        ("i.xml", 60),
    ]
    assert {file.source: file.problem for file in first.report.skipped} == {
        "pom.xml": "NOT_THIS_NOTATION",
        "site.xml": "WEB_PAGE",
    }
    assert first.report.passed_over == {".pdf": 1}
    again = read_folder(mixed)  # from the cache, under the same names
    assert again == first
    assert [file.source for file in again.report.kept] == [s.source for s in first.scores]


def test_a_folder_that_cannot_be_opened_stands_in_the_report(mixed, monkeypatch):
    (mixed / "bb").mkdir()
    look_into = walk._entries

    def refuse(path):
        if os.fspath(path).endswith("bb"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return look_into(path)

    monkeypatch.setattr(walk, "_entries", refuse)
    report = read_folder(mixed).report
    assert [file.source for file in report.files][2] == "bb/"
    assert report.files[2].problem == "NO_PERMISSION"


def test_read_score_reads_every_kind(mixed):
    for name in ("a.mid", "b.musicxml", "f.mid", "h.mxl"):
        assert read_score(mixed / name).source == name
    assert read_score(mixed / "d.abc").source == "d.abc#1-one"
    with pytest.raises(UnreadableFileError, match=r"pom\.xml: it is not what its name says") as no:
        read_score(mixed / "pom.xml")
    assert (no.value.kind, bool(no.value.fix)) == ("NOT_THIS_NOTATION", True)


def test_of_several_pieces_the_first_that_can_be_read_is_taken(tmp_path):
    (tmp_path / "x.abc").write_bytes(b"X:1\nK:C\nz4|\n\nX:2\nT:b\nK:C\nC|\n")
    assert read_score(tmp_path / "x.abc").source == "x.abc#2-b"
    (tmp_path / "y.abc").write_bytes(b"X:1\nK:C\nz4|\n\nX:2\nK:C\nz|\n")
    with pytest.raises(UnreadableFileError, match="no notes"):
        read_score(tmp_path / "y.abc")


def test_notation_and_large_files_are_read_where_they_can_be_stopped(mixed, monkeypatch):
    asked = []
    run_tasks = batch.run_tasks

    def watch(function, tasks, **options):
        asked.extend(Path(task["path"]).name for task in tasks)
        return run_tasks(function, tasks, **options)

    monkeypatch.setattr(batch, "run_tasks", watch)
    for name in ("a.mid", "i.xml", "f.mid", "e.krn"):
        read_score(mixed / name)
    assert asked == ["f.mid", "e.krn"]


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
    with pytest.raises(UnreadableFileError, match=r"bad\.mid") as caught:
        read_score(tmp_path / "bad.mid")
    assert (caught.value.kind, bool(caught.value.fix)) == ("EMPTY", True)
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


def test_a_file_that_hangs_music21_is_given_up(tmp_path):
    # a note of ten million bars; memory may run out before time does
    (tmp_path / "x.abc").write_bytes(b"X:1\nM:4/4\nL:1/4\nK:C\nC9999999|D|\n")
    with pytest.raises(UnreadableFileError) as caught:
        read_score(tmp_path / "x.abc", IngestSettings(timeout_seconds=2))
    assert caught.value.kind in {"TOO_SLOW", "TOO_BIG"}


def test_files_of_one_content_share_an_entry_and_keep_their_names(folder):
    data = (folder / "top.mid").read_bytes()
    copy = folder / "b" / "the same under a much longer name.mid"
    copy.write_bytes(data)
    for _ in range(2):  # read, then remembered
        corpus = read_folder(folder)
        names = {score.source: score for score in corpus.scores}
        assert names["top.mid"].style == ""
        assert names["b/the same under a much longer name.mid"].style == "b"
        assert len({score.notes.tobytes() for score in names.values()}) == len(names) - 1


def test_a_riff_file_is_read_under_its_own_suffix(folder):
    data = (folder / "top.mid").read_bytes()
    size = (len(data) + 12).to_bytes(4, "little")
    wrapped = b"RIFF" + size + b"RMIDdata" + len(data).to_bytes(4, "little") + data
    (folder / "old.rmi").write_bytes(wrapped)
    (file,) = [file for file in read_folder(folder).report.kept if file.source == "old.rmi"]
    assert [repair.kind for repair in file.repairs] == ["RIFF"]
