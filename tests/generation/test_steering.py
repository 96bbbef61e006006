"""Wishes that steer: chords, density, range and cadence, with a model that has learned nothing."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field, style_shares
from musiclstm.errors import RequestError
from musiclstm.features.chord_symbols import chord_spans, parse_progression
from musiclstm.features.harmony import is_cadence, share_on_chords
from musiclstm.generation import Manner, Wishes, compose, harmonize
from musiclstm.generation.steering import Sheet, Steering
from musiclstm.generation.wishes_met import unmet
from musiclstm.model import load_bundle
from musiclstm.score import Column, Key, MeterMap
from tests.bundles import chorale, chorales, tiny_bundle

CHORDS = "C | Am F | G7 | C"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", chorales()))


@pytest.fixture(scope="module")
def trained():
    """A model that has learned: what leans must have something to lean on."""
    return load_bundle("chorales")


def share(score, text=CHORDS):
    spans = chord_spans(parse_progression(text), score.meter_map, 8, score.steps_per_quarter)
    return share_on_chords(score, spans)


def composed(bundle, **wishes):
    return [piece.score for piece in compose(bundle, 3, seed=1, bars=8, meter="4/4", **wishes)]


def test_chords_are_kept_to(bundle):
    alone = np.mean([share(score) for score in composed(bundle, key=Key(0))])
    wished = np.mean([share(score) for score in composed(bundle, chords=CHORDS)])
    assert alone < 0.6
    assert wished > alone + 0.25


def test_density_leans_both_ways(trained):
    few, usual, many = (
        np.mean([len(piece.score.notes) / 6 for piece in compose(trained, 3, bars=6, **wish)])
        for wish in ({"density": 9}, {}, {"density": 26})
    )
    assert few < 0.85 * usual
    assert usual < many


def test_a_range_is_never_left(bundle):
    for score in composed(bundle, ranges={"soprano": (67, 72)}):
        soprano = score.notes[score.notes[:, Column.PART] == 0, Column.PITCH]
        assert len(soprano)
        assert soprano.min() >= 67
        assert soprano.max() <= 72


def test_a_cadence_closes(trained):
    for piece in compose(trained, 3, seed=2, bars=4, meter="4/4", end="cadence"):
        assert is_cadence(piece.score, piece.plan.conditions.key)


def test_wishes_hold_for_what_is_added_to_a_melody_in_another_key(bundle):
    """What is asked for is meant as it is written, wherever the model reads the melody."""
    melody = chorale(seed=3, key=Key(0), bars=8).keep_parts([0]).transposed(12)
    manner = Manner(seed=1, particles=8)
    made = harmonize(bundle, melody, manner=manner, wishes=Wishes(chords=CHORDS))
    assert made.reading.semitones == -12
    free = harmonize(bundle, melody, manner=manner)
    lower = [of.score.keep_parts([1, 2, 3]) for of in (made, free)]
    assert share(lower[0]) > share(lower[1]) + 0.2


def test_what_is_not_met_is_said(bundle):
    (score, *_) = composed(bundle, key=Key(0))
    new = np.ones(len(score.notes), bool)
    said = unmet(score, new, Wishes(chords="F#", density=3, end="cadence"), None, 0)
    assert len(said) == 3
    assert unmet(score, new, Wishes(density=len(score.notes) / score.bars), None, 0) == ()
    assert unmet(score, ~new, Wishes(chords="F#"), None, 0) == ()


def test_a_progression_begins_where_what_is_composed_begins(bundle):
    """With a primer of three bars it begins with the fourth, and with bar 2 of a stretch there."""
    primer = chorale(seed=2, bars=3)
    made = compose(bundle, seed=1, primer=primer, bars=8, chords=CHORDS)[0]
    added = replace(made.score, notes=made.score.notes[made.new])
    spans = [
        chord_spans(parse_progression(CHORDS), added.meter_map, 11, 24, first) for first in (3, 0)
    ]
    assert share_on_chords(added, spans[0]) > share_on_chords(added, spans[1]) + 0.1


def test_no_wish_is_no_tilt(bundle):
    v = bundle.vocabulary
    state = bundle.decoder.start(Conditions(), range(4), 2)
    nothing = np.zeros((2, 5), np.int32)
    assert Steering.start([None, None], v).tilt(Field.PITCH, state, nothing) is None
    spans = chord_spans(parse_progression("C"), MeterMap(), 1, v.steps_per_quarter)
    mixed = Steering.start([None, Sheet.of(spans)], v).tilt(Field.PITCH, state, nothing)
    assert not mixed[0].any()
    assert set(np.flatnonzero(mixed[1] == 0) % 12) == {0, 4, 7}


def test_only_a_written_bass_binds_the_lowest_part():
    basses = []
    for figure in ("C", "C/E", "C6/9", "C6/9/E"):
        spans = chord_spans(parse_progression(figure), MeterMap(), 1, 24)
        basses.append(set(Sheet.of(spans).bass))
    assert basses == [{-1}, {4}, {-1}, {4}]


def test_styles_are_mixed_by_their_shares(bundle):
    v, decoder = bundle.vocabulary, bundle.decoder
    said = {
        style: decoder.start(Conditions(style=style), range(4)).conditions[0]
        for style in ("plain", "dance", "plain:3,dance:1", "plain:1")
    }
    mixed = 0.75 * said["plain"] + 0.25 * said["dance"]
    assert said["plain:3,dance:1"] == pytest.approx(mixed, abs=1e-6)
    assert said["plain:1"] == pytest.approx(said["plain"], abs=1e-6)
    assert np.abs(said["plain"] - said["dance"]).max() > 0.01
    assert style_shares("a:b", ["a:b"]) == {"a:b": 1.0}
    assert compose(bundle, bars=2, style="plain:0.5,dance:0.5")
    assert v.style_names == ("dance", "plain")


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"style": "plain:0.5,polka:0.5"}, "no style 'polka'"),
        ({"style": "plain:-1"}, "is no style and share"),
        ({"end": "bang"}, "cannot end with"),
        ({"density": 0}, "density of 0"),
        ({"chords": "C | ?"}, "is no chord symbol"),
        ({"ranges": {"horn": (1, 2)}}, "no part 'horn'"),
        ({"ranges": {"alto": (60, 61)}, "chords": "G"}, "has no note of G"),
    ],
)
def test_wishes_that_are_none(bundle, wishes, words):
    with pytest.raises(RequestError, match=words):
        compose(bundle, bars=2, **wishes)
