"""A bundle and wishes enter; new `Score`s leave, each with what it was asked to be.

No Keras and no TensorFlow: the NumPy decoder composes.
"""

from musiclstm.generation.compose import (
    DEFAULT_SAMPLING,
    Composition,
    bundle_sampling,
    compose,
    generate,
)
from musiclstm.generation.novelty import Copied, CopyCheck, novelty_arrays
from musiclstm.generation.sampling import Sampling, choose, probabilities
from musiclstm.generation.wishes import Plan, Wishes

__all__ = [
    "DEFAULT_SAMPLING",
    "Composition",
    "Copied",
    "CopyCheck",
    "Plan",
    "Sampling",
    "Wishes",
    "bundle_sampling",
    "choose",
    "compose",
    "generate",
    "novelty_arrays",
    "probabilities",
]
