"""``musiclstm inspect``: a piece as the model reads it: its gates, its memory, its surprise."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import one_thread, print_json, progress, remark
from musiclstm.cli.options import PATH, json_option, quiet_option
from musiclstm.errors import RequestError

if TYPE_CHECKING:
    from musiclstm.encoding import Encoded
    from musiclstm.insight.muting import Loss
    from musiclstm.insight.units import Findings
    from musiclstm.model import Bundle

DEFAULT_BARS = 16  # drawn of a piece
MOST_BARS = 64  # sixteen feet of paper
_MOST_ROWS = 8_192  # of the piece: its gates take 100 MB in a network of 2 x 256
_MOST_PIECES = 60  # read to find out what units follow
_NAMED = 8  # units
_COMPOSED_BARS = 16  # by a model with units held at zero


@click.command()
@click.argument("model", metavar="BUNDLE")
@click.argument("piece", type=PATH)
@click.option(
    "-o", "--out", type=PATH, help="Folder of page and pictures.  [default: out/PIECE-inspect]"
)
@click.option(
    "--with",
    "src",
    type=PATH,
    metavar="SRC",
    help="Music on which to find out what units follow.  [default: what the model was made of]",
)
@click.option("--bars", metavar="A-B", help=f"Which to draw.  [default: the first {DEFAULT_BARS}]")
@click.option(
    "--mute",
    multiple=True,
    metavar="LAYER:UNIT",
    help="Hold a unit at zero, and compose with and without it; may be repeated.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of composing.")
@json_option
@quiet_option
def inspect(
    model: str,
    piece: Path,
    out: Path | None,
    src: Path | None,
    bars: str | None,
    mute: tuple[str, ...],
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Let the model BUNDLE read PIECE, and draw what happens in its cells.

    One page, and each of its pictures as a PNG: the piano roll; below it, lined up in time, the
    input, forget and output gates, cell states and hidden states of each layer; what single units
    follow, and how surely; and how much each note surprised the model.

    \b
    Example:
      musiclstm inspect chorales tune.mid
      musiclstm inspect chorales tune.mid --mute 2:37
    """  # noqa: D301
    one_thread()
    from musiclstm.files import atomic_write_bytes, free_path  # noqa: PLC0415
    from musiclstm.generation.primer import fit  # noqa: PLC0415
    from musiclstm.generation.typical import beginning  # noqa: PLC0415
    from musiclstm.generation.wishes import Wishes, ranges_of  # noqa: PLC0415
    from musiclstm.ingest import read_handed_in  # noqa: PLC0415
    from musiclstm.insight.muting import muted as hold_at_zero  # noqa: PLC0415
    from musiclstm.insight.muting import parse_units  # noqa: PLC0415
    from musiclstm.insight.report import drawn, lead, sections, values  # noqa: PLC0415
    from musiclstm.insight.report import inspect as draw  # noqa: PLC0415
    from musiclstm.insight.trace import notes_of  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.rendering.document import write_document  # noqa: PLC0415

    chosen = _bars(bars)
    units = parse_units(mute)
    bundle = load_bundle(model)
    handed = read_handed_in(piece)
    primer = fit(handed.score, bundle.vocabulary, ranges_of(Wishes(), bundle))
    for told in (*handed.remarks, *primer.remarks):
        remark(told)
    encoded = beginning(primer.encoded, bundle.vocabulary, _MOST_ROWS)
    if len(encoded.events) < len(primer.encoded.events):
        remark(f"only the first {len(encoded.events):,} notes are read")
    stem = piece.stem or "piece"
    folder = free_path(out or Path("out") / f"{stem}-inspect")
    # before anything is read: it is told at once if there are no such bars or units
    grid = bundle.vocabulary.steps_per_quarter
    drawn(notes_of(encoded, bundle.vocabulary), chosen, grid)
    without = hold_at_zero(bundle, units)
    findings = _findings(bundle, src, encoded, quiet=quiet)
    muted = _mute(bundle, without, encoded, units, folder, seed) if units else None
    tell = (lambda _: None) if quiet else remark
    found = draw(bundle, encoded, findings, chosen, tell)
    paths = []
    for name, picture in found.pictures.items():
        paths.append(folder / f"{name}.png")
        atomic_write_bytes(paths[-1], picture.png)
    page = folder / "index.html"
    told_of = sections(found, muted[0] if muted else None)
    write_document(page, f"{handed.name}, read by {bundle.name}", lead(found), told_of)
    if as_json:
        facts = {"page": str(page), "pictures": [str(path) for path in paths]}
        print_json({**values(found), **facts, **({"muted": muted[1]} if muted else {})})
        return
    for unit in findings.best(_NAMED):
        click.echo(unit.words)
    if muted:
        of = muted[1]
        click.echo(
            f"without {', '.join(of['units'])}: {of['nats_per_note_muted']:.3f} nats a note of "
            f"this piece, with {of['nats_per_note']:.3f}"
        )
        click.echo(f"composed with: {of['with']}")
        click.echo(f"composed without: {of['without']}")
    click.echo(f"the page: {page}")


def _bars(words: str | None) -> tuple[int, int]:
    if words is None:
        return 1, DEFAULT_BARS
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", words.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise RequestError(f"--bars {words!r} names no bars; write them like 5-8")
    if last - first >= MOST_BARS:
        raise RequestError(f"--bars {words} are too many to draw; name {MOST_BARS} at most")
    return first, last


def _findings(bundle: "Bundle", src: Path | None, piece: "Encoded", *, quiet: bool) -> "Findings":
    """What units follow, on pieces that the model has not met where there are any."""
    from musiclstm.insight.units import find_units  # noqa: PLC0415
    from musiclstm.model.pieces import encoded, read_pieces  # noqa: PLC0415

    with progress("Reading", quiet=quiet) as show:
        pieces = read_pieces(bundle, src, progress=show)
    unmet, known = [], []
    if pieces is not None:
        scores = [*pieces.some("valid", _MOST_PIECES), *pieces.some("new", _MOST_PIECES)]
        unmet = encoded(bundle, scores)
        known = encoded(bundle, pieces.some("train", _MOST_PIECES)) if len(unmet) < 2 else []
    if not quiet:
        if pieces is None:
            remark(
                "no other music to learn from what units follow: it is told of this piece alone; "
                "--with SRC names the folder that the model was trained on"
            )
        remark("finding out what units follow ...")
    chosen = unmet if len(unmet) > 1 else unmet + known
    return find_units(bundle, chosen or [piece], unseen=chosen == unmet and bool(unmet))


def _mute(
    bundle: "Bundle",
    without: "Bundle",
    piece: "Encoded",
    units: list[tuple[int, int]],
    folder: Path,
    seed: int,
) -> tuple["Loss", dict[str, Any]]:
    """Compose with and without some units, and say what the piece costs either way."""
    from musiclstm.generation import compose  # noqa: PLC0415
    from musiclstm.insight.muting import FIELDS, loss  # noqa: PLC0415
    from musiclstm.rendering import write_midi  # noqa: PLC0415

    cost = loss(bundle, without, units, piece)
    found: dict[str, Any] = {"units": list(cost.units), "seed": seed}
    names = "-".join(word.replace(":", "_") for word in found["units"])
    for which, model, suffix in (("with", bundle, ""), ("without", without, f"-without-{names}")):
        path = folder / f"composed-{seed}{suffix}.mid"
        write_midi(compose(model, seed=seed, bars=_COMPOSED_BARS)[0].score, path)
        found[which] = str(path)
    found["nats_per_note"] = sum(cost.nats)
    found["nats_per_note_muted"] = sum(cost.nats_muted)
    found["by_field"] = dict(zip(FIELDS, cost.nats, strict=True))
    found["by_field_muted"] = dict(zip(FIELDS, cost.nats_muted, strict=True))
    return cost, found
