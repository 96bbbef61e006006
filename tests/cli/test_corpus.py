import json

import pytest
from click.testing import CliRunner

import musiclstm.ingest
from musiclstm.cli import main
from musiclstm.errors import RequestError
from musiclstm.ingest import BUILTIN, Corpus, FileReport, read_score
from musiclstm.ingest.report import Reading
from musiclstm.score import Part, Score


def tune(name, pitch):
    score, _ = Score.build([[0, 24, pitch, 80, 0]], [Part()], source=f"bach/{name}", style="bach")
    return Reading(FileReport(f"bach/{name}", notes=1), score)


@pytest.fixture
def builtin(monkeypatch):
    """Three small works in place of music21's; the real ones take a minute."""
    corpus = Corpus.of(
        [
            tune("bwv1.6", 60),
            Reading(FileReport("bach/bwv2", reason="its encoder reserves the rights")),
            tune("bwv3.6", 62),
        ]
    )

    def read_builtin(name, *, jobs, progress):
        if name not in BUILTIN:
            raise RequestError(f"there is no built-in corpus {name!r}")
        progress(3, 3)
        return corpus

    monkeypatch.setattr(musiclstm.ingest, "read_builtin", read_builtin)
    return corpus


def run(*arguments):
    return CliRunner().invoke(main, ["corpus", *map(str, arguments)])


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_each_piece_is_a_file_below_its_style(builtin, tmp_path):
    result = run("chorales", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out'}: wrote 2 pieces\n"
    assert "left out: bach/bwv2 (its encoder reserves the rights)" in result.stderr
    assert sorted(files_in(tmp_path / "out")) == ["bach/bwv1.6.mid", "bach/bwv3.6.mid"]
    written = read_score(tmp_path / "out/bach/bwv3.6.mid")
    assert written.notes.tolist() == builtin.scores[1].notes.tolist()


def test_run_again_it_changes_nothing_and_says_so(builtin, tmp_path):
    run("chorales", tmp_path)
    before = files_in(tmp_path)
    result = run("chorales", tmp_path)
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path}: 2 pieces were there already\n"
    assert files_in(tmp_path) == before


def test_a_file_of_the_users_is_never_overwritten(builtin, tmp_path):
    (tmp_path / "bach").mkdir()
    mine = tmp_path / "bach" / "bwv1.6.mid"
    mine.write_bytes(b"mine")
    first = run("chorales", tmp_path)
    assert f"{tmp_path}: wrote 2 pieces\n" in first.stdout
    after = files_in(tmp_path)
    assert mine.read_bytes() == b"mine"
    assert sorted(after) == ["bach/bwv1.6-2.mid", "bach/bwv1.6.mid", "bach/bwv3.6.mid"]
    run("chorales", tmp_path)
    assert files_in(tmp_path) == after


def test_what_is_missing_is_added(builtin, tmp_path):
    run("chorales", tmp_path)
    (tmp_path / "bach" / "bwv1.6.mid").unlink()
    result = run("chorales", tmp_path)
    expected = f"{tmp_path}: 1 pieces were there already\n{tmp_path}: wrote 1 pieces\n"
    assert result.stdout == expected


def test_json_names_every_file(builtin, tmp_path):
    run("chorales", tmp_path)
    (tmp_path / "bach" / "bwv1.6.mid").unlink()
    report = json.loads(run("chorales", tmp_path, "--json").stdout)
    assert report == {
        "name": "chorales",
        "out": str(tmp_path),
        "written": [str(tmp_path / "bach" / "bwv1.6.mid")],
        "unchanged": [str(tmp_path / "bach" / "bwv3.6.mid")],
        "skipped": {"bach/bwv2": "its encoder reserves the rights"},
    }


def test_quiet_leaves_only_the_result(builtin, tmp_path):
    assert run("chorales", tmp_path, "-q").stderr == ""


def test_an_unknown_corpus_is_one_line(builtin, tmp_path):
    result = run("opera", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: there is no built-in corpus 'opera'")


@pytest.mark.parametrize("arguments", [[], ["chorales"]])
def test_name_and_folder_are_needed(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_a_folder_that_is_a_file_is_one_line(builtin, tmp_path):
    (tmp_path / "out").write_text("a file")
    result = run("chorales", tmp_path / "out", "-q")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_list_names_every_corpus():
    listed = run("--list").stdout
    corpora = json.loads(run("--list", "--json").stdout)["corpora"]
    assert [corpus["name"] for corpus in corpora] == list(BUILTIN)
    for corpus in corpora:
        assert f"\n{corpus['name']} " in listed
        assert corpus["description"]
