"""A model folder is a stranger's: whatever is wrong with it is one line that names the file."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import Conditions
from musiclstm.errors import BundleError
from musiclstm.generation import bundle_sampling, compose
from musiclstm.model import NetworkConfig, load_bundle, weight_shapes
from musiclstm.model.bundle import (
    CARD,
    CONFIG,
    CORPUS,
    FORMAT_VERSION,
    HISTORY,
    VOCABULARY,
)
from tests.bundles import chorales, tiny_bundle, training_set
from tests.spoiling import Trap, edit, refused

# --- what is whole --------------------------------------------------------------------------


def test_a_valid_folder_loads(folder):
    bundle = load_bundle(folder)
    assert bundle.name == "model"
    assert bundle.path == folder
    assert bundle.network == NetworkConfig(
        units=8, layers=2, onset_units=8, voice_units=8, note_units=8, head_units=8
    )
    assert bundle.vocabulary == training_set(chorales()).vocabulary
    assert {name: w.shape for name, w in bundle.weights.items()} == weight_shapes(
        bundle.network, bundle.vocabulary
    )
    assert all(w.dtype == np.float32 for w in bundle.weights.values())
    assert [piece["source"] for piece in bundle.corpus["pieces"]] == [s.source for s in chorales()]
    assert bundle.results == {}
    assert set(bundle.novelty()) == {"hashes", "piece", "place", "bar", "sources", "alone"}
    assert bundle.decoder is bundle.decoder


def test_a_path_may_be_a_string(folder):
    assert load_bundle(str(folder)).digest == load_bundle(folder).digest


def test_the_digest_is_of_weights_and_vocabulary(tmp_path):
    one, same = (load_bundle(tiny_bundle(tmp_path / name)) for name in ("one", "same"))
    other = load_bundle(tiny_bundle(tmp_path / "other", seed=1))
    assert one.digest == same.digest != other.digest
    edit(tmp_path / "same" / CONFIG, lambda config: config.update(status="stopped"))
    assert load_bundle(tmp_path / "same").digest == one.digest
    edit(tmp_path / "same" / VOCABULARY, lambda v: v["parts"][0].update(high=100))
    assert load_bundle(tmp_path / "same").digest != one.digest


def test_what_training_found_out(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "m", results={"best_step": 7}))
    assert bundle.results == {"best_step": 7}
    assert replace(bundle, config={"results": [1]}).results == {}


def test_what_only_people_read_may_be_anything(folder):
    digest = load_bundle(folder).digest
    for name in (HISTORY, CARD):
        (folder / name).unlink()
        (folder / name).mkdir()
    assert load_bundle(folder).digest == digest
    assert compose(load_bundle(folder), bars=1)[0].score.notes.size


# --- what the JSON files say ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (FORMAT_VERSION + 1, "upgrade"),
        (FORMAT_VERSION - 1, "train the model again"),
        (10**17, "upgrade"),
        (-1, "train the model again"),
        (None, "train the model again"),
        ("1", "train the model again"),
        (True, "train the model again"),
        (1.0, "train the model again"),
        ([1], "train the model again"),
        ("1" * 10_000, "train the model again"),
    ],
)
def test_another_format_is_named_with_advice(tmp_path, version, advice):
    folder = tiny_bundle(tmp_path / "m", format_version=version)
    refused(folder, CONFIG, repr(version)[:40], advice)


def test_another_format_is_told_before_its_checksum_is_looked_at(folder):
    """It may be made in another way by then."""
    edit(folder / CONFIG, lambda config: config.update(format_version=99, checksum="new"))
    refused(folder, "format 99", "upgrade")


def test_a_config_without_a_format_is_refused(folder):
    edit(folder / CONFIG, lambda config: config.pop("format_version"))
    refused(folder, "format None", "train the model again")


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 10**9},
        {"units": 0},
        {"units": 8.0},
        {"units": True},
        {"layers": True},
        {"dropout": False},
        {"units": "8"},
        {"units": None},
        {"onset_units": 10**9},
        {"voice_units": -1},
        {"note_units": 0},
        {"head_units": 10**12},
        {"layers": 10**9},
        {"layers": 0},
        {"dropout": 5},
        {"dropout": "much"},
        {"dropout": float("nan")},
        {"head_dropout": 1},
        {"feature_dropout": -0.1},
        {"noise": None},
        {"more": 1},
    ],
)
def test_a_network_that_cannot_be_is_refused(folder, changes):
    edit(folder / CONFIG, lambda config: config["network"].update(changes))
    refused(folder, str(folder / CONFIG))


@pytest.mark.parametrize("name", ["units", "layers", "dropout", "note_units", "noise"])
def test_a_network_that_is_not_told_whole_is_refused(folder, name):
    edit(folder / CONFIG, lambda config: config["network"].pop(name))
    refused(folder, CONFIG, f"lack {name}")


@pytest.mark.parametrize(
    "entry",
    [
        {"results": []},
        {"results": {"valid_nats_per_note": "good"}},
        {"results": {"train_pieces": 2.5}},
        {"data": "none"},
        {"training": 5},
        {"sampling": [1]},
        {"versions": None},
        {"status": 3},
    ],
)
def test_an_entry_of_another_type_is_refused(tmp_path, entry):
    refused(tiny_bundle(tmp_path / "m", **entry), CONFIG)


@pytest.mark.parametrize("network", [None, [], "lstm", 7])
def test_a_config_without_a_network_is_refused(tmp_path, network):
    refused(tiny_bundle(tmp_path / "m", network=network), CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        {"parts": None},
        {"parts": {}},
        {"parts": []},
        {"parts": [5]},
        {"parts": [{"name": "a"}]},
        {"row_order": [0, 1, 2]},
        {"row_order": ["0", "1", "2", "3"]},
        {"row_order": "0123"},
        {"row_order": [False, True, 2, 3]},
        {"styles": "abc"},
        {"styles": ["a", 5]},
        {"styles": [""] * 1000},
        {"meters": [4]},
        {"meters": ["4/4"] * 65},
        {"steps_per_quarter": "24"},
        {"steps_per_quarter": 24.0},
        {"steps_per_quarter": True},
        {"steps_per_quarter": 0},
        {"steps_per_quarter": 10**17},
        {"counts": []},
        {"counts": {"shift": 5}},
        {"counts": {"pitch": [0.5] * 128}},
        {"counts": {"pitch": [-1] * 128}},
        {"counts": {"pitch": [1] * 127}},
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(folder, change):
    edit(folder / VOCABULARY, lambda v: v.update(change))
    refused(folder, str(folder / VOCABULARY))


@pytest.mark.parametrize("name", ["parts", "row_order", "styles", "meters", "counts"])
def test_a_vocabulary_without_an_entry_is_refused(folder, name):
    edit(folder / VOCABULARY, lambda v: v.pop(name))
    refused(folder, VOCABULARY, f"{name} is missing")


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5},
        {"name": "bass"},
        {"program": 128},
        {"program": "1"},
        {"is_drum": 0},
        {"is_drum": "false"},
        {"low": 100, "high": 10},
        {"median": "60"},
        {"median": 1e308, "chord": 0},
        {"monophonic": None},
        {"chord": 129},
    ],
)
def test_a_part_that_cannot_be_is_refused(folder, change):
    edit(folder / VOCABULARY, lambda v: v["parts"][0].update(change))
    refused(folder, VOCABULARY)


@pytest.mark.parametrize(
    "change",
    [
        {"parts": [0, 0, 1, 2]},
        {"parts": [0, 1, 2, 99]},
        {"parts": [0, 1, 2, 2.5]},
        {"parts": 5},
        {"parts": [[0]]},
        {"parts": [False, True]},
        {"parts": False},
        {"parts": "01"},
        {"programs": [0, 0, 0, 128]},
        {"programs": [0]},
        {"key": 24},
        {"key": "C"},
        {"key": True},
        {"key": 1.0},
        {"meters": [[0, 0, 4]]},
        {"meters": [[24, 4, 4]]},
        {"meters": [[0, 4]]},
        {"meters": [[0, 4, 4, 4]]},
        {"meters": [[0, 4.5, 4]]},
        {"meters": [[0, True, 4]]},
        {"meters": ["4/4"]},
        {"meters": 4},
        {"pickup": -1},
        {"tempo": 1e9},
        {"tempo": "fast"},
        {"tempo": 0},
        {"tempo": True},
        {"bars": 0},
        {"bars": 10**12},
        {"style": 5},
    ],
)
def test_a_corpus_that_nothing_could_be_drawn_from_is_refused(folder, change):
    edit(folder / CORPUS, lambda corpus: corpus["pieces"][2].update(change))
    refused(folder, CORPUS, "piece 2")


@pytest.mark.parametrize("pieces", [5, {"a": 1}, ["no piece"], [None]])
def test_pieces_that_are_none_are_refused(folder, pieces):
    edit(folder / CORPUS, lambda corpus: corpus.update(pieces=pieces))
    refused(folder, CORPUS)


@pytest.mark.parametrize(
    "sampling",
    [
        {"pitch": {"temperature": "hot"}},
        {"pitch": {"temperature": 0}},
        {"pitch": {"heat": 1}},
        {"pitch": 5},
        {"pitch": {"temperature": 1, "top_p": 2}},
        {"pitch": {"top_k": 0.5}},
        {"pitch": None},
        {"tone": {"temperature": 1}},
        {"": {}},
    ],
)
def test_damaged_sampling_defaults_are_a_clear_error(tmp_path, sampling):
    bundle = load_bundle(tiny_bundle(tmp_path / "m", sampling=sampling))
    with pytest.raises(BundleError, match=CONFIG) as caught:
        bundle_sampling(bundle)
    assert str(caught.value).isprintable()


# --- nothing is run -------------------------------------------------------------------------


def test_code_in_the_folder_is_never_run(folder, tmp_path, monkeypatch):
    """Python files, a package, a pickle: opening and using the model touches none of them."""
    mark = tmp_path / "sprung"
    code = f"open({str(mark)!r}, 'w').close()"
    for name in ("__init__.py", "model.py", "config.py", "sitecustomize.py", "numpy.py", "json.py"):
        (folder / name).write_text(code)
    (folder / "model.keras").write_bytes(pickle.dumps(Trap(mark)))
    (folder / "vocabulary.pkl").write_bytes(pickle.dumps(Trap(mark)))
    monkeypatch.chdir(folder)
    bundle = load_bundle(folder)
    bundle.novelty()
    bundle.decoder.start(Conditions(), [0, 1])
    assert not mark.exists()
