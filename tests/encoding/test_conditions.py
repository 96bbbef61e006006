"""Conditions: in range whatever is asked, 0 where nothing is known, and moving with the music."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import (
    CONDITION_NAMES,
    Conditions,
    build_vocabulary,
    condition_ids,
    condition_sizes,
    conditions_of,
)
from musiclstm.encoding.conditions import N_BARS, tempo_class
from musiclstm.score import Key, Part, Score
from tests.bundles import chorale, chorales
from tests.strategies import scores

CHORALES = build_vocabulary(chorales())
keys = st.integers(0, 23).map(Key.from_index)
wishes = st.builds(
    Conditions,
    style=st.none() | st.sampled_from(["", "plain", "dance", "unheard"]) | st.text(),
    key=st.none() | keys,
    meter=st.none() | st.sampled_from(["4/4", "3/4", "17/16"]) | st.text(),
    tempo=st.none() | st.floats(0, 1e300),
    bars=st.none() | st.integers(-5, 10**9),
)


@settings(max_examples=200, deadline=None)
@given(wishes)
def test_ids_are_in_range_for_anything(conditions):
    v = CHORALES
    ids, sizes = condition_ids(conditions, v), condition_sizes(v)
    assert ids.shape == (len(CONDITION_NAMES),)
    assert ids.dtype == np.int32
    assert (ids >= 0).all()
    assert (ids < sizes).all()


@settings(max_examples=50, deadline=None)
@given(scores(performed=False))
def test_whatever_a_score_says_has_ids(score):
    v = build_vocabulary([score])
    ids = condition_ids(conditions_of(score), v)
    assert (ids < condition_sizes(v)).all()
    assert bool(ids[0]) == bool(score.style)
    assert bool(ids[2]) == score.meter_map.specified
    assert bool(ids[3]) == bool(score.tempos)


def test_unspecified_is_0():
    assert condition_ids(Conditions(), CHORALES).tolist() == [0] * 5


def test_what_the_model_does_not_know_is_0():
    v = CHORALES
    ids = condition_ids(Conditions(style="unheard", meter="17/16"), v)
    assert ids.tolist() == [0] * 5
    assert condition_ids(Conditions(style=""), v)[0] == 0


def test_what_it_knows_has_ids_of_its_own():
    v = CHORALES
    known = [condition_ids(Conditions(style=name), v)[0] for name in v.style_names]
    assert known == [1, 2]
    assert [condition_ids(Conditions(meter=name), v)[2] for name in v.meters] == [1, 2, 3]
    assert {int(condition_ids(Conditions(key=Key.from_index(n)), v)[1]) for n in range(24)} == set(
        range(1, 25)
    )
    bars = [condition_ids(Conditions(bars=n), v)[4] for n in (1, 2, N_BARS, N_BARS + 1, 9999)]
    assert bars == [1, 2, N_BARS, N_BARS, N_BARS]


def test_a_style_that_is_learned_later_gets_an_id():
    v = CHORALES.with_styles(["tango"])
    assert condition_ids(Conditions(style="tango"), v)[0] == 3


@given(st.floats(1, 2000), st.floats(1, 2000))
def test_faster_is_never_a_slower_class(one, other):
    low, high = sorted((one, other))
    assert 0 <= tempo_class(low) <= tempo_class(high) <= 15


def test_a_tempo_class_is_a_fifth_of_an_octave():
    edges = [30 * 2 ** (n / 5) for n in range(16)]
    assert [tempo_class(edge) for edge in edges] == list(range(16))
    assert [tempo_class(edge * 0.999) for edge in edges[1:]] == list(range(15))


def test_a_written_key_is_believed_and_a_missing_one_is_found():
    score, _ = Score.build(
        [[24 * n, 24, pitch, 80, 0] for n, pitch in enumerate([60, 62, 64, 65, 67, 65, 62, 60])],
        [Part()],
    )
    assert conditions_of(score).key == Key(0)
    written, _ = Score.build(score.notes, score.parts, key=Key(3, "minor"))
    assert conditions_of(written).key == Key(3, "minor")


def test_no_key_is_found_where_there_is_none():
    drums, _ = Score.build([[0, 1, 38, 80, 0]], [Part(is_drum=True)])
    assert conditions_of(drums).key is None


def test_a_score_says_everything():
    conditions = conditions_of(
        chorale(bars=6, meter="3/4", pickup=24, key=Key(9, "minor"), tempo=80.0, style="plain")
    )
    assert conditions == Conditions("plain", Key(9, "minor"), "3/4", 80.0, 6)
    assert conditions_of(chorale(meter=None, tempo=None)).meter is None
    assert conditions_of(chorale(meter=None, tempo=None)).tempo is None


@given(wishes, st.integers(-30, 30))
def test_transposing_moves_the_key_and_nothing_else(conditions, semitones):
    v = CHORALES
    moved = conditions.transposed(semitones)
    before, after = condition_ids(conditions, v), condition_ids(moved, v)
    assert np.delete(before, 1).tolist() == np.delete(after, 1).tolist()
    if conditions.key is None:
        assert moved.key is None
    else:
        assert moved.key == conditions.key.transposed(semitones)
        assert (after[1] == before[1]) == (semitones % 12 == 0)
        assert conditions.transposed(12) == conditions


@pytest.mark.parametrize("bars", [0, -3])
def test_a_length_of_nothing_is_at_least_a_bar(bars):
    assert condition_ids(Conditions(bars=bars), CHORALES)[4] == 1
