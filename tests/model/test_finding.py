"""Models are found by path or by name, whatever lies in between."""

import os
from pathlib import Path

import pytest

from musiclstm.errors import BundleError
from musiclstm.model import find_bundle, finding, list_bundles, load_bundle
from musiclstm.model.bundle import CONFIG, WEIGHTS
from tests.bundles import tiny_bundle


@pytest.fixture
def shelves(tmp_path, monkeypatch):
    """Two places to look in, with two models of one name."""
    monkeypatch.chdir(tmp_path)
    tiny_bundle(tmp_path / "trained" / "bach")
    tiny_bundle(tmp_path / "package" / "bach", seed=1)
    tiny_bundle(tmp_path / "package" / "folk")
    (tmp_path / "trained" / "half").mkdir()
    places = [Path("trained"), tmp_path / "package", tmp_path / "nowhere"]
    monkeypatch.setattr(finding, "bundle_folders", lambda: places)
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
    monkeypatch.setattr(finding, "bundle_folders", lambda: [tmp_path / "nowhere"])
    with pytest.raises(BundleError, match="none yet: train one"):
        find_bundle("jazz")


def test_a_folder_that_is_no_model_says_what_it_lacks(shelves):
    (shelves / "music").mkdir()
    (shelves / "music" / CONFIG).write_text("{}")
    with pytest.raises(BundleError, match=r"vocabulary\.json, model\.safetensors is missing"):
        find_bundle(shelves / "music")


def test_the_folders_looked_in_are_each_named_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = finding.bundle_folders()
    assert places[0] == Path("trained")
    assert len({place.resolve() for place in places}) == len(places)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../x",
        "a\0b",
        "x" * 300,
        "x" * 5000,
        "a/" * 3000,
        "/dev/null",
        "caf\udce9",
        "\n",
    ],
)
def test_a_name_that_can_be_none_is_one_line(shelves, name):
    with pytest.raises(BundleError) as caught:
        load_bundle(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_file_in_place_of_the_folder(shelves):
    (shelves / "file").write_text("no folder")
    with pytest.raises(BundleError, match="no model is called"):
        load_bundle(shelves / "file")


def test_weights_that_are_no_file_are_listed_and_refused(shelves):
    """So that `musiclstm models` says what is wrong with them."""
    (shelves / "package" / "odd" / WEIGHTS).mkdir(parents=True)
    assert "odd" in [path.name for path in list_bundles()]
    with pytest.raises(BundleError, match=f"{WEIGHTS} is missing"):
        load_bundle(shelves / "package" / "odd")


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="everything is open to this user",
)
def test_a_closed_folder_is_one_line(shelves):
    closed = shelves / "package" / "folk"
    closed.chmod(0)
    try:
        with pytest.raises(BundleError, match="cannot be read"):
            load_bundle(closed)
    finally:
        closed.chmod(0o700)
