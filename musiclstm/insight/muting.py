"""A unit held at zero: what a model is without it.

A cell whose candidate is always 0 never holds anything, so that it shows nothing either; the
weights that lead into its candidate are all that must go. Nothing else of the model changes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from musiclstm.encoding import Encoded, Field
from musiclstm.errors import RequestError
from musiclstm.insight.trace import cost
from musiclstm.model import Bundle

FIELDS = tuple(field.name.lower() for field in Field)
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


@dataclass(frozen=True)
class Loss:
    """What a piece costs with units and without them.

    Attributes:
        units: As a user names them.
        nats: A note, by field, with all units.
        nats_muted: Without those.
    """

    units: tuple[str, ...]
    nats: tuple[float, ...]
    nats_muted: tuple[float, ...]


def loss(bundle: Bundle, without: Bundle, units: Iterable[tuple[int, int]], piece: Encoded) -> Loss:
    """Say what units held at zero cost on a piece, in nats a note, waits and the end with them.

    Args:
        bundle: The model.
        without: Of :func:`muted`.
        units: Which.
        piece: With at least one note.
    """
    both = [tuple(cost(of, piece).tolist()) for of in (bundle, without)]
    return Loss(tuple(f"{layer + 1}:{unit + 1}" for layer, unit in units), *both)


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
