import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.cli.ingest import ingest
from musiclstm.cli.ingest_tables import commonest
from musiclstm.ingest import IngestSettings
from musiclstm.ingest.kinds import KINDS
from musiclstm.ingest.problems import Problem, Repair
from musiclstm.rendering import write_midi
from musiclstm.score import Key, Meter, MeterMap, Part, Score


def waltz(pitch=60):
    score, _ = Score.build(
        [[0, 24, pitch, 80, 0], [24, 24, pitch + 4, 80, 0], [0, 72, pitch - 24, 70, 1]],
        [Part(0, name="right"), Part(0, name="left")],
        meter_map=MeterMap((Meter(0, 3, 4),)),
        key=Key(0),
    )
    return score


@pytest.fixture
def folder(tmp_path):
    """Two waltzes, one of them in a style, and a file that is no music."""
    music = tmp_path / "music"
    write_midi(waltz(), music / "one.mid")
    write_midi(waltz(62), music / "folk" / "two [b].mid")
    (music / "broken.mid").write_bytes(b"no music at all")
    return music


def run(*arguments):
    return CliRunner().invoke(main, ["ingest", *map(str, arguments)])


def test_every_skipped_file_is_named_with_its_reason_and_what_to_do(folder):
    result = run(folder, "-q")
    assert result.exit_code == 0
    assert result.stderr == ""
    (line,) = [line for line in result.stdout.splitlines() if "broken.mid" in line]
    assert Problem.NOT_MIDI.reason in line
    assert line.endswith(Problem.NOT_MIDI.fix)


def test_copies_are_listed_and_counted(folder):
    result = run(folder, "-q")
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("one.mid")]
    assert line.endswith("a copy of folk/two [b].mid, 2 semitones lower")
    assert "copies transposed (1)" in " ".join(result.stdout.split())
    (copy,) = json.loads(run(folder, "--json").stdout)["copies"]
    assert (copy["source"], copy["kind"], copy["semitones"]) == ("one.mid", "transposed", -2)


def test_copies_are_remembered_for_these_pieces_and_no_others(folder, monkeypatch):
    first = json.loads(run(folder, "--json").stdout)["copies"]

    def fail(_):
        raise AssertionError("looked for again")

    monkeypatch.setattr("musiclstm.features.find_copies", fail)
    assert json.loads(run(folder, "--json").stdout)["copies"] == first
    write_midi(waltz(64), folder / "three.mid")
    assert isinstance(run(folder, "--json").exception, AssertionError)
    monkeypatch.undo()


def test_repairs_are_listed_and_counted(folder):
    whole = (folder / "one.mid").read_bytes()
    (folder / "cut.mid").write_bytes(whole[:-20])
    result = run(folder, "-q")
    line = next(line for line in result.stdout.splitlines() if line.startswith("cut.mid"))
    assert Repair.CUT_OFF.words in line
    report = json.loads(run(folder, "--json").stdout)
    assert report["repaired"] == 1
    assert report["repairs"][Repair.CUT_OFF.words] == 1
    (file,) = [file for file in report["files"] if file["source"] == "cut.mid"]
    assert "CUT_OFF" in [repair["kind"] for repair in file["repairs"]]


def test_other_files_are_counted(folder):
    (folder / "cover.pdf").write_bytes(b"x")
    assert "passed over .pdf (1)" in " ".join(run(folder, "-q").stdout.split())


def test_a_picture_is_drawn_beside_what_is_there_already(folder, tmp_path):
    picture = tmp_path / "corpus.png"
    picture.write_bytes(b"mine")
    result = run(folder, "-q", "--picture", picture)
    assert picture.read_bytes() == b"mine"
    drawn = tmp_path / "corpus-2.png"
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert str(drawn) in result.stderr


def test_the_summary_says_what_the_corpus_is(folder):
    words = " ".join(run(folder, "-q").stdout.split())
    for fact in (
        "kept 2 of 3",
        "notes 6",
        "parts 2 (2)",
        "keys C major (2)",
        "meters 3/4 (2)",
        "folk (1)",
        "0.00 at worst",
        "merged 0 notes",
    ):
        assert fact in words


def test_all_lists_kept_pieces_too(folder):
    result = run(folder, "--all", "-q")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["one.mid", "3", "2", "1", "C", "major", "3/4", "0.00"] in lines
    assert "folk/two [b].mid" in result.stdout  # no markup


def test_no_line_ends_in_blanks(folder):
    lines = run(folder, "--all", "-q").stdout.splitlines()
    assert lines == [line.rstrip() for line in lines]


def test_json_is_one_object_with_every_file(folder):
    result = run(folder, "--json")
    report = json.loads(result.stdout)
    assert (report["kept"], report["skipped"], report["notes"]) == (2, 1, 6)
    assert report["keys"] == {"C major": 2}
    assert report["meters"] == {"3/4": 2}
    assert report["styles"] == {"": 1, "folk": 1}
    assert report["parts"] == {"2": 2}
    assert {file["source"]: file["kept"] for file in report["files"]} == {
        "broken.mid": False,
        "folk/two [b].mid": True,
        "one.mid": True,
    }
    assert len(report["reasons"]) == 1


def test_if_none_survives_the_report_comes_and_the_status_is_1(folder):
    (folder / "one.mid").unlink()
    (folder / "folk" / "two [b].mid").unlink()
    result = run(folder, "-q")
    assert result.exit_code == 1
    assert "broken.mid" in result.stdout
    assert (
        result.stderr == f"Error: nothing in {folder} could be read; the report gives the reasons\n"
    )


def test_json_comes_even_if_none_survives(folder):
    result = run(folder / "broken.mid", "--json", "-q")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["kept"] == 0


def test_a_missing_folder_is_one_line(tmp_path):
    result = run(tmp_path / "nowhere")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {tmp_path / 'nowhere'} does not exist")
    assert result.stderr.count("\n") == 1


def test_options_reach_the_reader(folder):
    strict = json.loads(run(folder, "--max-notes", "2", "--json", "-q").stdout)
    assert strict["kept"] == 0
    coarse = run(folder, "--steps-per-quarter", "1", "--no-pedal", "--no-cache", "-j", "1", "-q")
    assert coarse.exit_code == 0
    assert "kept 2 of 3" in " ".join(coarse.stdout.split())


def test_the_defaults_in_the_help_are_those_of_the_reader():
    settings = IngestSettings()
    help_of = {option.name: getattr(option, "help", None) for option in ingest.params}
    assert help_of["steps_per_quarter"].endswith(f"[default: {settings.steps_per_quarter}]")
    assert help_of["max_bytes"].endswith(f"[default: {settings.max_bytes:,}]")
    assert help_of["max_notes"].endswith(f"[default: {settings.max_notes:,}]")
    assert help_of["timeout_seconds"].endswith(f"[default: {settings.timeout_seconds:g}]")
    assert help_of["max_memory"].endswith(f"[default: {settings.max_memory:,}]")
    assert help_of["pedal"].endswith(f"[default: {'pedal' if settings.pedal else 'no-pedal'}]")


def test_the_readme_of_the_music_folder_names_every_kind_that_is_read():
    readme = (Path(__file__).parents[2] / "midi_data" / "README.md").read_text(encoding="utf-8")
    for suffix in KINDS:
        assert f"`{suffix}`" in readme


def test_thecommonest_are_named_and_the_others_counted():
    assert commonest({}) == "none"
    assert commonest({"4/4": 1200, "3/4": 1}) == "4/4 (1,200), 3/4 (1)"
    seven = {str(n): 2 for n in range(7)}
    assert "others" not in commonest(seven)
    assert commonest({**seven, "7": 1}).endswith("5 (2), 2 others (3)")
