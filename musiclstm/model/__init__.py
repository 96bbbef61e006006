"""Integer rows enter; log-probabilities of the next row leave, learned in Keras, said in NumPy.

Importing this package does not import Keras: :mod:`.network` and :mod:`.lstm` do, and only training
needs them.
"""

from musiclstm.model.architecture import NetworkConfig, count_parameters, weight_shapes
from musiclstm.model.bundle import Bundle, find_bundle, list_bundles, load_bundle
from musiclstm.model.decoder import Decoder
from musiclstm.model.state import Asked, DecoderState

__all__ = [
    "Asked",
    "Bundle",
    "Decoder",
    "DecoderState",
    "NetworkConfig",
    "count_parameters",
    "find_bundle",
    "list_bundles",
    "load_bundle",
    "weight_shapes",
]
