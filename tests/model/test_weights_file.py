"""Whatever is wrong with the weights of a stranger is one line that names the file."""

import json
import pickle
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from musiclstm.errors import BundleError
from musiclstm.generation import compose
from musiclstm.model import load_bundle
from musiclstm.model import weights_file as weights_module
from musiclstm.model.bundle import CONFIG, WEIGHTS, write_weights
from tests.bundles import random_weights
from tests.spoiling import Trap, edit, refused


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


@pytest.mark.parametrize("place", [0.001, 0.1, 0.5, 0.9, 1.0])
def test_one_changed_byte_among_the_numbers_is_found(folder, place):
    data = bytearray((folder / WEIGHTS).read_bytes())
    first = 8 + struct.unpack("<Q", data[:8])[0]
    data[first + int((len(data) - 1 - first) * place)] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    refused(folder, WEIGHTS, "checksum", "get the model again")


def test_two_tensors_that_change_places_are_found(folder):
    """Names and shapes are part of the checksum."""
    weights = load_file(folder / WEIGHTS)
    write_weights(folder, weights)
    data = (folder / WEIGHTS).read_bytes()
    swapped = data.replace(b'"onset.bias"', b'"x"', 1).replace(b'"voice.bias"', b'"onset.bias"', 1)
    swapped = swapped.replace(b'"x"', b'"voice.bias"', 1)
    assert len(swapped) == len(data)
    (folder / WEIGHTS).write_bytes(swapped)
    refused(folder, WEIGHTS, "checksum")


def test_without_a_checksum_the_weights_are_taken_as_they_are(folder):
    """As earlier versions wrote them; and it is the same model."""
    before = load_bundle(folder)
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)
    assert b"checksum" not in (folder / WEIGHTS).read_bytes()
    assert load_bundle(folder).digest == before.digest


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


@pytest.mark.parametrize("length", [2**20 + 1, 2**32, 2**60, 2**63, 2**64 - 1])
def test_a_header_that_declares_too_much_is_not_read(folder, length):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", length) + data[8:])
    refused(folder, WEIGHTS, f"{length:,} bytes")


@pytest.mark.parametrize(
    "change",
    [
        {"data_offsets": [0, 2**60]},
        {"data_offsets": [-2, 14]},
        {"data_offsets": [16, 0]},
        {"data_offsets": [0, 16]},
        {"data_offsets": None},
        {"shape": [2**40, 2**40]},
        {"shape": [-8]},
        {"shape": []},
        {"dtype": "F7"},
        {"dtype": "BF16"},
        {"dtype": "F8_E4M3"},
    ],
)
def test_a_header_that_describes_no_such_tensor_is_refused(folder, change):
    def lie(header):
        header["voice.bias"].update(change)

    edit_header(folder, lie)
    refused(folder, WEIGHTS)


def edit_header(folder, change):
    data = (folder / WEIGHTS).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_numbers_that_no_trained_network_has_are_refused(folder):
    """They are finite, but sums over them would not be."""
    weights = {name: w.astype(np.float32) for name, w in load_file(folder / WEIGHTS).items()}
    weights["input.bias"][3] = -3e38
    save_file(weights, folder / WEIGHTS)
    refused(folder, WEIGHTS, "input.bias", "65,504")


def test_the_largest_weights_that_are_read_still_compose(folder):
    """No sum leaves float32: what comes out is noise, but legal."""
    weights = load_file(folder / WEIGHTS)
    signs = np.random.default_rng(0)
    for name, value in weights.items():
        weights[name] = signs.choice(np.float16([-65504, 65504]), value.shape)
    write_weights(folder, weights)
    piece = compose(load_bundle(folder), bars=1)[0]
    assert len(piece.score.notes)


def test_a_larger_network_than_the_file_holds_is_refused(folder):
    edit(folder / CONFIG, lambda config: config["network"].update(units=4096, layers=8))
    refused(folder, WEIGHTS)


def test_a_file_that_would_take_too_much_is_not_read(folder, monkeypatch):
    monkeypatch.setattr(weights_module, "_MAX_BYTES", 10_000)
    refused(folder, WEIGHTS, "at most 10,000 are read")
