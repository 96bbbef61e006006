"""The weights that a training begins with."""

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary

_QUIET = 0.1  # of the last layers, so that the first predictions are the unigram model's


def initial_weight(
    name: str, shape: tuple[int, ...], vocabulary: Vocabulary, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw a weight: Glorot & Bengio 2010 for kernels, orthogonal where the state goes round.

    Args:
        name: Its name in :func:`~.architecture.weight_shapes`.
        shape: Its shape there.
        vocabulary: The biases of the heads' last layers are its unigram model.
        rng: The source of chance.

    Returns:
        float32 of that shape.
    """
    kind = name.rsplit(".", 1)[1]
    if kind == "out_bias":
        return vocabulary.log_frequencies(Field[name.split(".")[1].upper()])
    if kind.endswith("bias") or kind in (
        "gate_kernel",
        "ends_kernel",
        "motion_table",
        "sonority_table",
    ):
        value = np.zeros(shape, np.float32)
        if name.startswith("lstm."):
            units = shape[0] // 4
            value[units : 2 * units] = 1.0  # the forget gate starts open (Jozefowicz et al. 2015)
        return value
    if kind.endswith("table"):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    if kind == "recurrent_kernel":
        blocks = [np.linalg.qr(rng.normal(size=(shape[0], shape[0])))[0] for _ in range(4)]
        return np.concatenate(blocks, axis=1).astype(np.float32)
    limit = np.sqrt(6.0 / (shape[0] + shape[1]))
    if kind in ("out_kernel", "interval_kernel"):
        limit *= _QUIET
    return rng.uniform(-limit, limit, shape).astype(np.float32)
