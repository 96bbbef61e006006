"""Whatever is wrong with the archive of the copy check is one line, and nothing is unpickled."""

import pickle
import struct
import zipfile
from io import BytesIO

import numpy as np
import pytest

from musiclstm.errors import BundleError
from musiclstm.model import load_bundle
from musiclstm.model import novelty_file as novelty_module
from musiclstm.model.bundle import NOVELTY
from tests.spoiling import Trap


def novelty_refused(folder):
    with pytest.raises(BundleError, match=NOVELTY) as caught:
        load_bundle(folder).novelty()
    assert str(caught.value).isprintable()
    return str(caught.value)


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
    monkeypatch.setattr(novelty_module, "_FREE_BYTES", 100_000)
    np.savez_compressed(folder / NOVELTY, hashes=np.zeros(10**6, np.uint8))
    assert (folder / NOVELTY).stat().st_size < 10_000
    assert "1,000,128 bytes" in novelty_refused(folder)


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


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros(3, complex),
        np.zeros(3, bool),
        np.zeros(3, "S4"),
        np.zeros(3, "datetime64[s]"),
        np.zeros(3, [("a", "<i4")]),
        np.zeros((3, 1), np.int32),
        np.zeros((), np.int32),
        np.zeros(3, ">i4"),
    ],
)
def test_an_array_of_anything_else_is_refused(folder, array):
    np.savez(folder / NOVELTY, hashes=array)
    assert "no row of whole numbers or text" in novelty_refused(folder)


@pytest.mark.parametrize(
    "array", [np.arange(5, dtype=np.uint64), np.array(["ä", "b"]), np.zeros(0, int)]
)
def test_a_row_of_numbers_or_text_is_read(folder, array):
    np.savez_compressed(folder / NOVELTY, some=array)
    found = load_bundle(folder).novelty()["some"]
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def test_members_packed_otherwise_are_refused(folder):
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(folder / NOVELTY, "w", method) as archive:
            archive.writestr("hashes.npy", _npy())
        assert "unusual" in novelty_refused(folder)


def test_ten_thousand_members_are_not_listed(folder):
    with zipfile.ZipFile(folder / NOVELTY, "w") as archive:
        for number in range(10_000):
            archive.writestr(f"{number}.npy", b"")
    novelty_refused(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(folder):
    with zipfile.ZipFile(folder / NOVELTY, "w") as archive:
        archive.writestr("hashes.npy", _npy())
        archive.writestr("hashes.npy", _npy())
    assert "two of one name" in novelty_refused(folder)


def test_a_declared_size_that_lies_is_not_allocated(folder):
    """The table of contents says a gigabyte, or less than there is."""
    data = (folder / NOVELTY).read_bytes()
    place = data.rindex(b"PK\x01\x02") + 24
    for size in (2**30, 2**32 - 2, 10, 0):
        lying = data[:place] + struct.pack("<I", size) + data[place + 4 :]
        (folder / NOVELTY).write_bytes(lying)
        novelty_refused(folder)
