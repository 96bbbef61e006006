"""``musiclstm generate``: new pieces from a model, without TensorFlow."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import print_json, progress, remark
from musiclstm.cli.options import PATH, json_option, quiet_option

if TYPE_CHECKING:
    from musiclstm.generation import Composition
    from musiclstm.model import Bundle

DEFAULT_MODEL = "chorales"
# a run this long that is in the training set too is worth a word; Bach shares shorter with Bach
TELL_FROM_NOTES = 24


@click.command()
@click.option(
    "-m", "--model", default=DEFAULT_MODEL, show_default=True, help="A model folder or its name."
)
@click.option(
    "-o", "--out", type=PATH, default="out", show_default=True, help="Folder, or NAME.mid for one."
)
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=1, help="How many pieces.")
@click.option("--bars", type=int, help="Length in bars.  [default: as in the corpus]")
@click.option("--seed", type=click.IntRange(0), help="Makes the same pieces again.  [default: new]")
@click.option("--key", help="As 'A minor', 'Bb', 'F#m'.  [default: as in the corpus]")
@click.option("--meter", help="As 3/4; one that the model knows.  [default: as in the corpus]")
@click.option("--tempo", type=float, help="Quarter notes a minute.  [default: as in the corpus]")
@click.option("--style", help="One that the model knows.  [default: as in the corpus]")
@click.option(
    "--program",
    "programs",
    multiple=True,
    metavar="[PART=]0-127",
    help="General MIDI sound, for all parts or one; may be repeated.",
)
@click.option("--temperature", type=float, help="Below 1 plays safe, above 1 dares.")
@click.option("--pitch-temperature", type=float, help="The same for pitches alone.")
@click.option("--rhythm-temperature", type=float, help="The same for rhythm alone.")
@click.option("--top-k", type=int, help="Choose among the k likeliest; 0: among all.")
@click.option("--top-p", type=float, help="Choose among the likeliest that have this probability.")
@click.option(
    "--candidates",
    type=int,
    help="How many ways to go on are weighed at each onset; 1: the first that comes.",
)
@click.option("--endings", type=int, help="How many endings are weighed; 1: the first that comes.")
@click.option("--min-p", type=float, help="Drop what is less likely than this share of the best.")
@json_option
@quiet_option
def generate(
    model: str,
    out: Path,
    count: int,
    seed: int | None,
    key: str | None,
    programs: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **wishes: Any,
) -> None:
    """Compose new pieces and write them as MIDI.

    What is left open (meter, tempo, key, length) is drawn from what the model learned from.

    \b
    Example:
      musiclstm generate
      musiclstm generate -m trained/mine -o out/ -n 3 --bars 16 --key "A minor"
      musiclstm generate --pitch-temperature 1.1 --program soprano=73 --seed 7
    """  # noqa: D301
    # rows are products of a vector and a matrix: more threads only wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import secrets  # noqa: PLC0415

    from musiclstm.generation import bundle_resampling, bundle_sampling, compose  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.score import Key  # noqa: PLC0415

    bundle = load_bundle(model)
    seed = secrets.randbelow(2**31) if seed is None else seed
    asked = {name: wishes[name] for name in ("bars", "meter", "tempo", "style")}
    with progress("Composing (bars)", quiet=quiet) as show:
        pieces = compose(
            bundle,
            count,
            seed=seed,
            sampling=bundle_sampling(bundle, wishes),
            resampling=bundle_resampling(bundle, wishes),
            progress=show,
            key=Key.parse(key) if key else None,
            programs=_programs(programs, bundle),
            **asked,
        )
    written = [_write(piece, bundle, out, count) for piece in pieces]
    if as_json:
        print_json({"model": bundle.name, "digest": bundle.digest, "seed": seed, "pieces": written})
        return
    for piece in written:
        click.echo(_line(piece))
    _warn(bundle, pieces)
    if not quiet:
        remark(f"the same again: --seed {seed}")


def _programs(words: tuple[str, ...], bundle: "Bundle") -> dict[str, int]:
    """``("soprano=73", "19")`` as programs by part name."""
    chosen: dict[str, int] = {}
    names = [part.name for part in bundle.vocabulary.parts]
    # for all parts first, so that what is said of one part holds whatever the order
    for word in sorted(words, key=lambda word: "=" in word):
        part, equals, number = word.rpartition("=")
        if not number.strip().isdecimal():
            raise click.BadParameter(f"{word!r} is no program; write 0-127 or PART=0-127")
        if part.isdecimal() and int(part) < len(names):
            part = names[int(part)]
        for name in [part.strip().lower()] if equals else names:
            chosen[name] = int(number)
    return chosen


def _write(piece: "Composition", bundle: "Bundle", out: Path, count: int) -> dict[str, Any]:
    from musiclstm import __version__  # noqa: PLC0415
    from musiclstm.files import free_path  # noqa: PLC0415
    from musiclstm.rendering import write_midi  # noqa: PLC0415

    if out.suffix.lower() in (".mid", ".midi"):
        name = out.name if count == 1 else f"{out.stem}-{piece.index + 1}{out.suffix}"
        wished = out.with_name(name)
    else:
        wished = out / f"{bundle.name}-{piece.seed}-{piece.index + 1}.mid"
    path = free_path(wished)
    conditions = piece.plan.conditions
    facts = {
        "seed": piece.seed,
        "index": piece.index,
        "bars": conditions.bars,
        "key": conditions.key.name if conditions.key else None,
        "meter": conditions.meter,
        "tempo": piece.plan.tempo,
        "style": conditions.style,
        "programs": {part.name: part.program for part in piece.plan.parts},
    }
    made_by = {
        "musiclstm": __version__,
        "command": "generate",
        "model": bundle.name,
        "digest": bundle.digest,
        **facts,
        "sampling": {
            **{f.name.lower(): s.as_dict() for f, s in piece.sampling.items()},
            "resampling": piece.resampling.as_dict(),
        },
    }
    write_midi(piece.score, path, texts=[json.dumps(made_by)])
    copied = piece.copied
    return {
        "path": str(path),
        **facts,
        "notes": len(piece.score.notes),
        "bars_written": piece.score.bars,
        "complete": piece.complete,
        "longest_copied_run": None if copied is None else vars(copied),
    }


def _line(piece: dict[str, Any]) -> str:
    """One piece in one line."""
    words = [f"{piece['bars_written']} bars", f"{piece['notes']} notes"]
    words += [piece[name] for name in ("key", "meter", "style") if piece[name]]
    return f"{piece['path']}  ({', '.join(words)})"


def _warn(bundle: "Bundle", pieces: "list[Composition]") -> None:
    for piece in pieces:
        if not piece.complete:
            remark(
                f"piece {piece.index + 1} would not end and was cut: the model needs more training"
            )
        if piece.copied and piece.copied.notes >= TELL_FROM_NOTES:
            remark(
                f"piece {piece.index + 1} shares a run of {piece.copied.notes} notes with "
                f"{piece.copied.source}, bar {piece.copied.bar}"
            )
    if bundle.config.get("status") == "unfinished":
        remark(f"{bundle.name} was not trained to the end")
