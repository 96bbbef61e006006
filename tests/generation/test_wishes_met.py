"""What of the wishes a piece does not meet is said, and nothing that is of no use."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.generation import Request, Wishes, drawn_as, fulfil
from musiclstm.generation.wishes_met import unmet
from musiclstm.model import load_bundle
from musiclstm.score import Key, Meter, MeterMap, Part, Score
from tests.bundles import chorale, tiny_bundle

C = Key(0)
NO_CADENCE = "the end is no cadence; "
ANOTHER = "another seed may find one"
# two bars of a melody over a bass, in C: (onset, duration, pitch, velocity, part)
CLOSED = [[0, 96, 72, 80, 0], [0, 96, 55, 80, 1], [96, 96, 72, 80, 0], [96, 96, 48, 80, 1]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("met") / "m"))


def said_of_end(rows, new, key=C, keep=""):
    score = Score(
        np.array(rows, np.int32),
        (Part(name="Flute"), Part(name="Cello")),
        meter_map=MeterMap((Meter(0, 4, 4),)),
    )
    return unmet(score, np.array(new, bool), Wishes(end="cadence"), key, 0, None, keep)


def ending(soprano, bass):
    return [*CLOSED[:2], [96, 96, soprano, 80, 0], [96, 96, bass, 80, 1]]


@pytest.mark.parametrize(
    ("rows", "new", "said"),
    [
        (CLOSED, [1, 1, 0, 0], None),  # a given end that is one
        (CLOSED, [1, 1, 1, 1], None),
        # the middle was written anew
        (ending(71, 55), [1, 1, 0, 0], "it was given, and stays as it is"),
        # a melody that ends on the leading note, with a new bass
        (ending(71, 48), [0, 1, 0, 1], "what was given there allows none"),
        # a melody above a bass that is not the tonic
        (ending(72, 55), [1, 0, 1, 0], "what was given there allows none"),
        # a melody that could close, whatever the new bass does
        (ending(72, 55), [0, 1, 0, 1], ANOTHER),
        (ending(72, 55), [1, 1, 1, 1], ANOTHER),
    ],
)
def test_an_end_that_was_given_is_not_left_to_another_seed(rows, new, said):
    assert said_of_end(rows, new) == (() if said is None else (NO_CADENCE + said,))


def test_a_rhythm_that_is_kept_may_end_where_no_cadence_stands():
    """On the second beat of 4/4; on the third the notes may be at fault, and others be drawn."""
    for beat, said in ((1, "the rhythm that is kept ends on a weak beat"), (2, ANOTHER)):
        rows = [[24 * beat, 24, pitch, 80, part] for part, pitch in enumerate((71, 55))]
        assert said_of_end(rows, [1, 1], keep="rhythm") == (NO_CADENCE + said,)
        assert said_of_end(rows, [1, 1]) == (NO_CADENCE + ANOTHER,)


def test_a_major_third_may_close_a_piece_in_minor():
    """Of a given E natural in C minor nothing keeps the new bass from closing."""
    (said,) = said_of_end(ending(76, 55), [0, 1, 0, 1], Key(0, "minor"))
    assert said == NO_CADENCE + ANOTHER


def test_the_end_of_a_piece_whose_middle_is_written_anew(bundle):
    """Of the end nobody asked anything, and no seed can change it."""
    given = chorale("mine", seed=2, bars=6, key=C)
    wishes = {"end": "cadence", "key": "F#"}
    options = {"bars": [2, 3], "particles": 2}
    request = Request("infill", 1, 1, 1, None, wishes, drawn_as(bundle, {}), options)
    (made,) = fulfil(bundle, request, given)
    assert made.remarks[-1] == NO_CADENCE + "it was given, and stays as it is"


def test_a_range_is_that_of_the_model_s_part():
    score = Score(np.array(CLOSED, np.int32), (Part(name="Flute I"), Part(name="Cello")))
    new, wishes = np.ones(4, bool), Wishes(ranges={"soprano": (60, 65)})
    assert unmet(score, new, wishes, None, 0) == ()  # no part is called so
    names = ["soprano", None]
    said = "100% of the notes of soprano lie outside the range asked for"
    assert unmet(score, new, wishes, None, 0, names) == (said,)
    # its own name counts for nothing then
    assert unmet(score, new, Wishes(ranges={"cello": (0, 1)}), None, 0, names) == ()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("infill", {"bars": [2, 3], "particles": 2}),
        ("vary", {"keep": "rhythm", "particles": 2}),
        ("continue", {"bars": 2}),
    ],
)
def test_the_range_of_a_part_with_a_name_of_its_own_is_looked_at(
    bundle, command, options, monkeypatch
):
    """Whatever the flute plays is outside this range of the model's soprano."""

    def with_a_range(score, new, _, *more):
        return unmet(score, new, Wishes(ranges={"soprano": (0, 1)}), *more)

    monkeypatch.setattr("musiclstm.generation.request.unmet", with_a_range)
    given = chorale("mine", seed=2, bars=4)
    names = ("Flute I", "Flute II", "Horn", "Cello")
    parts = tuple(replace(part, name=name) for part, name in zip(given.parts, names, strict=True))
    request = Request(command, 1, 1, 1, None, {}, drawn_as(bundle, {}), options)
    (made,) = fulfil(bundle, request, replace(given, parts=parts))
    assert made.score.parts[0].name == "Flute I"
    assert made.remarks[-1] == "100% of the notes of soprano lie outside the range asked for"
