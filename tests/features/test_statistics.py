import pytest
from hypothesis import given

from musiclstm.features import longest_repeat, notes_per_bar, out_of_key_share
from musiclstm.score import Key, Meter, MeterMap, Part, Score
from tests.strategies import scores

PIANO, DRUMS = Part(), Part(0, True)


def build(rows, parts=(PIANO,), **attributes) -> Score:
    return Score.build(rows, parts, **attributes)[0]


def test_notes_per_bar_counts_all_parts_and_knows_the_meter():
    rows = [[step, 12, 60, 80, step // 12 % 2] for step in range(0, 144, 12)]
    waltz = MeterMap((Meter(0, 3, 4),))
    assert notes_per_bar(build(rows, (PIANO, DRUMS), meter_map=waltz)) == 6


def test_pickup_adds_notes_and_no_bar():
    rows = [[0, 24, 60, 80, 0], [24, 72, 60, 80, 0]]
    assert notes_per_bar(build(rows, meter_map=MeterMap((Meter(0, 3, 4),), 24))) == 2
    assert notes_per_bar(build(rows[:1], meter_map=MeterMap((Meter(0, 3, 4),), 24))) == 1


def test_an_empty_piece_has_nothing():
    empty = Score([], (PIANO,))
    assert (notes_per_bar(empty), longest_repeat(empty), out_of_key_share(empty)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0, 12, 60, 80, 0]], 1),
        ([[0, 12, 60, 80, 0], [12, 12, 60, 20, 0]], 2),  # velocity does not matter
        ([[0, 12, 60, 80, 0], [500, 12, 60, 80, 0]], 2),  # nor does a rest
        ([[0, 12, 60, 80, 0], [12, 24, 60, 80, 0]], 1),  # duration does
        # a chord is one event, equal only as a whole
        ([[s, 12, p, 80, 0] for s in (0, 12, 24) for p in (60, 64)], 3),
        ([*([s, 12, p, 80, 0] for s in (0, 12) for p in (60, 64)), [24, 12, 60, 80, 0]], 2),
        # parts are apart
        ([[0, 12, 60, 80, 0], [12, 12, 60, 80, 1], [24, 12, 60, 80, 0]], 2),
    ],
)
def test_longest_repeat(rows, expected):
    assert longest_repeat(build(rows, (PIANO, PIANO))) == expected


def test_drums_may_repeat():
    rows = [[step, 1, 42, 80, 0] for step in range(0, 960, 12)]
    assert longest_repeat(build(rows, (DRUMS,))) == 0


@given(scores())
def test_longest_repeat_is_between_one_and_the_number_of_notes(score):
    pitched = sum(not score.parts[part].is_drum for part in score.notes[:, 4])
    assert min(1, pitched) <= longest_repeat(score) <= pitched


def test_minor_holds_its_raised_degrees():
    notes = [57, 59, 60, 62, 64, 65, 66, 67, 68]  # A minor with F, F#, G and G#
    rows = [[24 * place, 24, pitch, 80, 0] for place, pitch in enumerate(notes)]
    assert out_of_key_share(build(rows), Key(9, "minor")) == 0
    assert out_of_key_share(build(rows), Key(0)) == pytest.approx(2 / 9)


def test_key_is_the_given_then_the_written_then_the_found_one():
    rows = [[24 * place, 24, pitch, 80, 0] for place, pitch in enumerate((62, 66, 69, 62, 57))]
    score = build(rows, key=Key(0))
    assert out_of_key_share(score, Key(2)) == 0
    assert out_of_key_share(score) == pytest.approx(1 / 5)  # F sharp, in C
    assert out_of_key_share(build(rows)) == 0  # found: D major


@given(scores())
def test_share_is_a_share(score):
    assert 0 <= out_of_key_share(score) <= 1 + 1e-12
