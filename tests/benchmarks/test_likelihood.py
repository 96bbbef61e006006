"""The likelihood benchmark from its command line, on a corpus of small files made here."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from benchmarks.likelihood import main
from benchmarks.results_model import likelihood
from benchmarks.rivals.contenders import contenders_of
from benchmarks.rivals.corpora import split_of
from benchmarks.rivals.keeping import margins
from musiclstm.rendering import write_midi
from tests.training.tiny import piece

WANTED = {"train": 6, "valid": 2, "test": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """As many files of each split as are wanted; which is which, their bytes say."""
    folder = tmp_path_factory.mktemp("data") / "nottingham"
    folder.mkdir()
    left = dict(WANTED)
    for number in range(500):
        if not any(left.values()):
            return folder.parent
        path = folder / f"piece{number}.mid"
        write_midi(piece(number, bars=4), path)
        split = split_of(hashlib.sha256(path.read_bytes()).hexdigest())
        left[split] -= 1
        if left[split] < 0:
            left[split] = 0
            path.unlink()
    raise AssertionError(f"no pieces for {left}")


@pytest.fixture
def place(tmp_path, data):
    return [
        *("--corpus", "nottingham", "--preset", "tiny", "--trial-minutes", 0, "--threads", 1),
        *("--data", data, "--out", tmp_path / "out", "--results", tmp_path / "found.json"),
    ]


def run(*words, exit_code=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == exit_code, result.output
    return result


def found_of(tmp_path):
    return json.loads((tmp_path / "found.json").read_text())["found"]["nottingham"]


def test_what_is_counted(place, tmp_path):
    said = json.loads(run(*place, "--contender", "unigram", "--json").stdout)
    assert (said["corpus"], said["split"]) == ("nottingham", "valid")
    assert said["pieces"]["train"]["pieces"] == WANTED["train"]
    assert said["pieces"]["valid"]["lost_notes"] == 0
    run(*place, "--contender", "ngram")
    contenders = found_of(tmp_path)["contenders"]
    assert list(contenders) == ["unigram", "ngram"]  # in the order of the table
    nats = {name: of["nats_per_note"] for name, of in contenders.items()}
    assert set(nats["ngram"]) == {"train", "valid"}  # nobody asked for the test split
    assert nats["ngram"]["valid"] < nats["unigram"]["valid"]
    for of in contenders.values():
        assert sum(of["by_field"]["valid"].values()) == pytest.approx(
            of["nats_per_note"]["valid"], abs=1e-4
        )


def test_a_network_is_made_once_and_judged_again(place, tmp_path):
    pytest.importorskip("torch")
    one = [*place, "--contender", "gru"]
    said = run(*one, "--judge", exit_code=1)
    assert "holds no finished model; leave out --judge" in said.stderr
    run(*one, "--minutes", 0.02)
    first = found_of(tmp_path)["contenders"]["gru"]
    assert first["steps"] > 0
    assert first["choice"]["dropout"] == 0.1
    folder = tmp_path / "out" / "nottingham" / "gru"
    kept = (folder / "best.pt").read_bytes()
    said = run(*one, "--minutes", 0.02, "--judge", "--split", "test")
    again = found_of(tmp_path)["contenders"]["gru"]
    assert (folder / "best.pt").read_bytes() == kept
    assert again["nats_per_note"]["valid"] == first["nats_per_note"]["valid"]
    assert "test" in again["nats_per_note"]
    assert f"{again['nats_per_note']['test']:.4f}" in said.stdout
    said = run(*one, "--minutes", 0.03, exit_code=1)
    assert "was made with minutes_allowed 0.02, not 0.03" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_trials_choose(place, tmp_path):
    pytest.importorskip("torch")
    words = [*place, "--contender", "rnn", "--minutes", 0.01]
    words[words.index("--trial-minutes") + 1] = 0.005
    run(*words)
    of = found_of(tmp_path)["contenders"]["rnn"]
    assert len(of["trials"]) == 4
    best = min(of["trials"], key=lambda trial: trial["valid"])
    assert of["choice"] == best["choice"]
    tried = [trial["choice"] for trial in of["trials"]]
    assert [choice["dropout"] for choice in tried[:2]] == [0.1, 0.3]
    assert tried[2]["noise"] > 0
    assert tried[3]["learning_rate"] > tried[0]["learning_rate"]


def test_ours(place, tmp_path):
    pytest.importorskip("tensorflow")
    run(*place, "--contender", "ours", "--minutes", 0.05)
    of = found_of(tmp_path)["contenders"]["ours"]
    assert of["steps"] > 0
    assert of["parameters"] > 10_000
    model = tmp_path / "out" / "nottingham" / "ours" / "model"
    splits = [one["split"] for one in json.loads((model / "corpus.json").read_text())["pieces"]]
    assert (splits.count("train"), splits.count("valid")) == (6, 2)  # test is not even there
    said = run(*place, "--contender", "unigram")
    assert "+" in said.stdout.splitlines()[-1]  # the unigram model is behind


def test_several_are_run_one_by_one(place, tmp_path):
    said = run(*place, "--contender", "uniform", "--contender", "unigram", "--contender", "hmm",
               "--minutes", 0.01)  # fmt: skip
    assert set(found_of(tmp_path)["contenders"]) == {"uniform", "unigram", "hmm"}
    assert said.stdout.splitlines()[-1].split()[0] == "hmm"


def test_the_page_says_what_is_still_to_come(place, tmp_path):
    run(*place, "--contender", "unigram")
    run(*place, "--contender", "ngram", "--split", "test")
    kept = json.loads((tmp_path / "found.json").read_text())["found"]
    page = "\n".join(likelihood(kept))
    counted = found_of(tmp_path)["contenders"]["ngram"]["nats_per_note"]
    assert f"| {counted['valid']:.3f} | {counted['test']:.3f} |" in page
    to_come = ", ".join(n for n in contenders_of("nottingham") if n not in ("unigram", "ngram"))
    assert f"Still to be run: {to_come}." in page


def test_margins():
    found = {
        "ours": {"nats_per_note": {"valid": 2.0}},
        "a": {"nats_per_note": {"valid": 2.5}},
        "b": {"nats_per_note": {"valid": 1.75, "test": 1.0}},
    }
    assert margins(found, "valid") == {"a": 0.5, "b": -0.25}
    assert margins(found, "test") == {}


def test_the_hidden_markov_model_takes_part_on_one_corpus():
    assert "hmm" in contenders_of("nottingham")
    assert "hmm" not in contenders_of("piano")


def test_wrong_usage(place, tmp_path):
    run(*place, "--contender", "oracle", exit_code=2)
    place[place.index("--data") + 1] = tmp_path / "nowhere"
    said = run(*place, "--contender", "unigram", exit_code=1)
    assert len(said.stderr.splitlines()) == 1
