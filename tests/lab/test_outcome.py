import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from musiclstm.lab.outcome import Outcome, json_ready, silent, write_outcome
from musiclstm.rendering.document import Fold, Grid, Picture, Scroll, Table, Text


def outcome(blocks, numbers=None):
    return Outcome("gates", "Gates", "They open.", "They öpen.", tuple(blocks), numbers or {})


def picture(n):
    return Picture(bytes([n]), f"picture {n}")


def test_one_file_a_picture_and_a_table_and_one_for_all_numbers(tmp_path):
    blocks = [Text("nothing"), picture(1), Table(["k"], [["1"]]), Grid([picture(2), picture(3)])]
    written = write_outcome(outcome(blocks), tmp_path / "lab")
    names = ["gates.png", "gates-2.png", "gates-3.png", "gates.csv", "gates.json"]
    assert [path.name for path in written] == names
    assert {path.parent for path in written} == {tmp_path / "lab"}
    assert [path.read_bytes() for path in written[:3]] == [b"\1", b"\2", b"\3"]


def test_what_is_folded_or_scrolls_is_written_too(tmp_path):
    inner = Fold("more", [Scroll([picture(1)]), Table(["a"], []), Fold("yet more", [picture(2)])])
    names = [path.name for path in write_outcome(outcome([inner]), tmp_path)]
    assert names == ["gates.png", "gates-2.png", "gates.csv", "gates.json"]


def test_the_numbers_come_back_with_the_words(tmp_path):
    *_, path = write_outcome(outcome([], {"lag": np.array([1, 2]), "loss": np.nan}), tmp_path)
    said = json.loads(path.read_text("utf-8"))
    assert said["numbers"] == {"lag": [1, 2], "loss": None}
    words = ("gates", "Gates", "They open.", "They öpen.")
    assert (said["name"], said["title"], said["claim"], said["found"]) == words


def test_tables_come_back_as_they_were(tmp_path):
    rows = [["1", 'one, "or" so'], ["2", "−0.5\nnats"]]
    path, _ = write_outcome(outcome([Table(["lag", "loss"], rows)]), tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["lag", "loss"], *rows]


def test_writing_again_replaces(tmp_path):
    write_outcome(outcome([picture(1)]), tmp_path)
    path, _ = write_outcome(outcome([picture(2)]), tmp_path)
    assert path.read_bytes() == b"\2"
    assert len(list(tmp_path.iterdir())) == 2


def test_settings_and_paths_may_be_among_the_numbers():
    @dataclass(frozen=True)
    class Settings:
        lags: tuple[int, ...]
        where: Path

    found = json_ready({1: Settings((1, 2), Path("a") / "b"), "x": [np.float32(0.5), np.bool_(1)]})
    assert found == {"1": {"lags": [1, 2], "where": "a/b"}, "x": [0.5, True]}


def test_anything_else_is_our_mistake():
    with pytest.raises(TypeError, match="set among the numbers"):
        json_ready({"x": {1, 2}})


def test_silence(capsys):
    silent("heard?")
    assert capsys.readouterr().out == ""
