"""A model folder is a stranger's: whatever is wrong with it is one line that names the file."""

import json
import pickle
import struct
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from musiclstm.encoding import Conditions
from musiclstm.errors import BundleError, RequestError
from musiclstm.generation import bundle_sampling
from musiclstm.model import NetworkConfig, find_bundle, list_bundles, load_bundle, weight_shapes
from musiclstm.model import bundle as bundle_module
from musiclstm.model.bundle import (
    CONFIG,
    CORPUS,
    FORMAT_VERSION,
    NOVELTY,
    VOCABULARY,
    WEIGHTS,
    write_weights,
)
from tests.bundles import chorales, random_weights, tiny_bundle, training_set


@pytest.fixture
def folder(tmp_path):
    return tiny_bundle(tmp_path / "model")


def refused(folder, *words):
    """The one line with which a folder is refused; it has these words."""
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


# --- what is whole --------------------------------------------------------------------------


def test_a_valid_folder_loads(folder):
    bundle = load_bundle(folder)
    assert bundle.name == "model"
    assert bundle.path == folder
    assert bundle.network == NetworkConfig(
        units=8, layers=2, onset_units=8, voice_units=8, head_units=8
    )
    assert bundle.vocabulary == training_set(chorales()).vocabulary
    assert {name: w.shape for name, w in bundle.weights.items()} == weight_shapes(
        bundle.network, bundle.vocabulary
    )
    assert all(w.dtype == np.float32 for w in bundle.weights.values())
    assert [piece["source"] for piece in bundle.corpus["pieces"]] == [s.source for s in chorales()]
    assert bundle.results == {}
    assert set(bundle.novelty()) == {"hashes", "piece", "place", "bar", "sources"}
    assert bundle.decoder is bundle.decoder


def test_a_path_may_be_a_string(folder):
    assert load_bundle(str(folder)).digest == load_bundle(folder).digest


def test_weights_come_back_as_float16(folder):
    """What is read is what was written, rounded to half precision and nothing else."""
    bundle = load_bundle(folder)
    weights = random_weights(bundle.network, bundle.vocabulary, seed=5, scale=3.0)
    write_weights(folder, weights)
    again = load_bundle(folder).weights
    for name, value in weights.items():
        assert np.array_equal(again[name], value.astype(np.float16).astype(np.float32))
    write_weights(folder, again)
    twice = load_bundle(folder).weights
    assert all(np.array_equal(twice[name], again[name]) for name in again)


def test_float32_on_disk_is_read_as_it_is(folder):
    weights = random_weights(*_network(folder))
    save_file(weights, folder / WEIGHTS)
    again = load_bundle(folder).weights
    assert all(np.array_equal(again[name], value) for name, value in weights.items())


def _network(folder):
    bundle = load_bundle(folder)
    return bundle.network, bundle.vocabulary


@pytest.mark.parametrize("value", [np.nan, np.inf, 70_000.0])
def test_weights_that_float16_cannot_hold_are_not_written(folder, value):
    weights = random_weights(*_network(folder))
    weights["input.bias"][3] = value
    before = (folder / WEIGHTS).read_bytes()
    with np.errstate(over="ignore"), pytest.raises(BundleError, match=r"input\.bias"):
        write_weights(folder, weights)
    assert (folder / WEIGHTS).read_bytes() == before


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


# --- weights --------------------------------------------------------------------------------


def _missing(weights):
    del weights["lstm.1.bias"]


def _extra(weights):
    weights["lstm.2.bias"] = np.zeros(3, np.float16)


def _shape(weights):
    weights["lstm.0.bias"] = weights["lstm.0.bias"][:-1]


def _transposed(weights):
    weights["onset.kernel"] = np.ascontiguousarray(weights["onset.kernel"].T)


def _integers(weights):
    weights["input.bias"] = np.zeros(8, np.int32)


def _doubles(weights):
    weights["input.bias"] = np.zeros(8, np.float64)


def _nan(weights):
    weights["head.pitch.kernel"][0, 0] = np.nan


def _infinite(weights):
    weights["head.pitch.kernel"][0, 0] = -np.inf


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_missing, ["lacks", "lstm.1.bias"]),
        (_extra, ["lstm.2.bias"]),
        (_shape, ["lstm.0.bias", "(31,)", "(32,)"]),
        (_transposed, ["onset.kernel"]),
        (_integers, ["input.bias", "I32"]),
        (_doubles, ["input.bias", "F64"]),
        (_nan, ["head.pitch.kernel", "not finite"]),
        (_infinite, ["head.pitch.kernel", "not finite"]),
    ],
)
def test_weights_of_another_network_are_refused(folder, change, words):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    refused(folder, WEIGHTS, *words)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, -1])
def test_a_truncated_file_is_refused(folder, length):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:length])
    refused(folder, WEIGHTS)


def test_a_file_with_something_behind_it_is_refused(folder):
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b"more")
    refused(folder, WEIGHTS)


def test_an_empty_table_of_weights_is_refused(folder):
    """The format calls it valid."""
    (folder / WEIGHTS).write_bytes(save({}))
    refused(folder, WEIGHTS, "lacks the weights")


def test_no_flipped_byte_in_the_header_passes_unnoticed(folder):
    """Refused, or, where the byte is of no meaning (blanks, a name's case apart), read the same."""
    data = (folder / WEIGHTS).read_bytes()
    size = 8 + struct.unpack("<Q", data[:8])[0]
    whole = load_bundle(folder).weights
    survived, messages = 0, []
    for place in [*range(8), *range(8, size, 23)]:
        flipped = bytearray(data)
        flipped[place] ^= 0x15
        (folder / WEIGHTS).write_bytes(flipped)
        try:
            weights = load_bundle(folder).weights
        except BundleError as error:
            messages.append(str(error))
        else:
            survived += 1
            assert set(weights) == set(whole)
    assert survived < 5
    assert all(WEIGHTS in message and "\n" not in message for message in messages)


def test_a_file_much_larger_than_its_network_is_not_read(folder):
    with (folder / WEIGHTS).open("r+b") as file:
        file.truncate(3 * 2**30)  # a hole: it takes no room on the disk
    refused(folder, WEIGHTS, "3,221,225,472 bytes")


def test_a_pickle_in_place_of_weights_is_refused(folder, tmp_path):
    (folder / WEIGHTS).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    refused(folder, WEIGHTS)
    assert not (tmp_path / "sprung").exists()


# --- JSON -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"a": 1} x',
        b'\xff\xfe{"a": 1}',
        b'{"a": "\xe9"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00" * 50,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(folder, name, data):
    (folder / name).write_bytes(data)
    message = refused(folder, name)
    assert len(message) < 500


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS, WEIGHTS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, name, "missing")


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS, WEIGHTS])
def test_a_folder_in_place_of_a_file_is_refused(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder, name)


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS, WEIGHTS])
def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    refused(folder, name, "link out of its folder")


def test_a_link_within_the_folder_and_to_the_folder_is_followed(folder, tmp_path):
    (folder / CONFIG).rename(folder / "other.json")
    (folder / CONFIG).symlink_to("other.json")
    (tmp_path / "alias").symlink_to(folder)
    assert load_bundle(tmp_path / "alias").name == "alias"


def test_a_huge_json_is_not_read(folder):
    with (folder / CORPUS).open("r+b") as file:
        file.truncate(2**30)
    refused(folder, CORPUS, "1,073,741,824 bytes")


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (FORMAT_VERSION + 1, "upgrade"),
        (FORMAT_VERSION - 1, "train the model again"),
        (None, "train the model again"),
        ("1", "train the model again"),
    ],
)
def test_another_format_is_named_with_advice(tmp_path, version, advice):
    folder = tiny_bundle(tmp_path / "m", format_version=version)
    refused(folder, CONFIG, repr(version), advice)


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 10**9},
        {"units": 0},
        {"units": 8.0},
        {"units": "8"},
        {"units": None},
        {"onset_units": 10**9},
        {"voice_units": -1},
        {"head_units": 10**12},
        {"layers": 10**9},
        {"layers": 0},
        {"dropout": 5},
        {"dropout": "much"},
        {"dropout": float("nan")},
        {"more": 1},
    ],
)
def test_a_network_that_cannot_be_is_refused(folder, changes):
    edit(folder / CONFIG, lambda config: config["network"].update(changes))
    refused(folder, str(folder))


@pytest.mark.parametrize("network", [None, [], "lstm", 7])
def test_a_config_without_a_network_is_refused(tmp_path, network):
    refused(tiny_bundle(tmp_path / "m", network=network), CONFIG)


def test_a_larger_network_than_the_file_holds_is_refused(folder):
    edit(folder / CONFIG, lambda config: config["network"].update(units=4096, layers=8))
    refused(folder, WEIGHTS)


def test_a_damaged_vocabulary_names_its_folder(folder):
    edit(folder / VOCABULARY, lambda v: v.pop("parts"))
    refused(folder, str(folder), "vocabulary")


@pytest.mark.parametrize(
    "change",
    [
        {"parts": [0, 0, 1, 2]},
        {"parts": [0, 1, 2, 99]},
        {"parts": [0, 1, 2, 2.5]},
        {"parts": 5},
        {"parts": [[0]]},
        {"programs": [0, 0, 0, 128]},
        {"programs": [0]},
        {"key": 24},
        {"key": "C"},
        {"meters": [[0, 0, 4]]},
        {"meters": [[24, 4, 4]]},
        {"meters": [[0, 4]]},
        {"meters": 4},
        {"pickup": -1},
        {"tempo": 1e9},
        {"tempo": "fast"},
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
        {"tone": {"temperature": 1}},
    ],
)
def test_damaged_sampling_defaults_are_a_clear_error(tmp_path, sampling):
    bundle = load_bundle(tiny_bundle(tmp_path / "m", sampling=sampling))
    with pytest.raises(RequestError) as caught:
        bundle_sampling(bundle)
    assert "\n" not in str(caught.value)


# --- novelty.npz ----------------------------------------------------------------------------


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "sprung")


def novelty_refused(folder):
    with pytest.raises(BundleError, match=NOVELTY) as caught:
        load_bundle(folder).novelty()
    assert "\n" not in str(caught.value)


def test_pickled_objects_are_refused_and_nothing_is_run(folder, tmp_path):
    trap = np.empty(1, object)
    trap[0] = Trap(tmp_path / "sprung")
    np.savez(folder / NOVELTY, hashes=trap)
    novelty_refused(folder)
    assert not (tmp_path / "sprung").exists()


def _npy():
    buffer = BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"PK\x03\x04 and no archive",
        b"nothing",
        pickle.dumps([1, 2]),
        _npy(),
    ],
)
def test_what_is_no_archive_of_arrays_is_refused(folder, data):
    (folder / NOVELTY).write_bytes(data)
    novelty_refused(folder)


def test_any_damage_to_the_archive_is_one_line(folder):
    data, messages = (folder / NOVELTY).read_bytes(), []
    for place in range(0, len(data), 61):
        flipped = bytearray(data)
        flipped[place] ^= 0xFF
        (folder / NOVELTY).write_bytes(flipped)
        try:
            load_bundle(folder).novelty()
        except BundleError as error:
            messages.append(str(error))
    assert len(messages) > 20  # the rest hit what says nothing, as the date of a file
    assert all(NOVELTY in message and "\n" not in message for message in messages)
    for length in range(0, len(data), 97):
        (folder / NOVELTY).write_bytes(data[:length])
        novelty_refused(folder)


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(folder, monkeypatch):
    monkeypatch.setattr(bundle_module, "_MAX_NOVELTY_BYTES", 100_000)
    np.savez_compressed(folder / NOVELTY, hashes=np.zeros(10**6, np.uint8))
    assert (folder / NOVELTY).stat().st_size < 100_000
    novelty_refused(folder)


def test_a_header_that_lies_about_its_size_is_refused(folder):
    buffer = BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<u8", "fortran_order": False, "shape": (10**15,)}
    )
    with zipfile.ZipFile(folder / NOVELTY, "w") as archive:
        archive.writestr("hashes.npy", buffer.getvalue())
    novelty_refused(folder)


def test_a_link_to_novelty_elsewhere_is_not_followed(folder, tmp_path):
    (folder / NOVELTY).rename(tmp_path / "elsewhere.npz")
    (folder / NOVELTY).symlink_to(tmp_path / "elsewhere.npz")
    novelty_refused(folder)


def test_without_the_file_there_is_nothing_to_check(folder):
    (folder / NOVELTY).unlink()
    assert load_bundle(folder).novelty() == {}


# --- finding --------------------------------------------------------------------------------


@pytest.fixture
def shelves(tmp_path, monkeypatch):
    """Two places to look in, with two models of one name."""
    monkeypatch.chdir(tmp_path)
    tiny_bundle(tmp_path / "trained" / "bach")
    tiny_bundle(tmp_path / "package" / "bach", seed=1)
    tiny_bundle(tmp_path / "package" / "folk")
    (tmp_path / "trained" / "half").mkdir()
    places = [Path("trained"), tmp_path / "package", tmp_path / "nowhere"]
    monkeypatch.setattr(bundle_module, "bundle_folders", lambda: places)
    return tmp_path


def test_the_first_of_a_name_is_found(shelves):
    assert find_bundle("bach") == Path("trained/bach")
    assert find_bundle("folk") == shelves / "package" / "folk"
    assert [path.name for path in list_bundles()] == ["bach", "folk"]
    assert list_bundles()[0] == Path("trained/bach")


def test_a_path_comes_before_a_name(shelves):
    tiny_bundle(shelves / "bach", seed=2)
    assert find_bundle("bach") == Path("bach")
    assert find_bundle(shelves / "package" / "bach") == shelves / "package" / "bach"


def test_what_is_not_found_is_answered_with_what_there_is(shelves):
    with pytest.raises(BundleError, match="no model is called 'jazz'; there are: bach, folk"):
        load_bundle("jazz")
    with pytest.raises(BundleError, match="there are: bach, folk"):
        load_bundle("some/where/else")


def test_with_no_model_at_all_the_advice_is_to_train_one(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_module, "bundle_folders", lambda: [tmp_path / "nowhere"])
    with pytest.raises(BundleError, match="none yet: train one"):
        find_bundle("jazz")


def test_a_folder_that_is_no_model_says_what_it_lacks(shelves):
    (shelves / "music").mkdir()
    (shelves / "music" / CONFIG).write_text("{}")
    with pytest.raises(BundleError, match=r"vocabulary\.json, model\.safetensors is missing"):
        find_bundle(shelves / "music")


def test_the_folders_looked_in_are_each_named_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = bundle_module.bundle_folders()
    assert places[0] == Path("trained")
    assert len({place.resolve() for place in places}) == len(places)


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
