"""An LSTM layer whose forward and backward passes are written for the CPU."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@tf.function(jit_compile=True)
def _forward(projected: Any, h: Any, c: Any, recurrent_kernel: Any, valid: Any) -> Any:
    steps = tf.shape(projected)[0]
    count = projected.shape[0]
    n = count if count is not None else steps
    gates_array = tf.TensorArray(projected.dtype, n)
    c_array = tf.TensorArray(projected.dtype, n)
    h_array = tf.TensorArray(projected.dtype, n)

    def body(t: Any, h: Any, c: Any, ga: Any, ca: Any, ha: Any) -> Any:
        a = projected[t] + tf.matmul(h, recurrent_kernel)
        i, f, g, o = tf.split(a, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c_new = f * c + i * g
        h_new = o * tf.tanh(c_new)
        if valid is not None:
            c_new = tf.where(valid[t], c_new, c)
            h_new = tf.where(valid[t], h_new, h)
        ga = ga.write(t, tf.concat([i, f, g, o], axis=1))
        return t + 1, h_new, c_new, ga, ca.write(t, c_new), ha.write(t, h_new)

    _, h, c, ga, ca, ha = tf.while_loop(
        lambda t, *_: t < n,
        body,
        (0, h, c, gates_array, c_array, h_array),
        maximum_iterations=n,
    )
    return ga.stack(), ca.stack(), ha.stack()


@tf.function(jit_compile=True)
def _backward(
    gates: Any,
    c_before: Any,
    c_after: Any,
    dy: Any,
    dh: Any,
    dc: Any,
    recurrent_kernel: Any,
    valid: Any,
) -> Any:
    n = gates.shape[0] if gates.shape[0] is not None else tf.shape(gates)[0]
    back = tf.transpose(recurrent_kernel)
    array = tf.TensorArray(gates.dtype, n)

    def body(k: Any, dh: Any, dc: Any, array: Any) -> Any:
        t = n - 1 - k
        i, f, g, o = tf.split(gates[t], 4, axis=1)
        squashed = tf.tanh(c_after[t])
        dh_t = dh + dy[t]
        dc_t = dc + dh_t * o * (1 - squashed * squashed)
        da = tf.concat(
            [
                dc_t * g * i * (1 - i),
                dc_t * c_before[t] * f * (1 - f),
                dc_t * i * (1 - g * g),
                dh_t * squashed * o * (1 - o),
            ],
            axis=1,
        )
        dc_new = dc_t * f
        if valid is not None:
            da = tf.where(valid[t], da, 0.0)
            dc_new = tf.where(valid[t], dc_new, dc)
        dh_new = tf.matmul(da, back)
        if valid is not None:
            dh_new = tf.where(valid[t], dh_new, dh_t)
        return k + 1, dh_new, dc_new, array.write(t, da)

    _, dh, dc, array = tf.while_loop(
        lambda k, *_: k < n, body, (0, dh, dc, array), maximum_iterations=n
    )
    return array.stack(), dh, dc


def lstm(
    x: Any,
    h0: Any,
    c0: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: Any = None,
) -> tuple[Any, Any, Any]:
    """Run an LSTM over a batch of sequences."""
    valid = None if mask is None else tf.transpose(tf.cast(mask, tf.bool))[:, :, None]  # (T, B, 1)

    @tf.custom_gradient
    def run(x: Any, h0: Any, c0: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        # The tape must not look inside: the gradient below is the only one.
        x, h0, c0 = map(tf.stop_gradient, (x, h0, c0))
        kernel, recurrent_kernel, bias = map(tf.stop_gradient, (kernel, recurrent_kernel, bias))
        x_time = tf.transpose(x, (1, 0, 2))  # (T, B, D)
        shape = tf.shape(x_time)
        flat = tf.reshape(x_time, (-1, x.shape[-1]))
        units = recurrent_kernel.shape[0]
        projected = tf.reshape(tf.matmul(flat, kernel) + bias, (shape[0], shape[1], 4 * units))
        projected.set_shape((x.shape[1], x.shape[0], 4 * units))
        gates, c, h = _forward(projected, h0, c0, recurrent_kernel, valid)
        c_before = tf.concat([c0[None], c[:-1]], axis=0)
        h_before = tf.concat([h0[None], h[:-1]], axis=0)
        y = h if valid is None else tf.where(valid[:1], h, 0.0)

        def gradient(dy: Any, dh: Any, dc: Any) -> Any:
            dy = tf.transpose(dy, (1, 0, 2))
            if valid is not None:
                dy = tf.where(valid[:1], dy, 0.0)
            da, dh0, dc0 = _backward(gates, c_before, c, dy, dh, dc, recurrent_kernel, valid)
            da = tf.reshape(da, (-1, 4 * units))
            dx = tf.reshape(tf.matmul(da, kernel, transpose_b=True), shape)
            return (
                tf.transpose(dx, (1, 0, 2)),
                dh0,
                dc0,
                tf.matmul(flat, da, transpose_a=True),
                tf.matmul(tf.reshape(h_before, (-1, units)), da, transpose_a=True),
                tf.reduce_sum(da, axis=0),
            )

        return (tf.transpose(y, (1, 0, 2)), h[-1], c[-1]), gradient

    return run(*map(tf.convert_to_tensor, (x, h0, c0, kernel, recurrent_kernel, bias)))


@keras.saving.register_keras_serializable(package="musiclstm")
class FastLSTM(keras.layers.LSTM):  # type: ignore[misc]
    """A `keras.layers.LSTM` that returns sequence and state, and trains faster on a CPU.

    Args:
        units: width of the state.
        unit_forget_bias: start the forget gate's bias at 1.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.
    """

    def __init__(self, units: int, unit_forget_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(
            units,
            unit_forget_bias=unit_forget_bias,
            return_sequences=True,
            return_state=True,
            **kwargs,
        )
        self.supports_jit = not tf.config.list_logical_devices("GPU")

    @property
    def kernel(self) -> Any:
        return self.cell.kernel

    @property
    def recurrent_kernel(self) -> Any:
        return self.cell.recurrent_kernel

    @property
    def bias(self) -> Any:
        return self.cell.bias

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> tuple[Any, Any, Any]:
        if not self.supports_jit:
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        if initial_state is None:
            initial_state = self.get_initial_state(tf.shape(sequences)[0])
        h0, c0 = initial_state
        return lstm(
            sequences,
            h0,
            c0,
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.recurrent_kernel),
            tf.convert_to_tensor(self.bias),
            mask,
        )

    def get_config(self) -> dict[str, Any]:
        full = super().get_config()
        keys = ("name", "trainable", "dtype", "units", "unit_forget_bias")
        return {key: full[key] for key in keys}
