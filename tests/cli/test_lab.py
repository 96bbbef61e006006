import json
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
from click.testing import CliRunner

from musiclstm.cli import lab, main
from musiclstm.errors import MusicLSTMError
from musiclstm.lab import noise
from musiclstm.lab.experiments import EXPERIMENTS, Experiment
from musiclstm.lab.outcome import Outcome
from musiclstm.lab.page import keep, kept
from musiclstm.rendering import write_midi
from musiclstm.rendering.charts import as_png, new_figure
from musiclstm.rendering.document import Callout, Fold, Grid, Picture, Scroll, Table, Text
from tests.bundles import chorale, tiny_bundle

PNG = as_png(new_figure(1, 1)[0])


@dataclass(frozen=True)
class FakeSettings:
    size: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Fake(Experiment):
    """Counts how often it runs; fails where it is told to."""

    fails: type[Exception] | None = None
    ran: tuple[list[str], ...] = ([],)

    def settings(self, *, quick, seed):
        return FakeSettings(1 if quick else 2, seed)

    def run(self, settings, music, tell):
        if self.fails:
            raise self.fails("it broke")
        tell("half")
        self.ran[0].append(self.target)
        return outcome(self.target, f"<{self.target}> at size {settings.size}")


def outcome(name, found="nothing"):
    picture = Picture(PNG, "white", "a caption")
    blocks = (
        picture,
        Table(("a", "b"), (("one", "1.5"),), "the table"),
        Grid([picture]),
        Scroll([picture], "long"),
        Callout("good", "fine", "all of it"),
        Fold("more", [Text("folded"), Table(("c",), (("inner",),))]),
    )
    numbers = {"x": 1.5, "none": float("nan")}
    return Outcome(name, f"Title of {name}", "A claim.", found, blocks, numbers)


@pytest.fixture
def fakes(monkeypatch):
    ran = []
    own = {name: Fake(name, "", ran=(ran,)) for name in ("cell", "noise")}
    monkeypatch.setattr(lab, "EXPERIMENTS", own)
    return ran


@pytest.fixture
def bundle(tmp_path):
    return str(tiny_bundle(tmp_path / "tiny"))


def run(*words):
    return CliRunner().invoke(main, ["lab", *words])


def test_all_writes_a_page_and_does_nothing_twice(fakes, bundle, tmp_path):
    out = tmp_path / "lab"
    words = ("all", "-m", bundle, "-o", str(out), "--quick")
    first = run(*words)
    assert first.exit_code == 0, first.output
    page = (out / "index.html").read_text()
    assert "Title of cell" in page
    assert "&lt;noise&gt; at size 1" in page
    assert "A claim." in first.stdout
    assert "inner" in first.stdout  # tables in folds too
    assert str(out / "cell.png") in first.stdout
    again = run(*words)
    assert fakes == ["cell", "noise"]
    assert "cell was there already" in again.stderr
    assert (out / "index.html").read_text() == page  # pictures and all
    run(*words, "--again")
    assert fakes == ["cell", "noise"] * 2


def test_other_settings_go_to_another_folder(fakes, bundle, tmp_path):
    out = tmp_path / "lab"
    run("cell", "-m", bundle, "-o", str(out), "--quick")
    other = run("all", "-m", bundle, "-o", str(out), "--quick", "--seed", "3")
    assert "writing to " in other.stderr
    assert (tmp_path / "lab-2" / "index.html").exists()
    assert kept(out, "cell").key["settings"] == {"size": 1, "seed": 0}
    # what is not there yet takes nobody's place
    run("noise", "-m", bundle, "-o", str(out), "--seed", "3")
    assert kept(out, "noise").key["settings"] == {"size": 2, "seed": 3}


def test_a_strangers_file_is_not_overwritten(fakes, bundle, tmp_path):
    out = tmp_path / "lab"
    out.mkdir()
    (out / "cell.json").write_text("mine")
    run("cell", "-m", bundle, "-o", str(out))
    assert (out / "cell.json").read_text() == "mine"
    assert (tmp_path / "lab-2" / "cell.json").exists()


@pytest.mark.parametrize("error", [ValueError, MusicLSTMError])
def test_one_that_fails_does_not_stop_the_others(fakes, bundle, tmp_path, monkeypatch, error):
    broken = replace(lab.EXPERIMENTS["cell"], fails=error)
    monkeypatch.setitem(lab.EXPERIMENTS, "cell", broken)
    out = tmp_path / "lab"
    result = run("all", "-m", bundle, "-o", str(out), "--json")
    assert result.exit_code == 1
    assert "cell failed: it broke" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: failed: cell")
    said = json.loads(result.stdout)
    assert said["failed"] == {"cell": "it broke"}
    assert list(said["experiments"]) == ["noise"]
    assert fakes == ["noise"]
    assert "Title of noise" in (out / "index.html").read_text()


def test_json_is_one_object_and_nan_is_none(fakes, bundle, tmp_path):
    result = run("cell", "-m", bundle, "-o", str(tmp_path / "lab"), "--json", "-q")
    said = json.loads(result.stdout)
    assert said["found"] == "<cell> at size 2"
    assert said["numbers"] == {"x": 1.5, "none": None}
    assert said["done_before"] is False
    assert result.stderr == ""


def test_an_outcome_that_was_written_half_is_made_again(fakes, bundle, tmp_path):
    out = tmp_path / "lab"
    words = ("cell", "-m", bundle, "-o", str(out))
    run(*words)
    (out / "records" / "cell.json").unlink()
    assert run(*words).exit_code == 0
    assert fakes == ["cell"] * 2
    (out / "cell.png").unlink()
    run(*words)
    assert fakes == ["cell"] * 3
    assert not (tmp_path / "lab-2").exists()


def test_an_outcome_comes_back_as_it_was(tmp_path):
    made = outcome("cell")
    keep(made, {"seed": 1}, tmp_path)
    back = kept(tmp_path, "cell")
    assert [block.kind for block in back.outcome.blocks] == [b.kind for b in made.blocks]
    assert back.outcome.blocks[0] == made.blocks[0]
    assert back.outcome.blocks[2].pictures[0].png == PNG
    assert (back.outcome.found, back.outcome.claim) == (made.found, made.claim)
    assert kept(tmp_path, "noise") is None


def test_music_of_ones_own_with_a_model_that_does_not_know_it(tmp_path, monkeypatch):
    bundle = tiny_bundle(tmp_path / "tiny")
    for number in range(6):
        write_midi(chorale(seed=30 + number, bars=3 + number), tmp_path / "src" / f"{number}.mid")
    small = noise.NoiseSettings(draws=1, lone=1, piece_notes=40, order=2, rates=(0.1,))
    monkeypatch.setattr(noise.NoiseSettings, "quick", lambda: small)
    words = ("noise", str(tmp_path / "src"), "-m", str(bundle), "-o", str(tmp_path / "lab"))
    result = run(*words, "--quick", "--seed", "4", "--json")
    assert result.exit_code == 0, result.output
    numbers = json.loads(result.stdout)["numbers"]
    assert numbers["settings"]["seed"] == 4
    assert numbers["pieces"] >= 1
    assert set(numbers["clean"]) == {"LSTM", "n-gram", "plain 2-gram"}
    assert "tiny has learned from none of the pieces" in result.stderr


def test_a_folder_that_is_not_there_is_said_once(fakes, bundle, tmp_path):
    result = run("all", str(tmp_path / "nowhere"), "-m", bundle, "-o", str(tmp_path / "lab"))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "nowhere" in result.stderr
    assert not fakes


def test_without_music_the_way_out_is_said(tmp_path):
    bundle = tiny_bundle(tmp_path / "tiny")
    result = run("noise", "-m", str(bundle), "-o", str(tmp_path / "lab"))
    assert result.exit_code == 1
    assert "add SRC" in result.stderr
    assert not (tmp_path / "lab").exists()


def test_help_loads_no_numpy():
    code = (
        "import sys\nfrom musiclstm.cli import main\n"
        "main(['lab', 'noise', '-h'], standalone_mode=False)\n"
        "assert not {'numpy', 'keras', 'tensorflow', 'rich'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_commands_stand_in_the_order_of_the_experiments():
    listed = main.get_command(None, "lab").list_commands(None)
    assert listed == ["all", *EXPERIMENTS]
