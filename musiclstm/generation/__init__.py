"""A bundle and wishes enter; new `Score`s leave, each with what it was asked to be.

No Keras and no TensorFlow: the NumPy decoder composes.
"""

from musiclstm.generation.compose import Composition, compose, generate
from musiclstm.generation.guard import Rescue
from musiclstm.generation.manner import (
    DEFAULT_SAMPLING,
    bundle_resampling,
    bundle_sampling,
)
from musiclstm.generation.novelty import Copied, CopyCheck, novelty_arrays
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.sampling import Sampling, choose, probabilities
from musiclstm.generation.stream import StreamedNote, stream
from musiclstm.generation.wishes import Plan, Wishes

__all__ = [
    "DEFAULT_SAMPLING",
    "Composition",
    "Copied",
    "CopyCheck",
    "Plan",
    "Resampling",
    "Rescue",
    "Sampling",
    "StreamedNote",
    "Wishes",
    "bundle_resampling",
    "bundle_sampling",
    "choose",
    "compose",
    "generate",
    "novelty_arrays",
    "probabilities",
    "stream",
]
