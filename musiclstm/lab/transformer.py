"""The layers of a Transformer in NumPy, a note at a time: what they cost, not what they say.

Each layer attends to all notes before through a cache of their keys and values, and then goes
through two dense layers; both add to what they read. With hidden width 2 U the weights are 4 U^2 +
4 U^2, as many as those of an LSTM layer that reads U numbers, 8 U^2, up to the biases. What says
where in time a note stands is left out: it costs next to nothing.

Source: Vaswani et al., "Attention Is All You Need" (2017), sections 3.2 and 3.3, normalised before
each half as in Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).
"""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_EPSILON = np.float32(
    1e-5
)  # as in most implementations; keeps the norm of nothing from dividing by 0


class Transformer:
    """Layers with random weights, and their cache.

    Args:
        units: U, their width.
        layers: How many.
        head: Width of each attention head; where it does not divide U there is one head.
        rng: Source of the weights.
    """

    def __init__(self, units: int, layers: int, head: int, rng: np.random.Generator) -> None:
        self.units = units
        self.head = head if units % head == 0 else units
        self.heads = units // self.head

        def random(rows: int, columns: int) -> FloatArray:
            return (rng.standard_normal((rows, columns)) / math.sqrt(rows)).astype(np.float32)

        self._asking = [random(units, 3 * units) for _ in range(layers)]  # query, key, value
        self._joining = [random(units, units) for _ in range(layers)]
        self._widening = [random(units, 2 * units) for _ in range(layers)]
        self._narrowing = [random(2 * units, units) for _ in range(layers)]
        self.remember(rng, 1)

    @property
    def weights(self) -> int:
        """How many numbers there are."""
        kinds = (self._asking, self._joining, self._widening, self._narrowing)
        return sum(matrix.size for kind in kinds for matrix in kind)

    def remember(self, rng: np.random.Generator, capacity: int) -> None:
        """Fill the cache with a made-up history.

        Args:
            rng: Source of the keys and values.
            capacity: Notes that there is room for, the one that is read included.
        """
        shape = (len(self._asking), 2, self.heads, capacity, self.head)
        self._cache = rng.standard_normal(shape, np.float32)

    def bytes_kept(self, length: int) -> int:
        """Bytes of the keys and values of so many notes."""
        return self._cache[:, :, :, :1].nbytes * length

    def step(self, x: FloatArray, length: int) -> FloatArray:
        """Read one note more.

        Args:
            x: float32 ``(1, U)``.
            length: Notes before, at least 0; the cache must have room for one more. What stands
                behind them is overwritten.

        Returns:
            float32 ``(1, U)``.
        """
        for layer, cache in enumerate(self._cache):
            query, key, value = np.split(_normalised(x) @ self._asking[layer], 3, axis=1)
            cache[0, :, length] = key.reshape(self.heads, self.head)
            cache[1, :, length] = value.reshape(self.heads, self.head)
            keys, values = cache[:, :, : length + 1]
            asked = query.reshape(self.heads, 1, self.head) / np.float32(math.sqrt(self.head))
            scores = asked @ keys.transpose(0, 2, 1)  # (heads, 1, length + 1)
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            x = x + (scores @ values).reshape(1, self.units) @ self._joining[layer]
            hidden = np.maximum(_normalised(x) @ self._widening[layer], 0)
            x = x + hidden @ self._narrowing[layer]
        return x


def _normalised(x: FloatArray) -> FloatArray:
    """Mean 0 and variance 1."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
    normal: FloatArray = centred / scale
    return normal
