"""A unit held at zero: what a model is without it.

A cell whose candidate is always 0 never holds anything, so that it shows nothing either; the
weights that lead into its candidate are all that must go. Nothing else of the model changes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from musiclstm.errors import RequestError
from musiclstm.model import Bundle

_CANDIDATE = 2  # of the gates i, f, g, o, as they lie in the kernels


def muted(bundle: Bundle, units: Iterable[tuple[int, int]]) -> Bundle:
    """A bundle with some units held at zero, cell and hidden state both.

    Args:
        bundle: It stays as it is.
        units: Layer and unit of each, from 0.

    Raises:
        RequestError: If there is no such unit.
    """
    width, weights = bundle.network.units, dict(bundle.weights)
    for layer, unit in units:
        if not (0 <= layer < bundle.network.layers and 0 <= unit < width):
            raise RequestError(
                f"there is no unit {layer + 1}:{unit + 1}; {bundle.name} has layers 1 to "
                f"{bundle.network.layers} and units 1 to {width}"
            )
        column = _CANDIDATE * width + unit
        for name in ("kernel", "recurrent_kernel", "bias"):
            values = np.array(weights[f"lstm.{layer}.{name}"])
            values[..., column] = 0
            weights[f"lstm.{layer}.{name}"] = values
    return replace(bundle, weights=weights)


def parse_units(words: Sequence[str]) -> list[tuple[int, int]]:
    """Units as a user names them: ``LAYER:UNIT``, both from 1.

    Raises:
        RequestError: If they are named in another way.

    >>> parse_units(["2:37"])
    [(1, 36)]
    """
    found = []
    for word in words:
        match = re.fullmatch(r"(\d{1,4}):(\d{1,6})", word.strip())
        if match is None:
            raise RequestError(f"{word!r} names no unit; write LAYER:UNIT, as 2:37")
        found.append((int(match[1]) - 1, int(match[2]) - 1))
    return found
