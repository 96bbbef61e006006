"""Operations with gradients of their own equal the plain expressions, forwards and backwards."""

import numpy as np
import pytest
import tensorflow as tf

from musiclstm.model.ops import pick, read_and_coming, sum_of_embeddings, unpick

SIZES = (3, 1, 5)
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 40) for size in SIZES], axis=1).astype(np.int32)
PLACES = np.array([1, 4, 5], np.int64)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def plain_sum(table):
    starts = np.concatenate([[0], np.cumsum(SIZES)[:-1]]).astype(np.int32)
    return tf.reduce_sum(tf.gather(table, IDS + starts), axis=1)


@pytest.mark.parametrize(
    ("ours", "plain", "x"),
    [
        (lambda x: sum_of_embeddings(x, IDS, SIZES), plain_sum, floats(sum(SIZES), 4)),
        (read_and_coming, lambda x: (x[:, :-1], x[:, 1:]), floats(2, 5, 3)),
        (lambda x: pick(x, PLACES), lambda x: tf.gather(x, PLACES), floats(7, 3)),
        (
            lambda x: unpick(x, PLACES, 7),
            lambda x: tf.tensor_scatter_nd_update(tf.zeros((7, 3)), PLACES[:, None], x),
            floats(3, 3),
        ),
    ],
    ids=["sum_of_embeddings", "read_and_coming", "pick", "unpick"],
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
