"""The report of a folder as tables: what was kept, repaired, skipped, and what stands twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from musiclstm.cli.console import print_table

if TYPE_CHECKING:
    from rich.table import Table

    from musiclstm.features import Copy
    from musiclstm.ingest import FileReport, IngestReport

COMMONEST = 6  # keys and meters named in the summary; a corpus may have all 24 keys
ROWS = 40  # of a table that is not asked for; every skipped file is named, however many
_NUMBERS = frozenset({"notes", "parts", "bars", "snap"})


def print_report(report: "IngestReport", copies: "Sequence[Copy]", *, show_all: bool) -> None:
    """Print everything that a musician wants to know of a folder.

    Args:
        report: Of every file.
        copies: Pieces that repeat another.
        show_all: Whether to list the kept pieces, and all of the repaired and the copies.
    """
    rows = None if show_all else ROWS
    if show_all and report.kept:
        print_table(_kept(report.kept))
    if report.repaired:
        print_table(_repaired(report.repaired[:rows], len(report.repaired)))
    if copies:
        print_table(_copies(copies[:rows], len(copies)))
    if report.skipped:
        print_table(_skipped(report.skipped))
    print_table(_summary(report, copies))


def tallies(report: "IngestReport") -> dict[str, dict[str, int]]:
    """How many of the kept pieces have which number of parts, key, meter and style."""
    kept = report.kept
    return {
        "parts": tally(str(file.parts) for file in kept),
        "keys": tally(file.key or "unspecified" for file in kept),
        "meters": tally(_meter(file) for file in kept),
        "styles": tally(file.style for file in kept),
    }


def tally(values: Iterable[str]) -> dict[str, int]:
    """Count values, the commonest first."""
    return dict(Counter(values).most_common())


def _meter(file: "FileReport") -> str:
    return "performed" if file.performed else file.meter or "unspecified"


def _kept(files: "Sequence[FileReport]") -> "Table":
    table = _table("Kept", "piece", "notes", "parts", "bars", "key", "meter", "snap", "remarks")
    for file in files:
        table.add_row(
            _plain(file.source),
            str(file.notes),
            str(file.parts),
            str(file.bars),
            file.key or "unspecified",
            _meter(file),
            f"{file.worst_snap:.2f}",
            _plain("; ".join(file.remarks)),
        )
    return table


def _repaired(files: "Sequence[FileReport]", count: int) -> "Table":
    table = _table("Kept, repaired", "piece", "what was put right")
    for file in files:
        table.add_row(_plain(file.source), _plain("; ".join(r.words for r in file.repairs)))
    return _with_rest(table, count)


def _skipped(files: "Sequence[FileReport]") -> "Table":
    table = _table("Skipped", "file", "reason", "what to do")
    for file in files:
        table.add_row(_plain(file.source), _plain(file.reason), _plain(file.fix))
    return table


def _copies(copies: "Sequence[Copy]", count: int) -> "Table":
    table = _table("Copies (they stay together when pieces are held out)", "piece", "is")
    for copy in copies:
        table.add_row(_plain(copy.source), _plain(copy.words))
    return _with_rest(table, count)


def _with_rest(table: "Table", count: int) -> "Table":
    if count > table.row_count:
        table.add_row(f"... and {count - table.row_count:,} more: --all lists them")
    return table


def _summary(report: "IngestReport", copies: "Sequence[Copy]") -> "Table":
    from rich.table import Table  # noqa: PLC0415

    kept, counts = report.kept, tallies(report)
    notes = sum(file.notes for file in kept)
    mean_snap = sum(file.mean_snap * file.notes for file in kept) / max(1, notes)
    worst_snap = max((file.worst_snap for file in kept), default=0.0)
    minutes = sum(file.seconds for file in kept) / 60
    table = Table(title="Summary", title_justify="left", box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (
        ("kept", f"{len(kept):,} of {len(report.files):,}"),
        ("repaired", commonest(report.repairs)),
        ("skipped", commonest(report.reasons)),
        ("passed over", commonest(dict(report.passed_over))),
        ("copies", commonest(tally(copy.kind for copy in copies))),
        ("notes", f"{notes:,}"),
        ("length", f"{minutes:,.0f} minutes, {sum(file.bars for file in kept):,} bars"),
        ("styles", commonest({style or "unnamed": n for style, n in counts["styles"].items()})),
        ("parts", commonest(counts["parts"])),
        ("keys", commonest(counts["keys"])),
        ("meters", commonest(counts["meters"])),
        ("snapping", f"{mean_snap:.3f} steps on average, {worst_snap:.2f} at worst"),
        ("merged", f"{sum(file.merged for file in kept):,} notes that began twice"),
        ("cut", f"{sum(file.cut for file in kept):,} notes struck again while they sounded"),
    ):
        table.add_row(name, _plain(value))
    return table


def commonest(counts: dict[str, int]) -> str:
    """Name the commonest values: ``"4/4 (12), 3/4 (5), 2 others (2)"``."""
    items = list(counts.items())
    # "1 other" would take the room of the one it stands for
    named = items if len(items) <= COMMONEST + 1 else items[:COMMONEST]
    words = [f"{value} ({count:,})" for value, count in named]
    if len(named) < len(items):
        rest = items[len(named) :]
        words.append(f"{len(rest)} others ({sum(count for _, count in rest):,})")
    return ", ".join(words) or "none"


def _table(title: str, *columns: str) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    return table


def _plain(text: str) -> str:
    """Keep rich from reading ``[bold]`` in a file's name as markup."""
    from rich.markup import escape  # noqa: PLC0415

    return escape(text)
