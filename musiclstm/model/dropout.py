"""What is silenced while the network learns. Imports TensorFlow.

Letters in shapes: B lanes, T rows, N rows of all lanes one after the other.
"""

from typing import Any

import tensorflow as tf


class Dropout:
    """The dropouts of one step of training, all drawn from its one seed.

    Args:
        seed: int32 ``(2,)``; None silences nothing.
        lanes: B.
    """

    def __init__(self, seed: Any, lanes: Any) -> None:
        self.seed = seed
        self.lanes = lanes
        self.uses = 0

    def locked(self, x: Any, rate: float, lane: Any = None) -> Any:
        """Silence the same units in all rows of a lane (Gal & Ghahramani 2016).

        A mask that changed with each row would be noise that the recurrence averages away; a locked
        one takes units out of the whole sequence.

        Args:
            x: float32 ``(B, T, width)``, or ``(N, width)`` with ``lane``.
            rate: Share of the units.
            lane: Which lane each row is of, ``(N,)``.
        """
        if self.seed is None or rate == 0:
            return x
        return x * _of_lane(self._kept([self.lanes, x.shape[-1]], rate), lane)

    def plain(self, x: Any, rate: float) -> Any:
        """Silence other units in each row; ``x`` is float32 ``(N, width)``."""
        if self.seed is None or rate == 0:
            return x
        return x * self._kept(tf.shape(x), rate)

    def columns(self, ids: Any, none: int, rate: float, lane: Any = None) -> Any:
        """Let a lane go without whole columns of ids, so that none is relied upon alone.

        Nothing is scaled up for it: a column that has nothing to say is none in composing too.

        Args:
            ids: int32 ``(B, T, columns)``, or ``(N, columns)`` with ``lane``.
            none: The id that says nothing.
            rate: How often a column is left out.
            lane: Which lane each row is of, ``(N,)``.
        """
        if self.seed is None or rate == 0:
            return ids
        hidden = self._uniform([self.lanes, ids.shape[-1]]) < rate
        return tf.where(_of_lane(hidden, lane), none, ids)

    def _kept(self, shape: Any, rate: float) -> Any:
        """0 for what is silenced; the rest makes up for it."""
        return tf.where(self._uniform(shape) >= rate, 1.0 / (1.0 - rate), 0.0)

    def _uniform(self, shape: Any) -> Any:
        self.uses += 1  # other numbers at each place
        return tf.random.stateless_uniform(shape, self.seed + tf.constant([0, 7919 * self.uses]))


def _of_lane(by_lane: Any, lane: Any) -> Any:
    """For each row what its lane has: ``(B, width)`` as ``(B, 1, width)`` or ``(N, width)``."""
    return by_lane[:, None] if lane is None else tf.gather(by_lane, lane)
