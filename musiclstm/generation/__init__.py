"""A bundle and a request enter; new `Score`s leave, each with what it was asked to be.

No Keras and no TensorFlow: the NumPy decoder composes.
"""

from musiclstm.generation.arrange import harmonize, infill, vary
from musiclstm.generation.compose import Composition, compose, generate
from musiclstm.generation.copied_runs import novelty_arrays
from musiclstm.generation.guard import Rescue
from musiclstm.generation.manner import (
    DEFAULT_SAMPLING,
    bundle_resampling,
    bundle_sampling,
    drawn_as,
)
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.ranking import Ranked, rank
from musiclstm.generation.request import Made, Request, fulfil
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.rewriting import Manner, Rewriting
from musiclstm.generation.sampling import Sampling, choose, probabilities
from musiclstm.generation.stream import StreamedNote, stream
from musiclstm.generation.typical import Typical
from musiclstm.generation.wishes import Plan, Wishes

__all__ = [
    "DEFAULT_SAMPLING",
    "Composition",
    "Copied",
    "CopyCheck",
    "Made",
    "Manner",
    "Plan",
    "Ranked",
    "Request",
    "Resampling",
    "Rescue",
    "Rewriting",
    "Sampling",
    "StreamedNote",
    "Typical",
    "Wishes",
    "bundle_resampling",
    "bundle_sampling",
    "choose",
    "compose",
    "drawn_as",
    "fulfil",
    "generate",
    "harmonize",
    "infill",
    "novelty_arrays",
    "probabilities",
    "rank",
    "stream",
    "vary",
]
