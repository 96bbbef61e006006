"""Operations with gradients of their own equal the plain expressions, forwards and backwards."""

import numpy as np
import pytest
import tensorflow as tf

from musiclstm.model.ops import look_up, pick, put, read_and_coming, sum_of_rows, unpick

RNG = np.random.default_rng(0)
ROWS = 9
IDS = RNG.integers(0, ROWS + 1, (40, 3)).astype(np.int32)  # ROWS is none
COLUMNS = RNG.integers(0, 5, (7, 8)).astype(np.int32)
TARGETS = RNG.integers(-1, 4, (7, 3)).astype(np.int32)  # -1 is none; some are equal
PLACES = np.array([1, 4, 5], np.int64)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def plain_sum(table):
    with_none = tf.concat([table, tf.zeros_like(table[:1])], axis=0)
    return tf.reduce_sum(tf.gather(with_none, IDS), axis=1)


def plain_put(values):
    return tf.reduce_sum(tf.one_hot(TARGETS, 4) * values[..., None], axis=1)


@pytest.mark.parametrize(
    ("ours", "plain", "x"),
    [
        (lambda x: sum_of_rows(x, IDS), plain_sum, floats(ROWS, 4)),
        (
            lambda x: look_up(x, COLUMNS),
            lambda x: tf.gather(x, COLUMNS, batch_dims=1),
            floats(7, 5),
        ),
        (lambda x: put(x, TARGETS, 4), plain_put, floats(7, 3)),
        (read_and_coming, lambda x: (x[:, :-1], x[:, 1:]), floats(2, 5, 3)),
        (lambda x: pick(x, PLACES), lambda x: tf.gather(x, PLACES), floats(7, 3)),
        (
            lambda x: unpick(x, PLACES, 7),
            lambda x: tf.tensor_scatter_nd_update(tf.zeros((7, 3)), PLACES[:, None], x),
            floats(3, 3),
        ),
    ],
    ids=["sum_of_rows", "look_up", "put", "read_and_coming", "pick", "unpick"],
)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "graph"])
def test_equals_the_plain_expression(ours, plain, x, compiled):
    def value_and_gradient(operation):
        def run(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                found = tf.nest.flatten(operation(x))
                # every number of the result weighs differently
                loss = tf.add_n(
                    [
                        tf.reduce_sum(
                            y * tf.reshape(tf.range(1.0, tf.size(y, tf.float32) + 1), y.shape)
                        )
                        for y in found
                    ]
                )
            return [*found, tf.convert_to_tensor(tape.gradient(loss, x))]

        return (tf.function(run, autograph=False) if compiled else run)(tf.constant(x))

    for got, wanted in zip(value_and_gradient(ours), value_and_gradient(plain), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("rows", [5, 2**16])
def test_a_table_of_any_length(rows):
    """Beyond 16 bits another sort is taken; the last row of the table is no *none*."""
    ids = tf.constant([[rows - 1, rows], [0, rows - 1]])
    table = tf.ones((rows, 2))
    with tf.GradientTape() as tape:
        tape.watch(table)
        found = sum_of_rows(table, ids)
    np.testing.assert_array_equal(found, [[1, 1], [2, 2]])
    gradient = tape.gradient(found, table).numpy()
    np.testing.assert_array_equal(gradient[[0, -1]], [[1, 1], [2, 2]])
    assert gradient.sum() == 6


def test_no_rows_at_all():
    """A batch may be nothing but padding."""
    table = tf.ones((3, 2))
    with tf.GradientTape() as tape:
        tape.watch(table)
        found = sum_of_rows(table, tf.zeros((0, 4), tf.int32))
    assert found.shape == (0, 2)
    assert not tape.gradient(found, table).numpy().any()
