import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import ScoreError
from musiclstm.score import Meter, MeterMap, Tempo
from tests.strategies import meter_maps

GRID = 24


def bars_and_positions(meter_map, steps):
    places = meter_map.locate(steps, GRID)
    return list(zip(places.bar.tolist(), places.position.tolist(), strict=True))


def walk(meter_map, last_step):
    """Count bars step by step, as a musician would: the slow truth beside `locate`."""
    meters = meter_map.meters or (Meter(0, 4, 4),)
    first_downbeat = meter_map.pickup_steps
    changes = {max(meter.step, first_downbeat): meter for meter in meters}
    meter = changes.get(first_downbeat, meters[0])
    bar = position = 0
    for step in range(first_downbeat, last_step + 1):
        if step > first_downbeat:
            position += 1
            if step in changes or position == meter.bar_steps(GRID):
                bar, position = bar + 1, 0
        meter = changes.get(step, meter)
        yield step, bar, position, meter


@pytest.mark.parametrize(
    ("text", "bar_steps", "beat_steps", "compound"),
    [
        ("4/4", 96, 24, False),
        ("3/4", 72, 24, False),
        ("2/2", 96, 48, False),
        ("6/8", 72, 36, True),
        ("12/8", 144, 36, True),
        ("9/16", 54, 18, True),
        ("3/8", 36, 12, False),  # one bar of it is already a felt beat, but it is beaten in three
        ("6/4", 144, 24, False),
        ("7/8", 84, 12, False),
        ("1/4", 24, 24, False),
    ],
)
def test_lengths_of_bar_and_beat(text, bar_steps, beat_steps, compound):
    meter = Meter.parse(text)
    assert meter.name == text
    assert meter.bar_steps(GRID) == bar_steps
    assert meter.beat_steps(GRID) == beat_steps
    assert meter.is_compound is compound


def test_a_coarse_grid_still_has_bars():
    assert Meter(0, 1, 64).bar_steps(1) == 1
    assert Meter(0, 1, 64).beat_steps(1) == 1


@pytest.mark.parametrize("text", ["", "3", "3/", "/4", "3:4", "-3/4", "3.5/4", "three/4", "3/4/4"])
def test_parse_names_what_is_no_meter(text):
    with pytest.raises(ScoreError, match="is no meter; write it like"):
        Meter.parse(text)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 4), (65, 4), (4, 0), (4, 3), (4, 128)])
def test_impossible_meters(numerator, denominator):
    with pytest.raises(ScoreError, match=f"{numerator}/{denominator} is no meter"):
        Meter(0, numerator, denominator)


def test_meters_and_tempos_begin_at_or_after_zero():
    with pytest.raises(ScoreError, match="step -1"):
        Meter(-1, 4, 4)
    with pytest.raises(ScoreError, match="step -1"):
        Tempo(-1, 120)


@pytest.mark.parametrize("bpm", [0, 0.5, 1000.5, -120, math.nan, math.inf])
def test_impossible_tempos(bpm):
    with pytest.raises(ScoreError, match=f"tempo of {bpm} bpm"):
        Tempo(0, bpm)


def test_unspecified_meter_is_a_ruler_of_four_quarters():
    meter_map = MeterMap()
    assert not meter_map.specified
    assert bars_and_positions(meter_map, [0, 95, 96, 200]) == [(0, 0), (0, 95), (1, 0), (2, 8)]


def test_pickup_is_bar_minus_one_and_ends_its_bar():
    meter_map = MeterMap((Meter(0, 3, 4),), pickup_steps=24)
    expected = [(-1, 48), (-1, 71), (0, 0), (0, 71), (1, 0)]
    assert bars_and_positions(meter_map, [0, 23, 24, 95, 96]) == expected


def test_a_change_within_a_bar_cuts_it_short_and_opens_the_next():
    meter_map = MeterMap((Meter(0, 4, 4), Meter(48, 3, 4), Meter(48 + 72, 6, 8)))
    expected = [(0, 47), (1, 0), (1, 71), (2, 0), (3, 0)]
    assert bars_and_positions(meter_map, [47, 48, 119, 120, 192]) == expected
    places = meter_map.locate([47, 48, 120], GRID)
    assert places.bar_steps.tolist() == [96, 72, 72]
    assert places.beat_steps.tolist() == [24, 24, 36]
    assert places.compound.tolist() == [False, False, True]


def test_a_change_inside_the_pickup_is_the_meter_of_the_first_bar():
    meter_map = MeterMap((Meter(0, 4, 4), Meter(12, 3, 4)), pickup_steps=24)
    places = meter_map.locate([24, 95, 96], GRID)
    assert places.bar.tolist() == [0, 0, 1]
    assert places.bar_steps.tolist() == [72, 72, 72]


@given(meter_maps(GRID))
def test_locate_counts_as_a_musician_does(meter_map):
    end = max((meter.step for meter in meter_map.meters), default=0) + 300
    truth = list(walk(meter_map, end))
    places = meter_map.locate([step for step, *_ in truth], GRID)
    assert places.bar.tolist() == [bar for _, bar, _, _ in truth]
    assert places.position.tolist() == [position for _, _, position, _ in truth]
    assert places.bar_steps.tolist() == [meter.bar_steps(GRID) for *_, meter in truth]
    assert places.beat_steps.tolist() == [meter.beat_steps(GRID) for *_, meter in truth]
    assert places.compound.tolist() == [meter.is_compound for *_, meter in truth]


@given(meter_maps(GRID))
def test_the_whole_pickup_lies_in_bar_minus_one(meter_map):
    pickup = meter_map.locate(np.arange(meter_map.pickup_steps), GRID)
    assert (pickup.bar == -1).all()
    assert (pickup.position < pickup.bar_steps).all()
    assert (np.diff(pickup.position) == 1).all()


@given(meter_maps(GRID), st.integers(0, 5000))
def test_locate_keeps_the_shape_of_what_is_asked(meter_map, step):
    one = meter_map.locate(step, GRID)
    table = meter_map.locate(np.full((2, 3), step), GRID)
    assert one.bar.shape == ()
    assert table.position.shape == table.compound.shape == (2, 3)
    assert (table.bar == one.bar).all()
    assert table.bar.dtype == np.int32


@pytest.mark.parametrize(
    ("meters", "pickup_steps", "match"),
    [
        ((Meter(24, 4, 4),), 0, "first meter begins at step 24"),
        ((Meter(0, 4, 4), Meter(0, 3, 4)), 0, "out of order"),
        ((Meter(0, 4, 4), Meter(96, 3, 4), Meter(48, 2, 4)), 0, "out of order"),
        ((Meter(0, 4, 4),), -1, "pickup of -1"),
        ((), 24, "pickup of 24"),
    ],
)
def test_impossible_maps(meters, pickup_steps, match):
    with pytest.raises(ScoreError, match=match):
        MeterMap(meters, pickup_steps)
