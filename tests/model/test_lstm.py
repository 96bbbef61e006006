"""The fast layer is Keras' own: same weights, same numbers, same gradients, in every way to run."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musiclstm.model.lstm import PIECES, SMALLEST_PIECE, FastLSTM, lstm

CLOSE = 1e-4
NAMES = ("y", "h", "c", "dx", "dh0", "dc0", "dkernel", "drecurrent", "dbias")


def normal(rng, *shape):
    return tf.constant(rng.normal(0, 0.5, shape).astype("float32"))


def right_padded(lengths, steps):
    return tf.constant(np.arange(steps) < np.asarray(lengths)[:, None])


def pair(units, width, rng):
    """Give a stock layer and a fast one with the same random weights."""
    stock = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    fast = FastLSTM(units)
    for layer in (stock, fast):
        layer.build((None, None, width))
    stock.set_weights([normal(rng, *weight.shape).numpy() for weight in stock.get_weights()])
    fast.set_weights(stock.get_weights())
    return stock, fast


def results_and_gradients(layer, x, h0, c0, mask, arriving):
    """Give the three results, then the gradients of x, h0, c0, kernel, recurrent kernel, bias."""
    with tf.GradientTape() as tape:
        tape.watch([x, h0, c0])
        results = layer(x, initial_state=(h0, c0), mask=mask)
        loss = tf.add_n([tf.reduce_sum(r * a) for r, a in zip(results, arriving, strict=True)])
    sources = [x, h0, c0, *(weight.value for weight in layer.trainable_variables)]
    return [*results, *tape.gradient(loss, sources)]


def problem(rng, batch, steps, width, units, lengths=None):
    mask = None if lengths is None else right_padded(lengths, steps)
    arriving = [normal(rng, batch, steps, units), normal(rng, batch, units)]
    arriving.append(normal(rng, batch, units))
    x, h0, c0 = (normal(rng, batch, *rest) for rest in ((steps, width), (units,), (units,)))
    return x, h0, c0, mask, arriving


def assert_same(expected, found):
    for name, left, right in zip(NAMES, expected, found, strict=True):
        np.testing.assert_allclose(right, left, atol=CLOSE, rtol=CLOSE, err_msg=name)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_result_and_gradient_is_kerass(data):
    batch, steps = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    width, units = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    row = st.integers(0, steps)
    lengths = data.draw(st.none() | st.lists(row, min_size=batch, max_size=batch))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    stock, fast = pair(units, width, rng)
    given_ = problem(rng, batch, steps, width, units, lengths)
    assert_same(results_and_gradients(stock, *given_), results_and_gradients(fast, *given_))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("how", ["eager", "graph", "compiled", "unknown shape"])
def test_every_way_to_run_gives_the_same(how, masked):
    rng = np.random.default_rng(4)
    batch, steps, width, units = PIECES * SMALLEST_PIECE + 1, 5, 3, 4  # so the batch is cut
    stock, fast = pair(units, width, rng)
    lengths = rng.integers(0, steps + 1, batch) if masked else None
    x, h0, c0, mask, arriving = problem(rng, batch, steps, width, units, lengths)

    def step(x, h0, c0):
        return results_and_gradients(fast, x, h0, c0, mask, arriving)

    if how == "compiled":
        step = tf.function(step, jit_compile=True)
    elif how == "graph":
        step = tf.function(step)
    elif how == "unknown shape":
        shapes = ([None, None, width], [None, units], [None, units])
        step = tf.function(step, input_signature=[tf.TensorSpec(shape) for shape in shapes])
    assert_same(results_and_gradients(stock, x, h0, c0, mask, arriving), step(x, h0, c0))


def test_a_batch_of_one_may_have_an_unknown_shape():
    rng = np.random.default_rng(5)
    stock, fast = pair(4, 3, rng)
    x = normal(rng, 1, 6, 3)
    run = tf.function(fast, input_signature=[tf.TensorSpec([None, None, 3])])
    for expected, found in zip(stock(x), run(x), strict=True):
        np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_the_state_carried_over_two_windows_equals_one_long_window():
    rng = np.random.default_rng(6)
    _, fast = pair(4, 3, rng)
    x = normal(rng, 2, 8, 3)
    whole, h, c = fast(x)
    first, *state = fast(x[:, :4])
    second, h_last, c_last = fast(x[:, 4:], initial_state=state)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, atol=1e-6)
    np.testing.assert_allclose(h_last, h, atol=1e-6)
    np.testing.assert_allclose(c_last, c, atol=1e-6)


def test_past_its_end_a_row_repeats_its_last_state_and_learns_nothing():
    rng = np.random.default_rng(7)
    _, fast = pair(4, 3, rng)
    given_ = problem(rng, 2, 5, 3, 4, lengths=[2, 5])
    y, h, c, dx, *_ = results_and_gradients(fast, *given_)
    short_y, short_h, short_c = fast(
        given_[0][:1, :2], initial_state=(given_[1][:1], given_[2][:1])
    )
    np.testing.assert_allclose(y[0, 1:], np.tile(short_y[0, -1], (4, 1)), atol=1e-6)
    np.testing.assert_allclose(h[:1], short_h, atol=1e-6)
    np.testing.assert_allclose(c[:1], short_c, atol=1e-6)
    assert not np.any(dx[0, 2:])
    assert np.all(np.any(dx[1] != 0, axis=-1))


def test_two_runs_are_equal_bit_for_bit():
    rng = np.random.default_rng(8)
    _, fast = pair(32, 16, rng)
    given_ = problem(rng, PIECES * SMALLEST_PIECE, 12, 16, 32)
    step = tf.function(results_and_gradients)
    for first, second in zip(step(fast, *given_), step(fast, *given_), strict=True):
        assert first.numpy().tobytes() == second.numpy().tobytes()


def test_a_new_layer_starts_as_keras_says():
    fast = FastLSTM(4)
    fast.build((None, None, 3))
    assert [weight.name for weight in fast.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert [tuple(weight.shape) for weight in fast.weights] == [(3, 16), (4, 16), (16,)]
    np.testing.assert_array_equal(fast.bias, np.repeat([0, 1, 0, 0], 4))
    recurrent = np.asarray(fast.recurrent_kernel)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-5)
    assert np.abs(fast.kernel).max() <= np.sqrt(6 / (3 + 16))  # Glorot's bound


def test_the_layer_survives_serialisation():
    layer = FastLSTM(4, unit_forget_bias=False, name="first")
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, FastLSTM)
    assert again.get_config() == layer.get_config()
    assert (again.units, again.unit_forget_bias, again.name) == (4, False, "first")


def test_a_functional_model_takes_the_layer_and_learns():
    inputs = keras.Input((6, 3))
    sequence, _, _ = FastLSTM(4)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(sequence))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    x = np.random.default_rng(9).normal(size=(16, 6, 3)).astype("float32")
    target = np.cumsum(x.mean(axis=-1, keepdims=True), axis=1)
    losses = model.fit(x, target, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_the_function_needs_no_layer():
    rng = np.random.default_rng(10)
    _, fast = pair(4, 3, rng)
    x, h0, c0, mask, _ = problem(rng, 2, 5, 3, 4, lengths=[3, 5])
    found = lstm(x, h0, c0, fast.kernel, fast.recurrent_kernel, fast.bias, mask)
    for expected, value in zip(fast(x, initial_state=(h0, c0), mask=mask), found, strict=True):
        np.testing.assert_array_equal(value, expected)
