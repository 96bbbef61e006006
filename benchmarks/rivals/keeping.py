"""What was found: kept in one file for all corpora, and printed as a table."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

# the file beside the folder of that name, which mypy takes it for
from benchmarks.results import load, machine, versions  # type: ignore[attr-defined]
from benchmarks.rivals.contenders import CONTENDERS
from benchmarks.rivals.terms import Facts
from musiclstm.encoding import Field
from musiclstm.files import atomic_write_bytes


def keep(file: Path, corpus: str, facts: Facts, name: str, found: Facts) -> None:
    """Put a contender's results among the others; file as `benchmarks/results.py` has them."""
    kept = read_results(file)
    of_corpus = kept["found"].setdefault(corpus, {})
    of_corpus["pieces"] = facts
    of_corpus.setdefault("contenders", {})[name] = found
    order = list(CONTENDERS)
    of_corpus["contenders"] = dict(
        sorted(of_corpus["contenders"].items(), key=lambda item: order.index(item[0]))
    )
    kept.update(date=today(), machine=machine(), load_before=load(), versions=versions())
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, kept)


def read_results(file: Path) -> Facts:
    """What has been found so far."""
    if not file.exists():
        return {"command": "python benchmarks/likelihood.py", "found": {}}
    kept: Facts = json.loads(file.read_text(encoding="utf-8"))
    return kept


def margins(contenders: Mapping[str, Facts], split: str) -> dict[str, float]:
    """By how many nats a note each rival is behind ours; below 0 it is ahead."""
    ours = contenders.get("ours", {}).get("nats_per_note", {}).get(split)
    if ours is None:
        return {}
    return {
        name: round(found["nats_per_note"][split] - ours, 5)
        for name, found in contenders.items()
        if name != "ours" and split in found["nats_per_note"]
    }


def show(corpus: str, found: Facts, split: str) -> None:
    """Print the table of a corpus."""
    facts = found["pieces"]
    for each, of in facts.items():
        click.echo(
            f"{corpus}, {each}: {of['pieces']} pieces, {of['notes']:,} notes, {of['rows']:,} rows; "
            f"{of['merged_parts']} parts merged, {of['dropped_parts']} dropped, "
            f"{of['lost_notes']} notes lost, none transposed"
        )
    fields = [field.name.lower() for field in Field]
    head = ["contender", "weights", "minutes", "steps", "rows/s", "train", "valid", "test"]
    head += [f"{split} {fields[0]}", *fields[1:], "behind ours"]
    rows = []
    behind = margins(found["contenders"], split)
    for name, of in found["contenders"].items():
        nats, by_field = of["nats_per_note"], of["by_field"].get(split, {})
        rows.append(
            [
                name,
                f"{of['parameters']:,}",
                f"{of['minutes']:.1f}",
                str(of["steps"]),
                f"{of['rows_per_second']:,}",
                *(f"{nats[each]:.4f}" if each in nats else "-" for each in facts),
                *(f"{by_field[field]:.4f}" if by_field else "-" for field in fields),
                f"{behind[name]:+.4f}" if name in behind else "",
            ]
        )
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    for row in [head, *rows]:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for name, margin in behind.items():
        if margin <= 0:
            click.echo(f"ours is not ahead of {name}: by {-margin:.4f} nats a note it is better")


def write_json(file: Path, value: Any) -> None:
    """Write whole or not at all."""
    atomic_write_bytes(file, (json.dumps(value, indent=1) + "\n").encode())


def moment() -> Facts:
    """When and where it is, and how busy the machine."""
    return {"date": today(), "load": load(), "machine": machine(), "versions": versions()}


def today() -> str:
    """Date and time."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
