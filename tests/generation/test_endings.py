"""Endings: where they begin to be drawn, and which is taken."""

from collections import Counter

import numpy as np
import pytest

from musiclstm.encoding import Conditions, build_vocabulary, encode
from musiclstm.generation import Resampling, compose
from musiclstm.generation.endings import Ending, begins_at, lowest_at_the_end, take
from musiclstm.generation.wishes import Plan
from musiclstm.model import load_bundle
from musiclstm.score import Key, Meter, MeterMap, Part, Score
from tests.bundles import chorales, tiny_bundle

PARTS = [Part(name="flute"), Part(name="drums", is_drum=True)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", chorales()))


def test_they_begin_two_bars_before_the_end(bundle):
    v = bundle.vocabulary

    def plan(bars):
        waltz = MeterMap((Meter(0, 3, 4),))
        return Plan(Conditions(bars=bars), waltz, (0,), (Part(),), 96.0)

    q = v.steps_per_quarter
    assert begins_at(plan(8), v) == 18 * q
    assert begins_at(plan(2), v) is None
    assert begins_at(plan(None), v) is None


def table(*notes):
    """Rows of one flute and drums, and what they mean."""
    score, _ = Score.build(list(notes), PARTS)
    v = build_vocabulary([score])
    return encode(score, v).events.astype(np.int32), v


def test_the_lowest_note_at_the_end():
    """Held notes sound too, and drums do not."""
    rows, v = table([0, 96, 48, 80, 0], [48, 24, 60, 80, 0], [48, 1, 36, 80, 1])
    assert lowest_at_the_end(rows, v) == 48
    rows, v = table([0, 24, 48, 80, 0], [48, 24, 60, 80, 0], [48, 1, 36, 80, 1])
    assert lowest_at_the_end(rows, v) == 60
    rows, v = table([0, 24 * 11, 48, 80, 0], [24 * 10, 24, 60, 80, 0])
    assert lowest_at_the_end(rows, v) == 48, "a tied note goes on"
    rows, v = table([0, 1, 36, 80, 1])
    assert lowest_at_the_end(rows, v) is None


def endings():
    """Three that end on C, D and C, with END of probability 1/2, 1/2 and 1/8; one is cut off."""
    found = []
    for pitch, share in ((60, 1 / 2), (62, 1 / 2), (60, 1 / 8)):
        rows, v = table([0, 24, pitch, 80, 0], [0, 1, 36, 80, 1])
        found.append(Ending(rows, True, float(np.log(share))))
    return [*found, Ending(found[0].rows, False, 0.0)], v


def test_the_likelier_end_is_taken():
    found, v = endings()
    lots = (np.arange(9000) + 0.5) / 9000
    ids = {id(ending): number for number, ending in enumerate(found)}
    taken = Counter(ids[id(take(found, None, v, lot))] for lot in lots)
    assert [round(taken[n] / 1000) for n in range(4)] == [4, 4, 1, 0]
    taken = Counter(ids[id(take(found, Key(0), v, lot))] for lot in lots)
    assert taken[1] < 200
    assert taken[0] > 3 * taken[2]
    assert take(found[3:], Key(0), v, 0.5) is found[3], "there is no other"


def test_a_piece_has_the_ending_that_was_taken(bundle):
    """Up to two bars before the end it is the same, however many endings are drawn."""
    one, many = (
        compose(bundle, 3, seed=4, bars=6, resampling=Resampling(candidates=2, endings=endings))
        for endings in (1, 6)
    )
    differ = 0
    for ours, theirs in zip(one, many, strict=True):
        fork = begins_at(ours.plan, bundle.vocabulary)
        q = bundle.vocabulary.steps_per_quarter
        a, b = (
            [row for row in piece.score.notes[:, [0, 2, 4]].tolist() if row[0] < fork - 4 * q]
            for piece in (ours, theirs)
        )
        assert a == b
        differ += not np.array_equal(ours.score.notes, theirs.score.notes)
    assert differ


def test_endings_are_the_piece_s_own(bundle):
    """They do not depend on how many pieces are composed beside it."""
    taking = Resampling(candidates=2, endings=3)
    many = compose(bundle, 4, seed=2, bars=4, resampling=taking)
    few = compose(bundle, 1, seed=2, bars=4, resampling=taking)
    assert many[0].score == few[0].score
