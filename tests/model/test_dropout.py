"""What dropout silences, for how long, and that it is the seed's doing alone."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from musiclstm.model.dropout import Dropout  # noqa: E402

LANES, ROWS, WIDTH, NONE = 6, 5, 40, 99
SEED = tf.constant([1, 2])
LANE = np.repeat(np.arange(LANES), ROWS)


def ones():
    return tf.ones((LANES, ROWS, WIDTH))


def test_locked_dropout_is_the_same_in_all_rows_of_a_lane():
    found = Dropout(SEED, LANES).locked(ones(), 0.5).numpy()
    assert set(np.unique(found)) == {0, 2}, "what is left makes up for what is gone"
    assert (found == found[:, :1]).all()
    assert not (found[0] == found[1]).all()


def test_rows_of_all_lanes_meet_the_mask_of_their_lane():
    whole = Dropout(SEED, LANES).locked(ones(), 0.5).numpy()
    rows = Dropout(SEED, LANES).locked(tf.ones((len(LANE), WIDTH)), 0.5, LANE).numpy()
    assert np.array_equal(rows, whole.reshape(rows.shape))


def test_plain_dropout_differs_from_row_to_row():
    found = Dropout(SEED, LANES).plain(tf.ones((ROWS, WIDTH)), 0.2).numpy()
    assert set(np.unique(found)) == {0, np.float32(1.25)}
    assert not (found == found[:1]).all()


def test_columns_are_left_out_whole():
    ids = np.arange(LANES * ROWS * WIDTH, dtype=np.int32).reshape(LANES, ROWS, WIDTH) + NONE + 1
    found = Dropout(SEED, LANES).columns(tf.constant(ids), NONE, 0.5).numpy()
    hidden = found == NONE
    assert (hidden == hidden[:, :1]).all()
    assert hidden.any()
    assert not hidden.all()
    assert (found[~hidden] == ids[~hidden]).all()
    rows = Dropout(SEED, LANES).columns(tf.constant(ids.reshape(-1, WIDTH)), NONE, 0.5, LANE)
    assert np.array_equal(rows, found.reshape(-1, WIDTH))


@pytest.mark.parametrize(("seed", "rate"), [(None, 0.5), (SEED, 0.0)])
def test_nothing_is_silenced_without_a_seed_or_at_rate_0(seed, rate):
    drop = Dropout(seed, LANES)
    ids = tf.zeros((LANES, ROWS, 2), tf.int32)
    assert (drop.locked(ones(), rate).numpy() == 1).all()
    assert (drop.plain(ones(), rate).numpy() == 1).all()
    assert (drop.columns(ids, NONE, rate).numpy() == 0).all()


def test_each_use_draws_anew_and_each_step_the_same_again():
    first, again = Dropout(SEED, LANES), Dropout(SEED, LANES)
    one, two = first.locked(ones(), 0.5).numpy(), first.locked(ones(), 0.5).numpy()
    assert not np.array_equal(one, two)
    assert np.array_equal(one, again.locked(ones(), 0.5))
    assert np.array_equal(two, again.locked(ones(), 0.5))
