from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from musiclstm.rendering.page import MAX_ROWS, QUARTERS_PER_ROW, lay_out
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

WALTZ = Meter(0, 3, 4)


def row_bars(bars: int, *meters: Meter, pickup_steps: int = 0) -> list[int]:
    """Lay out a piece of so many bars of the last meter; return the bar lines of each row."""
    length = meters[-1].bar_steps(24)
    end = pickup_steps + meters[-1].step + bars * length
    score = Score([[0, end, 60, 80, 0]], (Part(),), meter_map=MeterMap(meters, pickup_steps))
    return [len(system.bars) for system in lay_out(score).systems]


@settings(max_examples=60)
@given(scores(steps_per_quarter=None))
def test_rows_follow_each_other_and_hold_the_whole_piece(score):
    page = lay_out(score)
    systems = page.systems
    assert systems[0].start == 0
    assert systems[-1].end >= score.end
    assert all(a.end == b.start for a, b in pairwise(systems))
    starts = score.meter_map.locate([s.start for s in systems[1:]], score.steps_per_quarter)
    assert not starts.position.any()  # rows begin on bar lines
    for system in systems:
        assert page.left + (system.end - system.start) * page.inches_per_step < page.width
        lines = np.concatenate([system.bars, system.beats])
        assert ((lines >= system.start) & (lines < system.end)).all()
    pitched = [row[2] for row in score.notes.tolist() if not score.parts[row[4]].is_drum]
    drums = [row[2] for row in score.notes.tolist() if score.parts[row[4]].is_drum]
    assert set(pitched) <= set(page.pitches)
    assert page.drums == sorted(set(drums))


def test_rows_are_periods_of_eight_bars():
    assert row_bars(20, Meter(0, 4, 4)) == [8, 8, 4]
    assert row_bars(20, WALTZ) == [8, 8, 4]
    assert row_bars(40, Meter(0, 2, 4)) == [16, 16, 8]


def test_pickup_stands_with_the_first_row():
    assert row_bars(16, Meter(0, 4, 4), pickup_steps=24) == [9, 8]


def test_a_bar_longer_than_a_row_has_a_row():
    assert row_bars(2, Meter(0, 64, 4)) == [1, 1]


def test_bars_are_numbered_from_the_first_full_one_and_new_meters_named():
    meter_map = MeterMap((WALTZ, Meter(24 + 144, 4, 4)), 24)
    score = Score([[0, 300, 60, 80, 0]], (Part(),), meter_map=meter_map)
    (system,) = lay_out(score).systems
    assert system.labels == [
        (24, "1", False),
        (96, "2", False),
        (168, "3", False),
        (264, "4", False),
        (168, "4/4", True),
    ]


@pytest.mark.parametrize("quarters", [2000, 20_000])
def test_a_very_long_piece_is_squeezed(quarters):
    score = Score([[0, quarters * 24, 60, 80, 0]], (Part(),))
    page = lay_out(score)
    assert len(page.systems) <= 2 * MAX_ROWS
    assert page.width < QUARTERS_PER_ROW


def test_two_octaves_are_shown_at_least_and_no_pitch_beyond_midi():
    low = lay_out(Score([[0, 24, 0, 80, 0]], (Part(),)))
    assert low.pitches[0] == 0
    middle = lay_out(Score([[0, 24, 60, 80, 0]], (Part(),)))
    assert len(middle.pitches) >= 25
    high = lay_out(Score([[0, 24, 127, 80, 0]], (Part(),)))
    assert high.pitches[-1] == 127


def test_only_drums_need_no_keys():
    page = lay_out(Score([[0, 1, 36, 80, 0]], (Part(0, True),)))
    assert page.pitches == []
    assert page.drums == [36]
