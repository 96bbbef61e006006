"""``model.safetensors``: the weights by name, with a checksum over all of them in its header.

The library checks that the tensors fill the file exactly; here it is checked beforehand that header
and file are of a size that such a network can have, and afterwards that names, shapes, types and
numbers are the network's.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from musiclstm.errors import BundleError
from musiclstm.files import atomic_write_bytes
from musiclstm.model.finding import CONFIG, WEIGHTS
from musiclstm.model.json_file import CHECKSUM
from musiclstm.model.reading import damaged, opened

_MAX_BYTES = 2 * 2**30
_MAX_HEADER_BYTES = 2**20  # names and shapes of at most a few hundred tensors
_TYPES = {"F16", "F32"}
# The largest float16. Within it no sum of the decoder leaves float32, whatever the network's size.
_LARGEST_WEIGHT = 65504.0

Weights = dict[str, npt.NDArray[np.float32]]


def write_weights(folder: Path, weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> None:
    """Write the weights as float16, atomically: the last file that makes a folder a bundle.

    Raises:
        BundleError: If a weight is not finite in float16.
    """
    with np.errstate(over="ignore"):  # said below, with the name
        halves = {name: np.ascontiguousarray(value, np.float16) for name, value in weights.items()}
    broken = [name for name, value in halves.items() if not np.isfinite(value).all()]
    if broken:
        raise BundleError(f"the weights {broken[0]} are not finite; lower the learning rate")
    contents = hashlib.sha256()
    for name in sorted(halves):
        _add(contents, name, halves[name])
    data = save(halves, metadata={CHECKSUM: contents.hexdigest()})
    atomic_write_bytes(folder / WEIGHTS, data)


def read_weights(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Weights, str]:
    """Read the weights of a network.

    Args:
        folder: Of the bundle.
        shapes: The network's weights, by name.

    Returns:
        The weights as float32, and the SHA-256 over names, shapes, types and numbers as they are
        stored, hexadecimal.

    Raises:
        BundleError: If the file is not exactly such a network's, or was changed.
    """
    path = folder / WEIGHTS
    _check_sizes(path, shapes)
    contents, weights = hashlib.sha256(), {}
    try:
        with safe_open(str(path), framework="np") as file:
            _check_names(path, set(file.keys()), set(shapes))
            for name, shape in shapes.items():
                part = file.get_slice(name)
                found, kind = tuple(part.get_shape()), part.get_dtype()
                if found != shape:
                    raise damaged(path, f"{name} has shape {found}; {CONFIG} asks for {shape}")
                if kind not in _TYPES:
                    raise damaged(path, f"{name} is {kind}, not F16 or F32")
            for name in sorted(shapes):
                stored = file.get_tensor(name)
                _add(contents, name, stored)
                weights[name] = stored.astype(np.float32)
            promised = (file.metadata() or {}).get(CHECKSUM)
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, error) from error
    if promised is not None and promised != contents.hexdigest():
        raise damaged(path, "the weights are not what the checksum says")
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise damaged(path, f"{name} holds numbers that are not finite")
        if np.abs(value).max(initial=0) > _LARGEST_WEIGHT:
            raise damaged(path, f"{name} holds numbers beyond {_LARGEST_WEIGHT:,.0f}")
    return weights, contents.hexdigest()


def _check_sizes(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Bound what is to be read, before any of it is."""
    n_weights = sum(int(np.prod(shape)) for shape in shapes.values())
    with opened(path, min(_MAX_BYTES, 4 * n_weights + _MAX_HEADER_BYTES)) as file:
        declared = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
    if declared > min(_MAX_HEADER_BYTES, size - 8):
        raise damaged(path, f"its header declares {declared:,} bytes")


def _add(contents: "hashlib._Hash", name: str, values: npt.NDArray[Any]) -> None:
    """Add a tensor to the checksum."""
    contents.update(json.dumps([name, values.dtype.name, values.shape]).encode())
    contents.update(np.ascontiguousarray(values).data)


def _check_names(path: Path, names: set[str], expected: set[str]) -> None:
    missing, unknown = sorted(expected - names), sorted(names - expected)
    if missing:
        reason = f"it lacks the weights {missing[0]} ({len(missing)} in all) that {CONFIG} asks for"
        raise damaged(path, reason)
    if unknown:
        raise damaged(path, f"it has weights that {CONFIG} does not ask for: {unknown[0]}")
