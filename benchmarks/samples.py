"""Do pieces that a model composes stand beside the Bach chorales that it has never seen?

    python benchmarks/samples.py --data FILE                        # 200 pieces of trained/jsb
    python benchmarks/samples.py --data FILE --split valid --search # which sampling to choose
    python benchmarks/samples.py --data FILE --out FOLDER --json    # keep the pieces as MIDI

FILE is ``Jsb16thSeparated.json``, as for ``jsb.py``. Five things are asked, each with a target:

- *features*: for thirteen numbers a piece, how far the distances within the samples and between
  them and the split's pieces overlap (:mod:`musiclstm.evaluation.distributions`), as a share of
  what training pieces get; mean at least 0.9 with no share counted above 1, none below 0.75;
- *rules*: no rate of voice leading above 1.5 times the split's own with its whole 95% interval;
- *copies*: the longest run shared with a training piece, in any key; the 95th percentile of the
  samples is no more than that of the split's pieces;
- *faults*: no sample ends within four bars, has one bar more than four times running, is silent for
  a bar, or finds no end.

``--search`` prints a line for each combination of the values that are given (or of a default grid)
on the valid split, for a person to choose from; ``chordal`` is the share of the sounding time that
fits into a triad or a seventh chord. All chance is seeded; settings share the seed.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmark beside this one

from benchmarks.jsb import DATA
from benchmarks.jsb_grids import SPLITS, Grid, read_grids
from benchmarks.samples_measures import FAULTS
from benchmarks.samples_report import (
    LEAST_SHARE,
    MEAN_SHARE,
    MOST_TIMES_BACH,
    report,
    yardstick,
)
from benchmarks.samples_search import DEFAULT_GRID, head, line, reference_line, search
from musiclstm.cli.console import print_json, progress
from musiclstm.errors import MusicLSTMError
from musiclstm.files import free_path
from musiclstm.generation import Composition
from musiclstm.model import Bundle, load_bundle
from musiclstm.rendering import write_midi

SAMPLING = {  # option names by what they say
    "temperature": "Below 1 plays safe, above 1 dares.",
    "pitch_temperature": "The same for pitches alone.",
    "rhythm_temperature": "The same for rhythm alone.",
    "top_p": "Choose among the likeliest that have this probability.",
    "min_p": "Drop what is less likely than this share of the best.",
    "candidates": "How many of each onset are drawn.",
    "pitch_weight": "How much their pitches count when one is taken.",
    "duration_weight": "How much their durations do.",
}


def show(found: Mapping[str, Any]) -> None:
    """Print a report for a person."""
    split, n = found["split"], found["pieces"]
    click.echo(f"{n['samples']} pieces of {found['model']} ({found['digest'][:12]})")
    click.echo(
        f"beside {n['reference']} of the {split} split; control: {n['training']} of training"
    )
    show_sampling(found["sampling"])
    click.echo("onsets: " + ", ".join(f"{name} {of:g}" for name, of in found["resampling"].items()))
    show_features(found)
    show_rules(found)
    show_copies(found["copies"])
    for name, of in found["faults"].items():
        click.echo(f"{of['samples']} samples {FAULTS[name]}; of {split}: {of['reference']}")
    chordal = found["chordal"]
    click.echo(
        f"{chordal['samples']:.1%} of the time fits into a chord; of {split}: "
        f"{chordal['reference']:.1%}"
    )
    click.echo("\ntargets: " + ", ".join(f"{name} {m}" for name, m in found["targets"].items()))
    seconds = found["seconds"]
    click.echo(f"{seconds['composing']} s to compose, {seconds['measuring']} s to measure")


def show_sampling(sampling: Mapping[str, Mapping[str, float]]) -> None:
    """Print how each field was chosen; fields chosen alike are told together."""
    alike: dict[str, list[str]] = {}
    for field, of in sampling.items():
        alike.setdefault(", ".join(f"{name} {of[name]:g}" for name in of), []).append(field)
    for how, fields in alike.items():
        click.echo(f"{', '.join(fields)}: {how}")


def show_features(found: Mapping[str, Any]) -> None:
    """Print means and overlaps, feature by feature."""
    who = ("samples", "training", found["split"])
    click.echo(f"\n{'':22}" + "".join(f"{name:>10}" for name in who) + f"{'overlap':>10}{'of':>7}")
    for name, of in found["features"].items():
        means = "".join(
            f"{of['mean'][whose]:10.3f}" for whose in ("samples", "training", "reference")
        )
        share = min(1.0, of["share"])
        click.echo(
            f"{name:22}{means}{of['overlap']:10.3f}{of['overlap_training']:7.3f} = {share:.3f}"
        )
    shares = found["shares"]
    click.echo(
        f"mean share {shares['mean_capped']:.3f} (uncapped {shares['mean']:.3f}), at least "
        f"{MEAN_SHARE} is asked; least {shares['least']:.3f} ({shares['least_feature']}), at least "
        f"{LEAST_SHARE}"
    )


def show_rules(found: Mapping[str, Any]) -> None:
    """Print the rates of voice leading with their intervals."""
    click.echo(f"\n{'':38}{'samples':>24}{found['split']:>24}{'ratio':>26}")
    for of in found["rules"].values():
        cells = [cell(of[who]) for who in ("samples", "reference", "ratio")]
        click.echo(f"{of['words']:38}" + "{:>24}{:>24}{:>26}".format(*cells))
    click.echo(f"no interval of a ratio may lie above {MOST_TIMES_BACH} as a whole\n")


def cell(of: Mapping[str, Any]) -> str:
    """A rate and its interval."""
    rate, low, high = (
        "inf" if value is None else f"{value:.2f}" for value in (of["rate"], *of["interval"])
    )
    return f"{rate} ({low} to {high})"


def show_copies(copies: Mapping[str, Any]) -> None:
    """Print how long the runs are that are shared with training pieces."""
    words = {
        who: f"median {of['median']:g}, 95% up to {of['p95']}, most {of['most']}"
        for who in ("samples", "reference")
        for of in (copies[who],)
    }
    click.echo(
        f"longest run shared with training, notes: {words['samples']}; Bach's own "
        f"{words['reference']}; {copies['above']:.1%} of the samples are beyond his 95%"
    )


def keep(pieces: Sequence[Composition], bundle: Bundle, folder: Path) -> None:
    """Write pieces as MIDI, over nothing that is there."""
    for piece in pieces:
        name = f"{bundle.name}-{piece.seed}-{piece.index + 1}.mid"
        write_midi(piece.score, free_path(folder / name))


def run_search(
    bundle: Bundle,
    grids: Mapping[str, Sequence[Grid]],
    grid: Mapping[str, Sequence[float]],
    count: int,
    seed: int,
    as_json: bool,
) -> None:
    """Print a line a setting as soon as it is known, or all of it as JSON."""
    against = yardstick(bundle, grids, "valid", count, seed)
    lines = []
    if not as_json:
        click.echo(f"{count} pieces each of {bundle.name} ({bundle.digest[:12]}), seed {seed}")
        click.echo(head(grid))
        click.echo(line(reference_line(against), grid))
    for found in search(bundle, against, grid, count, seed):
        lines.append(found)
        if not as_json:
            click.echo(line(found, grid))
    if as_json:
        print_json(
            {
                "model": bundle.name,
                "digest": bundle.digest,
                "split": "valid",
                "pieces": count,
                "seed": seed,
                "reference": reference_line(against),
                "settings": lines,
            }
        )


def _sampling_options(command: Any) -> Any:
    for name, words in reversed(SAMPLING.items()):
        command = click.option(
            f"--{name.replace('_', '-')}",
            name,
            type=int if name == "candidates" else float,
            multiple=True,
            help=words,
        )(command)
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The chorales.")
@click.option("-m", "--model", default="trained/jsb", show_default=True, help="Who composes.")
@click.option("-n", "--count", type=click.IntRange(3), help="Pieces.  [default: 200; search: 100]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--split", type=click.Choice(SPLITS[1:]), help="Beside what.  [default: test]")
@_sampling_options
@click.option("--search", "searching", is_flag=True, help="Try values on the valid split.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to keep the pieces in.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def main(
    data: Path,
    model: str,
    count: int | None,
    seed: int,
    split: str | None,
    searching: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **given: tuple[float, ...],
) -> None:
    """Compare what a model composes with held-out Bach chorales.

    Sampling is the bundle's own but for what is given; with --search each value may be repeated.
    """
    values = {name: given[name] for name in SAMPLING if given[name]}
    if searching and (split == "test" or out is not None):
        raise click.UsageError("--search looks at the valid split alone, and keeps no pieces")
    if not searching and any(len(each) > 1 for each in values.values()):
        raise click.UsageError("several values of one option are for --search")
    try:
        grids = read_grids(data)
        bundle = load_bundle(model)
        if searching:
            run_search(bundle, grids, values or DEFAULT_GRID, count or 100, seed, as_json)
            return
        wishes = {name: each[0] for name, each in values.items()}
        against = yardstick(bundle, grids, split or "test", count or 200, seed)
        with progress("Composing (bars)", quiet=quiet) as watch:
            found, pieces = report(bundle, against, count or 200, seed, wishes, watch)
        if out is not None:
            keep(pieces, bundle, out)
    except MusicLSTMError as error:
        raise click.ClickException(" ".join(str(error).splitlines())) from error
    if as_json:
        print_json(found)
    else:
        show(found)


if __name__ == "__main__":
    main()
