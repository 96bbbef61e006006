"""The lab's folder: the outcomes that lie in it, so that none is made twice, and a page of all."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclstm.files import atomic_write_bytes
from musiclstm.lab.outcome import Outcome, json_ready, write_outcome
from musiclstm.rendering.document import (
    Block,
    Callout,
    Fold,
    Grid,
    Picture,
    Scroll,
    Section,
    Table,
    Text,
    write_document,
)

PAGE = "index.html"
_RECORDS = "records"  # sub-folder: what each outcome was, and what it depends on
_KINDS: Mapping[str, Callable[..., Block]] = {
    "text": Text,
    "table": Table,
    "callout": Callout,
    "grid": Grid,
    "scroll": Scroll,
}
_TITLE = "The theory of LSTMs, run on this machine"
_LEAD = (
    "What textbooks say of long short-term memory, each claim beside what these experiments found. "
    "The numbers lie beside this page, as pictures, CSV and JSON."
)


@dataclass(frozen=True)
class Kept:
    """An outcome that lies in the folder.

    Attributes:
        outcome: As it was.
        key: What it depends on.
        paths: Its files.
    """

    outcome: Outcome
    key: Mapping[str, Any]
    paths: tuple[Path, ...]


def keep(outcome: Outcome, key: Mapping[str, Any], folder: Path) -> Kept:
    """Write an outcome; the record, by which it is found again, comes last.

    Args:
        outcome: What was found.
        key: What it depends on, ready for JSON.
        folder: Where to; files of an earlier outcome of the same name are replaced.

    Raises:
        UnwritableError: If the folder cannot be written.
    """
    _record(folder, outcome.name).unlink(missing_ok=True)  # whatever comes now, it holds no more
    paths = write_outcome(outcome, folder)
    # the files come in the order of the blocks
    files = [path.name for path in paths if path.suffix == ".png"]
    pictures = {
        id(picture): file for picture, file in zip(_pictures(outcome.blocks), files, strict=True)
    }
    record = {
        "key": key,
        "paths": [path.relative_to(folder).as_posix() for path in paths],
        "name": outcome.name,
        "title": outcome.title,
        "claim": outcome.claim,
        "found": outcome.found,
        "blocks": [_as_dict(block, pictures) for block in outcome.blocks],
        "numbers": outcome.numbers,
    }
    atomic_write_bytes(
        _record(folder, outcome.name), json.dumps(json_ready(record), indent=1).encode()
    )
    return Kept(outcome, key, tuple(paths))


def kept(folder: Path, name: str) -> Kept | None:
    """An outcome that was kept; None where there is none, or not all of it."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(_record(folder, name).read_bytes())
        paths = tuple(folder / path for path in record["paths"])
        if record["name"] == name and all(path.is_file() for path in paths):
            outcome = Outcome(
                name=name,
                title=record["title"],
                claim=record["claim"],
                found=record["found"],
                blocks=tuple(_block(values, folder) for values in record["blocks"]),
                numbers=record["numbers"],
            )
            return Kept(outcome, record["key"], paths)
    return None


def settled(out: Path, keys: Mapping[str, Mapping[str, Any]]) -> Path:
    """The folder, or the next free number of it, in which nothing else would be overwritten.

    Args:
        out: The folder that is wished for.
        keys: By experiment, what its outcome depends on.

    Returns:
        One in which each of these experiments has no outcome, or the very one.
    """
    if not out.name:  # "." has no name to number
        out = out.resolve()
    number, folder = 1, out
    while any(not _fits(folder, name, key) for name, key in keys.items()):
        number += 1
        folder = out.with_name(f"{out.name}-{number}")
    return folder


def _fits(folder: Path, name: str, key: Mapping[str, Any]) -> bool:
    found = kept(folder, name)
    if found is not None:
        return bool(found.key == json.loads(json.dumps(json_ready(key))))
    # a run that was killed while it wrote leaves files and no record; so does a stranger
    return _record(folder, name).parent.is_dir() or not (folder / f"{name}.json").exists()


def write_page(folder: Path, names: Iterable[str]) -> Path:
    """Write the page of all outcomes in a folder.

    Args:
        folder: The lab's.
        names: Of experiments, in their order; those without an outcome are left out.

    Raises:
        UnwritableError: If it cannot be written.
    """
    found = [each.outcome for name in names if (each := kept(folder, name)) is not None]
    sections = [
        Section(
            outcome.title,
            [Text(f"The claim. {outcome.claim}"), Text(f"Found. {outcome.found}"), *outcome.blocks],
        )
        for outcome in found
    ]
    write_document(folder / PAGE, _TITLE, _LEAD, sections)
    return folder / PAGE


def _record(folder: Path, name: str) -> Path:
    return folder / _RECORDS / f"{name}.json"


def _pictures(blocks: Iterable[Block]) -> Iterable[Picture]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Grid | Scroll):
            yield from block.pictures
        elif isinstance(block, Fold):
            yield from _pictures(block.blocks)


def _as_dict(block: Block, files: Mapping[int, str]) -> dict[str, Any]:
    """A block, its pictures by the names of their files."""
    values = {"kind": block.kind, **vars(block)}
    if isinstance(block, Picture):
        del values["png"]
        return {**values, "file": files[id(block)]}
    if isinstance(block, Grid | Scroll):
        return {**values, "pictures": [_as_dict(each, files) for each in block.pictures]}
    if isinstance(block, Fold):
        return {**values, "blocks": [_as_dict(each, files) for each in block.blocks]}
    return values


def _block(values: Mapping[str, Any], folder: Path) -> Block:
    """Undo :func:`_as_dict`."""
    own = {name: value for name, value in values.items() if name != "kind"}
    kind = values["kind"]
    if kind == "picture":
        return _picture(own, folder)
    if kind == "fold":
        return Fold(own["title"], [_block(each, folder) for each in own["blocks"]])
    if kind in ("grid", "scroll"):
        own["pictures"] = [_picture(each, folder) for each in own["pictures"]]
    return _KINDS[kind](**own)


def _picture(values: Mapping[str, Any], folder: Path) -> Picture:
    # a name, not a path: a record must not lead out of its folder
    png = (folder / Path(values["file"]).name).read_bytes()
    return Picture(png, values["alt"], values["caption"])
