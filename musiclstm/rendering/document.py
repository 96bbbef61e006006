"""Reports as one HTML page each: text, tables and pictures in a file that needs nothing else.

Nothing is loaded from anywhere, and no script runs: a page can be mailed, kept, and opened without
a network. All text is escaped, since names of pieces and parts come from strangers.
"""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from musiclstm.files import atomic_write_bytes
from musiclstm.rendering.colours import DOTS_PER_INCH

if TYPE_CHECKING:
    from jinja2 import Template

_CSS_PIXELS_PER_INCH = 96
_NUMBER_CHARACTERS = frozenset("0123456789.,:%+-−–±×·/ <>≥≤eE()")


@dataclass(frozen=True)
class Text:
    """Plain text.

    Attributes:
        body: Blank lines part paragraphs.
    """

    body: str
    kind = "text"

    @property
    def paragraphs(self) -> list[str]:
        """What stands between blank lines."""
        return [part.strip() for part in self.body.split("\n\n") if part.strip()]


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes:
        columns: Their headings.
        rows: Of each as many cells as there are columns, ready to be read.
        caption: Above it; what the numbers are, with their unit.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    kind = "table"

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers alone; they are set to the right."""
        return [
            any(row[column] for row in self.rows)
            and all(set(row[column]) <= _NUMBER_CHARACTERS for row in self.rows)
            for column in range(len(self.columns))
        ]


@dataclass(frozen=True)
class Picture:
    """A PNG.

    Attributes:
        png: The file.
        alt: What is to be seen, in words, for those who cannot see it.
        caption: Below it.
    """

    png: bytes
    alt: str
    caption: str = ""
    kind = "picture"

    @property
    def source(self) -> str:
        """The picture as a URL that holds it."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on a page, in CSS pixels, from the header of the PNG."""
        width, height = struct.unpack(">II", self.png[16:24])
        scale = _CSS_PIXELS_PER_INCH / DOTS_PER_INCH
        return round(width * scale), round(height * scale)


@dataclass(frozen=True)
class Grid:
    """Pictures side by side, as many as there is room for."""

    pictures: Sequence[Picture]
    kind = "grid"


@dataclass(frozen=True)
class Scroll:
    """Pictures one under the other at their natural size, in one box that scrolls sideways.

    Pictures of equal width line up: what is above each other is the same moment.

    Attributes:
        pictures: From top to bottom; their captions are not shown.
        caption: Below all.
    """

    pictures: Sequence[Picture]
    caption: str = ""
    kind = "scroll"


@dataclass(frozen=True)
class Callout:
    """What matters most, in a box.

    Attributes:
        mood: How it stands; it chooses the colour alone.
        title: A few words, which say how it stands to those who do not see that.
        body: As of :class:`Text`.
    """

    mood: Literal["good", "mixed", "bad"]
    title: str
    body: str
    kind = "callout"

    @property
    def paragraphs(self) -> list[str]:
        """What stands between blank lines."""
        return Text(self.body).paragraphs


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when their title is clicked."""

    title: str
    blocks: Sequence["Block"]
    kind = "fold"


Block = Text | Table | Picture | Grid | Scroll | Callout | Fold


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


def document(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Put a page together.

    Args:
        title: Of the page.
        lead: What it is, in a sentence or two, below the title.
        sections: In their order; with three or more of them a list of contents stands above.

    Returns:
        HTML, the same for the same arguments.
    """
    return _template().render(title=title, lead=Text(lead).paragraphs, sections=sections)


def write_document(path: Path | str, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write :func:`document` to a file, whole or not at all; an existing file is replaced.

    Raises:
        RequestError: If the place cannot be written.
    """
    page = document(title, lead, sections)
    atomic_write_bytes(path, page.encode(errors="backslashreplace"))


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("document.html")
