"""Matrix products with few rows, as composing has them: OpenBLAS is slow at some, and need not be.

Where a processor has AVX-512, OpenBLAS multiplies small matrices as they lie in memory, up to a
million multiplications a product. Beyond, it lays the whole matrix out anew first, which pays from
about sixteen rows on; with fewer it takes longer than the product itself. So a large matrix is kept
in blocks of columns besides, each of them small enough: 4 rows by 512 x 1024 take 68 instead of 214
microseconds. Where there are no such kernels, blocks cost about what the whole does.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_MOST = 1_000_000  # OpenBLAS 0.3, kernel/x86_64/sgemm_small_kernel_permit_skylakex.c
_ROWS = 12  # with more of them the whole is as fast
_STEP = 64  # columns: whole tiles of the kernels


class Matrix:
    """A matrix on the right-hand side of products: ``rows @ matrix`` gives float32 ``(B, N)``.

    Args:
        values: float32 ``(K, N)``, not to be changed any more.

    >>> (np.ones((2, 3), np.float32) @ Matrix(np.ones((3, 4), np.float32))).tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """

    __array_ufunc__ = None  # NumPy leaves ``@`` to :meth:`__rmatmul__`

    def __init__(self, values: FloatArray) -> None:
        self.values = np.ascontiguousarray(values)
        inner, self._width = values.shape
        self._whole_up_to = _MOST // values.size  # rows
        width = max(_MOST // (_ROWS * inner) // _STEP, 1) * _STEP
        starts = range(0, self._width, width) if self._whole_up_to < _ROWS else ()
        self._blocks = [
            (slice(start, start + width), np.ascontiguousarray(values[:, start : start + width]))
            for start in starts
        ]

    def __rmatmul__(self, rows: FloatArray) -> FloatArray:
        if not 1 < len(rows) <= _ROWS or len(rows) <= self._whole_up_to:
            whole: FloatArray = rows @ self.values
            return whole
        product = np.empty((len(rows), self._width), np.float32)
        for columns, block in self._blocks:
            np.matmul(rows, block, out=product[:, columns])
        return product
