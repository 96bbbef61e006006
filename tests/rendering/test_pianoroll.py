from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from matplotlib import image

from musiclstm.errors import RequestError
from musiclstm.rendering import draw_piano_roll
from musiclstm.rendering.pianoroll import PART_COLOURS
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

TWO = (Part(0, False, "Right"), Part(0, False, "Left"))


def pixels(score: Score, tmp_path, **options) -> np.ndarray:
    """Draw, and return RGB as 0-255 of shape (height, width, 3)."""
    path = tmp_path / "roll.png"
    draw_piano_roll(score, path, **options)
    drawn = image.imread(BytesIO(path.read_bytes()), format="png")
    return np.round(drawn[..., :3] * 255).astype(int)


def amount(picture: np.ndarray, colour: str) -> int:
    """Count the pixels of a colour."""
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(picture - rgb).max(axis=2) <= 2).sum())


def test_each_part_has_its_colour(tmp_path):
    both = Score([[0, 96, 60, 80, 0], [0, 96, 48, 80, 1]], TWO)
    one = replace(both, notes=both.notes[:1])
    blue, red, green = PART_COLOURS[:3]
    picture = pixels(both, tmp_path)
    assert min(amount(picture, blue), amount(picture, red)) > 1000
    assert amount(picture, green) == 0
    picture = pixels(one, tmp_path)
    assert amount(picture, blue) > 1000
    assert amount(picture, red) == 0


def test_notes_are_as_wide_as_they_are_long(tmp_path):
    # a second part keeps the row's length equal
    def blue(duration: int) -> int:
        rows = [[0, duration, 72, 80, 0], [0, 192, 48, 80, 1]]
        score = Score(rows, TWO)
        return amount(pixels(score, tmp_path), PART_COLOURS[0])

    short, long, longest = blue(48), blue(96), blue(192)
    assert longest - long == pytest.approx(2 * (long - short), rel=0.05)


def test_soft_notes_are_paler(tmp_path):
    score = Score([[0, 96, 60, 20, 0], [0, 96, 72, 127, 0]], (Part(),))
    loud_only = Score([[0, 96, 72, 127, 0], [0, 96, 84, 127, 0]], (Part(),))
    blue = PART_COLOURS[0]
    assert amount(pixels(score, tmp_path), blue) < 0.7 * amount(pixels(loud_only, tmp_path), blue)


def test_long_pieces_grow_downwards(tmp_path):
    def height(quarters: int) -> int:
        return len(pixels(Score([[0, 24 * quarters, 60, 80, 0]], (Part(),)), tmp_path))

    assert height(64) - height(32) == pytest.approx(height(96) - height(64), abs=2)
    assert height(64) > height(32) + 100


def test_drums_are_drawn(tmp_path):
    rows = [[24 * beat, 1, 36 + 2 * (beat % 2), 100, 0] for beat in range(16)]
    score = Score(rows, (Part(0, True, "Drums"),))
    assert amount(pixels(score, tmp_path), PART_COLOURS[0]) > 500


@pytest.mark.parametrize("text", ["cost: $5 or $x_1^{$", "_hidden", "三味線 ♪", "two\nlines", " "])
def test_any_title_and_name_is_drawn_without_a_warning(text, tmp_path):
    # pytest turns warnings into errors
    score = Score([[0, 24, 60, 80, 0]], (Part(0, False, text),), source=f"{text}.mid")
    pixels(score, tmp_path)
    pixels(score, tmp_path, title=text)


def test_title_takes_room_and_may_be_left_out(tmp_path):
    score = Score([[0, 24, 60, 80, 0]], (Part(),), source="folk/tune.mid")
    assert len(pixels(score, tmp_path)) > len(pixels(score, tmp_path, title=""))


def test_nothing_is_a_picture_too(tmp_path):
    assert pixels(Score([], ()), tmp_path).size


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(score=scores(max_parts=4))
def test_every_score_can_be_drawn(score, tmp_path):
    assert pixels(score, tmp_path).min() < 255


def test_nothing_global_is_touched(tmp_path):
    before = dict(mpl.rcParams)
    meter_map = MeterMap((Meter(0, 3, 4),))
    draw_piano_roll(Score([[0, 24, 60, 80, 0]], TWO, meter_map=meter_map), tmp_path / "a.png")
    assert dict(mpl.rcParams) == before


def test_same_score_gives_the_same_picture(tmp_path):
    score = Score([[0, 24, 60, 80, 0]], TWO)
    for name in ("a.png", "b.png"):
        draw_piano_roll(score, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_unwritable_place_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"cannot write .*a\.png"):
        draw_piano_roll(Score([], ()), tmp_path / "file" / "a.png")
