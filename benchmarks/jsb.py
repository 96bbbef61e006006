"""How likely does a model find the Bach chorales of the standard JSB split?

    python benchmarks/jsb.py --data FILE                      # trained/jsb on the valid split
    python benchmarks/jsb.py --data FILE --split test --json  # once a model has been chosen
    python benchmarks/jsb.py --data FILE --train trained/jsb  # make that model

FILE is ``Jsb16thSeparated.json`` of github.com/czhuang/JSB-Chorales-dataset, with the split of
Boulanger-Lewandowski et al. 2012. The measure is nats a cell: minus the log-likelihood of all
pieces over the 4 T cells of their grids. A piece's rows say neither more nor less than its grid
does, so their exact likelihood is the grid's: every field of every row and END count, all
conditions are unspecified, no piece is transposed. Some melodies occur more than once, to other
words: how many pieces of the split share a run of soprano intervals with a training piece is said
with it.

``--train`` learns from the train split and takes the weights that do best on the valid split; it
never looks at the test split. It can be interrupted, and goes on with ``--resume``. ``--without``
says what a part of the context is worth.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmark beside this one

from benchmarks.jsb_grids import (
    SPLITS,
    STEPS_PER_QUARTER,
    Grid,
    overlapping,
    read_grids,
    score_of,
)
from benchmarks.jsb_overlap import RUN
from benchmarks.jsb_training import STEPS, settings_of, trained
from benchmarks.jsb_without import WITHOUT, without
from musiclstm.cli.console import print_json
from musiclstm.encoding import Conditions, Encoded, Field, encode
from musiclstm.errors import BundleError, MusicLSTMError
from musiclstm.model import Bundle, Decoder, load_bundle
from musiclstm.training import PRESETS

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "jsb" / "Jsb16thSeparated.json"
TOLERANCE = 1e-4  # nats of a field: sums of a row and of all rows add up in another order

Nats = npt.NDArray[np.float32]


class Judged(NamedTuple):
    """A piece, judged.

    Attributes:
        encoded: Its rows.
        nats: Of each field of each row, float32 ``(rows, 5)``.
        cells: Of its grid.
    """

    encoded: Encoded
    nats: Nats
    cells: int


def judge(bundle: Bundle, grids: Sequence[Grid]) -> list[Judged]:
    """Compute the exact likelihood of pieces.

    Raises:
        BundleError: If the model cannot express them.
    """
    v = bundle.vocabulary
    if v.steps_per_quarter != STEPS_PER_QUARTER:
        raise BundleError(
            f"{bundle.name} has {v.steps_per_quarter} steps a quarter, the chorales "
            f"{STEPS_PER_QUARTER}; take a model that --train has made"
        )
    pieces = [encode(score_of(grid), v) for grid in grids]
    if any(piece.merged or piece.dropped for piece in pieces):
        raise BundleError(f"{bundle.name} does not tell soprano, alto, tenor and bass apart")
    scored = [bundle.decoder.score(piece) for piece in pieces]
    return [Judged(*found) for found in zip(pieces, scored, (g.size for g in grids), strict=True)]


def step_by_step(decoder: Decoder, encoded: Encoded) -> Nats:
    """What ``decoder.score(encoded)`` says, from `start`, `log_probs` and `advance` alone.

    Returns:
        Nats of each field of each row, float32 ``(rows, 5)``.
    """
    v = decoder.vocabulary
    state = decoder.start(Conditions(), encoded.part_map, meter_map=encoded.meter_map)
    nats = np.zeros(encoded.events.shape, np.float32)
    for number, row in enumerate(encoded.events.tolist()):
        event = np.zeros((1, len(Field)), np.int32)
        for field in Field if row[Field.SHIFT] <= v.max_shift else (Field.SHIFT,):
            # the fields to come are not there yet for anybody to look at
            nats[number, field] = -decoder.log_probs(state, field, event)[0, row[field]]
            event[0, field] = row[field]
        if row[Field.SHIFT] != v.end:
            state = decoder.advance(state, event)
    return nats


def largest_difference(decoder: Decoder, judged: Sequence[Judged]) -> float:
    """By how much, in nats of a field, going step by step differs from whole pieces at most.

    Raises:
        BundleError: If it is more than :data:`TOLERANCE`.
    """
    differences = [
        np.abs(step_by_step(decoder, piece.encoded) - piece.nats).max() for piece in judged
    ]
    worst = float(max(differences))
    if not worst <= TOLERANCE:  # not a number is no agreement either
        raise BundleError(f"step by step a field differs by {worst:.2g} nats from the whole piece")
    return worst


def results(
    bundle: Bundle, grids: Mapping[str, Sequence[Grid]], split: str, again: int
) -> dict[str, Any]:
    """All that is said of a split.

    Args:
        bundle: The model.
        grids: The pieces of every split.
        split: Which to judge.
        again: How many of its pieces to judge step by step too.
    """
    began = time.monotonic()
    judged = judge(bundle, grids[split])
    by_piece = np.array([piece.nats.sum(axis=0, dtype=np.float64) for piece in judged])
    cells = np.array([piece.cells for piece in judged])
    by_field = by_piece.sum(axis=0) / cells.sum()
    found = {
        "nats_per_token": round(float(by_field.sum()), 5),
        "split": split,
        "pieces": len(judged),
        "tokens": int(cells.sum()),
        "mean_over_pieces": round(float((by_piece.sum(axis=1) / cells).mean()), 5),
        "nats_per_step": round(4 * float(by_field.sum()), 5),
        "nats_by_field": {f.name.lower(): round(float(by_field[f]), 5) for f in Field},
        "overlap_with_training": (
            None if split == "train" else overlapping(grids[split], grids["train"])
        ),
        "model": bundle.name,
        "digest": bundle.digest,
        "seconds": round(time.monotonic() - began, 1),
    }
    if again:
        found["step_by_step"] = {
            "pieces": min(again, len(judged)),
            "largest_difference": largest_difference(bundle.decoder, judged[:again]),
        }
    return found


def show(found: Mapping[str, Any]) -> None:
    """Print results for a person."""
    click.echo(f"{found['model']} on the {found['split']} split, {found['pieces']} pieces")
    click.echo(f"{found['nats_per_token']:.4f} nats a cell, {found['tokens']:,} cells")
    click.echo(f"{found['mean_over_pieces']:.4f} mean over pieces")
    for name, nats in found["nats_by_field"].items():
        click.echo(f"{nats:.4f} {name}")
    if shared := found["overlap_with_training"]:
        click.echo(
            f"{shared['anywhere']} pieces share {RUN} soprano intervals with a training piece, "
            f"{shared['opening']} from the beginning"
        )
    if "step_by_step" in found:
        said = found["step_by_step"]
        click.echo(
            f"{said['pieces']} pieces step by step: no field differs by more than "
            f"{said['largest_difference']:.1g} nats"
        )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The chorales.")
@click.option("-m", "--model", default="trained/jsb", show_default=True, help="The model to judge.")
@click.option(
    "--split",
    "splits",
    type=click.Choice(SPLITS),
    multiple=True,
    default=("valid",),
    show_default=True,
    help="What on; may be repeated.",
)
@click.option(
    "--step-by-step",
    "again",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Judge N pieces row by row too, and hold the two equal.",
)
@click.option("--train", "out", type=click.Path(path_type=Path), help="Make a model instead.")
@click.option("--resume", is_flag=True, help="Go on with the training where it stopped.")
@click.option("--steps", type=click.IntRange(1), help=f"Of training.  [default: {STEPS}]")
@click.option("--seed", type=click.IntRange(0), help="Of all chance.  [default: 0]")
@click.option("--preset", "preset_name", type=click.Choice(list(PRESETS)), help="Sizes and rates.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a hyper-parameter of the preset; may be repeated.",
)
@click.option(
    "--without",
    "left_out",
    type=click.Choice(list(WITHOUT)),
    multiple=True,
    help="Train and judge without a part of the context; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def main(
    data: Path,
    model: str,
    splits: tuple[str, ...],
    again: int,
    out: Path | None,
    resume: bool,
    steps: int | None,
    seed: int | None,
    preset_name: str | None,
    changes: tuple[str, ...],
    left_out: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Judge a model on the JSB chorales, or train one."""
    wished = (steps, seed, preset_name, *changes)
    if out is None and (resume or any(wish is not None for wish in wished)):
        raise click.UsageError("--resume and settings are for --train")
    if again and left_out:
        raise click.UsageError("row by row nothing is left out; leave out --step-by-step")
    if out is not None and "test" in splits:
        raise click.UsageError("a model that has just been made is judged on the valid split")
    if resume and any(wish is not None for wish in wished):
        raise click.UsageError("--resume goes on with the settings that it began with")
    try:
        grids = read_grids(data)
        if out is None:
            bundle = load_bundle(model)
        else:
            config = None if resume else settings_of(preset_name, steps, seed, changes)
            with without(left_out):
                bundle = trained(grids, out, config, quiet=quiet)
        with without(left_out):
            found = {split: results(bundle, grids, split, again) for split in splits}
    except MusicLSTMError as error:
        raise click.ClickException(" ".join(str(error).splitlines())) from error
    if as_json:
        print_json(found if len(splits) > 1 else found[splits[0]])
    else:
        for of_split in found.values():
            show(of_split)


if __name__ == "__main__":
    main()
