"""``musiclstm models``: the models found, and what one of them knows."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import print_json, print_table, remark
from musiclstm.cli.options import json_option

if TYPE_CHECKING:
    from rich.text import Text

    from musiclstm.model import Bundle

COMMONEST = 8
_LONGEST_CELL = 2000


@click.command()
@click.argument("name", required=False)
@json_option
def models(name: str | None, as_json: bool) -> None:
    """List the models found, or show what the model NAME knows: parts, styles, keys, meters.

    \b
    Example:
      musiclstm models
      musiclstm models chorales
    """  # noqa: D301
    from musiclstm.errors import BundleError  # noqa: PLC0415
    from musiclstm.model import list_bundles, load_bundle  # noqa: PLC0415

    if name:
        facts = describe(load_bundle(name))
        if as_json:
            print_json(facts)
        else:
            _print_facts(facts)
        return
    found: list[dict[str, Any]] = []
    for folder in list_bundles():
        try:
            found.append(describe(load_bundle(folder)))
        except BundleError as error:
            found.append({"name": folder.name, "path": str(folder), "error": str(error)})
    if as_json:
        print_json({"models": found})
    else:
        _print_list(found)


def describe(bundle: "Bundle") -> dict[str, Any]:
    """What a bundle knows, as plain values."""
    from musiclstm.score import Key, Meter  # noqa: PLC0415

    pieces = [p for p in bundle.corpus.get("pieces", []) if p.get("split") == "train"]
    keys = Counter(Key.from_index(p["key"]).name for p in pieces if p.get("key") is not None)
    meters = Counter(Meter(*p["meters"][0]).name for p in pieces if p.get("meters"))
    results = bundle.results
    return {
        "name": bundle.name,
        "path": str(bundle.path),
        "digest": bundle.digest,
        "parts": [
            {
                "name": part.name,
                "program": part.program,
                "drums": part.is_drum,
                "lowest": part.low,
                "highest": part.high,
                "one_note_at_a_time": part.monophonic,
            }
            for part in bundle.vocabulary.parts
        ],
        "styles": list(bundle.vocabulary.style_names),
        "keys": dict(keys.most_common()),
        "meters": dict(meters.most_common()),
        "train_pieces": results.get("train_pieces"),
        "train_notes": results.get("train_notes"),
        "valid_pieces": results.get("valid_pieces"),
        "valid_nats_per_note": results.get("valid_nats_per_note"),
        "layers": bundle.network.layers,
        "units": bundle.network.units,
        "parameters": results.get("parameters"),
        "steps_per_quarter": bundle.vocabulary.steps_per_quarter,
        "status": bundle.config.get("status"),
    }


def _print_list(found: list[dict[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415

    if not found:
        click.echo("no models yet; `musiclstm train FOLDER -o trained/NAME` makes one")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("model", "nats a note", "pieces", "parts", "where"):
        table.add_column(column, overflow="fold")
    for facts in found:
        broken = "error" in facts
        parts = "" if broken else ", ".join(part["name"] for part in facts["parts"])
        pieces = "" if broken else facts["train_pieces"] or "?"
        nats = "damaged" if broken else _nats(facts)
        table.add_row(*map(_cell, (facts["name"], nats, pieces, parts, facts["path"])))
    print_table(table)
    for facts in found:
        if "error" in facts:
            remark(facts["error"])


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=_cell(facts["name"]), title_justify="left", box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows: list[tuple[str, object]] = []
    for part in facts["parts"]:
        sound = "drums" if part["drums"] else f"program {part['program']}"
        single = ", one note at a time" if part["one_note_at_a_time"] else ""
        pitches = f"pitches {part['lowest']}-{part['highest']}"
        rows.append((f"part {part['name']}", f"{pitches}, {sound}{single}"))
    rows += [
        ("styles", ", ".join(facts["styles"]) or "none"),
        ("keys", _commonest(facts["keys"])),
        ("meters", _commonest(facts["meters"])),
        ("learned from", f"{facts['train_pieces']} pieces, {facts['train_notes']} notes"),
        ("nats a note", f"{_nats(facts)} on {facts['valid_pieces']} held-out pieces"),
        ("network", f"{facts['layers']} LSTM layers of {facts['units']} units"),
        ("status", facts["status"]),
        ("where", facts["path"]),
    ]
    for row in rows:
        table.add_row(*map(_cell, row))
    print_table(table)


def _cell(value: object) -> "Text":
    """A stranger's words: no markup, no control characters."""
    from rich.text import Text  # noqa: PLC0415

    from musiclstm.model.reading import printable  # noqa: PLC0415

    return Text(printable(value, _LONGEST_CELL))


def _nats(facts: dict[str, Any]) -> str:
    nats = facts["valid_nats_per_note"]
    return "unknown" if nats is None else f"{nats:.3f}"


def _commonest(tally: dict[str, int]) -> str:
    words = [f"{name} ({count})" for name, count in list(tally.items())[:COMMONEST]]
    more = len(tally) - COMMONEST
    return ", ".join(words) + (f" and {more} more" if more > 0 else "") or "unspecified"
