"""TensorFlow operations with gradients of their own, where TensorFlow's are slow on a CPU.

Each equals the plain expression in its docstring, forwards and backwards. What TensorFlow makes of
that expression writes large arrays between, on one core; without these, and with the heads on all
rows, padding too, a training step takes a fifth longer.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

__all__ = ["pick", "read_and_coming", "sum_of_embeddings", "unpick"]

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow carries no types that mypy could read


def sum_of_embeddings(table: Tensor, ids: Tensor, sizes: Sequence[int]) -> Tensor:
    """One embedding for each column of ``ids``, summed: ``reduce_sum(gather(table, ids), 1)``.

    TensorFlow's gradient repeats the sum's for each column before it scatters them; here each
    column scatters the one gradient into its own part of the table.

    Args:
        table: The columns' tables one under the other, float32 ``(sum(sizes), width)``.
        ids: int32 ``(N, len(sizes))``, each column counting from 0.
        sizes: Number of ids of each column.

    Returns:
        float32 ``(N, width)``.
    """
    columns = tf.unstack(ids, len(sizes), axis=-1)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist()

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(table: Tensor) -> Any:
        found = [
            tf.gather(table, column + start) for column, start in zip(columns, starts, strict=True)
        ]

        def gradient(dy: Tensor) -> Tensor:
            per_column = [
                tf.math.unsorted_segment_sum(dy, column, size)
                for column, size in zip(columns, sizes, strict=True)
            ]
            return tf.concat(per_column, axis=0)

        return tf.add_n(found), gradient

    return run(tf.convert_to_tensor(table))


def read_and_coming(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows that are read and those to come: ``rows[:, :-1], rows[:, 1:]``.

    Args:
        rows: float32 ``(B, T + 1, width)``.

    Returns:
        Two of ``(B, T, width)``.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(rows: Tensor) -> Any:
        def gradient(read: Tensor, coming: Tensor) -> Tensor:
            none = tf.zeros_like(read[:, :1])
            return tf.concat([read, none], axis=1) + tf.concat([none, coming], axis=1)

        return (rows[:, :-1], rows[:, 1:]), gradient

    read, coming = run(rows)
    return read, coming


def pick(rows: Tensor, places: Tensor) -> Tensor:
    """The rows at ``places``: ``gather(rows, places)``, where no place comes twice.

    Args:
        rows: float32 ``(N, width)``.
        places: int64 ``(n,)``, all different.

    Returns:
        float32 ``(n, width)``.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(rows: Tensor) -> Any:
        size = tf.shape(rows)[0]
        return tf.gather(rows, places), lambda dy: unpick(dy, places, size)

    return run(rows)


def unpick(rows: Tensor, places: Tensor, size: Tensor) -> Tensor:
    """Put picked rows back where they were, zeros elsewhere: the reverse of :func:`pick`.

    Args:
        rows: float32 ``(n, width)``.
        places: int64 ``(n,)``, all different.
        size: Number of rows N that there were.

    Returns:
        float32 ``(N, width)``.
    """
    shape = tf.stack([tf.cast(size, tf.int64), tf.shape(rows, out_type=tf.int64)[1]])
    return tf.scatter_nd(places[:, None], rows, shape)
