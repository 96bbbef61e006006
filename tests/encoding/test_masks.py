"""Hard masks: every legal walk is one score, and neither masks nor context look ahead."""

from dataclasses import replace
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Conditions, Field, build_vocabulary, decode, encode, prepare
from musiclstm.score import Key
from tests.encoding.walks import active_parts, encoded_of, random_rows, small_vocabulary
from tests.strategies import scores


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.integers(0, 120))
def test_every_legal_walk_is_the_table_of_one_score(seed, n_parts, crowd, length):
    """Legal rows decode to a score that encodes to the same rows: nothing is counted twice."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else ())
    active = rng.random((1, n_parts)) < 0.8
    rows = random_rows(v, active, length, rng, crowd=crowd)
    score = decode(encoded_of(rows, v, active), v)
    if len(score.notes):
        assert encode(score, v).events.tolist() == rows.tolist()
    else:
        assert rows.tolist() == [[v.end, 0, 0, 0, 0]]


@settings(max_examples=100, deadline=None)
@given(scores(max_parts=4, min_notes=4), st.data())
def test_no_context_and_no_mask_sees_the_future(score, data):
    """Rows after a place are replaced by others; nothing at or before it moves."""
    v = build_vocabulary([score])
    assert_blind(encode(score, v), v, data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.data())
def test_nor_does_what_comes_again_give_itself_away(seed, n_parts, data):
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else ())
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, 60, np.random.default_rng(seed), familiar=0.8)
    assert_blind(encoded_of(rows, v, active), v, data)


def assert_blind(encoded, v, data):
    """What is said of rows is the same whatever comes after them."""
    place = data.draw(st.integers(0, len(encoded.events) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    other = random_rows(v, active_parts(encoded, v), 30, rng)
    if encoded.events[place - 1, Field.DURATION] == v.tie or place == 0:
        changed = encoded.events  # nothing may stand between a note and its continuation
    else:
        first = np.array([[v.max_shift, *other[0, 1:]]]) if len(other) > 1 else other[:1]
        changed = np.concatenate([encoded.events[:place], first, other[1:]]).astype(np.int32)
    known = Conditions(bars=8, key=Key(2, "minor"))
    one = prepare(encoded, v, conditions=known)
    two = prepare(replace(encoded, events=changed), v, conditions=known)
    upto = place + 1  # rows count from START
    assert np.array_equal(one.inputs[:upto], two.inputs[:upto])
    assert np.array_equal(one.after_ids[: upto - 1], two.after_ids[: upto - 1])
    assert np.array_equal(one.legal[:upto], two.legal[:upto])
    for name, values in vars(one.context).items():
        # shares are rounded as the length of the arrays has it
        equal = np.array_equal if values.dtype.kind != "f" else partial(np.allclose, atol=1e-6)
        assert equal(values[:upto], getattr(two.context, name)[:upto]), name
    # the shift mask of the first changed row depends on the rows before it alone
    assert np.array_equal(one.legal[upto, v.slices[0]], two.legal[upto, v.slices[0]])
