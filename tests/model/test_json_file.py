"""Whatever is wrong with a JSON file of a stranger is one line that names the file."""

import hashlib
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.errors import BundleError
from musiclstm.model import load_bundle
from musiclstm.model.bundle import CONFIG, CORPUS, VOCABULARY
from musiclstm.model.json_file import read_json, write_json
from tests.spoiling import edit, refused

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**99), 10**99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40)
@given(values=st.dictionaries(st.text(), VALUES, max_size=6))
def test_what_is_written_is_read(tmp_path_factory, values):
    values.pop("checksum", None)
    path = tmp_path_factory.getbasetemp() / "any.json"
    write_json(path, values)
    assert read_json(path) == values


def test_the_checksum_is_of_the_values_and_not_of_their_layout(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": [1, 2.5], "a": "ä"})
    values = json.loads(path.read_bytes())
    dumped = '{"a":"\\u00e4","b":[1,2.5]}'
    assert values["checksum"] == hashlib.sha256(dumped.encode()).hexdigest()
    for text in (
        json.dumps(values),
        json.dumps(values, indent=7),
        json.dumps(values)[::1] + "\r\n",
    ):
        path.write_text(text)
        assert read_json(path) == {"b": [1, 2.5], "a": "ä"}


def test_a_name_that_is_no_text_is_kept(tmp_path):
    """A file name of no encoding is a lone surrogate in Python."""
    path = tmp_path / "a.json"
    write_json(path, {"source": os.fsdecode(b"caf\xe9.mid")})
    assert path.read_bytes().decode("utf-8")
    assert read_json(path) == {"source": "caf\udce9.mid"}


def test_a_large_file_has_no_blanks(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"pieces": [{"source": "ä", "parts": [0, 1]}] * 50_000})
    assert path.stat().st_size < 40 * 50_000
    assert len(read_json(path)["pieces"]) == 50_000


def test_tuples_become_lists_and_an_old_checksum_is_replaced(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": (1, 2), "checksum": "of something else", 3: None})
    assert read_json(path) == {"a": [1, 2], "3": None}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**100])
def test_what_could_not_be_read_is_not_written(tmp_path, value):
    with pytest.raises(BundleError, match=r"a\.json was not written"):
        write_json(tmp_path / "a.json", {"nats": value})
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS])
def test_a_changed_value_is_found_and_an_edit_explained(folder, name):
    text = (folder / name).read_text()
    begin = text.index("\n", text.index("format_version")) if name == CONFIG else 100
    at = next(i for i in range(begin, len(text)) if text[i] in "345678" and text[i - 1] == " ")
    (folder / name).write_text(text[:at] + "9" + text[at + 1 :])
    refused(folder, name, "checksum", 'delete its "checksum" line')


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, CORPUS])
def test_without_a_checksum_a_file_is_taken_as_it_is(folder, name):
    digest = load_bundle(folder).digest
    edit(folder / name, dict)  # nothing is changed
    assert b"checksum" not in (folder / name).read_bytes()
    assert load_bundle(folder).digest == digest


@pytest.mark.parametrize("checksum", [None, 0, "", [], "0" * 64])
def test_a_checksum_that_is_none_is_refused(folder, checksum):
    edit(folder / CONFIG, lambda config: config.update(checksum=checksum))
    refused(folder, CONFIG, "checksum")


def test_a_mark_at_the_beginning_is_no_damage(folder):
    """Some editors write one."""
    digest = load_bundle(folder).digest
    (folder / CONFIG).write_bytes(b"\xef\xbb\xbf" + (folder / CONFIG).read_bytes())
    assert load_bundle(folder).digest == digest


def test_deep_nesting_is_refused_wherever_it_breaks(folder):
    """Just readable, it may still be too deep to be dumped."""
    for depth in (100, 400, 900, 940, 980, 990, 1000):
        text = '{"a": ' + "[" * depth + "]" * depth + "}"
        values = {"checksum": "0" * 64, "format_version": 1}
        (folder / CONFIG).write_text(json.dumps(values)[:-1] + ", " + text[1:])
        refused(folder, CONFIG)


def test_a_small_file_that_would_become_large_is_not_parsed(folder):
    (folder / CORPUS).write_bytes(b'{"pieces": [' + b"[]," * (6 * 2**20) + b"[]]}")
    refused(folder, CORPUS, "too much memory")


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


def test_a_huge_json_is_not_read(folder):
    with (folder / CORPUS).open("r+b") as file:
        file.truncate(2**30)
    refused(folder, CORPUS, "1,073,741,824 bytes")


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY])
def test_settings_of_megabytes_are_not_read(folder, name):
    edit(folder / name, lambda values: values.update(more="x" * 2**21))
    refused(folder, name, "at most 1,048,576 are read")
