"""What the commands that make music share: their options, and how what they made is delivered."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiclstm.cli.console import one_thread, print_json, progress, remark
from musiclstm.cli.options import PATH, json_option, model_option, quiet_option

if TYPE_CHECKING:
    from musiclstm.generation import Made, Request
    from musiclstm.ingest import HandedIn
    from musiclstm.model import Bundle

# a run this long that is in the training set too is worth a word; Bach shares shorter with Bach
TELL_FROM_NOTES = 24
_TITLES = {
    "generate": "Composing (bars)",
    "continue": "Going on (bars)",
    "harmonize": "Harmonising",
    "infill": "Writing anew",
    "vary": "Varying",
}

_WHERE = (
    model_option,
    click.option(
        "-o", "--out", type=PATH, default="out", show_default=True, help="Folder, or NAME.mid."
    ),
    click.option(
        "-n", "--count", type=click.IntRange(1, 10_000), default=1, help="How many pieces."
    ),
    click.option(
        "--seed", type=click.IntRange(0), help="Makes the same pieces again.  [default: new]"
    ),
    click.option(
        "--best-of", type=click.IntRange(1, 100), default=1, help="Make so many, keep the best."
    ),
    click.option(
        "--max-copy",
        type=click.IntRange(9),
        metavar="NOTES",
        help="Write anew what shares a longer run with a training piece.",
    ),
)
_WISHES = (
    click.option("--key", help="As 'A minor', 'Bb', 'F#m'.  [default: as it comes]"),
    click.option("--tempo", type=float, help="Quarter notes a minute.  [default: as it comes]"),
    click.option("--style", help="One that the model knows, or several: 'A:0.7,B:0.3'."),
    click.option("--chords", help="A bar between bars, as 'C | Am F | G7 | C'; they repeat."),
    click.option(
        "--range",
        "ranges",
        multiple=True,
        metavar="PART=LOW-HIGH",
        help="As soprano=C4-G5 or soprano=60-79; may be repeated.",
    ),
    click.option("--density", type=float, help="Notes a bar, all parts together."),
    click.option("--end", type=click.Choice(["cadence"]), help="On the tonic, on a strong beat."),
    click.option(
        "--program",
        "programs",
        multiple=True,
        metavar="[PART=]0-127",
        help="General MIDI sound, for all parts or one; may be repeated.",
    ),
)
_SAMPLING = (
    click.option("--temperature", type=float, help="Below 1 plays safe, above 1 dares."),
    click.option("--pitch-temperature", type=float, help="The same for pitches alone."),
    click.option("--rhythm-temperature", type=float, help="The same for rhythm alone."),
    click.option("--top-k", type=int, help="Choose among the k likeliest; 0: among all."),
    click.option("--top-p", type=float, help="Choose among the likeliest of this probability."),
    click.option("--min-p", type=float, help="Drop what is this much less likely than the best."),
)
_CANDIDATES = (
    click.option(
        "--candidates",
        type=int,
        help="How many ways to go on are weighed at each onset; 1: the first that comes.",
    ),
    click.option("--endings", type=int, help="How many endings are weighed; 1: the first."),
)
_PARTICLES = (
    click.option(
        "--particles",
        type=click.IntRange(1, 1024),
        default=64,
        show_default=True,
        help="How many ways through are weighed at once; 1: plain forcing.",
    ),
)
_NUMBER = re.compile(r"[0-9]{1,4}")  # pitches, programs, parts and bars have no more digits
_WISH_NAMES = ("bars", "meter", "tempo", "style", "chords", "density", "end")


def music_options(*, particles: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of a command that makes music.

    Args:
        particles: Whether it goes through given music with particles; else it weighs candidates.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        own = _PARTICLES if particles else _CANDIDATES
        for option in reversed((*_WHERE, *_WISHES, *own, *_SAMPLING, json_option, quiet_option)):
            command = option(command)
        return command

    return add


def make(command: str, given: Mapping[str, Any], piece: Path | None = None, **options: Any) -> None:
    """Make what a command asks for, write it, and say so.

    Args:
        command: Its name.
        given: What :func:`music_options` have brought.
        piece: The file that was handed in.
        **options: The command's own; None for those that were not given.
    """
    one_thread()
    import secrets  # noqa: PLC0415

    from musiclstm.generation import Request, drawn_as, fulfil  # noqa: PLC0415
    from musiclstm.ingest import read_handed_in  # noqa: PLC0415
    from musiclstm.model import load_bundle  # noqa: PLC0415
    from musiclstm.score import Key  # noqa: PLC0415

    bundle = load_bundle(given["model"])
    seed = given["seed"]
    wishes = {name: given[name] for name in _WISH_NAMES if given.get(name) is not None}
    if given["key"]:
        wishes["key"] = Key.parse(given["key"]).name
    if given["programs"]:
        wishes["programs"] = _programs(given["programs"], bundle)
    if given["ranges"]:
        wishes["ranges"] = _ranges(given["ranges"], bundle)
    request = Request(
        command,
        secrets.randbelow(2**31) if seed is None else seed,
        given["count"],
        given["best_of"],
        given["max_copy"],
        wishes,
        drawn_as(bundle, given),
        {name: value for name, value in options.items() if value is not None},
    )
    primer = None
    if piece is not None:
        primer = read_handed_in(piece)
        for changed in primer.remarks:
            remark(changed)
    with progress(_TITLES[command], quiet=given["quiet"]) as show:
        score = None if primer is None else primer.score
        pieces = fulfil(bundle, request, score, progress=show)
    written = [_write(made, bundle, request, primer, given["out"]) for made in pieces]
    if given["as_json"]:
        facts = {"model": bundle.name, "digest": bundle.digest, "seed": request.seed}
        said = [] if primer is None else list(primer.remarks)
        print_json({**facts, "primer_remarks": said, "pieces": written})
        return
    for made, facts in zip(pieces, written, strict=True):
        click.echo(_line(facts))
        _tell(made, request)
    if bundle.config.get("status") == "unfinished":
        remark(f"{bundle.name} was not trained to the end")
    if not given["quiet"]:
        remark(f"the same again: --seed {request.seed}")


def provenance(
    made: "Made", bundle: "Bundle", request: "Request", primer: "HandedIn | None"
) -> dict[str, Any]:
    """What a file says of how it came about; names of files, and no folders."""
    from musiclstm import __version__  # noqa: PLC0415

    return {
        "musiclstm": __version__,
        "command": request.command,
        "model": bundle.name,
        "digest": bundle.digest,
        "primer": None if primer is None else {"name": primer.name, "sha256": primer.sha256},
        "seed": request.seed,
        "index": made.index,
        "candidate": made.candidate,
        **_facts(made),
        "request": request.as_dict(),
    }


def _facts(made: "Made") -> dict[str, Any]:
    conditions, key = made.conditions, made.key
    return {
        "bars": conditions.bars,
        "key": key.name if key else None,
        "meter": conditions.meter,
        "tempo": made.score.bpm,
        "style": conditions.style,
        "programs": {part.name: part.program for part in made.score.parts},
    }


def _write(
    made: "Made", bundle: "Bundle", request: "Request", primer: "HandedIn | None", out: Path
) -> dict[str, Any]:
    from musiclstm.files import free_path  # noqa: PLC0415
    from musiclstm.rendering import write_midi  # noqa: PLC0415

    if out.suffix.lower() in (".mid", ".midi"):
        name = out.name if request.count == 1 else f"{out.stem}-{made.index + 1}{out.suffix}"
        wished = out.with_name(name)
    else:
        what = bundle.name if primer is None else f"{Path(primer.name).stem}-{request.command}"
        wished = out / f"{what}-{request.seed}-{made.index + 1}.mid"
    path = free_path(wished)
    write_midi(made.score, path, texts=[json.dumps(provenance(made, bundle, request, primer))])
    return {
        "path": str(path),
        "seed": request.seed,
        "index": made.index,
        "candidate": made.candidate,
        **_facts(made),
        "notes": len(made.score.notes),
        "bars_written": made.score.bars,
        "complete": made.complete,
        "longest_copied_run": None if made.copied is None else vars(made.copied),
        "copied_by_part": {name: vars(run) for name, run in made.copied_by_part.items()},
        "effective_particles": made.effective,
        "remarks": list(made.remarks),
        "why": list(made.why),
    }


def _line(piece: Mapping[str, Any]) -> str:
    """One piece in one line."""
    words = [f"{piece['bars_written']} bars", f"{piece['notes']} notes"]
    words += [piece[name] for name in ("key", "meter", "style") if piece[name]]
    return f"{piece['path']}  ({', '.join(words)})"


def _tell(made: "Made", request: "Request") -> None:
    """Say on stderr what else there is to be said of a piece."""
    which = f"piece {made.index + 1}: " if request.count > 1 else ""
    for line in (*made.remarks, *made.why):
        remark(f"{which}{line}")
    if made.effective is not None:
        mean, least = made.effective
        remark(
            f"{which}{mean:.0f} of {request.options.get('particles')} particles counted on "
            f"average, at least {least:.0f}"
        )
    runs = {"": made.copied, **{f" in {name}": of for name, of in made.copied_by_part.items()}}
    for where, run in runs.items():
        if run is not None and run.notes >= TELL_FROM_NOTES:
            remark(
                f"{which}shares a run of {run.notes} notes{where} with {run.source}, bar {run.bar}"
            )


def _programs(words: tuple[str, ...], bundle: "Bundle") -> dict[str, int]:
    """``("soprano=73", "19")`` as programs by part name."""
    chosen: dict[str, int] = {}
    names = [part.name for part in bundle.vocabulary.parts]
    # for all parts first, so that what is said of one part holds whatever the order
    for word in sorted(words, key=lambda word: "=" in word):
        part, equals, number = word.rpartition("=")
        if not _NUMBER.fullmatch(number.strip()):
            raise click.BadParameter(f"{word[:40]!r} is no program; write 0-127 or PART=0-127")
        for name in [_part(part, names)] if equals else names:
            chosen[name] = int(number)
    return chosen


def _ranges(words: tuple[str, ...], bundle: "Bundle") -> dict[str, tuple[int, int]]:
    """``("soprano=C4-G5",)`` as lowest and highest pitch by part name."""
    names = [part.name for part in bundle.vocabulary.parts]
    chosen = {}
    for word in words:
        part, _, pitches = word.partition("=")
        low, dash, high = pitches.partition("-")
        limits = _pitch(low), _pitch(high)
        if not dash or None in limits:
            raise click.BadParameter(f"{word[:40]!r} is no range; write PART=C4-G5 or PART=60-79")
        chosen[_part(part, names)] = limits
    return chosen  # type: ignore[return-value]


def _part(word: str, names: list[str]) -> str:
    from musiclstm.encoding.parts import part_number  # noqa: PLC0415

    number = part_number(word.strip(), len(names))
    return word.strip().lower() if number is None else names[number]


def _pitch(word: str) -> int | None:
    """``"C4"``, ``"Bb3"`` or ``"60"`` as a MIDI pitch; middle C is C4, and 60."""
    word = word.strip().replace("♯", "#").replace("♭", "b")
    if _NUMBER.fullmatch(word):
        return int(word)
    letter, accidentals = word[:1].upper(), word[1:].rstrip("0123456789")
    octave = word[1 + len(accidentals) :]
    steps = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
    if letter not in steps or accidentals.strip("#b") or not _NUMBER.fullmatch(octave):
        return None
    pitch = 12 * (int(octave) + 1) + steps[letter]
    return pitch + accidentals.count("#") - accidentals.count("b")
