"""Run the speed benchmarks and write what they measured as `RESULTS.md`: what `make bench` does.

Each benchmark's JSON is kept in `benchmarks/results/`, with the machine, the versions and the date,
so that one of them can be run again alone and the page be made again from all of them.

    python benchmarks/results.py                       # everything: half an hour, machine idle
    python benchmarks/results.py --only train_step     # one, and the page again
    python benchmarks/results.py --page                # only the page
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the sections beside this file

from benchmarks import results_model, results_speed
from benchmarks.results_table import Facts

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE / "RESULTS.md"
CHART = RESULTS / results_speed.CHART
PACKAGES = ("tensorflow", "keras", "torch", "numpy", "music21", "pretty_midi", "symusic")
SIZES = [f"2x{units}/batch{batch}" for units in (256, 512) for batch in (32, 64, 128)]

COMMANDS: dict[str, list[str]] = {
    "train_speed": ["train_speed.py", "--rounds", "5", *(f"--size={size}" for size in SIZES)],
    "train_step": ["train_step.py", "--rounds", "5"],
    "train_length": ["train_step.py", "--rounds", "3", "--lengths", "128,512,1024,2048,4096"],
    "generate_speed": ["generate_speed.py", "--long"],
    "ingest_speed": ["ingest_speed.py"],
}
# Of the model: `make bench` has no time to train, and leaves these as they are.
ON_DEMAND: dict[str, list[str]] = {
    "jsb": ["jsb.py", "--split", "valid", "--split", "test"],
    "jsb_short": ["jsb_short.py"],
    "samples": ["samples.py", "-q"],
    "control": ["control.py", "--split", "test", "-q"],
}


# --- measuring ----------------------------------------------------------------------------------


def measure(name: str) -> None:
    """Run one benchmark and keep its JSON."""
    words = (COMMANDS | ON_DEMAND)[name]
    command = [sys.executable, str(HERE / words[0]), *words[1:], "--json"]
    click.echo(f"{name}: {' '.join(words)}", err=True)
    before = load()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    kept = {
        "command": "python benchmarks/" + " ".join(words),
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "load_before": before,
        "versions": versions(),
        "found": json.loads(done.stdout),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def load() -> float | None:
    """How many programs wanted a core in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def machine() -> str:
    """Processor, cores, system and Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next(
            (li.split(":")[1].strip() for li in lines if li.startswith("model name")), model
        )
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def versions() -> dict[str, str]:
    """Of the libraries that are compared."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


# --- the page -----------------------------------------------------------------------------------


SECTIONS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "jsb": results_model.jsb,
    "jsb_short": results_model.jsb_short,
    "samples": results_model.samples,
    "control": results_model.control,
    "likelihood": results_model.likelihood,
    "train_speed": results_speed.train_speed,
    "train_step": results_speed.train_step,
    "train_length": results_speed.train_length,
    "generate_speed": results_speed.generate_speed,
    "ingest_speed": results_speed.ingest_speed,
}


def write_page() -> None:
    """Make `RESULTS.md` and its chart from what is kept."""
    lines = [
        "# How good it is, and how fast",
        "",
        "Written by `make bench` from the figures in `benchmarks/results/`; each section says when",
        "and where it was measured. Speeds that stand side by side were measured in one run.",
        "Between machines compare ratios; times only within a section.",
        "",
    ]
    for name, section in SECTIONS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        kept = json.loads(path.read_text(encoding="utf-8"))
        lines += section(kept["found"])
        used = ", ".join(f"{package} {number}" for package, number in kept["versions"].items())
        lines += ["", f"`{kept['command']}`, {kept['date']}. {kept['machine']}. {used}."]
        lines += [f"Load of the machine before: {kept['load_before']}.", ""]
        if name == "generate_speed":
            draw(kept["found"])
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def draw(found: Facts) -> None:
    """Notes a second against length, for each way of generating, as `generate_speed.svg`."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "musiclstm"  # the same file from the same figures
    curves = {"musiclstm": {int(n): of["min"] for n, of in found["length"].items()}}
    for name, lengths in found["beside_ms"].items():
        times = {int(n) if n.isdigit() else 0: of["min"] for n, of in lengths.items()}
        if len(times) == 1:  # costs the same at any length
            times = dict.fromkeys(curves["musiclstm"], next(iter(times.values())))
        curves[name] = times
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, times in curves.items():
        axes.plot(list(times), [1e3 / ms for ms in times.values()], "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="notes so far", ylabel="notes a second, one core")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(CHART, metadata={"Date": None})


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(COMMANDS | ON_DEMAND)),
    help="Run these alone.  [default: those of speed]",
)
@click.option("--page", is_flag=True, help="Run none; write the page from what is kept.")
def main(only: tuple[str, ...], page: bool) -> None:
    """Measure, and write RESULTS.md."""
    for name in () if page else only or COMMANDS:
        measure(name)
    write_page()
    click.echo(PAGE)


if __name__ == "__main__":
    main()
