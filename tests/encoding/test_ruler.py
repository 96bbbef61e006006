"""The ruler finds what the meter map says, however far away and whatever the meters."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding.parts import ModelPart
from musiclstm.encoding.ruler import Ruler
from musiclstm.encoding.vocabulary import Vocabulary
from musiclstm.score import Meter, MeterMap
from tests.strategies import meter_maps

V = Vocabulary((ModelPart("p"),), (0,))
Q = V.steps_per_quarter


def as_written(meter_map, step, bars):
    """The four ids, place and bar, straight from the meter map."""
    place = meter_map.locate(step, Q)
    left = 0 if not bars else min(max(bars - int(place.bar), -1), 32) + 2
    position, bar_steps = int(place.position), int(place.bar_steps)
    if not meter_map.specified:
        return [8 * Q + position, 4 * Q + position % Q, 0, left, position, bar_steps]
    eighths = min(max(2 * bar_steps // Q, 1), 16)
    in_beat = min(position % int(place.beat_steps), 4 * Q - 1)
    kind = eighths + 16 * bool(place.compound)
    return [min(position, 8 * Q - 1), in_beat, kind, left, position, bar_steps]


def read(ruler, steps):
    at = np.array(steps, np.int32)
    ids, left, place, bar = ruler.read(at)
    assert ids[:, 0].tolist() == ruler.place(at).tolist()
    return np.concatenate([ids, np.stack([left, place, bar], axis=1)], axis=1).tolist()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(meter_maps(), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**7), min_size=4, max_size=4),
    st.lists(st.integers(0, 1000), min_size=4, max_size=4),
)
def test_it_says_what_the_meter_map_says(maps, steps, bars):
    n = len(maps)
    ruler = Ruler.of(maps, np.array(bars[:n]), V)
    expected = [as_written(*row) for row in zip(maps, steps, bars, strict=False)]
    assert read(ruler, steps[:n]) == expected
    chosen = np.array([n - 1, 0, 0])
    again = ruler.select(chosen)
    assert read(again, np.array(steps)[chosen]) == [expected[index] for index in chosen]


def test_one_ruler_serves_many_rows():
    meter_map = MeterMap((Meter(0, 3, 4), Meter(72 * 3 + 24, 4, 4)), 24)
    ruler = Ruler.of((meter_map,), np.array([8]), V)
    steps = list(range(0, 600, 7))
    assert read(ruler, steps) == [as_written(meter_map, step, 8) for step in steps]


def test_one_meter_for_streams_of_different_lengths():
    meter_map = MeterMap((Meter(0, 4, 4),))
    ruler = Ruler.of((meter_map,), np.array([8, 0, 3]), V)
    rows = [as_written(meter_map, 100, bars) for bars in (8, 0, 3)]
    assert read(ruler, [100] * 3) == rows
    assert read(ruler.select(np.array([2, 1])), [100] * 2) == [rows[2], rows[1]]
