"""The tables' rows: every column has its own, but those that mean the same of different parts."""

import pytest

from musiclstm.encoding import (
    after_columns,
    after_rows,
    note_columns,
    note_rows,
    onset_columns,
    onset_rows,
    voice_columns,
    voice_rows,
)
from musiclstm.encoding.layout import after_lengths, layout
from tests.encoding.walks import small_vocabulary


@pytest.mark.parametrize("n_parts", [1, 4, 16])
def test_columns_and_rows(n_parts):
    v = small_vocabulary(n_parts, steps_per_quarter=4)
    assert onset_columns(v) == 5 + n_parts
    assert voice_columns(v) == 21 + 6 * n_parts
    assert note_columns(v) == 12 + 2 * n_parts
    assert after_columns(v) == 6 + n_parts
    places, shifts, durations = 48, 17, 33
    assert onset_rows(v) == places + 20 + 33 + 35 + shifts + n_parts
    relative = n_parts * 3 * 74 + 3 * 74 + 12
    shown = n_parts + 3 * 128 + 4 * durations + durations + shifts
    assert voice_rows(v) == shown + relative + 4 * 74 + 3 * 74 + 3 * 12 + 24
    assert note_rows(v) == n_parts + 128 + n_parts * 74 + 12 + 74 + 4 * durations + 4 * 12 + 24
    assert after_rows(v) == shifts + n_parts * shifts + places + 19 + n_parts + 12 + 24


@pytest.mark.parametrize("n_parts", [1, 3])
def test_only_columns_that_mean_the_same_share_rows(n_parts):
    v = small_vocabulary(n_parts)
    for name, shared in (("onset", 0), ("voice", 4), ("note", 1), ("after", 0)):
        begins = getattr(layout(v), name).begins.tolist()
        assert len(begins) - len(set(begins)) == shared * (n_parts - 1)


@pytest.mark.parametrize(("q", "classes"), [(1, 4), (24, 96), (480, 96)])
def test_time_that_is_left_has_at_most_96_classes(q, classes):
    lengths = after_lengths(small_vocabulary(1, steps_per_quarter=q))
    assert len(lengths) == 4 * q + 1
    assert lengths[[0, 1, -1]].tolist() == [0, 1, classes]
    assert set(lengths.tolist()) == set(range(classes + 1))
