"""``musiclstm inspect`` as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.rendering import write_midi
from musiclstm.score import Part, Score
from tests.bundles import chorale, chorales, tiny_bundle


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_bundle(tmp_path / "trained" / "tiny", units=6)
    for score in (*chorales(), *(chorale(f"new{n}", seed=60 + n, bars=10) for n in range(4))):
        write_midi(score, tmp_path / "music" / f"{score.source}.mid")
    write_midi(chorale("mine", seed=5, bars=6), tmp_path / "mine.mid")
    return lambda *words: CliRunner().invoke(main, ["inspect", *words])


def test_a_page_and_its_pictures_are_written(run, tmp_path):
    result = run("tiny", "mine.mid", "--with", "music")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "out" / "mine-inspect"
    names = {path.stem for path in folder.glob("*.png")}
    gates = {
        f"layer{n}-{of}" for n in (1, 2) for of in ("input", "forget", "output", "cell", "hidden")
    }
    assert {"roll", "surprise"} | gates <= names
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "mine.mid, read by tiny" in page
    assert page.count("data:image/png") >= len(names)
    assert "AUC" in result.stdout
    again = run("tiny", "mine.mid", "--with", "music", "-q")
    assert again.stderr == ""
    assert (tmp_path / "out" / "mine-inspect-2").is_dir()


def test_json_is_one_object(run):
    told = json.loads(run("tiny", "mine.mid", "--with", "music", "--json", "-q").stdout)
    assert told["notes"] > 0
    assert len(told["units"]) == 12
    assert {"bar", "part", "pitch", "nats", "chance", "expected"} <= set(told["surprises"][0])


def test_a_unit_is_muted(run, tmp_path):
    result = run("tiny", "mine.mid", "--with", "music", "--mute", "2:3", "--seed", "4", "--json")
    told = json.loads(result.stdout)
    muted = told["muted"]
    assert muted["units"] == ["2:3"]
    assert muted["nats_per_note"] != muted["nats_per_note_muted"]
    assert (tmp_path / muted["with"]).exists()
    assert muted["nats_per_note"] == pytest.approx(told["nats_per_note"])
    page = (tmp_path / told["page"]).read_text(encoding="utf-8")
    assert "Without 2:3" in page
    assert (tmp_path / muted["without"]).read_bytes() != (tmp_path / muted["with"]).read_bytes()


def test_without_other_music_it_is_told_of_the_piece(run):
    result = run("tiny", "mine.mid", "--bars", "2-3")
    assert result.exit_code == 0
    assert "--with SRC" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--bars", "x"), "like 5-8"),
        (("--bars", "3-2"), "like 5-8"),
        (("--bars", "1-999"), "too many"),
        (("--bars", "40-44"), "notes in bars 1 to 6"),
        (("--mute", "9"), "LAYER:UNIT"),
        (("--mute", "3:1"), "there is no unit"),
        (("--with", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(run, words, told):
    result = run("tiny", "mine.mid", "-q", *words)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_single_note_and_drums_alone(run, tmp_path):
    write_midi(Score([[0, 24, 60, 80, 0]], (Part(),)), tmp_path / "one.mid")
    drums = [[24 * n, 1, 36 + n % 2, 80, 0] for n in range(8)]
    write_midi(Score(drums, (Part(0, True),)), tmp_path / "drums.mid")
    assert run("tiny", "one.mid", "-q").exit_code == 0
    result = run("tiny", "drums.mid", "-q")
    assert result.exit_code in (0, 1)  # a model without drums cannot read them, and says so
    assert "Traceback" not in result.output
