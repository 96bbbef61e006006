"""Tables of `RESULTS.md`."""

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]


def table(head: list[str], rows: list[list[Any]]) -> Iterator[str]:
    """A table in Markdown; the first column is text, the others are figures."""
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"
