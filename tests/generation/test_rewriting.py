"""Music around what is given: nothing of it moves, whatever is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.errors import RequestError
from musiclstm.generation import Manner, Wishes, harmonize, infill, vary
from musiclstm.model import load_bundle
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score
from tests.bundles import chorale, chorales, tiny_bundle

FEW = Manner(seed=3, particles=4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", chorales()))


def in_quarters(score, kept=None):
    """Notes as onset, duration, pitch, velocity and part, in quarters: a set."""
    notes = score.notes if kept is None else score.notes[kept]
    q = score.steps_per_quarter
    return {
        (on / q, length / q, pitch, vel, part) for on, length, pitch, vel, part in notes.tolist()
    }


def bars_of(score, notes):
    return score.meter_map.locate(notes[:, Column.ONSET], score.steps_per_quarter).bar + 1


def tune(rows, **attributes):
    return Score.build(rows, [Part(73, name="Flute")], **attributes)[0]


TUNES = {
    "plain": chorale(seed=7).keep_parts([0]),
    "pickup": chorale(seed=8, pickup=24).keep_parts([0]),
    "five": tune(
        [[24 * n, 24, 67 + n % 5, 90, 0] for n in range(20)],
        meter_map=MeterMap((Meter(0, 5, 4),)),
    ),
    "between the steps": tune(
        [[160 * n + 7, 150, 60 + n % 7, 31 + n, 0] for n in range(12)], steps_per_quarter=480
    ),
    "triplets and long notes": tune(
        [*([8 * n, 8, 60 + n, 80, 0] for n in range(9)), [72, 24 * 30, 64, 80, 0]]
    ),
    "high": tune([[24 * n, 20, 100 + n % 4, 80, 0] for n in range(8)], key=Key(2)),
    "of 220 ticks": tune(
        [[220 * n + 7 * n, 199, 60 + n % 7, 80, 0] for n in range(12)], steps_per_quarter=220
    ),
    "of 512 ticks": tune(
        [[512 * n + 5, 171, 60 + n % 7, 80, 0] for n in range(12)], steps_per_quarter=512
    ),
    "a late entry": tune([[24 * 9, 24, 60, 80, 0], [24 * 40, 24, 62, 80, 0]]),
}


@pytest.mark.parametrize("name", TUNES)
def test_a_harmonised_melody_stays_as_it_came(bundle, name):
    melody = TUNES[name]
    made = harmonize(bundle, melody, manner=FEW)
    assert in_quarters(made.score, ~made.new) == in_quarters(melody)
    assert made.score.parts[0] == melody.parts[0]
    assert made.score.meter_map.specified == melody.meter_map.specified
    added = made.score.notes[made.new]
    assert len(added)
    assert set(added[:, Column.PART].tolist()) <= {1, 2, 3}
    assert {part.name for part in made.score.parts[1:]} == {"alto", "tenor", "bass"}
    assert made.score.end / made.score.steps_per_quarter <= -(
        -melody.end // melody.steps_per_quarter
    )


@pytest.mark.parametrize("part", ["bass", "3"])
def test_the_melody_may_be_any_part(bundle, part):
    melody = chorale(seed=9).keep_parts([3 if part == "bass" else 2])
    made = harmonize(bundle, melody, [part], FEW)
    assert in_quarters(made.score, ~made.new) == in_quarters(melody)
    model = bundle.vocabulary.parts[3 if part == "bass" else 2].name
    assert model not in {added.name for added in made.score.parts[1:]}


def test_several_parts_may_be_given_and_drums_stay(bundle):
    outer = chorale(seed=10).keep_parts([0, 3])
    rows = np.concatenate([outer.notes, [[24 * n, 1, 38, 99, 2] for n in range(4)]])
    given, _ = Score.build(rows, [*outer.parts, Part(is_drum=True, name="kit")])
    made = harmonize(bundle, given, manner=FEW)
    assert in_quarters(made.score, ~made.new) == in_quarters(given)
    assert len(made.score.parts) == 5
    assert any("kit" in remark for remark in made.reading.remarks)


@pytest.mark.parametrize(
    ("bars", "parts"), [((2, 3), ()), ((1, 1), ("bass",)), ((4, 4), ()), ((1, 4), ("alto", "1"))]
)
def test_infill_changes_nothing_outside(bundle, bars, parts):
    piece = chorale(seed=11, bars=4)
    made = infill(bundle, piece, bars, parts, FEW)
    old, new = piece.notes, made.score.notes[made.new]
    numbers = {"bass": 3, "alto": 1, "1": 0}
    chosen = {numbers[name] for name in parts} or {0, 1, 2, 3}
    at = bars_of(piece, old)
    open_ = (bars[0] <= at) & (at <= bars[1]) & np.isin(old[:, Column.PART], list(chosen))
    q = piece.steps_per_quarter
    stays = {(on / q, n / q, pitch, vel, part) for on, n, pitch, vel, part in old[~open_].tolist()}
    assert in_quarters(made.score, ~made.new) == stays
    assert set(new[:, Column.PART].tolist()) <= chosen
    where = bars_of(made.score, new)
    assert ((bars[0] <= where) & (where <= bars[1])).all()


def test_a_part_without_a_name_has_its_number(bundle):
    piece = chorale(seed=11, bars=4)
    nameless = replace(piece, parts=tuple(replace(part, name="") for part in piece.parts))
    for name, part in (("part 2", 1), ("2", 1)):
        made = infill(bundle, nameless, (2, 2), [name], FEW)
        assert set(made.score.notes[made.new, Column.PART].tolist()) <= {part}


def in_bars(score, first, last, part=None):
    """Notes that begin in some bars, of one part or all: a set."""
    at = bars_of(score, score.notes)
    chosen = (first <= at) & (at <= last)
    if part is not None:
        chosen &= score.notes[:, Column.PART] == part
    return in_quarters(score, chosen)


def two_flutes():
    """A chorale with a second flute that the model reads as one with the first."""
    piece = chorale(seed=11, bars=4)
    second = piece.notes[piece.notes[:, Column.PART] == 0].copy()
    second[1::2, Column.PITCH] -= 3  # every other note is in unison
    second[:, Column.VELOCITY] = 33
    second[:, Column.PART] = 4
    parts = [replace(part, name=name) for part, name in zip(piece.parts, VOICES, strict=True)]
    score, _ = Score.build(
        np.concatenate([piece.notes, second]),
        [*parts, replace(parts[0], name="Soprano 2")],
        meter_map=piece.meter_map,
    )
    return score


VOICES = ("Soprano 1", "Alto", "Tenor", "Bass")


@pytest.mark.parametrize("name", ["soprano 1", "1"])
def test_of_parts_read_as_one_only_the_named_is_written_anew(bundle, name):
    piece = two_flutes()
    for seed in range(4):
        made = infill(bundle, piece, (2, 3), [name], Manner(seed, particles=4))
        assert made.reading.goals[0] == made.reading.goals[4] == 0
        for part in range(1, 5):
            assert in_bars(made.score, 1, 4, part) == in_bars(piece, 1, 4, part)
        assert in_bars(made.score, 1, 1, 0) == in_bars(piece, 1, 1, 0)
        assert in_bars(made.score, 2, 3, 0) != in_bars(piece, 2, 3, 0)
        assert set(made.score.notes[made.new, Column.PART].tolist()) == {0}


@pytest.mark.parametrize("parts", [(), ("soprano 2",), ("soprano 1", "bass")])
def test_a_kept_rhythm_is_kept_in_parts_read_as_one(bundle, parts):
    piece = two_flutes()
    made = vary(bundle, piece, "rhythm", 1.0, parts, FEW)
    columns = [Column.ONSET, Column.DURATION, Column.VELOCITY, Column.PART]

    def rhythm(score):
        return sorted(map(tuple, score.notes[:, columns].tolist()))

    assert rhythm(made.score) == rhythm(piece)
    chosen = {"soprano 1": 0, "soprano 2": 4, "bass": 3}
    for part in {*range(5)} - {chosen[name] for name in parts} if parts else ():
        assert in_bars(made.score, 1, 4, part) == in_bars(piece, 1, 4, part)


@pytest.mark.parametrize("parts", [(), ("soprano 2",), ("soprano 1", "bass")])
def test_kept_pitches_are_kept_in_parts_read_as_one(bundle, parts):
    piece = two_flutes()
    made = vary(bundle, piece, "pitch", 1.0, parts, FEW)
    for part in range(5):  # those in unison with a given one stay where they are
        assert sorted(pitches_of(made.score, part)) == sorted(pitches_of(piece, part))


def test_hands_that_are_read_as_one_stay_apart(bundle):
    """New notes go to the part whose own lie nearest, not all to the first."""
    right = [[24 * n, 24, 76 + n % 3, 80, 0] for n in range(16)]
    left = [[24 * n, 24, 48 + n % 3, 80, 1] for n in range(16)]
    piece, _ = Score.build(
        [*right, *left],
        [Part(name="soprano"), Part(name="soprano")],
        meter_map=MeterMap((Meter(0, 4, 4),)),
    )
    made = infill(bundle, piece, (2, 3), manner=Manner(2, particles=4))
    new = made.score.notes[made.new]
    assert set(new[:, Column.PART].tolist()) <= {0, 1}
    middle = (76 + 49) / 2
    alone = [row for row in new.tolist() if (new[:, Column.ONSET] == row[0]).sum() == 1]
    assert {row[Column.PART] for row in alone if row[Column.PITCH] > middle} <= {0}
    assert {row[Column.PART] for row in alone if row[Column.PITCH] < middle} <= {1}


def test_bars_after_the_last_note_that_is_heard_are_refused(bundle):
    tune_ = chorale(seed=11, bars=2)
    kit = [[96 * n, 1, 38, 99, 4] for n in range(6)]
    piece, _ = Score.build(
        [*tune_.notes.tolist(), *kit],
        [*tune_.parts, Part(is_drum=True, name="kit")],
        meter_map=tune_.meter_map,
    )
    with pytest.raises(RequestError, match="ends before bar 4"):
        infill(bundle, piece, (4, 5), manner=FEW)


def test_infill_joins_without_a_doubled_note(bundle):
    """A part of one voice is never struck while it sounds, nor held into what is given."""
    for seed in range(6):
        made = infill(bundle, chorale(seed=12, bars=4), (2, 3), manner=Manner(seed, particles=3))
        for part in range(4):
            own = made.score.notes[made.score.notes[:, Column.PART] == part]
            ends = own[:, Column.ONSET] + own[:, Column.DURATION]
            assert (own[1:, Column.ONSET] >= ends[:-1]).all()


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_a_kept_rhythm_is_kept_to_the_step(bundle, amount):
    piece = chorale(seed=13, bars=4)
    made = vary(bundle, piece, "rhythm", amount, manner=FEW)
    columns = [Column.ONSET, Column.DURATION, Column.VELOCITY, Column.PART]
    assert np.array_equal(
        np.unique(made.score.notes[:, columns], axis=0), np.unique(piece.notes[:, columns], axis=0)
    )
    assert not np.array_equal(made.score.notes, piece.notes)
    varied = set(bars_of(made.score, made.score.notes[made.new]).tolist())
    assert len(varied) == max(1, round(4 * amount))


def test_a_rhythm_between_the_steps_is_kept_too(bundle):
    melody = TUNES["between the steps"]
    made = vary(bundle, melody, "rhythm", 1.0, manner=FEW)
    columns = [Column.ONSET, Column.DURATION, Column.VELOCITY]
    assert np.array_equal(made.score.notes[:, columns], melody.notes[:, columns])


def pitches_of(score, part):
    return score.notes[score.notes[:, Column.PART] == part, Column.PITCH].tolist()


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_kept_pitches_come_in_their_order_and_all_of_them(bundle, amount):
    piece = chorale(seed=14, bars=4)
    for seed in range(4):
        made = vary(bundle, piece, "pitch", amount, manner=Manner(seed, particles=3))
        for part in range(4):
            assert pitches_of(made.score, part) == pitches_of(piece, part)
    assert in_bars(made.score, 1, 4) != in_bars(piece, 1, 4)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 95),
            st.integers(1, 60),
            st.integers(50, 60),
            st.sampled_from([0, 0, 1, 3]),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 50),
    st.sampled_from([0.3, 1.0]),
)
def test_any_kept_pitches_find_their_place(bundle, notes, seed, amount):
    """Repeated pitches, chords, notes a step apart: nothing is lost, and no way is a dead end."""
    rows = [[onset, length, pitch, 80, part] for onset, length, pitch, part in notes]
    piece, _ = Score.build(
        rows, chorale().parts, meter_map=MeterMap((Meter(0, 2, 4),)), steps_per_quarter=24
    )
    made = vary(bundle, piece, "pitch", amount, manner=Manner(seed, particles=2))
    for part in range(4):
        assert sorted(pitches_of(made.score, part)) == sorted(pitches_of(piece, part))


def test_the_same_seed_makes_the_same_and_another_another(bundle):
    melody = TUNES["plain"]
    one, same, other = (
        harmonize(bundle, melody, manner=Manner(seed, particles=3)).score for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 120), st.integers(20, 108)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([1, 7, 24, 480]),
    st.integers(0, 50),
)
def test_any_melody_is_kept(bundle, notes, grid, seed):
    rows, step = [], 0
    for gap, length, pitch in notes:
        rows.append([step + gap, length, pitch, 1 + pitch, 0])
        step += gap + length
    melody = tune(rows, steps_per_quarter=grid)
    if melody.end / grid > 200:  # a minute of silence is tried elsewhere
        return
    made = harmonize(bundle, melody, manner=Manner(seed, particles=2))
    assert in_quarters(made.score, ~made.new) == in_quarters(melody)


def chords():
    return Score.build([[0, 24, pitch, 80, 0] for pitch in (60, 64)], [Part(name="piano")])[0]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (lambda b: harmonize(b, chords()), "2 notes at once"),
        (lambda b: harmonize(b, TUNES["plain"], ["horn"]), "no part 'horn'; it has: soprano"),
        (lambda b: harmonize(b, TUNES["plain"], ["bass", "alto"]), "2 were named"),
        (lambda b: harmonize(b, chorale()), "nothing is left to add"),
        (lambda b: infill(b, chorale(bars=4), (3, 9)), "bars 3-9 are not in the piece"),
        (lambda b: infill(b, chorale(bars=4), (0, 1)), "it has bars 1-4"),
        (lambda b: infill(b, chorale(bars=4), (2, 1)), "are not in the piece"),
        (lambda b: infill(b, chorale(), (1, 1), ["horn"]), "no part is called 'horn'"),
        (lambda b: vary(b, chorale(), "tempo"), "cannot be kept"),
        (lambda b: vary(b, chorale(), "pitch", 0.0), "out of range"),
        (lambda b: vary(b, chorale(), "pitch", wishes=Wishes(meter="3/4")), "its own meter"),
        (lambda b: harmonize(b, TUNES["plain"], manner=Manner(particles=0)), "0 particles"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(bundle, wish, words):
    with pytest.raises(RequestError, match=words) as caught:
        wish(bundle)
    assert "\n" not in str(caught.value)
