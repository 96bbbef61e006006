"""Short trainings on the JSB chorales: how far chance goes, and what each part is worth.

    python benchmarks/jsb_short.py --json

Each run trains for 300 steps (a quarter of what ``trained/jsb`` had) and is judged on the valid
split, as ``jsb.py`` does it. Five differ by their seed alone; the others leave something out. What
is found is kept in ``--out``, so that a run that was killed goes on where it was; on two cores all
take about half an hour.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the benchmarks beside this one

from benchmarks.jsb import DATA
from benchmarks.jsb_without import WITHOUT
from musiclstm.cli.console import print_json
from musiclstm.files import atomic_write_bytes

STEPS = 300
SEEDS = 5
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    **{name: (f"--without={name}",) for name in WITHOUT if name not in ("motions", "sonorities")},
    "motions_sonorities": ("--without=motions", "--without=sonorities"),
    "noise": ("--set=noise=0",),
    "all": (*(f"--without={name}" for name in WITHOUT), "--set=noise=0"),
}
RUNS: Mapping[str, tuple[str, ...]] = {
    **{f"seed{seed}": (f"--seed={seed}",) for seed in range(SEEDS)},
    **LEFT_OUT,
}


def run(name: str, data: Path, out: Path) -> float:
    """Nats a cell of one run, which is done now if it has not been."""
    file = out / f"{name}.json"
    if not file.exists():
        click.echo(f"{name}: {' '.join(RUNS[name])}", err=True)
        with tempfile.TemporaryDirectory() as folder:
            script = str(Path(__file__).with_name("jsb.py"))
            command = [sys.executable, script, "--data", str(data), "--train", f"{folder}/{name}"]
            command += ["--steps", str(STEPS), "--set", "evaluations=3", *RUNS[name]]
            done = subprocess.run(  # noqa: S603 - our own script
                [*command, "--json", "-q"], stdout=subprocess.PIPE, check=True
            )
        atomic_write_bytes(file, done.stdout)
    return float(json.loads(file.read_text(encoding="utf-8"))["nats_per_token"])


def summed_up(found: Mapping[str, float]) -> dict[str, Any]:
    """What the runs say.

    Args:
        found: Nats a cell of each run.
    """
    seeds = [found[f"seed{seed}"] for seed in range(SEEDS)]
    mean = statistics.mean(seeds)
    return {
        "steps": STEPS,
        "seeds": seeds,
        "mean": round(mean, 5),
        "deviation": round(statistics.stdev(seeds), 5),
        "deviation_share": round(statistics.stdev(seeds) / mean, 5),
        "without": {
            name: {"nats": found[name], "worth": round(found[name] - mean, 5)} for name in LEFT_OUT
        },
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The chorales.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/jsb_short"),
    show_default=True,
    help="Where each run's figures are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(data: Path, out: Path, as_json: bool) -> None:
    """Train short, with other seeds and without parts, and compare."""
    out.mkdir(parents=True, exist_ok=True)
    found = summed_up({name: run(name, data, out) for name in RUNS})
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{SEEDS} seeds: {found['mean']:.4f} nats a cell, standard deviation "
        f"{found['deviation']:.4f}, {found['deviation_share']:.2%}"
    )
    for name, of in found["without"].items():
        click.echo(f"{of['nats']:.4f} without {name}: {of['worth']:+.4f}")


if __name__ == "__main__":
    main()
