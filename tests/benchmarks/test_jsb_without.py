"""Training without a part of the context: what is left out is, and nothing else."""

import numpy as np
import pytest

from benchmarks.jsb_without import WITHOUT, without
from musiclstm.encoding import Conditions, build_vocabulary, encode, prepare
from musiclstm.encoding.layout import layout
from musiclstm.model import decoder
from musiclstm.training import batches
from tests.bundles import chorale

CHANGED = {
    "recall": {"pitch_candidates", "duration_candidates", "pitch_matches", "duration_matches"}
    | {"voice_ids", "note_ids"},
    "others": {"voice_ids", "note_ids"},
    "histograms": {"voice_shares", "note_shares"},
    "motions": {"motion_ids"},
    "sonorities": {"sonority_ids"},
    "intervals": {"reference"},
}


def prepared(score=None):
    score = score or chorale(bars=8)
    v = build_vocabulary([score])
    return prepare(encode(score, v), v, conditions=Conditions(key=score.key)), v


@pytest.mark.parametrize("name", list(WITHOUT))
def test_only_that_is_left_out(name):
    piece, v = prepared()
    poorer = WITHOUT[name](piece, v)
    context, left = vars(piece.context), vars(poorer.context)
    assert {each for each in context if not np.array_equal(context[each], left[each])} == (
        CHANGED[name]
    )
    assert np.array_equal(piece.after_ids, poorer.after_ids) == (name != "recall")
    for each in ("inputs", "targets", "legal", "counts"):
        assert np.array_equal(getattr(piece, each), getattr(poorer, each))


def test_columns_are_those_of_the_other_parts():
    """A solo has none of them: there is nobody else, and its own place is left out as well."""
    piece, v = prepared()
    poorer = WITHOUT["others"](piece, v)
    columns = layout(v).voice
    kept = (piece.context.voice_ids == poorer.context.voice_ids).all(axis=0)
    assert np.flatnonzero(~kept).min() >= 10
    assert np.flatnonzero(~kept).max() < 10 + 6 * len(v.parts)
    assert (poorer.context.voice_ids[:, 10 : 10 + 6 * len(v.parts)] == columns.rows).all()


def test_learning_and_judging_are_both_without_it():
    before = batches.prepare, decoder.prepare
    score = chorale(bars=4)
    v = build_vocabulary([score])
    with without(("motions",)):
        for reader in (batches, decoder):
            ids = reader.prepare(encode(score, v), v).context.motion_ids
            assert len(np.unique(ids)) == 1
    assert (batches.prepare, decoder.prepare) == before
    with without(()):
        assert batches.prepare is before[0]
