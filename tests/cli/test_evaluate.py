"""``musiclstm evaluate`` as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.rendering import write_midi
from tests.bundles import chorale, chorales, tiny_bundle


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_bundle(tmp_path / "trained" / "tiny")
    for score in (*chorales(), *(chorale(f"new{n}", seed=60 + n) for n in range(3))):
        write_midi(score, tmp_path / "music" / f"{score.source}.mid")
    return lambda *words: CliRunner().invoke(main, ["evaluate", *words])


def test_a_report_is_written_and_the_verdict_said(run, tmp_path):
    result = run("tiny", "music", "-n", "2")
    assert result.exit_code == 0, result.output
    assert "verdict: not learned yet" in result.stdout
    page = tmp_path / "out" / "tiny-report.html"
    assert "How good is tiny?" in page.read_text(encoding="utf-8")
    assert "composing 2 pieces" in result.stderr
    before = page.read_bytes()
    again = run("tiny", "music", "-n", "2", "-q")
    assert (page.read_bytes(), again.stderr) == (before, "")
    assert (tmp_path / "out" / "tiny-report-2.html").exists()


def test_json_is_one_object_and_a_page_only_where_one_is_asked_for(run, tmp_path):
    result = run("tiny", "music", "-n", "2", "--json")
    told = json.loads(result.stdout)
    assert told["verdict"]["mood"] == "bad"
    assert not (tmp_path / "out").exists()
    told = json.loads(run("tiny", "music", "-n", "2", "--json", "-o", "my.html").stdout)
    assert told["report"] == "my.html"
    assert (tmp_path / "my.html").exists()


def test_without_music_it_says_what_to_do(run):
    result = run("tiny", "-n", "2")
    assert result.exit_code == 0
    assert "name the folder" in result.stderr


@pytest.mark.parametrize("words", [("nowhere",), ("tiny", "nowhere")])
def test_what_is_not_there_is_one_line(run, words):
    result = run(*words)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "nowhere" in result.stderr
