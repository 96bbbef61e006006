"""What an experiment has found: words, tables, pictures, and every number behind them."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.files import atomic_write_bytes
from musiclstm.rendering.document import Block, Fold, Grid, Picture, Scroll, Table


@dataclass(frozen=True)
class Outcome:
    """What an experiment has found.

    Attributes:
        name: Stem of its files, as ``"gradients"``.
        title: For people.
        claim: What a textbook says, in a sentence, with its source.
        found: What these numbers say, in plain sentences made from them.
        blocks: Tables and pictures, as a page shows them.
        numbers: All of it, with the settings and seeds that made it; see :func:`json_ready` for
            what may be in it.
    """

    name: str
    title: str
    claim: str
    found: str
    blocks: tuple[Block, ...]
    numbers: dict[str, Any]


def silent(_line: str) -> None:
    """Tell nobody how far an experiment is."""


def write_outcome(outcome: Outcome, folder: Path) -> list[Path]:
    """Write the pictures, the tables and the numbers of an outcome.

    Args:
        outcome: What was found.
        folder: Where to; it is made. Files of the same names are replaced.

    Returns:
        What was written: ``NAME.png`` and, of further pictures, ``NAME-2.png`` and so on; the
        tables likewise as ``NAME.csv``; and ``NAME.json`` with the words and all numbers.

    Raises:
        RequestError: If a file cannot be written.
    """
    inner = list(_flat(outcome.blocks))
    pictures = [block.png for block in inner if isinstance(block, Picture)]
    tables = [_csv(block) for block in inner if isinstance(block, Table)]
    words = {key: getattr(outcome, key) for key in ("name", "title", "claim", "found")}
    said = json_ready(words | {"numbers": outcome.numbers})
    text = json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    contents = (("png", pictures), ("csv", tables), ("json", [text.encode()]))
    written = []
    for ending, files in contents:
        for count, data in enumerate(files, start=1):
            stem = outcome.name if count == 1 else f"{outcome.name}-{count}"
            written.append(Path(folder) / f"{stem}.{ending}")
            atomic_write_bytes(written[-1], data)
    return written


def json_ready(value: Any) -> Any:
    """Turn what an experiment keeps into what JSON can hold.

    Args:
        value: Numbers, words, None, NumPy arrays and scalars, paths, dataclasses, and mappings and
            sequences of these.

    Returns:
        The same in dictionaries, lists, strings and numbers. What is not finite becomes None, for
        JSON has no such number, and a network that has diverged must not cost the whole result.

    Raises:
        TypeError: If there is anything else in it.

    >>> json_ready({"lag": np.arange(2), "loss": float("nan"), "of": (1, True)})
    {'lag': [0, 1], 'loss': None, 'of': [1, True]}
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return value.as_posix()
    if is_dataclass(value) and not isinstance(value, type):
        return json_ready(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): json_ready(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(each) for each in value]
    raise TypeError(f"a {type(value).__name__} among the numbers: {value!r}")


def _flat(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks, and in their places those inside others."""
    for block in blocks:
        if isinstance(block, Grid | Scroll):
            yield from block.pictures
        elif isinstance(block, Fold):
            yield from _flat(block.blocks)
        else:
            yield block


def _csv(table: Table) -> bytes:
    """A table as a file that spreadsheets read."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue().encode()
