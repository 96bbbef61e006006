"""``musiclstm render``: a piece of music as a picture."""

from pathlib import Path

import click

from musiclstm.cli.console import print_json, progress, remark
from musiclstm.cli.options import PATH, json_option, quiet_option
from musiclstm.errors import MusicLSTMError

KINDS = (".png",)


@click.command()
@click.argument("pieces", metavar="PIECE...", nargs=-1, required=True, type=PATH)
@click.option(
    "-o",
    "--out",
    type=PATH,
    help="A file (.png) for one piece, or a folder.  [default: beside each piece]",
)
@json_option
@quiet_option
def render(pieces: tuple[Path, ...], *, out: Path | None, as_json: bool, quiet: bool) -> None:
    """Draw each PIECE as a piano roll: time to the right, pitch upwards, a colour for each part.

    A picture that exists is never overwritten: the next free number is taken. A PIECE that cannot
    be read does not keep the others from being drawn, but the exit status is 1.

    \b
    Example:
      musiclstm render out/piece.mid
      musiclstm render out/piece.mid -o piece.png
      musiclstm render out/*.mid -o pictures/
    """  # noqa: D301
    from musiclstm.files import free_path  # noqa: PLC0415
    from musiclstm.ingest import read_score  # noqa: PLC0415
    from musiclstm.rendering import draw_piano_roll  # noqa: PLC0415

    _check_out(out, len(pieces))
    drawn: list[tuple[Path, Path]] = []
    failed = 0
    with progress("Drawing", quiet=quiet or len(pieces) == 1) as show:
        for done, piece in enumerate(pieces, start=1):
            try:
                score = read_score(piece)
                wished = _target(piece, out)
                picture = free_path(wished)
                draw_piano_roll(score, picture)
            except MusicLSTMError as error:
                if len(pieces) == 1:
                    raise
                remark(f"Error: {error}")
                failed += 1
            else:
                drawn.append((piece, picture))
                if picture != wished and not quiet:
                    remark(f"{wished} exists: the picture is {picture.name}")
            show(done, len(pieces))
    if as_json:
        print_json({"pictures": [{"piece": str(a), "picture": str(b)} for a, b in drawn]})
    else:
        for _, picture in drawn:
            click.echo(picture)
    if failed:
        raise MusicLSTMError(f"{failed} of {len(pieces)} pieces could not be drawn")


def _check_out(out: Path | None, n_pieces: int) -> None:
    """Refuse an OUT that is neither a picture for one piece nor a folder."""
    if out is None or out.is_dir() or not out.suffix:
        return
    if out.suffix.lower() not in KINDS:
        raise click.BadParameter(
            f"{out} is no kind of picture that can be drawn; end it in {' or '.join(KINDS)}, "
            "or name a folder",
            param_hint="'-o'",
        )
    if n_pieces > 1:
        raise click.BadParameter(
            f"{out} is one picture, and there are {n_pieces} pieces; name a folder",
            param_hint="'-o'",
        )


def _target(piece: Path, out: Path | None) -> Path:
    """Say where the picture of a piece would go."""
    picture = piece.with_suffix(KINDS[0]).name
    if out is None:
        return piece.with_name(picture)
    if out.is_dir() or not out.suffix:
        return out / picture
    return out
