"""Wishes: what is asked is kept, what is left open is lent by one training piece, not by many."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.errors import MusicLSTMError, RequestError
from musiclstm.generation import Wishes
from musiclstm.generation.wishes import MAX_BARS, check_wishes, plan_piece
from musiclstm.model import load_bundle
from musiclstm.score import Key, Meter, MeterMap, Part, Score
from tests.bundles import VOICES, chorale, chorales, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("wishes") / "m"))


def plans(bundle, n=40, **wishes):
    asked = Wishes(**wishes)
    check_wishes(asked, bundle.vocabulary)
    return [plan_piece(bundle, asked, np.random.default_rng([5, k])) for k in range(n)]


def test_what_is_left_open_comes_from_one_piece(bundle):
    """No plan mixes one piece's meter with another's tempo; and all pieces lend, in the end."""
    lent = {(s.meter_map, s.key, s.bpm if s.tempos else None, s.style or None) for s in chorales()}
    made = {
        (p.meter_map, p.conditions.key, p.conditions.tempo, p.conditions.style)
        for p in plans(bundle, 60)
    }
    assert made == lent


def test_what_the_model_is_told_is_what_is_written(bundle):
    for plan in plans(bundle):
        meters = plan.meter_map.meters
        assert plan.conditions.meter == (meters[0].name if meters else None)
        assert plan.conditions.tempo in (None, plan.tempo)
        assert plan.conditions.bars == 4
        assert [part.name for part in plan.parts] == [voice.lower() for voice in VOICES]
        assert {part.program for part in plan.parts} == {52}


def test_a_piece_without_a_tempo_gets_one_all_the_same(bundle):
    assert {p.tempo for p in plans(bundle) if p.conditions.tempo is None} == {100.0}


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8"])
def test_a_waltz_gets_a_waltz_s_tempo(bundle, meter):
    of_meter = [s for s in chorales() if [m.name for m in s.meter_map.meters] == [meter]]
    for plan in plans(bundle, meter=meter):
        assert plan.meter_map in [s.meter_map for s in of_meter]
        assert plan.conditions.meter == meter
        assert plan.tempo in [s.bpm for s in of_meter]


def test_a_style_brings_its_own_pieces(bundle):
    for plan in plans(bundle, style="dance"):
        assert plan.conditions.style == "dance"
        assert plan.conditions.meter in ("3/4", "6/8")


def test_style_and_meter_together(bundle):
    assert {p.tempo for p in plans(bundle, style="dance", meter="6/8")} == {180.0}


def test_what_never_met_is_still_made(bundle):
    """No dance is in common time: style and meter are as asked all the same."""
    for plan in plans(bundle, style="dance", meter="4/4"):
        assert (plan.conditions.style, plan.conditions.meter) == ("dance", "4/4")


def test_a_key_prefers_pieces_of_its_mode(bundle):
    """The only piece in minor is the waltz."""
    for plan in plans(bundle, key=Key(2, "minor")):
        assert plan.conditions.key == Key(2, "minor")
        assert plan.conditions.meter == "3/4"
    for plan in plans(bundle, key=Key(2, "minor"), meter="6/8"):
        assert (plan.conditions.key, plan.conditions.meter) == (Key(2, "minor"), "6/8")


def test_tempo_length_and_programs_are_kept(bundle):
    wishes = {"tempo": 63.5, "bars": 11, "programs": {"alto": 71, "bass": 0}}
    for plan in plans(bundle, **wishes):
        assert plan.tempo == plan.conditions.tempo == 63.5
        assert plan.conditions.bars == 11
        assert [part.program for part in plan.parts] == [52, 71, 52, 0]


keys = st.integers(0, 23).map(Key.from_index)


@settings(max_examples=100, deadline=None)
@given(
    bars=st.none() | st.integers(1, MAX_BARS),
    key=st.none() | keys,
    meter=st.none() | st.sampled_from(["4/4", "3/4", "6/8"]),
    tempo=st.none() | st.floats(1, 1000),
    style=st.none() | st.sampled_from(["plain", "dance"]),
    programs=st.dictionaries(
        st.sampled_from([voice.lower() for voice in VOICES]), st.integers(0, 127)
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_wish_is_kept(bundle, seed, **wishes):
    asked = Wishes(**wishes)
    check_wishes(asked, bundle.vocabulary)
    plan = plan_piece(bundle, asked, np.random.default_rng(seed))
    for name in ("bars", "key", "meter", "tempo", "style"):
        wish = wishes[name]
        assert wish is None or getattr(plan.conditions, name) == wish
    for part in plan.parts:
        assert part.program == wishes["programs"].get(part.name, 52)
    assert plan == plan_piece(bundle, asked, np.random.default_rng(seed))


def test_a_pickup_stays_shorter_than_the_bar(tmp_path):
    """The piece's first bar was 4/4, and its pickup three quarters of it."""
    piece = chorale(pickup=72)
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [piece, chorale(meter="2/4", seed=3)]))
    assert {p.meter_map.pickup_steps for p in plans(bundle, meter="4/4")} == {72}
    assert {p.meter_map for p in plans(bundle, meter="2/4")} == {MeterMap((Meter(0, 2, 4),))}


def test_a_piece_that_changes_its_meter_lends_the_first(tmp_path):
    score = chorale()
    changing = replace(score, meter_map=MeterMap((Meter(0, 4, 4), Meter(192, 3, 4))))
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [changing]))
    assert {p.meter_map for p in plans(bundle)} == {MeterMap((Meter(0, 4, 4),))}
    # a meter that only comes later is one the model knows
    assert {p.meter_map for p in plans(bundle, meter="3/4")} == {MeterMap((Meter(0, 3, 4),))}


def test_a_piece_of_some_parts_lends_those(tmp_path):
    duet = chorale("duet", seed=2).keep_parts([3, 0])
    full = chorale("full", seed=1)
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [full, duet]))
    assert {tuple(p.name for p in plan.parts) for plan in plans(bundle)} == {
        ("soprano", "alto", "tenor", "bass"),
        ("bass", "soprano"),
    }


def test_held_out_pieces_lend_nothing(bundle):
    pieces = [
        {**piece, "split": "train" if number == 3 else "valid"}
        for number, piece in enumerate(bundle.corpus["pieces"])
    ]
    some = replace(bundle, corpus={"pieces": pieces})
    assert {plan.conditions.meter for plan in plans(some)} == {"6/8"}


@pytest.mark.parametrize("corpus", [{}, {"pieces": []}])
def test_without_any_piece_the_model_still_plays(bundle, corpus):
    bare = replace(bundle, corpus=corpus)
    (plan,) = set(plans(bare, 3))
    assert plan.part_map == (0, 1, 2, 3)
    assert plan.meter_map == MeterMap()
    assert plan.conditions.bars == 32
    (waltz,) = set(plans(bare, 3, meter="3/4", bars=2))
    assert waltz.meter_map == MeterMap((Meter(0, 3, 4),))


def test_a_very_long_piece_lends_a_length_that_can_be_asked_for(tmp_path):
    rows = [[96 * bar, 96, 60, 80, 0] for bar in range(MAX_BARS + 50)]
    endless, _ = Score.build(rows, [Part()], key=Key(0))
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [endless]))
    assert plans(bundle, 1)[0].conditions.bars == MAX_BARS


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"bars": 0}, "0 bars cannot be composed; ask for 1 to 1000"),
        ({"bars": -4}, "-4 bars"),
        ({"bars": MAX_BARS + 1}, "1001 bars"),
        ({"tempo": 0}, "a tempo of 0 is out of range; use 1 to 1000"),
        ({"tempo": 1e9}, r"a tempo of 1e\+09"),
        ({"tempo": float("nan")}, "a tempo of nan"),
        ({"style": "tango"}, "no style 'tango'; it knows: dance, plain"),
        ({"style": ""}, "no style ''; it knows: dance, plain"),
        ({"meter": "5/4"}, "no meter 5/4; it knows: 3/4, 4/4, 6/8"),
        ({"programs": {"horn": 60}}, "no part 'horn'; it has: soprano, alto, tenor, bass"),
        ({"programs": {"alto": 128}}, "program 128 is outside 0 to 127"),
        ({"programs": {"alto": -1}}, "program -1"),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(bundle, wishes, message):
    with pytest.raises(RequestError, match=message) as caught:
        check_wishes(Wishes(**wishes), bundle.vocabulary)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("meter", ["waltz", "3", "3/5", "0/4", ""])
def test_what_is_no_meter_is_told_so(bundle, meter):
    with pytest.raises(MusicLSTMError, match="is no meter"):
        check_wishes(Wishes(meter=meter), bundle.vocabulary)


def test_a_model_without_styles_and_meters_says_so(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [chorale(meter=None)]))
    with pytest.raises(RequestError, match="none: it was trained without styles"):
        check_wishes(Wishes(style="plain"), bundle.vocabulary)
    with pytest.raises(RequestError, match="none: its corpus had no meters"):
        check_wishes(Wishes(meter="4/4"), bundle.vocabulary)
