"""The LSTM layer that training uses: Keras' weights and meaning, passes written for the CPU.

**Forward.** With the input x, the state h, the cell c, the kernels W and U and the bias b, at each
step t (Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997; the
forget gate f from Gers, Schmidhuber & Cummins, "Learning to Forget", Neural Computation 12(10),
2000)::

    a_t = x_t W + h_{t-1} U + b                    (1)  four blocks of width u: i, f, g, o
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o);  g = tanh(a_g)          (2)
    c_t = f c_{t-1} + i g                          (3)
    h_t = o tanh(c_t)                              (4)

**Backward.** Write dz for the loss's gradient with respect to z. The chain rule, from the last
step to the first, where the sequence's own gradient dy_t arrives at every step::

    dh_t = dy_t + da_{t+1} U^T                     (5)
    dc_t = dc_{t+1} f_{t+1} + dh_t o (1 - tanh(c_t)^2)                          (6)
    da_t = [dc_t, dc_t, dc_t, dh_t] * k_t          (7)  where k_t does not depend on dh or dc:
    k_t  = [g i(1-i),  c_{t-1} f(1-f),  i(1-g^2),  tanh(c_t) o(1-o)]            (8)
    dW = sum x_t^T da_t;  dU = sum h_{t-1}^T da_t;  db = sum da_t;  dx_t = da_t W^T   (9)

Only h U in (1) and da U^T in (5) truly wait for the step before. x W is done for all steps before
the loop and (9) after it. What the backward pass needs of a step is worked out when the step is
taken, while its gates are still in the cache: k of (8), and f and o (1 - tanh(c)^2) of (6). The
gates themselves are not kept.

**What was measured** (2 cores with AVX-512, TensorFlow 2.21, 2 x 256 units, batch 64, 128 steps;
``benchmarks/train_speed.py`` compares with Keras and PyTorch). Fastest of all arrangements was the
batch in two pieces, each loop an XLA program of its own in an ordinary graph, because XLA runs a
loop's element-wise kernels on one core; compiled as a whole, one piece and two are level. The loops
overwrite one array in place (read by more than one kernel, XLA would copy all of it at every step),
and the products after the loop are left to TensorFlow's oneDNN. Working k out in the forward step
took a third off the backward loop. What made no difference beyond the noise, or cost more than it
gained: XLA's CPU flags, unrolling, one large program, k in the backward loop; and the state laid
out as (u, B), in which the products of the loop are 10 to 30 % faster, but all else has to be
turned round. Two thirds of the time left is matrix products at the rate of the largest ones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import keras
import tensorflow as tf

__all__ = ["FastLSTM", "lstm"]

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow carries no types that mypy could read

PIECES = 2  # of the batch, advanced side by side; one for each core of a small machine
SMALLEST_PIECE = 8  # sequences; below this a second program costs more than it saves


def _sigmoid_as_tanh(units: int, dtype: Any) -> tuple[Tensor, Tensor]:
    """Give the scale and shift, each (4u,), with which one tanh computes all four gates.

    sigmoid(a) = tanh(a / 2) / 2 + 1 / 2, so that (2) is ``tanh(a * scale) * scale + shift``: one
    kernel over the whole (B, 4u) array. The inner scale is multiplied into the weights beforehand.
    """
    half = tf.fill([units], tf.constant(0.5, dtype))
    one, zero = tf.ones([units], dtype), tf.zeros([units], dtype)
    return tf.concat([half, half, one, half], 0), tf.concat([half, half, zero, half], 0)


def _lowest(units: int, dtype: Any) -> Tensor:
    """Give, (4u,), the least that each gate can be: s has the slope (s - lowest) (1 - s)."""
    none, one = tf.zeros([units], dtype), tf.ones([units], dtype)
    return tf.concat([none, none, -one, none], axis=0)


def _time_major(batch_major: Tensor) -> Tensor:
    return tf.transpose(batch_major, (1, 0, 2))  # (B, T, ·) <-> (T, B, ·)


def _steps(x: Tensor) -> Any:
    """Give the number of steps of (B, T, ·): a Python integer where it is known."""
    return tf.shape(x)[1] if x.shape[1] is None else x.shape[1]


def _forward_steps(
    x: Tensor,
    h0: Tensor,
    c0: Tensor,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    valid: Tensor | None,
) -> tuple[Tensor, ...]:
    """Compute (1) to (4) and (8); return y, h, c and what the backward pass needs, see there."""
    units, steps = recurrent_kernel.shape[0], _steps(x)
    scale, shift = _sigmoid_as_tanh(units, x.dtype)
    lowest = _lowest(units, x.dtype)
    flat = tf.reshape(_time_major(x), (-1, x.shape[-1]))  # (T*B, D)
    projected = tf.matmul(flat, kernel * scale) + bias * scale  # x W + b of (1), every step at once
    recurrent = recurrent_kernel * scale
    if valid is not None:
        valid = tf.transpose(valid)[:, :, None]  # (T, B, 1)

    # Step t reads its projection from `slopes` and leaves k in the same place: no second array of
    # (T, B, 4u) has to be filled with zeros, and the row is still in the cache.
    slopes = tf.TensorArray(x.dtype, steps, clear_after_read=False).unstack(
        tf.reshape(projected, (steps, tf.shape(x)[0], 4 * units))
    )
    forgets, throughs, states = (tf.TensorArray(x.dtype, steps) for _ in range(3))

    def step(t: Tensor, h: Tensor, c: Tensor, *kept: Any) -> Any:
        slopes, forgets, throughs, states = kept
        gates = tf.tanh(slopes.read(t) + tf.matmul(h, recurrent)) * scale + shift  # (1), (2)
        i, f, g, o = tf.split(gates, 4, axis=1)  # each (B, u)
        c_next = f * c + i * g  # (3)
        squashed = tf.tanh(c_next)
        h_next = o * squashed  # (4)
        k = tf.concat([g, c, i, squashed], axis=1) * ((gates - lowest) * (1 - gates))  # (8)
        through = o * (1 - squashed * squashed)
        if valid is not None:  # a row that has ended keeps its state, and nothing is learned of it
            now = valid[t]  # (B, 1)
            c_next, h_next = tf.where(now, c_next, c), tf.where(now, h_next, h)
            k, through = (tf.where(now, each, tf.zeros_like(each)) for each in (k, through))
            f = tf.where(now, f, tf.ones_like(f))
        return (
            t + 1,
            h_next,
            c_next,
            slopes.write(t, k),
            forgets.write(t, f),
            throughs.write(t, through),
            states.write(t, h_next),
        )

    _, h, c, *kept = tf.while_loop(
        lambda t, *_: t < steps,
        step,
        (0, h0, c0, slopes, forgets, throughs, states),
        maximum_iterations=steps,
    )
    slopes, forgets, throughs, y = (array.stack() for array in kept)
    stacked = y  # (T, B, u)
    if valid is not None:  # as in Keras: a row with no step at all gives zeros, whatever its h0
        y = tf.where(valid[:1], stacked, tf.zeros_like(stacked))
    return _time_major(y), h, c, slopes, forgets, throughs, stacked


def _backward_steps(
    x: Tensor,
    h0: Tensor,
    recurrent_kernel: Tensor,
    valid: Tensor | None,
    slopes: Tensor,
    forgets: Tensor,
    throughs: Tensor,
    states: Tensor,
    dy: Tensor,
    dh: Tensor,
    dc: Tensor,
) -> tuple[Tensor, ...]:
    """Compute (5) to (7); return dh0, dc0, db, da and its partners x and h_{t-1}, rows (T*B).

    Of every step come k of (8), f, o (1 - tanh(c)^2) and h, as `_forward_steps` left them.
    """
    units, steps = recurrent_kernel.shape[0], _steps(x)
    transposed = tf.transpose(recurrent_kernel)  # (4u, u), once and not at every step
    dy = _time_major(dy)
    if valid is not None:
        valid = tf.transpose(valid)[:, :, None]  # (T, B, 1)
        dy = tf.where(valid[:1], dy, tf.zeros_like(dy))
    # In place again: step t reads k and leaves da. Index by t alone, as forgets[t]: compiled by
    # XLA, TensorFlow 2.21 takes the wrong columns for slopes[t, :, u : 2 * u], and says nothing.
    array = tf.TensorArray(x.dtype, steps, clear_after_read=False).unstack(slopes)

    def step(back: Tensor, dh: Tensor, dc: Tensor, array: Any) -> Any:
        t = steps - 1 - back
        dh = dh + dy[t]  # (5)
        dc_t = dc + dh * throughs[t]  # (6)
        da = tf.concat([dc_t, dc_t, dc_t, dh], axis=1) * array.read(t)  # (7), (B, 4u)
        dh_before = tf.matmul(da, transposed)  # the second term of (5) at t - 1
        if valid is not None:  # past the end the state was only handed on; there f is 1
            dh_before = tf.where(valid[t], dh_before, dh)
        return back + 1, dh_before, dc_t * forgets[t], array.write(t, da)

    _, dh0, dc0, array = tf.while_loop(
        lambda back, *_: back < steps, step, (0, dh, dc, array), maximum_iterations=steps
    )
    da = tf.reshape(array.stack(), (-1, 4 * units))
    states_before = tf.concat([h0[None], states[:-1]], axis=0)
    return (
        dh0,
        dc0,
        tf.reduce_sum(da, axis=0),  # db of (9)
        da,
        tf.reshape(_time_major(x), (-1, x.shape[-1])),
        tf.reshape(states_before, (-1, units)),
    )


_forward = tf.function(_forward_steps, jit_compile=True, autograph=False)
_backward = tf.function(_backward_steps, jit_compile=True, autograph=False)


def lstm(
    x: Tensor,
    h0: Tensor,
    c0: Tensor,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run an LSTM over a batch of sequences, with the gradient written out by hand.

    It works eagerly, in a ``tf.function``, and inside one compiled by XLA. The two loops are always
    compiled by XLA, once (a second or two) for every new shape. The gradient is of first order
    only.

    Args:
        x: inputs, (B, T, D) float; T at least 1.
        h0: state before the first step, (B, u).
        c0: cell before the first step, (B, u).
        kernel: W, (D, 4u), the blocks in Keras' order i, f, g (Keras: c), o.
        recurrent_kernel: U, (u, 4u), likewise.
        bias: b, (4u,), likewise.
        mask: (B, T) bool, True for the steps that count, right-padded: no True after a False.

    Returns:
        The state at every step, (B, T, u), and the last state and cell, (B, u) each. Past a row's
        end its state and output repeat those of its last step.

    Source:
        Hochreiter & Schmidhuber 1997 and Gers, Schmidhuber & Cummins 2000; the equations, and what
        stands where, in the docstring of this module.
    """
    valid = None if mask is None else tf.cast(mask, tf.bool)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*inputs: Tensor) -> Any:
        # The tape must not look inside: the gradient below is the only one.
        x, h0, c0, kernel, recurrent_kernel, bias = map(tf.stop_gradient, inputs)
        rows = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
        pieces = PIECES
        if x.shape[0] is not None:
            pieces = max(1, min(PIECES, x.shape[0] // SMALLEST_PIECE))
        cuts = [rows * piece // pieces for piece in range(pieces + 1)]

        def cut(rows_of: Tensor | None) -> list[Any]:
            if rows_of is None:
                return [None] * pieces
            return [rows_of[start:end] for start, end in pairwise(cuts)]

        starts = list(zip(cut(x), cut(h0), cut(c0), strict=True))
        forward = [
            _forward(*start, kernel, recurrent_kernel, bias, now)
            for start, now in zip(starts, cut(valid), strict=True)
        ]

        def gradient(dy: Tensor, dh: Tensor, dc: Tensor) -> tuple[Tensor, ...]:
            per_piece = []  # dx, dh0, dc0, dW, dU, db
            arrivals = zip(starts, cut(valid), forward, cut(dy), cut(dh), cut(dc), strict=True)
            for (x_, h0_, _), now, (_, _, _, *kept), dy_, dh_, dc_ in arrivals:
                dh0, dc0, db, da, x_rows, h_rows = _backward(
                    x_, h0_, recurrent_kernel, now, *kept, dy_, dh_, dc_
                )
                # (9): the products stand outside the XLA program, where oneDNN does them
                dx = tf.reshape(
                    tf.matmul(da, kernel, transpose_b=True),
                    (_steps(x), -1, x.shape[-1]),
                )
                per_piece.append(
                    (
                        _time_major(dx),
                        dh0,
                        dc0,
                        tf.matmul(x_rows, da, transpose_a=True),
                        tf.matmul(h_rows, da, transpose_a=True),
                        db,
                    )
                )
            dx, dh0, dc0, dw, du, db = zip(*per_piece, strict=True)
            return (
                *(tf.concat(rows, axis=0) for rows in (dx, dh0, dc0)),
                *(tf.add_n(parts) for parts in (dw, du, db)),
            )

        y, h, c = zip(*(piece[:3] for piece in forward), strict=True)
        return tuple(tf.concat(rows, axis=0) for rows in (y, h, c)), gradient

    inputs = (x, h0, c0, kernel, recurrent_kernel, bias)
    result: tuple[Tensor, Tensor, Tensor] = run(*map(tf.convert_to_tensor, inputs))
    return result


@keras.saving.register_keras_serializable(package="musiclstm")
class FastLSTM(keras.layers.LSTM):  # type: ignore[misc]
    """A `keras.layers.LSTM` that returns sequence, state and cell, and trains faster on a CPU.

    Being a `keras.layers.LSTM`, it has the same weights under the same names (`kernel`,
    `recurrent_kernel`, `bias`), and where a GPU is visible and no mask is given it runs Keras' own
    call, which takes the cuDNN kernel. It is at its fastest in a ``tf.function`` that is *not*
    compiled as a whole.

    Args:
        units: width u of the state, at least 1.
        unit_forget_bias: start the forget gate's bias at 1, so that the cell remembers at first
            (Jozefowicz, Zaremba & Sutskever 2015).
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
        self.on_gpu = bool(tf.config.get_visible_devices("GPU"))

    @property
    def kernel(self) -> Any:
        """Weights of the input, (D, 4u)."""
        return self.cell.kernel

    @property
    def recurrent_kernel(self) -> Any:
        """Weights of the state before, (u, 4u)."""
        return self.cell.recurrent_kernel

    @property
    def bias(self) -> Any:
        """Bias of the four gates, (4u,)."""
        return self.cell.bias

    def call(
        self,
        sequences: Tensor,
        initial_state: tuple[Tensor, Tensor] | None = None,
        mask: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run over `sequences`, (B, T, D); arguments and result are those of `lstm`."""
        # with a mask cuDNN writes zeros behind the end of a row, where Keras and we hold the last
        # output, and refuses rows that are masked whole
        if self.on_gpu and mask is None:
            sequence, h, c = super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
            return sequence, h, c
        if initial_state is None:
            initial_state = self.get_initial_state(tf.shape(sequences)[0])
        h0, c0 = initial_state
        return lstm(sequences, h0, c0, self.kernel, self.recurrent_kernel, self.bias, mask)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the same layer."""
        config = super().get_config()
        return {key: config[key] for key in ("name", "trainable", "dtype", "units")} | {
            "unit_forget_bias": config["unit_forget_bias"]
        }
