"""Spoiled model folders: seeded damage to each file, and the rule by which they are judged.

The rule: a folder is refused in one line that is the program's own, or it works. Where only bytes
of a file with checksums were touched, it is refused or it is the same model.
"""

import copy
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from musiclstm.errors import BundleError, MusicLSTMError
from musiclstm.generation import compose
from musiclstm.model import load_bundle
from musiclstm.model.bundle import CONFIG, CORPUS, NOVELTY, VOCABULARY, WEIGHTS
from musiclstm.model.json_file import CHECKSUM, checksum_of

FILES = (CONFIG, VOCABULARY, CORPUS, WEIGHTS, NOVELTY)
_LONGEST_MESSAGE = 1000
_READ_OF_CONFIG = ("network", "training", "data", "status", "versions", "results", "sampling")

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 24, 127, 128, 255, 960, 961, 4096, 65535, 2**31, 2**53),
    *(10**17, 10**99, -(10**30), 10**100, 0.0, -0.5, 0.5, 1.0, 1e-300, 1e300, 59.9),
    *("", "a", "1", "true", "major", "\x00", "\n\x1b[2J", "[/red]", "\udcff", "名前", "x" * 70_000),
    *([], {}, [[]], [{}], {"": 0}, [0, 0], [0, 4, 4], [0, 64, 1], [0, 5, 3], [24, 4, 4], [None]),
    *(list(range(20)), [0] * 3000, ["x"] * 300, {"a": {"a": {"a": []}}}),
)
_ODD_TOKENS = (b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 3000, b'"\xff"', b'"\\ud800"')


def spoiled_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, drop, put in, repeat or exchange some bytes; never the same bytes again."""
    while True:
        made = _CHANGES[rng.randrange(len(_CHANGES))](bytearray(data), rng)
        if bytes(made) != data:
            return bytes(made)


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 1, 1, 2, 8, 100))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _one_byte(data: bytearray, rng: random.Random) -> bytearray:
    data[rng.randrange(len(data))] = rng.choice((0, 32, 48, 57, 93, 125, 255, rng.randrange(256)))
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def _drop(data: bytearray, rng: random.Random) -> bytearray:
    low = rng.randrange(len(data))
    return data[:low] + data[low + rng.choice((1, 2, 8, 64, 1000)) :]


def _put_in(data: bytearray, rng: random.Random) -> bytearray:
    low = rng.randrange(len(data) + 1)
    return data[:low] + rng.randbytes(rng.choice((1, 2, 8, 64))) + data[low:]


def _repeat(data: bytearray, rng: random.Random) -> bytearray:
    low, length = rng.randrange(len(data)), rng.choice((1, 8, 100))
    return data[:low] + data[low : low + length] * rng.choice((2, 20)) + data[low + length :]


def _exchange(data: bytearray, rng: random.Random) -> bytearray:
    length = rng.choice((1, 2, 8, 64))
    one, two = sorted(rng.randrange(max(1, len(data) - length)) for _ in range(2))
    kept = data[one : one + length]
    data[one : one + length] = data[two : two + length]
    data[two : two + length] = kept
    return data


def _blanks(data: bytearray, rng: random.Random) -> bytearray:
    low, length = rng.randrange(len(data)), rng.choice((1, 16, 512))
    data[low : low + length] = rng.choice((b"\0", b" ", b"\n", b"\xff")) * len(
        data[low : low + length]
    )
    return data


_CHANGES: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _flip,
    _one_byte,
    _cut,
    _drop,
    _put_in,
    _repeat,
    _exchange,
    _blanks,
)


def spoiled_values(values: Any, rng: random.Random) -> None:
    """Replace, drop, add or repeat one entry somewhere in a JSON value, in place."""
    places: list[tuple[Any, Any]] = []
    _places(values, places)
    if not places:
        return
    inside, name = rng.choice(places)
    odd, kind = copy.deepcopy(rng.choice(ODD_VALUES)), rng.randrange(6)
    if kind == 0:
        del inside[name]
    elif kind == 1 and isinstance(inside, dict):
        inside[rng.choice(("more", "", CHECKSUM, "\n"))] = odd
    elif kind == 2 and isinstance(inside, list):
        inside.append(inside[name])
    else:
        inside[name] = odd


def _places(values: Any, found: list[tuple[Any, Any]]) -> None:
    names = values if isinstance(values, dict) else range(len(values))
    for name in list(names):
        found.append((values, name))
        if isinstance(values[name], dict | list):
            _places(values[name], found)


def spoiled_json(data: bytes, rng: random.Random) -> bytes:
    """The file with odd values and a checksum that is right all the same, or with an odd token."""
    values = json.loads(data)
    values.pop(CHECKSUM, None)
    for _ in range(rng.choice((1, 1, 2))):
        spoiled_values(values, rng)
    if rng.randrange(8) == 0:
        text = json.dumps({**values, "odd": "HERE"}).encode()
        return text.replace(b'"HERE"', rng.choice(_ODD_TOKENS))
    return json.dumps({CHECKSUM: checksum_of(values), **values}).encode()


def spoiled_weights(data: bytes, rng: random.Random) -> bytes:
    """The file with an odd header, or with odd tensors and no checksum."""
    if rng.randrange(2):
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        if rng.randrange(2):
            header.pop("__metadata__", None)
        spoiled_values(header, rng)
        text = json.dumps(header).encode()
        declared = rng.choice((len(text),) * 5 + (2**60, 2**63, 2**64 - 1, 0, len(text) + 1))
        return declared.to_bytes(8, "little") + text + data[8 + length :]
    tensors = {name: value.copy() for name, value in load(data).items()}
    name = rng.choice(sorted(tensors))
    value, kind = tensors[name], rng.randrange(7)
    if kind == 0:
        del tensors[name]
    elif kind == 1:
        tensors[name + rng.choice((".more", "\n", "名"))] = value
    elif kind == 2:
        odd = rng.choice((np.float64, np.int32, np.uint8, np.bool_, np.float32))
        tensors[name] = value.astype(odd)
    elif kind == 3:
        tensors[name] = rng.choice((value[:-1].copy(), value[None].copy(), value.ravel().copy()))
    elif kind == 4:
        value.flat[rng.randrange(value.size)] = rng.choice((np.nan, np.inf, -np.inf))
    elif kind == 5:
        tensors[name] = np.full(value.shape, rng.choice((65504, -65504, 1e-7, 0)), np.float16)
    else:
        tensors[name] = np.full(value.shape, rng.choice((3e38, -3e38, 1e5, 60_000)), np.float32)
    return save(tensors)


def spoiled_arrays(data: bytes, rng: random.Random) -> bytes:
    """The archive with one odd array, and all of zip's own checksums right."""
    with np.load(io.BytesIO(data)) as stored:
        arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
    name = rng.choice(sorted(arrays))
    value, kind = arrays[name], rng.randrange(8)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[rng.choice(("more", "../more", "a/b", name + ".npy"))] = value
    elif kind == 2:
        odd = rng.choice((np.float64, np.complex128, np.int8, np.uint64, np.int64, np.bool_, "S4"))
        arrays[name] = np.zeros(len(value), odd)
    elif kind == 3:
        arrays[name] = rng.choice((value[:-1], value[None], value[:0], value[::-1], value[0]))
    elif kind == 4 and value.dtype.kind != "U":
        value[rng.randrange(len(value))] = rng.choice(
            (np.iinfo(value.dtype).max, np.iinfo(value.dtype).min, 0, 1)
        )
    elif kind == 5 and value.dtype.kind != "U":
        arrays[name] = np.full(len(value), rng.choice((0, 1, np.iinfo(value.dtype).max)))
        arrays[name] = arrays[name].astype(value.dtype)
    elif kind == 6:
        arrays[name] = np.zeros(rng.choice((1, 1000, 10**6)), value.dtype)
    else:
        arrays[name] = np.array(["\n\x1b[2J", ""] * max(1, len(value) // 2))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file, and leave it without a checksum, as earlier versions wrote it."""
    values = json.loads(path.read_bytes())
    values.pop(CHECKSUM, None)
    change(values)
    path.write_text(json.dumps(values))


def refused(folder: Path, *words: str) -> str:
    """The one line with which a folder is refused; it has these words."""
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    line = str(caught.value)
    assert line.isprintable(), line
    assert len(line) < _LONGEST_MESSAGE, line
    for word in words:
        assert word in line, line
    return line


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "sprung")


KNOWING: dict[str, Callable[[bytes, random.Random], bytes]] = {
    CONFIG: spoiled_json,
    VOCABULARY: spoiled_json,
    CORPUS: spoiled_json,
    WEIGHTS: spoiled_weights,
    NOVELTY: spoiled_arrays,
}


def spoil(folder: Path, seed: int) -> tuple[str, bool]:
    """Spoil one file of a whole folder.

    Args:
        folder: Of the bundle.
        seed: Decides file and damage.

    Returns:
        Name of the file, and whether the damage was blind: to its bytes, not to its meaning.
    """
    rng = random.Random(seed)  # noqa: S311 - damage that can be repeated
    name, blind = rng.choice(FILES), rng.randrange(5) < 2
    data = (folder / name).read_bytes()
    made = spoiled_bytes(data, rng) if blind else KNOWING[name](data, rng)
    (folder / name).write_bytes(made)
    return name, blind


def judge(folder: Path) -> tuple[str, str]:
    """Open a folder, look for copies, compose a bar.

    Returns:
        What was read, as a checksum, empty where the folder was refused; and the line with which it
        was. Entries of the config that nobody reads do not count.

    Raises:
        AssertionError: If the refusal is no single, short, printable line.
    """
    try:
        bundle = load_bundle(folder)
        arrays = bundle.novelty()
        compose(bundle, bars=1)
    except MusicLSTMError as error:
        line = str(error)
        assert line.isprintable(), line
        assert len(line) < _LONGEST_MESSAGE, line
        return "", line
    read = {
        "digest": bundle.digest,
        "config": {name: bundle.config.get(name) for name in _READ_OF_CONFIG},
        "pieces": bundle.corpus.get("pieces"),
        "novelty": {name: values.tolist() for name, values in arrays.items()},
    }
    return checksum_of(read), ""
