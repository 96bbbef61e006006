"""The JSB benchmark on chorales made here: a bar or two, four voices, three splits."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.jsb import main
from benchmarks.jsb_grids import overlapping, read_grids, score_of
from benchmarks.jsb_training import corpus_of, settings_of
from musiclstm.encoding import build_vocabulary, decode, encode
from musiclstm.errors import MusicLSTMError
from musiclstm.model import load_bundle
from musiclstm.training import preset
from tests.bundles import tiny_bundle

PIECES = {"train": 6, "valid": 2, "test": 3}
TINY = ["units", "onset_units", "voice_units", "note_units", "head_units"]


def chorale(number, steps=32):
    """Four voices that move by quarters and eighths, with a rest now and then."""
    rng = np.random.default_rng(number)
    voices = []
    for lowest, length in ((67, 4), (60, 2), (55, 4), (43, 8)):
        pitches = lowest + rng.integers(0, 8, steps // length)
        pitches[rng.random(len(pitches)) < 0.1] = -1
        pitches[-1] = lowest
        voices.append(np.repeat(pitches, length))
    return np.stack(voices, axis=1).tolist()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("jsb") / "chorales.json"
    numbers = iter(range(100))
    path.write_text(
        json.dumps(
            {split: [chorale(next(numbers)) for _ in range(n)] for split, n in PIECES.items()}
        )
    )
    return path


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """What ``--train`` makes in a few steps, and what it says."""
    pytest.importorskip("tensorflow")
    out = tmp_path_factory.mktemp("models") / "jsb"
    small = [f"--set={name}=8" for name in TINY]
    small += ["--set=lanes=2", "--set=window=16", "--set=evaluations=2", "--set=samples=0"]
    said = run("--data", data, "--train", out, "--preset", "tiny", "--steps", 4, "--json", *small)
    return out, json.loads(said.stdout)


def run(*words, exit_code=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == exit_code, result.output
    return result


# --- grids ----------------------------------------------------------------------------------


def grid_of(score, steps):
    grid = np.full((steps, 4), -1)
    for onset, duration, pitch, _, voice in score.notes.tolist():
        grid[onset : onset + duration, voice] = pitch
    return grid


@given(
    st.lists(
        st.lists(st.sampled_from([-1, 60, 61]), min_size=4, max_size=4), min_size=1, max_size=30
    )
)
def test_rows_say_the_grid_and_no_more(rows):
    """Held notes are one row each, and the grid comes back from them."""
    grid = np.array([*rows, [60, -1, -1, -1]])
    score = score_of(grid)
    assert np.array_equal(grid_of(score, len(grid)), grid)
    vocabulary = build_vocabulary([score])
    encoded = encode(score, vocabulary)
    assert np.array_equal(grid_of(decode(encoded, vocabulary), len(grid)), grid)
    changes = np.diff(grid, axis=0, prepend=-1) != 0
    assert encoded.n_notes == np.count_nonzero(changes & (grid >= 0))


def test_pieces_say_nothing_of_meter_and_key(data):
    corpus = corpus_of(read_grids(data))
    assert [part.name for part in corpus.scores[0].parts] == ["soprano", "alto", "tenor", "bass"]
    assert all(s.steps_per_quarter == 4 and s.key is None for s in corpus.scores)
    assert not any(s.meter_map.specified or s.tempos for s in corpus.scores)
    names = [score.source for score in corpus.scores]
    assert names == [f"train/{n:03d}" for n in range(6)] + ["valid/000", "valid/001"]


def test_melodies_that_recur_are_counted():
    def piece(soprano):
        return np.repeat(np.array(soprano)[:, None], 4, axis=1)

    rng = np.random.default_rng(0)
    melody = 60 + np.cumsum(rng.choice([-2, -1, 1, 2], 40))
    other = 60 + np.cumsum(rng.choice([-2, -1, 1, 2], 40))
    inside = np.concatenate([other[:15], melody[5:35] + 3])
    judged = [piece(melody + 5), piece(inside), piece(other[::-1])]
    assert overlapping(judged, [piece(melody)]) == {"anywhere": 2, "opening": 1}
    held = np.repeat(melody, 2)  # how long a note is held makes no other melody
    assert overlapping([piece(held)], [piece(melody)]) == {"anywhere": 1, "opening": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1, 2", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no pieces under 'train'"),
        ('{"train": [[[1, 2, 3, 4]]], "valid": [[[1, 2, 3, 4]]]}', "no pieces under 'test'"),
        ('{"train": [[[60, 60, 60]]]}', "piece 0 of 'train' is no grid of four whole numbers"),
        ('{"train": [[[60, 60, 60, 60], [60]]]}', "piece 0 of 'train' has steps of unequal length"),
        ('{"train": [[[60, 60, 60, 0.5]]]}', "is no grid of four whole numbers"),
        ('{"train": [[[60, 60, 60, "a"]]]}', "is no grid of four whole numbers"),
        ('{"train": [[]]}', "is no grid of four whole numbers"),
        ('{"train": [7]}', "is no grid of four whole numbers"),
        ('{"train": [[[60, 60, 60, 128]]]}', "has the pitch 128"),
        ('{"train": [[[60, 60, -2, 60]]]}', "has the pitch -2"),
        ('{"train": [[[60, 60, 60, 1%s]]]}' % ("0" * 30), "is no grid of four whole numbers"),
        ('{"train": [[[60, 60, 60, 60], [-1, -1, -1, -1]]]}', "ends in silence"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, text, reason):
    path = tmp_path / "damaged.json"
    path.write_text(text)
    said = run("--data", path, exit_code=1)
    assert said.stdout == ""
    assert len(said.stderr.splitlines()) == 1
    assert str(path) in said.stderr
    assert reason in said.stderr


def test_a_missing_file_is_one_line(tmp_path):
    said = run("--data", tmp_path / "nowhere.json", exit_code=1)
    assert "nowhere.json: No such file" in said.stderr
    assert len(said.stderr.splitlines()) == 1


# --- judging --------------------------------------------------------------------------------


def test_step_by_step_is_the_same(data, model):
    out, _ = model
    for split, pieces in PIECES.items():
        said = run("--data", data, "-m", out, "--split", split, "--step-by-step", 9, "--json")
        found = json.loads(said.stdout)
        assert (found["split"], found["pieces"]) == (split, pieces)
        assert found["step_by_step"]["pieces"] == pieces
        assert found["step_by_step"]["largest_difference"] < 1e-4


def test_the_figure_is_all_nats_over_all_cells(data, model):
    out, _ = model
    found = json.loads(run("--data", data, "-m", out, "--split", "test", "--json").stdout)
    bundle = load_bundle(out)
    grids = read_grids(data)["test"]
    pieces = [encode(score_of(grid), bundle.vocabulary) for grid in grids]
    nats = [float(bundle.decoder.score(piece).sum()) for piece in pieces]
    cells = [grid.size for grid in grids]
    assert found["tokens"] == sum(cells)
    assert found["nats_per_token"] == pytest.approx(sum(nats) / sum(cells), abs=1e-5)
    assert found["nats_per_token"] == pytest.approx(sum(found["nats_by_field"].values()), abs=1e-4)
    by_piece = [n / size for n, size in zip(nats, cells, strict=True)]
    assert found["mean_over_pieces"] == pytest.approx(np.mean(by_piece), abs=1e-5)


def test_a_person_reads_the_same(data, model):
    out, found = model
    said = run("--data", data, "-m", out, "--step-by-step", 1).stdout
    assert f"{found['nats_per_token']:.4f} nats a cell" in said
    assert "jsb on the valid split, 2 pieces" in said
    assert "1 pieces step by step" in said


def test_a_model_of_another_grid_is_refused(data, tmp_path):
    tiny_bundle(tmp_path / "fine")
    said = run("--data", data, "-m", tmp_path / "fine", exit_code=1)
    assert "24 steps a quarter" in said.stderr
    assert len(said.stderr.splitlines()) == 1


# --- training -------------------------------------------------------------------------------


def test_the_test_split_is_not_touched(data, model):
    out, found = model
    assert (found["split"], found["pieces"]) == ("valid", 2)
    pieces = json.loads((out / "corpus.json").read_text())["pieces"]
    splits = {piece["source"]: piece["split"] for piece in pieces}
    assert splits == {source: source.split("/")[0] for source in splits}
    assert len(splits) == PIECES["train"] + PIECES["valid"]
    card = (out / "README.md").read_text()
    assert "the 3 pieces of the test split" in card
    assert "public domain" in card


def test_a_finished_training_resumes_to_itself(data, model):
    out, found = model
    said = run("--data", data, "--train", out, "--resume", "--json", "-q")
    assert json.loads(said.stdout)["digest"] == found["digest"]


def test_settings_are_a_preset_with_changes():
    config = settings_of("tiny", 7, 3, ["units=24", "dropout=0.25", "weight_decay=0.5"])
    assert (config.steps, config.seed, config.weight_decay) == (7, 3, 0.5)
    assert (config.network.units, config.network.dropout) == (24, 0.25)
    assert config.lanes == preset("tiny").lanes
    assert settings_of(None, None, None, []).network.units == 192
    for change, reason in (
        ("unites=3", "'unites' cannot be set; there are .*units"),
        ("units=3.5", "units cannot be '3.5'"),
        ("units", "units cannot be ''"),
        ("units=0", "units is 0"),
        ("lanes=0", "lanes = 0"),
    ):
        with pytest.raises(MusicLSTMError, match=reason):
            settings_of("tiny", None, None, [change])


@pytest.mark.parametrize(
    "words",
    [
        ["--resume"],
        ["--steps", "5"],
        ["--set", "units=8"],
        ["--train", "m", "--split", "test"],
        ["--train", "m", "--resume", "--seed", "0"],
    ],
)
def test_wrong_usage(data, words):
    run("--data", data, *words, exit_code=2)
