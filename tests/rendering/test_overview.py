from io import BytesIO

import numpy as np
import pytest
from matplotlib import image

from musiclstm.errors import RequestError
from musiclstm.rendering import Overview, draw_overview
from musiclstm.rendering.colours import PART_COLOURS
from musiclstm.rendering.overview import _tally

BLUE, RED, GREEN = PART_COLOURS[:3]
CORPUS = Overview(
    title="mine [1] $x$",
    intact=3,
    repaired=0,
    skipped={},
    notes=[100, 200, 5000],
    seconds=[60.0, 61.5, 300.0],
    parts=[2, 2, 4],
    keys=["C major", "G major", ""],
    meters=["4/4", "", "3/4"],
)


def pixels(overview, tmp_path):
    path = tmp_path / "corpus.png"
    draw_overview(overview, path)
    drawn = image.imread(BytesIO(path.read_bytes()), format="png")
    return np.round(drawn[..., :3] * 255).astype(int)


def amount(picture, colour):
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(picture - rgb).max(axis=2) <= 2).sum())


def changed(**values):
    return Overview(**{**vars(CORPUS), **values})


def test_minor_keys_are_green_and_skipped_files_red(tmp_path):
    plain = pixels(CORPUS, tmp_path)
    assert amount(plain, BLUE) > 10_000
    assert amount(plain, GREEN) == 0
    minor = pixels(changed(keys=["A minor", "C major", "E minor"]), tmp_path)
    assert amount(minor, GREEN) > 1000
    skipped = pixels(changed(skipped={"the file is empty": 3}), tmp_path)
    assert amount(skipped, RED) > amount(plain, RED) + 1000


def test_a_corpus_of_one_and_one_of_nothing_written_can_be_drawn(tmp_path):
    pixels(changed(notes=[7], seconds=[1.0], parts=[1], keys=[""], meters=[""]), tmp_path)
    pixels(changed(intact=0, notes=[], seconds=[], parts=[], keys=[], meters=[]), tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot write"):
        draw_overview(CORPUS, tmp_path / "file" / "corpus.png")


def test_the_rest_and_those_without_come_last():
    values = [str(number) for number in range(12)] + ["3"] * 4 + ["", ""]
    counts = _tally(values)
    assert next(iter(counts)) == "3"
    assert list(counts.items())[-2:] == [("others", 4), ("none", 2)]
    assert sum(counts.values()) == len(values)
