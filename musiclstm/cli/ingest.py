"""``musiclstm ingest``: read a folder and report every file."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import print_json, print_table, progress
from musiclstm.cli.options import PATH, jobs_option, json_option, quiet_option
from musiclstm.errors import MusicLSTMError

if TYPE_CHECKING:
    from rich.table import Table

    from musiclstm.ingest import Corpus, IngestReport
    from musiclstm.score import Score

COMMONEST = 6  # keys and meters named in the summary; a corpus may have all 24 keys


@click.command()
@click.argument("src", type=PATH)
@click.option("--all", "show_all", is_flag=True, help="List the kept pieces too.")
@click.option(
    "--steps-per-quarter",
    type=click.IntRange(1, 960),
    help="The grid that notes snap to.  [default: 24]",
)
@click.option(
    "--pedal/--no-pedal",
    default=None,
    help="Hold notes while the sustain pedal is down, as they sound, or end them where the key is "
    "let go.  [default: pedal]",
)
@click.option(
    "--max-bytes", type=click.IntRange(min=1), help="Skip larger files.  [default: 10,000,000]"
)
@click.option(
    "--max-notes",
    type=click.IntRange(min=1),
    help="Skip pieces of more notes.  [default: 200,000]",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Skip files that take more seconds to read.  [default: 30]",
)
@click.option("--cache/--no-cache", default=True, show_default=True, help="Remember what was read.")
@jobs_option
@json_option
@quiet_option
def ingest(
    src: Path,
    *,
    show_all: bool,
    cache: bool,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
    **wishes: Any,
) -> None:
    """Read the music in SRC, a folder or a file, and report every file: kept, or skipped and why.

    Files are only read, never changed. The sub-folders of SRC are the styles of their pieces.

    \b
    Example:
      musiclstm ingest midi_data/
      musiclstm ingest midi_data/ --all --no-pedal
      musiclstm ingest midi_data/ --json > report.json
    """  # noqa: D301
    from musiclstm.ingest import IngestSettings, read_folder  # noqa: PLC0415

    settings = IngestSettings(**{name: wish for name, wish in wishes.items() if wish is not None})
    with progress("Reading", quiet=quiet) as show:
        corpus = read_folder(src, settings=settings, jobs=jobs, cache=cache, progress=show)
    if as_json:
        print_json({"source": str(src), **_summary(corpus), **corpus.report.as_dict()})
    else:
        _print_report(corpus, show_all=show_all)
    if not corpus.scores:
        raise MusicLSTMError(f"nothing in {src} could be read; the report gives the reasons")


def _summary(corpus: "Corpus") -> dict[str, Any]:
    """What the scores are made of, beyond what the report of the files says."""
    scores = corpus.scores
    return {
        "parts": _tally(str(len(score.parts)) for score in scores),
        "keys": _tally(_key(score) for score in scores),
        "meters": _tally(_meter(score) for score in scores),
        "styles": _tally(score.style for score in scores),
    }


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _key(score: "Score") -> str:
    return score.key.name if score.key else "unspecified"


def _meter(score: "Score") -> str:
    if score.performed:
        return "performed"
    return score.meter_map.meters[0].name if score.meter_map.specified else "unspecified"


def _print_report(corpus: "Corpus", *, show_all: bool) -> None:
    report = corpus.report
    if show_all and corpus.scores:
        print_table(_kept_table(corpus))
    if report.skipped:
        print_table(_skipped_table(report))
    print_table(_summary_table(corpus))


def _kept_table(corpus: "Corpus") -> "Table":
    table = _table("Kept", "piece", "notes", "parts", "key", "meter", "snap", "remarks")
    for file, score in zip(corpus.report.kept, corpus.scores, strict=True):
        table.add_row(
            _plain(file.source),
            str(file.notes),
            str(len(score.parts)),
            _key(score),
            _meter(score),
            f"{file.worst_snap:.2f}",
            _plain("; ".join(file.remarks)),
        )
    return table


def _skipped_table(report: "IngestReport") -> "Table":
    table = _table("Skipped", "file", "reason")
    for file in report.skipped:
        table.add_row(_plain(file.source), _plain(file.reason))
    return table


def _summary_table(corpus: "Corpus") -> "Table":
    from rich.table import Table  # noqa: PLC0415

    report, kept = corpus.report, corpus.report.kept
    summary = _summary(corpus)
    notes = sum(file.notes for file in kept)
    mean_snap = sum(file.mean_snap * file.notes for file in kept) / max(1, notes)
    worst_snap = max((file.worst_snap for file in kept), default=0.0)
    table = Table(title="Summary", title_justify="left", box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (
        ("kept", f"{len(kept):,} of {len(report.files):,}"),
        ("skipped", _commonest(report.reasons)),
        ("notes", f"{notes:,}"),
        ("styles", _commonest({style or "unnamed": n for style, n in summary["styles"].items()})),
        ("parts", _commonest(summary["parts"])),
        ("keys", _commonest(summary["keys"])),
        ("meters", _commonest(summary["meters"])),
        ("snapping", f"{mean_snap:.3f} steps on average, {worst_snap:.2f} at worst"),
        ("merged", f"{sum(file.merged for file in kept):,} notes that began twice"),
        ("cut", f"{sum(file.cut for file in kept):,} notes struck again while they sounded"),
    ):
        table.add_row(name, _plain(value))
    return table


def _commonest(tally: dict[str, int]) -> str:
    """Name the commonest values: ``"4/4 (12), 3/4 (5), 2 others (2)"``."""
    items = list(tally.items())
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
        number = column in ("notes", "parts", "snap")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _plain(text: str) -> str:
    """Keep rich from reading ``[bold]`` in a file's name as markup."""
    from rich.markup import escape  # noqa: PLC0415

    return escape(text)
