"""The JSON files of a bundle: each says in ``"checksum"`` what its content should be.

The checksum is the SHA-256 of the object without it, dumped with sorted keys and no blanks: so it
survives another layout and other line ends, and a file can be replaced without the others knowing.
A file without a checksum, as earlier versions wrote it, is taken as it is.

Reading is stricter than Python's own: UTF-8, no key twice, no number that is not finite, none of
hundreds of digits.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from musiclstm.files import atomic_write_bytes
from musiclstm.model.reading import GET_AGAIN, damaged, fault, opened

CHECKSUM = "checksum"
MAX_JSON_BYTES = 64 * 2**20  # a corpus of 200,000 pieces
# What reading may take, and about what it takes for each list or object, value, key and byte of
# text (measured with CPython 3.11): what is written as "[]," becomes thirty times as large, and a
# single wide character makes all of the text wide.
_MAX_READ_BYTES = 512 * 2**20
_BYTES_A_BRACKET, _BYTES_A_COMMA, _BYTES_A_COLON = 80, 40, 120
_BYTES_A_CHARACTER, _BYTES_WHERE_ONE_IS_WIDE = 2, 9
_MOST_DIGITS = 100  # of a whole number: no range has as many, but a seed may be long
_MARK = b"\xef\xbb\xbf"  # some editors write it at the beginning of what is UTF-8
_LARGE = 2**20  # from here on nobody reads it, and blanks would be half of it

_EDITED = f'{GET_AGAIN}; where you edited it yourself, delete its "{CHECKSUM}" line'


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object with its checksum, atomically.

    Args:
        path: The file; one that exists is replaced.
        values: What JSON can hold; names may hold the lone surrogates of undecodable file names.

    Raises:
        BundleError: If it could not be read again: a number is not finite, or it is too large.
        RequestError: If the place cannot be written.
    """
    try:
        # as it will be read: tuples are lists then, and keys text
        plain = _parsed(json.dumps(dict(values)))
    except ValueError as error:
        advice = "lower the learning rate, or use smaller numbers"
        raise fault(path, f"was not written: {error}", advice) from error
    plain.pop(CHECKSUM, None)
    sealed = {CHECKSUM: checksum_of(plain), **plain}
    text = json.dumps(sealed, separators=(",", ":"))
    if len(text) <= _LARGE:
        text = json.dumps(sealed, indent=1, ensure_ascii=False)
    # the escapes of lone surrogates are JSON's own
    data = (text + "\n").encode("utf-8", "backslashreplace")
    if len(data) > MAX_JSON_BYTES or _memory_for(data) > _MAX_READ_BYTES:
        raise fault(path, f"was not written: {len(data):,} bytes are too many", "use fewer pieces")
    atomic_write_bytes(path, data)


def read_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a JSON object and hold it against its checksum.

    Returns:
        The object without the checksum.

    Raises:
        BundleError: If the file cannot be read, is no JSON object, or was changed.
    """
    return verified(path, parse_json(path, max_bytes))


def parse_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a JSON object as it is; :func:`verified` is the next step.

    Args:
        path: The file.
        max_bytes: The largest size that is read.

    Raises:
        BundleError: If the file cannot be read or is no JSON object.
    """
    with opened(path, max_bytes) as file:
        # no more than it held when it was measured: a buffer of max_bytes would be taken whole
        data = file.read(os.fstat(file.fileno()).st_size)
    if _memory_for(data) > _MAX_READ_BYTES:
        raise damaged(path, "it would take too much memory")
    try:
        return _parsed(data.removeprefix(_MARK).decode())
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is no JSON that this program writes: {error}") from error


def verified(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Hold an object against the checksum that it carries, if it does.

    Args:
        path: Where it came from, for the message.
        values: Of :func:`parse_json`.

    Returns:
        The object without the checksum.

    Raises:
        BundleError: If they differ.
    """
    plain = {name: value for name, value in values.items() if name != CHECKSUM}
    try:
        changed = CHECKSUM in values and values[CHECKSUM] != checksum_of(plain)
    except RecursionError as error:
        raise damaged(path, error) from error
    if changed:
        raise fault(path, "is damaged: it is not what its checksum says", _EDITED)
    return plain


def checksum_of(values: Mapping[str, Any]) -> str:
    """SHA-256 over the object in canonical form, hexadecimal.

    >>> checksum_of({"b": 1, "a": []}) == checksum_of({"a": [], "b": 1})
    True
    """
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    values = json.loads(
        text,
        parse_int=_whole,
        parse_float=_finite,
        parse_constant=_not_finite,
        object_pairs_hook=_unique,
    )
    if not isinstance(values, dict):
        raise ValueError("it holds no object")
    return values


def _memory_for(data: bytes) -> int:
    """About how much memory reading takes, in bytes; brackets within text count too."""
    brackets = data.count(b"[") + data.count(b"{")
    return (
        len(data) * (_BYTES_A_CHARACTER if data.isascii() else _BYTES_WHERE_ONE_IS_WIDE)
        + brackets * _BYTES_A_BRACKET
        + data.count(b",") * _BYTES_A_COMMA
        + data.count(b":") * _BYTES_A_COLON
    )


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > _MOST_DIGITS:  # Python itself stops at 4300
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits} is too large a number")
    return value


def _not_finite(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("an entry is there twice")
    return values
