"""The LSTM layers in NumPy, for composing: a row at a time, or a whole piece layer by layer."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.model.products import Matrix

FloatArray = npt.NDArray[np.float32]

_HALF = np.full(1, 0.5, np.float32)


class Cells:
    """All LSTM layers; each adds what it says to what it reads.

    Args:
        weights: float32 arrays by the names of :func:`~.architecture.weight_shapes`.
        layers: L, their number.
        units: U, their width.
    """

    def __init__(self, weights: Mapping[str, FloatArray], layers: int, units: int) -> None:
        self._units = units
        self._gates = [_gates(weights, layer, units) for layer in range(layers)]

    def step(
        self, x: FloatArray, h: FloatArray, c: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """One row through all layers.

        Args:
            x: Input, ``(B, U)``.
            h: Hidden states, ``(L, B, U)``.
            c: Cell states, ``(L, B, U)``.

        Returns:
            Output ``(B, U)``, and the new h and c.
        """
        new_h, new_c = np.empty_like(h), np.empty_like(c)
        for layer, (kernel, bias) in enumerate(self._gates):
            a = np.concatenate((x, h[layer]), axis=1) @ kernel
            a += bias
            _cell(a, c[layer], new_h[layer], new_c[layer])
            x = x + new_h[layer]
        return x, new_h, new_c

    def sequence(self, x: FloatArray) -> FloatArray:
        """All layers over a whole piece ``(rows, U)``, layer by layer."""
        for kernel, bias in self._gates:
            projected, hidden, c = self._begun(x, kernel, bias)
            recurrent = kernel.values[self._units :]
            for row in range(len(x)):
                projected[row] += hidden[row] @ recurrent
                _cell(projected[row], c, hidden[row + 1], c)
            x = x + hidden[1:]
        return x

    def _begun(
        self, x: FloatArray, kernel: Matrix, bias: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A layer before its first row.

        Returns:
            What its gates read of all rows of input, ``(rows, 4U)``; room for the hidden states,
            ``(rows + 1, U)``, the first before all; and the cell state, ``(U,)``.
        """
        projected = x @ kernel.values[: self._units]
        projected += bias
        hidden = np.zeros((len(x) + 1, self._units), np.float32)
        return projected, hidden, np.zeros(self._units, np.float32)

    def trace(self, x: FloatArray, kept: slice = slice(None)) -> "Gates":
        """All layers over a whole piece, with all that happens in the cells.

        Args:
            x: Input, ``(rows, U)``.
            kept: Of which rows it is told, one after the other: of long pieces all is much.
        """
        layers = []
        for kernel, bias in self._gates:
            projected, hidden, c = self._begun(x, kernel, bias)
            recurrent = kernel.values[self._units :]
            first, last, _ = kept.indices(len(x))
            gates = np.empty((max(0, last - first), 4 * self._units), np.float32)
            cells = np.empty((len(gates), self._units), np.float32)
            for row in range(len(x)):
                a = projected[row]
                a += hidden[row] @ recurrent
                _activate(a, self._units)
                if first <= row < last:
                    gates[row - first] = a
                _update(a, c, hidden[row + 1], c)
                if first <= row < last:
                    cells[row - first] = c
            i, f, o, g = np.split(gates, 4, axis=1)
            layers.append((i, f, o, g, cells, hidden[1:][kept]))
            x = x + hidden[1:]
        return Gates(*(np.stack(of) for of in zip(*layers, strict=True)))


class Gates(NamedTuple):
    """What happens in the cells along a piece, float32 ``(layers, rows, units)`` each.

    Attributes:
        input: How far each cell lets the new in, 0 to 1.
        forget: How much of what it holds each cell keeps, 0 to 1.
        output: How much of it each cell shows, 0 to 1.
        candidate: What is new, -1 to 1.
        cell: What each cell holds, after the row.
        hidden: What each cell shows, after the row, -1 to 1.
    """

    input: FloatArray
    forget: FloatArray
    output: FloatArray
    candidate: FloatArray
    cell: FloatArray
    hidden: FloatArray


def _gates(weights: Mapping[str, FloatArray], layer: int, units: int) -> tuple[Matrix, FloatArray]:
    """Kernel ``(2U, 4U)`` over input and hidden state, and bias, in the order i, f, o, g.

    sigmoid(x) = (1 + tanh(x / 2)) / 2: the halves of i, f and o are in the weights, so that one
    tanh does all four gates.
    """
    name = f"lstm.{layer}"
    kernel = np.concatenate([weights[f"{name}.kernel"], weights[f"{name}.recurrent_kernel"]])
    order = np.r_[0 : 2 * units, 3 * units : 4 * units, 2 * units : 3 * units]
    scale = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), units)
    bias = weights[f"{name}.bias"]
    return Matrix(kernel[:, order] * scale), bias[order] * scale


def _cell(a: FloatArray, c: FloatArray, new_h: FloatArray, new_c: FloatArray) -> None:
    """One LSTM step, from ``a`` ``(..., 4U)`` as :func:`_gates` lays it out; ``a`` is used up.

    Args:
        a: What the gates read.
        c: Cell state, ``(..., U)``.
        new_h: Where the new hidden state goes.
        new_c: Where the new cell state goes; may be ``c`` itself.

    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    _activate(a, c.shape[-1])
    _update(a, c, new_h, new_c)


def _activate(a: FloatArray, units: int) -> None:
    """Turn what the gates read into what they are, in place."""
    np.tanh(a, out=a)
    sigmoids = a[..., : 3 * units]
    sigmoids *= _HALF
    sigmoids += _HALF


def _update(a: FloatArray, c: FloatArray, new_h: FloatArray, new_c: FloatArray) -> None:
    """Let gates ``a`` change the cell and show it; ``a`` is used up."""
    units = c.shape[-1]
    i, f, o = a[..., :units], a[..., units : 2 * units], a[..., 2 * units : 3 * units]
    i *= a[..., 3 * units :]
    np.multiply(f, c, out=new_c)
    new_c += i
    np.tanh(new_c, out=new_h)
    new_h *= o
