"""``novelty.npz``: plain arrays, read from a stranger's archive without unpickling or guessing.

The archive is what :func:`numpy.savez_compressed` writes: every member a row of whole numbers or of
text, with a CRC-32. Anything else is refused, and so is an archive that unpacks to far more than it
is, so that memory is bounded by what lies on the disk.
"""

import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from musiclstm.model.reading import damaged, opened

Arrays = dict[str, npt.NDArray[Any]]

_MAX_BYTES = 2**30
# Half of what is stored are hashes, which do not compress; a file full of zeros shrinks a
# thousandfold.
_MOST_GROWTH = 16
_FREE_BYTES = 32 * 2**20
_MOST_MEMBERS = 16
_DIRECTORY = struct.Struct("<4s4H2LH")  # the end of an archive without a comment
_MAX_DIRECTORY_BYTES = 2**16
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<|][iuU]\d{1,5})', 'fortran_order': False, "
    rb"'shape': \((?P<length>\d{1,12}),\), \} *\n"
)
# what zipfile and zlib raise on bytes that are no archive, beside their own: RuntimeError for a
# password or an unknown packing, OSError for a place before the beginning, MemoryError for sizes
# that lie
_ARCHIVE_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    RuntimeError,
    TypeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(path: Path) -> Arrays:
    """Read all arrays of an archive.

    Args:
        path: The file.

    Returns:
        The arrays by name, one-dimensional, of whole numbers or text.

    Raises:
        BundleError: If it is damaged, too large, or holds anything else.
    """
    with opened(path, _MAX_BYTES) as file:
        try:
            size = _check_end(file)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check_members(members, size)
                return {
                    member.filename.removesuffix(".npy"): _array(archive.read(member))
                    for member in members
                }
        except _ARCHIVE_ERRORS as error:
            raise damaged(path, error) from error


def _check_end(file: BinaryIO) -> int:
    """Bound the table of contents, which is read whole; the archive's size in bytes."""
    size = os.fstat(file.fileno()).st_size
    if size < _DIRECTORY.size:
        raise ValueError("it is no archive")
    file.seek(-_DIRECTORY.size, os.SEEK_END)
    mark, *_, directory_bytes, _, comment_bytes = _DIRECTORY.unpack(file.read(_DIRECTORY.size))
    if mark != b"PK\x05\x06" or comment_bytes or directory_bytes > _MAX_DIRECTORY_BYTES:
        raise ValueError("it is no archive, or does not end as one")
    file.seek(0)
    return size


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = {member.filename for member in members}
    if len(members) > _MOST_MEMBERS or len(names) < len(members):
        raise ValueError(f"it has {len(members)} members, or two of one name")
    total = sum(member.file_size for member in members)
    most = min(_MAX_BYTES, _FREE_BYTES + _MOST_GROWTH * size)
    if total > most:
        raise ValueError(f"it unpacks to {total:,} bytes; at most {most:,} are read")
    if any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        raise ValueError("it is packed in an unusual way")


def _array(data: bytes) -> npt.NDArray[Any]:
    """The array in the bytes of a ``.npy`` file; they are not copied, and cannot be written to."""
    begins = len(_MAGIC) + 2
    begins += int.from_bytes(data[len(_MAGIC) : begins], "little")
    header = _HEADER.fullmatch(data[len(_MAGIC) + 2 : begins])
    if not data.startswith(_MAGIC) or header is None:
        raise ValueError("an array in it is no row of whole numbers or text")
    dtype, length = np.dtype(header["dtype"].decode()), int(header["length"])
    if begins + length * dtype.itemsize != len(data):
        raise ValueError("an array in it is not as long as it says")
    return np.frombuffer(data, dtype, length, begins)
