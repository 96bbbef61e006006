"""``musiclstm ingest``: read a folder and report every file."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import print_json, progress, remark
from musiclstm.cli.ingest_tables import print_report, tallies
from musiclstm.cli.options import PATH, jobs_option, json_option, limit_options, quiet_option
from musiclstm.errors import MusicLSTMError
from musiclstm.files import free_path

if TYPE_CHECKING:
    from musiclstm.features import Copy
    from musiclstm.ingest import Corpus
    from musiclstm.ingest.cache import Cache

COPIES = ".copies"  # kind of the cache entry that holds which pieces are copies of which


@click.command()
@click.argument("src", type=PATH)
@click.option("--all", "show_all", is_flag=True, help="List every piece, and all that was found.")
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
@limit_options
@click.option("--cache/--no-cache", default=True, show_default=True, help="Remember what was read.")
@click.option("--picture", type=PATH, help="Draw what was found, as a PNG picture.")
@jobs_option
@json_option
@quiet_option
def ingest(
    src: Path,
    *,
    show_all: bool,
    cache: bool,
    picture: Path | None,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
    **wishes: Any,
) -> None:
    """Read the music in SRC and report every file: kept, repaired, or skipped and why.

    Files are only read, never changed. The sub-folders of SRC are the styles of their pieces.

    \b
    Example:
      musiclstm ingest midi_data/
      musiclstm ingest midi_data/ --all --no-pedal
      musiclstm ingest midi_data/ --picture corpus.png
      musiclstm ingest midi_data/ --json > report.json
    """  # noqa: D301
    from musiclstm.ingest import IngestSettings, read_folder  # noqa: PLC0415
    from musiclstm.ingest.cache import Cache  # noqa: PLC0415

    settings = IngestSettings(**{name: wish for name, wish in wishes.items() if wish is not None})
    with progress("Reading", quiet=quiet) as show:
        corpus = read_folder(src, settings=settings, jobs=jobs, cache=cache, progress=show)
    report = corpus.report
    copies = _copies(corpus, Cache(settings) if cache else None)
    if as_json:
        found = {"copies": [asdict(copy) for copy in copies]}
        print_json({"source": str(src), **tallies(report), **found, **report.as_dict()})
    else:
        print_report(report, copies, show_all=show_all)
    if picture is not None and report.kept:
        _draw(corpus, src, free_path(picture))
    if not report.kept:
        raise MusicLSTMError(f"nothing in {src} could be read; the report gives the reasons")


def _copies(corpus: "Corpus", cache: "Cache | None") -> "list[Copy]":
    """Find the copies, unless they are remembered for just these pieces.

    They depend on nothing but what the pieces are, in their order, so they are kept by that and
    without names: indices, kind, distance and share.
    """
    from musiclstm.features import Copy, find_copies  # noqa: PLC0415

    entry = cache.load(corpus.digest, COPIES) if cache is not None else None
    if entry is not None:
        with suppress(ValueError, TypeError, IndexError):  # a damaged entry is none
            sources = [file.source for file in corpus.report.kept]
            return [
                Copy(sources[piece], sources[of], kind, semitones, share, piece, of)
                for piece, of, kind, semitones, share in json.loads(entry)
            ]
    copies = list(find_copies(corpus.scores))
    if cache is not None:
        rows = [[c.piece, c.of, c.kind, c.semitones, c.share] for c in copies]
        cache.store(corpus.digest, COPIES, json.dumps(rows).encode())
    return copies


def _draw(corpus: "Corpus", src: Path, path: Path) -> None:
    from musiclstm.rendering import Overview, draw_overview  # noqa: PLC0415

    kept, repaired = corpus.report.kept, len(corpus.report.repaired)
    overview = Overview(
        title=src.resolve().name,
        intact=len(kept) - repaired,
        repaired=repaired,
        skipped=corpus.report.reasons,
        notes=[file.notes for file in kept],
        seconds=[file.seconds for file in kept],
        parts=[file.parts for file in kept],
        keys=[file.key for file in kept],
        meters=[file.meter for file in kept],
    )
    draw_overview(overview, path)
    remark(f"a picture of it: {path}")
