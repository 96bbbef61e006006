"""Chorale rules: by hand, and beside the counts that need no music21."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.evaluation.chorale_rules import RULES, chorale_rules, is_four_part
from musiclstm.features import voice_leading
from musiclstm.score import Part, Score
from tests.bundles import chorale
from tests.strategies import scores

Q = 24


def sung(*chords):
    """Chords of four pitches, soprano first, a quarter each."""
    rows = [
        [Q * n, Q, pitch, 80, voice]
        for n, chord in enumerate(chords)
        for voice, pitch in enumerate(chord)
    ]
    return Score.build(rows, [Part(52, name=name) for name in "SATB"])[0]


HOME = (72, 67, 64, 48)


@pytest.mark.parametrize(
    ("chords", "broken"),
    [
        ((HOME, (74, 69, 65, 50)), {"parallel_octaves": 1, "parallel_fifths": 1}),
        ((HOME, HOME), {"moves": 0}),
        ((HOME, (71, 67, 62, 55)), {"parallel_octaves": 0, "parallel_fifths": 0, "moves": 6}),
        (((72, 64, 60, 48), (72, 64, 66, 48)), {"crossings": 1}),
        (((76, 62, 60, 48), (76, 62, 59, 48)), {"wide_spacings": 2 * Q}),
        (((72, 64, 60, 48), (72, 64, 60, 36)), {"out_of_range": 1}),
        (((67, 64, 60, 45), (74, 65, 62, 50)), {"hidden_octaves": 1}),
    ],
)
def test_rules_by_hand(chords, broken):
    found = chorale_rules(sung(*chords))
    assert {name: found[name] for name in broken} == broken


def test_every_rule_is_counted():
    assert set(chorale_rules(chorale())) == {*RULES, "moves"}


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(*(st.integers(low, low + 9) for low in (70, 60, 50, 40))),  # nobody crosses
        min_size=2,
        max_size=6,
    )
)
def test_parallels_are_those_counted_without_music21(chords):
    score = sung(*chords)
    ours, told = voice_leading(score), chorale_rules(score)
    assert told["parallel_fifths"] == ours.parallel_fifths
    assert told["parallel_octaves"] <= ours.parallel_octaves  # a unison that opens to an octave
    assert told["wide_spacings"] == ours.wide_spacings
    assert told["out_of_range"] == ours.out_of_range


@given(scores())
def test_only_four_single_voices_are_four_part(score):
    if is_four_part([score]):
        assert len(score.parts) == 4
        assert chorale_rules(score)["moves"] >= 0


def test_what_is_four_part():
    assert is_four_part([chorale(), chorale(seed=3)])
    assert not is_four_part([])
    assert not is_four_part([chorale(), Score([[0, Q, 60, 80, 0]], (Part(),))])
    upside_down = sung((48, 60, 64, 72), (48, 60, 64, 72))
    assert not is_four_part([upside_down])
    rows = [*sung((72, 67, 64, 48)).notes.tolist(), [0, Q, 75, 80, 0]]
    assert not is_four_part([Score.build(rows, [Part(52, name=name) for name in "SATB"])[0]])
