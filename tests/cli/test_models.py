"""The list of models survives whatever lies among them."""

import json

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.model import finding
from musiclstm.model.bundle import CONFIG, VOCABULARY, WEIGHTS
from tests.bundles import tiny_bundle
from tests.spoiling import edit


def run(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Two models, and the only place to look for them."""
    for name in ("bach", "folk"):
        tiny_bundle(tmp_path / "trained" / name, results={"valid_nats_per_note": 2.5})
    monkeypatch.setattr(finding, "bundle_folders", lambda: [tmp_path / "trained"])
    return tmp_path / "trained"


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, WEIGHTS])
def test_a_broken_model_is_said_in_a_line_beside_the_good_ones(shelf, name):
    (shelf / "bach" / name).write_bytes(b"[]")
    listed = run("models")
    assert listed.exit_code == 0
    rows = listed.stdout.splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["bach", "damaged"], ["folk", "2.500"]]
    (line,) = listed.stderr.splitlines()
    assert str(shelf / "bach" / name) in line
    first, second = json.loads(run("models", "--json").stdout)["models"]
    assert name in first["error"]
    assert "error" not in second


def test_a_model_of_another_version_is_listed_with_advice(shelf):
    edit(shelf / "bach" / CONFIG, lambda config: config.update(format_version=7))
    assert "upgrade musiclstm" in run("models").stderr


def test_a_folder_in_place_of_the_weights_is_listed_as_broken(shelf):
    (shelf / "jazz" / WEIGHTS).mkdir(parents=True)
    listed = run("models")
    assert "folk" in listed.stdout
    assert f"{WEIGHTS} is missing" in listed.stderr


def test_markup_and_control_characters_in_names_are_shown_as_they_are(shelf):
    def name(vocabulary):
        vocabulary["parts"][0]["name"] = "[/red]\x1b[2J\n"
        vocabulary["styles"][0] = "[bold]\udce9"

    edit(shelf / "bach" / VOCABULARY, name)
    (shelf / "bach").rename(shelf / "[x]")
    for arguments in (("models",), ("models", "[x]")):
        shown = run(*arguments)
        assert shown.exit_code == 0, shown.exception
        assert "[/red]\\x1b[2J\\n" in shown.stdout
        assert "[x]" in shown.stdout
    assert "[bold]\\udce9" in shown.stdout
