"""TensorFlow operations with gradients of their own, where TensorFlow's are slow on a CPU.

Each equals the plain expression in its docstring, forwards and backwards. What TensorFlow makes of
that expression writes large arrays between, on one core. For 44 columns of ids into 2,200 rows of
128, 4,096 rows looked up on 2 cores, forwards and backwards: plain gathers and sums 103 ms, a
multi-hot matrix times the table 43 ms, :func:`sum_of_rows` 11 ms.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

__all__ = ["look_up", "pick", "put", "read_and_coming", "sum_of_rows", "unpick"]

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow carries no types that mypy could read


def sum_of_rows(table: Tensor, ids: Tensor) -> Tensor:
    """Rows of a table, summed: ``reduce_sum(gather(concat([table, zeros]), ids), 1)``.

    For a wide ``ids`` TensorFlow would write every row found before it adds them up, and in the
    gradient again. Here both ways are sums over segments, which write the result alone. Backwards
    the segments are the table's rows, so that the ids must be sorted: NumPy's radix sort does that
    in a tenth of the time of TensorFlow's.

    Args:
        table: float32 ``(rows, width)``.
        ids: int32 ``(N, columns)``, 0 to ``rows``; ``rows`` is *none* and adds nothing.

    Returns:
        float32 ``(N, width)``.
    """
    rows, columns = table.shape[0], ids.shape[1]
    n = tf.shape(ids)[0]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(table: Tensor) -> Any:
        with_none = tf.concat([table, tf.zeros_like(table[:1])], axis=0)
        found = tf.raw_ops.SparseSegmentSum(
            data=with_none,
            indices=tf.reshape(ids, [-1]),
            segment_ids=tf.reshape(tf.tile(tf.range(n)[:, None], [1, columns]), [-1]),
        )

        def gradient(dy: Tensor) -> Tensor:
            places, sorted_ids = tf.numpy_function(
                lambda of_rows: _by_id(of_rows, rows), [ids], [tf.int32, tf.int32], stateful=False
            )
            return tf.raw_ops.SparseSegmentSumWithNumSegments(
                data=dy,
                indices=tf.ensure_shape(places, [None]),
                segment_ids=tf.ensure_shape(sorted_ids, [None]),
                num_segments=rows,
            )

        return tf.ensure_shape(found, [ids.shape[0], table.shape[1]]), gradient

    return run(tf.convert_to_tensor(table))


def _by_id(
    ids: npt.NDArray[np.int32], none: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The rows in which each id stands, id after id, and the id of each; none is left out."""
    flat = ids.reshape(-1)
    sortable = flat.astype(np.uint16) if none <= np.iinfo(np.uint16).max else flat  # 16 bits: radix
    order = np.argsort(sortable, kind="stable")[: np.count_nonzero(flat < none)]
    return (order // ids.shape[1]).astype(np.int32), flat[order]


def look_up(values: Tensor, columns: Tensor) -> Tensor:
    """Take entries of each row: ``gather(values, columns, batch_dims=1)``.

    Args:
        values: float32 ``(N, width)``.
        columns: int32 ``(N, k)``, 0 to ``width - 1``.

    Returns:
        float32 ``(N, k)``.
    """
    begins = tf.range(tf.shape(values)[0])[:, None] * values.shape[1]
    return tf.gather(tf.reshape(values, [-1]), columns + begins)


def put(values: Tensor, columns: Tensor, width: int) -> Tensor:
    """Add entries into rows of zeros: ``reduce_sum(one_hot(columns) * values[..., None], 1)``.

    Args:
        values: float32 ``(N, k)``.
        columns: int32 ``(N, k)``, -1 to ``width - 1``; -1 leaves the entry out, and where columns
            are equal the entries add up.
        width: Of the rows.

    Returns:
        float32 ``(N, width)``.
    """
    n = tf.shape(values)[0]
    begins = tf.range(n)[:, None] * width
    flat = tf.scatter_nd(
        tf.reshape(tf.maximum(columns, 0) + begins, [-1, 1]),
        tf.reshape(tf.where(columns >= 0, values, 0.0), [-1]),
        [n * width],
    )
    return tf.reshape(flat, [n, width])


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
