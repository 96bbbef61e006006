"""``musiclstm evaluate``: how good a model is, what is wrong with it, and how near it copies."""

from pathlib import Path

import click

from musiclstm.cli.console import one_thread, print_json, progress, remark
from musiclstm.cli.options import PATH, json_option, quiet_option


@click.command()
@click.argument("model", metavar="BUNDLE")
@click.argument("src", required=False, type=PATH)
@click.option(
    "-o", "--out", type=PATH, help="The report.  [default: out/BUNDLE-report.html]", metavar="FILE"
)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(2, 1000),
    default=24,
    show_default=True,
    help="How many pieces the model composes for it.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@json_option
@quiet_option
def evaluate(
    model: str,
    src: Path | None,
    out: Path | None,
    count: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say how good the model BUNDLE is: one page with a verdict in plain words.

    SRC is a folder of music. Pieces in it that the model has learned from are told apart from those
    that were held out and those that it has never met. Without SRC a model of a built-in corpus is
    held against that; of any other, only what can be known without music is told.

    \b
    Example:
      musiclstm evaluate chorales
      musiclstm evaluate trained/mine midi_data/mine -o out/mine.html
    """  # noqa: D301
    one_thread()
    from musiclstm.evaluation.examine import examine  # noqa: PLC0415
    from musiclstm.evaluation.report import lead, sections, values  # noqa: PLC0415
    from musiclstm.files import free_path  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.model.pieces import read_pieces  # noqa: PLC0415
    from musiclstm.rendering.document import write_document  # noqa: PLC0415

    bundle = load_bundle(model)
    with progress("Reading", quiet=quiet) as show:
        pieces = read_pieces(bundle, src, progress=show)
    if pieces is None and not quiet:
        remark("no music beside it: name the folder that it learned from as SRC to learn more")
    found = examine(bundle, pieces, count, seed, tell=(lambda _: None) if quiet else _told)
    path = free_path(out or Path("out") / f"{bundle.name}-report.html")
    if out is not None or not as_json:
        write_document(path, f"How good is {bundle.name}?", lead(found), sections(found))
    if as_json:
        report = {"report": str(path)} if out is not None else {}
        print_json({**values(found), **report})
        return
    click.echo(f"verdict: {found.verdict.title}")
    for finding in found.verdict.findings:
        click.echo(f"  {finding.in_words()}")
    click.echo(f"the report: {path}")


def _told(stage: str) -> None:
    remark(f"{stage} ...")
