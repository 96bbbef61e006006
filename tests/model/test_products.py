"""A product is what NumPy says it is, however many rows it has."""

import numpy as np
import pytest

from musiclstm.model.products import Matrix


@pytest.mark.parametrize("shape", [(512, 1024), (300, 1000), (7, 3), (1, 1), (2000, 70)])
@pytest.mark.parametrize("rows", [0, 1, 2, 5, 12, 13, 40])
def test_it_is_the_plain_product(shape, rows):
    rng = np.random.default_rng(0)
    values = rng.standard_normal(shape).astype(np.float32)
    left = rng.standard_normal((rows, shape[0])).astype(np.float32)
    product = left @ Matrix(values)
    assert product.dtype == np.float32
    assert product.shape == (rows, shape[1])
    assert np.allclose(product, left.astype(np.float64) @ values, atol=1e-3)


def test_the_rows_may_lie_anyhow():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((512, 1024)).astype(np.float32)
    wide = rng.standard_normal((8, 1024)).astype(np.float32)
    matrix = Matrix(values.T.copy().T)
    for left in (wide[:, :512], wide[:, ::2], np.asfortranarray(wide[:, 512:])):
        assert np.allclose(left @ matrix, left.astype(np.float64) @ values, atol=1e-3)
