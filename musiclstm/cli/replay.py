"""``musiclstm replay``: a written piece, made again from what is written inside it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.composing import provenance
from musiclstm.cli.console import one_thread, print_json, progress, remark
from musiclstm.cli.group import one_line
from musiclstm.cli.options import PATH, json_option, quiet_option

if TYPE_CHECKING:
    from musiclstm.ingest import HandedIn
    from musiclstm.model import Bundle
    from musiclstm.score import Score

_LONGEST_TEXT = 4_000_000  # characters; a thousand bars of the longest chords fit in


@click.command()
@click.argument("piece", type=PATH)
@click.option("--primer", type=PATH, help="The file it was made from.  [default: beside PIECE]")
@click.option("-m", "--model", help="A model folder or name.  [default: as PIECE says]")
@click.option(
    "-o", "--out", type=PATH, default="out", show_default=True, help="Folder, or NAME.mid."
)
@json_option
@quiet_option
def replay(
    piece: Path, primer: Path | None, model: str | None, out: Path, as_json: bool, quiet: bool
) -> None:
    """Make PIECE again, byte for byte, from what is written inside it.

    On another machine or version rounding may differ; then the first note that does is named.

    \b
    Example:
      musiclstm replay out/chorales-7-1.mid
      musiclstm replay out/tune-harmonize-7-1.mid --primer tune.mid
    """  # noqa: D301
    one_thread()
    from musiclstm import __version__  # noqa: PLC0415
    from musiclstm.errors import RequestError  # noqa: PLC0415
    from musiclstm.files import atomic_write_bytes, free_path  # noqa: PLC0415
    from musiclstm.generation import Request, fulfil  # noqa: PLC0415
    from musiclstm.ingest import read_score  # noqa: PLC0415
    from musiclstm.rendering import midi_bytes  # noqa: PLC0415

    said = _provenance(piece)
    try:
        request = Request.from_dict(said["request"])
        only = said["index"], said["candidate"]
        if {*map(type, only)} != {int}:
            raise RequestError("it does not say which piece it is")
    except RequestError as error:
        raise RequestError(f"{piece} cannot be made again: {error}") from error
    bundle = _bundle(model, said)
    given = _primer(piece, primer, said)
    with progress("Replaying", quiet=quiet) as show:
        score = None if given is None else given.score
        (made,) = fulfil(bundle, request, score, only=only, progress=show)
    now = provenance(made, bundle, request, given)
    # the model and the given file are known by their contents; their names may have changed
    text = json.dumps({**now, "model": said.get("model"), "primer": said.get("primer")})
    data = midi_bytes(made.score, texts=[text])
    same = data == piece.read_bytes()
    wished = out if out.suffix.lower() in (".mid", ".midi") else out / piece.name
    path = free_path(wished)
    atomic_write_bytes(path, data)
    difference = None if same else _difference(read_score(piece), read_score(path))
    if as_json:
        print_json({"path": str(path), "identical": same, "first_difference": difference})
    else:
        click.echo(str(path))
        if not quiet and same:
            remark("the same, byte for byte")
    if not same:
        told = difference or "all notes are the same, and what is written beside them is not"
        version = said.get("musiclstm")
        other = f"; it was made with version {str(version)[:40]}" if version != __version__ else ""
        raise click.ClickException(one_line(f"{path} differs from {piece}: {told}{other}"))


def _provenance(piece: Path) -> dict[str, Any]:
    """What a file says of how it came about.

    Raises:
        RequestError: If it says no such thing.
    """
    from musiclstm.errors import RequestError  # noqa: PLC0415
    from musiclstm.ingest import texts_of  # noqa: PLC0415

    for text in texts_of(piece):
        if len(text) <= _LONGEST_TEXT:
            try:
                said = json.loads(text)
            except (ValueError, RecursionError):
                continue
            keys = {"musiclstm", "digest", "request", "index", "candidate"}
            if isinstance(said, dict) and keys <= set(said) and isinstance(said["request"], dict):
                return said
    raise RequestError(f"{piece} does not say how it was made; only what musiclstm wrote does")


def _bundle(model: str | None, said: dict[str, Any]) -> "Bundle":
    """The model that a piece was made with."""
    from musiclstm.errors import BundleError, RequestError  # noqa: PLC0415
    from musiclstm.model import list_bundles, load_bundle  # noqa: PLC0415

    if model is not None:
        bundle = load_bundle(model)
        if bundle.digest != said["digest"]:
            raise RequestError(f"{model} is not the model that it was made with, or has changed")
        return bundle
    name = str(said.get("model"))
    for known in sorted(list_bundles(), key=lambda path: path.name != name):
        try:
            bundle = load_bundle(known)
        except BundleError:
            continue
        if bundle.digest == said["digest"]:
            return bundle
    raise RequestError(
        f"the model it was made with, {name[:80]!r}, is not here or has changed; "
        "name its folder with -m"
    )


def _primer(piece: Path, primer: Path | None, said: dict[str, Any]) -> "HandedIn | None":
    """The file that a piece was made from."""
    from musiclstm.errors import RequestError  # noqa: PLC0415
    from musiclstm.ingest import read_handed_in  # noqa: PLC0415

    wanted = said.get("primer")
    if not isinstance(wanted, dict):
        return None
    name = Path(str(wanted.get("name"))).name
    path = piece.parent / name if primer is None else primer
    if primer is None and not (name and path.is_file()):
        said_name = repr(name[:80])
        raise RequestError(
            f"it was made from {said_name}, which is not beside it; use --primer FILE"
        )
    given = read_handed_in(path)
    if given.sha256 != wanted.get("sha256"):
        raise RequestError(f"{path} is not the file that it was made from, or has changed")
    return given


def _difference(one: "Score", other: "Score") -> str | None:
    """The first note in which two scores differ, in words."""
    rows = one.notes.tolist(), other.notes.tolist()
    for number in range(max(map(len, rows))):
        first, second = (of[number] if number < len(of) else None for of in rows)
        if first != second:
            step = (first or second or [0])[0]
            bar = int(one.meter_map.locate(step, one.steps_per_quarter).bar) + 1
            words = [
                "no note" if row is None else f"pitch {row[2]} for {row[1]} steps"
                for row in (first, second)
            ]
            return f"note {number + 1}, in bar {bar}, is {words[1]} and was {words[0]}"
    return None
