"""Do the composer's controls do what they say, better than forcing would?

    python benchmarks/control.py --data FILE --songs FOLDER               # on the valid splits
    python benchmarks/control.py --data FILE --only harmony --particles 8
    python benchmarks/control.py --data FILE --songs FOLDER --split test --json

FILE is ``Jsb16thSeparated.json``, as for ``jsb.py``; FOLDER holds the songs of POP909. Three things
are asked:

- *harmony*: the sopranos of the split are harmonised. Rules broken beside Bach's own lower voices
  and beside plain forcing, which is one particle; likelihood and number of the lower voices' notes;
  whether the melody is untouched. Targets: a third fewer breaks than forcing, none credibly above
  1.5 times Bach's, all melodies untouched;
- *infill*: four bars in the middle of songs are written anew. Likelihood of the four bars that
  follow, beside forcing and the song itself; gaps and doubled notes at the seams;
- *chords*: the share of the sounding time on chords that were wished for; target 85%.

All chance is seeded. ``valid`` is for choosing how to sample; ``test`` for what has been chosen.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

# as the commands do: more threads only wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmark beside this one

from benchmarks.control_chords import chords
from benchmarks.control_harmony import WHO, harmonies
from benchmarks.control_infill import infills, songs
from benchmarks.jsb import DATA
from benchmarks.jsb_grids import SPLITS, read_grids
from benchmarks.samples import cell
from musiclstm.cli.console import print_json, progress
from musiclstm.errors import MusicLSTMError
from musiclstm.generation.rewriting import PARTICLES
from musiclstm.model import load_bundle

SONGS = Path(DATA).parents[1] / "pop909"
PARTS = ("harmony", "infill", "chords")


def show(found: Mapping[str, Any]) -> None:
    """Print a report for a person."""
    click.echo(f"{found['model']} ({found['digest'][:12]}), {found['split']}, seed {found['seed']}")
    for name in PARTS:
        if name in found:
            click.echo(f"\n{name}, {found[name]['pieces']} pieces")
            {"harmony": show_harmony, "infill": show_facts, "chords": show_facts}[name](found[name])
            for target, met in found[name]["targets"].items():
                click.echo(f"  {target}: {met}")


def show_harmony(of: Mapping[str, Any]) -> None:
    """Print rules and means of ours, forcing and Bach."""
    click.echo(f"  {'':38}" + "".join(f"{who:>22}" for who in WHO))
    for name, rule in of["rules"]["ours"].items():
        cells = [rule["samples"], of["rules"]["forced"][name]["samples"], rule["reference"]]
        click.echo(f"  {rule['words']:38}" + "".join(f"{cell(each):>22}" for each in cells))
    for name in of["means"]["bach"]:
        values = (of["means"][who][name] for who in WHO)
        click.echo(f"  {name.replace('_', ' '):38}" + "".join(f"{value:>22}" for value in values))
    click.echo(f"  {'rules broken in all':38}" + "".join(f"{of['breaks'][w]:>22}" for w in WHO))
    show_facts({name: of[name] for name in of if name not in ("rules", "means", "breaks")})


def show_facts(of: Mapping[str, Any]) -> None:
    """Print all figures but the targets."""
    for name, value in of.items():
        if name not in ("pieces", "targets"):
            click.echo(f"  {name.replace('_', ' ')}: {value}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The chorales.")
@click.option(
    "--songs", "folder", type=click.Path(path_type=Path), default=SONGS, help="The pop songs."
)
@click.option("-m", "--model", default="trained/jsb", show_default=True, help="Who composes.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Not all three.")
@click.option("--split", type=click.Choice(SPLITS[1:]), default="valid", show_default=True)
@click.option("-n", "--count", type=click.IntRange(2), help="Pieces.  [default: all; 50 songs]")
@click.option("--particles", type=click.IntRange(1), default=PARTICLES, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def main(
    data: Path,
    folder: Path,
    model: str,
    only: tuple[str, ...],
    split: str,
    count: int | None,
    particles: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure harmonising, writing anew and chords."""
    wanted = only or PARTS
    try:
        bundle = load_bundle(model)
        found: dict[str, Any] = {
            "model": bundle.name,
            "digest": bundle.digest,
            "split": split,
            "seed": seed,
        }
        if "harmony" in wanted:
            grids = read_grids(data)[split][:count]
            with progress("Harmonising", quiet=quiet) as watch:
                found["harmony"] = harmonies(bundle, grids, particles, seed, watch)
        if "infill" in wanted:
            with progress("Writing anew", quiet=quiet) as watch:
                paths = songs(folder, split, count or 50)
                found["infill"] = infills(bundle, paths, particles, seed, watch)
        if "chords" in wanted:
            with progress("Composing", quiet=quiet) as watch:
                found["chords"] = chords(bundle, min(count or 8, 8), seed, watch)
    except MusicLSTMError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(found)
    else:
        show(found)


if __name__ == "__main__":
    main()
