"""From a folder of MIDI to new MIDI, as a user types it."""

import json

import mido
import numpy as np
import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.model import load_bundle
from musiclstm.model.bundle import write_weights
from musiclstm.rendering import write_midi
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo
from tests.bundles import tiny_bundle


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def bundle(tmp_path):
    return tiny_bundle(tmp_path / "trained" / "tiny")


def text_of(path):
    """The provenance that is written inside a file."""
    texts = [m.text for track in mido.MidiFile(path).tracks for m in track if m.type == "text"]
    return json.loads(texts[0])


def test_generate_writes_what_it_says(bundle, tmp_path):
    out = tmp_path / "out"
    result = run("generate", "-m", bundle, "-o", out, "-n", 2, "--bars", 4, "--seed", 5)
    assert result.exit_code == 0, result.output
    written = sorted(out.glob("*.mid"))
    assert [path.name for path in written] == ["tiny-5-1.mid", "tiny-5-2.mid"]
    assert all(str(path) in result.stdout for path in written)
    assert "--seed 5" in result.stderr
    made_by = text_of(written[1])
    assert (made_by["command"], made_by["seed"], made_by["index"]) == ("generate", 5, 1)
    assert len(made_by["digest"]) == 64
    assert str(tmp_path) not in json.dumps(made_by), "no folders of this machine"


def test_what_a_bad_model_ran_into_is_said(bundle, tmp_path):
    """One line a piece, and what the model needs; nothing of it where all went well."""
    weights = dict(load_bundle(bundle).weights)
    for field, loved in (("shift", 1), ("duration", 0)):
        weights[f"head.{field}.out_kernel"] = np.zeros_like(weights[f"head.{field}.out_kernel"])
        bias = np.zeros_like(weights[f"head.{field}.out_bias"])
        bias[loved] = 30
        weights[f"head.{field}.out_bias"] = bias
    wish = ("-n", 2, "--bars", 3, "--seed", 5, "--candidates", 1, "--endings", 1, "-q")
    assert run("generate", "-m", bundle, "-o", tmp_path / "a", *wish).stderr == ""
    write_weights(bundle, weights)
    result = run("generate", "-m", bundle, "-o", tmp_path / "b", *wish)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    for number, line in enumerate(lines, start=1):
        assert line.startswith(f"piece {number}: ")
        assert "could not get past too many notes in bar 1" in line
        assert line.endswith(": the model needs more training")


def test_the_same_seed_gives_the_same_bytes(bundle, tmp_path):
    for name in ("one", "two"):
        run("generate", "-m", bundle, "-o", tmp_path / name, "--bars", 3, "--seed", 9, "-q")
    one, two = (tmp_path / name / "tiny-9-1.mid" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_nothing_is_overwritten(bundle, tmp_path):
    wish = ("generate", "-m", bundle, "-o", tmp_path / "a.mid", "--bars", 2, "--seed", 1, "-q")
    assert [run(*wish).exit_code for _ in range(2)] == [0, 0]
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == ["a-2.mid", "a.mid"]


def test_wishes_are_in_the_file(bundle, tmp_path):
    result = run(
        *("generate", "-m", bundle, "-o", tmp_path / "w.mid", "--bars", 2, "--key", "F# minor"),
        *("--tempo", 77, "--program", 19, "--seed", 3, "--json", "-q"),
    )
    assert result.exit_code == 0, result.output
    piece = json.loads(result.stdout)["pieces"][0]
    assert (piece["key"], piece["tempo"], piece["bars_written"]) == ("F# minor", 77.0, 2)
    assert set(piece["programs"].values()) == {19}
    messages = [m for track in mido.MidiFile(tmp_path / "w.mid").tracks for m in track]
    assert {m.key for m in messages if m.type == "key_signature"} == {"F#m"}
    assert {m.program for m in messages if m.type == "program_change"} == {19}
    tempos = [m.tempo for m in messages if m.type == "set_tempo"]
    assert [round(mido.tempo2bpm(tempo)) for tempo in tempos] == [77]


def test_the_sound_of_one_part_holds_whatever_the_order(bundle, tmp_path):
    wish = ("--program", "soprano=73", "--program", 19, "--program", "4=42")
    result = run("generate", "-m", bundle, "-o", tmp_path, "--bars", 1, *wish, "--json", "-q")
    programs = json.loads(result.stdout)["pieces"][0]["programs"]
    assert programs == {"soprano": 73, "alto": 19, "tenor": 19, "bass": 42}


@pytest.mark.parametrize(
    ("wish", "code", "words"),
    [
        (("--key", "H major"), 1, "is no key"),
        (("--style", "polka"), 1, "knows no style 'polka'; it knows:"),
        (("--meter", "5/4"), 1, "knows no meter 5/4; it knows:"),
        (("--meter", "5"), 1, "is no meter"),
        (("--bars", 0), 1, "0 bars"),
        (("--tempo", -3), 1, "tempo of -3"),
        (("--temperature", 0), 1, "temperature 0"),
        (("--top-p", 2), 1, "top-p 2"),
        (("--program", "horn=3"), 1, "no part 'horn'; it has:"),
        (("--program", "soprano=loud"), 2, "is no program"),
        (("--program", 200), 1, "outside 0 to 127"),
        (("-n", 0), 2, "0"),
    ],
)
def test_a_wish_that_cannot_be_met(bundle, tmp_path, wish, code, words):
    result = run("generate", "-m", bundle, "-o", tmp_path / "out", "--seed", 1, *wish)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert not (tmp_path / "out").exists(), "nothing half written"


def test_an_unknown_model_lists_those_there_are(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("generate", "-m", "nobody")
    assert result.exit_code == 1
    assert "no model is called 'nobody'" in result.stderr
    assert "tiny" in result.stderr


def test_models(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = run("models")
    assert listed.exit_code == 0
    assert "tiny" in listed.stdout
    shown = json.loads(run("models", "tiny", "--json").stdout)
    assert [part["name"] for part in shown["parts"]] == ["soprano", "alto", "tenor", "bass"]
    assert shown["meters"]
    assert "soprano" in run("models", "tiny").stdout
    (tmp_path / "trained" / "tiny" / "vocabulary.json").write_text("[]")
    assert "damaged" in run("models").stdout, "one bad model does not hide the others"


def write_corpus(folder, count=6):
    for number in range(count):
        notes = [[24 * i, 24, 60 + (number * i + i) % 12, 80, 0] for i in range(48)]
        score, _ = Score.build(
            notes,
            [Part(name="melody")],
            meter_map=MeterMap((Meter(0, 4, 4),)),
            tempos=(Tempo(0, 90.0),),
            key=Key(0),
        )
        write_midi(score, folder / "march" / f"piece{number}.mid")


def test_train_then_generate(tmp_path):
    pytest.importorskip("tensorflow")
    write_corpus(tmp_path / "music")
    (tmp_path / "music" / "broken.mid").write_bytes(b"no music")
    out = tmp_path / "trained" / "mine"
    wish = ("train", tmp_path / "music", "-o", out, "--steps", 2, "--preset", "tiny")
    result = run(*wish, "--lanes", 2, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["model"] == str(out)
    assert "skipped broken.mid" in result.stderr
    assert "styles: march" in result.stderr
    assert "little to learn from" in result.stderr
    made = run("generate", "-m", out, "-o", tmp_path / "out", "--bars", 2, "--style", "march")
    assert made.exit_code == 0, made.output
    card = (out / "README.md").read_text()
    assert "--steps 2" in card
    assert str(tmp_path) not in card


def test_train_refuses(tmp_path):
    write_corpus(tmp_path / "music", 1)
    both = run("train", tmp_path / "music", "-o", tmp_path / "m", "--steps", 2, "--minutes", 1)
    assert (both.exit_code, "one of" in both.stderr) == (2, True)
    unlisted = run("train", tmp_path / "music", "-o", tmp_path / "m", "--leave-out", "no list")
    assert (unlisted.exit_code, "no list" in unlisted.stderr) == (2, True)
    none = run("train", tmp_path / "nowhere", "-o", tmp_path / "m", "--steps", 2)
    assert none.exit_code == 1
    settled = run("train", tmp_path / "music", "-o", tmp_path / "m", "--resume", "--minutes", 3)
    assert (settled.exit_code, "leave out --minutes" in settled.stderr) == (2, True)
    unnamed = run("train", tmp_path / "music", "-o", ".", "--steps", 2)
    assert (unnamed.exit_code, "no name" in unnamed.stderr) == (2, True)
    resumed = run("train", tmp_path / "music", "-o", tmp_path / "m", "--resume")
    assert resumed.exit_code == 1
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.mid").write_bytes(b"")
    nothing = run("train", tmp_path / "empty", "-o", tmp_path / "m", "--steps", 2)
    assert (nothing.exit_code, "could be read" in nothing.stderr) == (1, True)
    assert not (tmp_path / "m").exists()
