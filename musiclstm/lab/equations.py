"""One step of an LSTM layer, each value for itself.

At each row t a layer reads x and what it said itself a row before, h; it holds a cell state c. With
weights W, U and b (Hochreiter & Schmidhuber 1997; the forget gate from Gers, Schmidhuber & Cummins
2000)::

    a  = x W + h U + b                               what each gate reads: four blocks
    i  = sigmoid(a_i)      f = sigmoid(a_f)      g = tanh(a_g)      o = sigmoid(a_o)
    c' = f c + i g                                   keep a part, write a part
    h' = o tanh(c')                                  show a part
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

GATES = ("input", "forget", "candidate", "output")  # the order of the blocks in Keras' weights
SOURCES = (
    "time since the last onset",
    "part",
    "pitch",
    "duration",
    "velocity",
    "bar, degree, repeats",
    "what else sounds",
    "the piece as a whole",
    "own memory h",
    "bias",
)


class CellStep(NamedTuple):
    """All values of one step, float64 ``(..., u)`` each unless it says otherwise.

    Attributes:
        from_input: x W, ``(..., 4u)``; blocks in the order of :data:`GATES`: i, f, g, o.
        from_state: h U, likewise.
        sums: What the gates read, x W + h U + b, likewise.
        i: Input gate, 0 to 1: how much of the candidate is written.
        f: Forget gate, 0 to 1: how much of the cell state is kept.
        g: Candidate, -1 to 1.
        o: Output gate, 0 to 1: how much is shown.
        kept: f c.
        written: i g.
        c: The new cell state.
        squashed: tanh(c), -1 to 1.
        h: The new hidden state, -1 to 1.
    """

    from_input: Array
    from_state: Array
    sums: Array
    i: Array
    f: Array
    g: Array
    o: Array
    kept: Array
    written: Array
    c: Array
    squashed: Array
    h: Array


def lstm_step(
    x: npt.ArrayLike,
    h: npt.ArrayLike,
    c: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike,
) -> CellStep:
    """One step of an LSTM layer, each value for itself, in double precision.

    Args:
        x: What is read, ``(..., d)``.
        h: Hidden state before, ``(..., u)``.
        c: Cell state before, ``(..., u)``.
        kernel: W, ``(d, 4u)``, blocks in Keras' order: input, forget, candidate, output.
        recurrent_kernel: U, ``(u, 4u)``, likewise.
        bias: b, ``(4u,)``, likewise.

    Returns:
        All that happens on the way to the new c and h.

    Source:
        The equations of this module; Keras' ``LSTM`` computes the same.

    >>> step = lstm_step([1.0], [0.0], [2.0], np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4))
    >>> step.f, step.c  # gates that know nothing stand half open
    (array([0.5]), array([1.]))
    """
    x, h, c, kernel, recurrent_kernel, bias = (
        np.asarray(each, np.float64) for each in (x, h, c, kernel, recurrent_kernel, bias)
    )
    from_input, from_state = x @ kernel, h @ recurrent_kernel
    sums = from_input + from_state + bias
    a_i, a_f, a_g, a_o = np.split(sums, 4, axis=-1)
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)
    g = np.tanh(a_g)
    kept, written = f * c, i * g
    new_c = kept + written
    squashed = np.tanh(new_c)
    return CellStep(
        from_input, from_state, sums, i, f, g, o, kept, written, new_c, squashed, o * squashed
    )


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), without overflow."""
    return np.exp(-np.logaddexp(0, -a))
