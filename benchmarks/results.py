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
from typing import Any

import click

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE / "RESULTS.md"
CHART = RESULTS / "generate_speed.svg"
PACKAGES = ("tensorflow", "keras", "torch", "numpy", "music21", "pretty_midi", "symusic")
SIZES = [f"2x{units}/batch{batch}" for units in (256, 512) for batch in (32, 64, 128)]
Facts = dict[str, Any]

COMMANDS: dict[str, list[str]] = {
    "train_speed": ["train_speed.py", "--rounds", "5", *(f"--size={size}" for size in SIZES)],
    "train_step": ["train_step.py", "--rounds", "5"],
    "train_length": ["train_step.py", "--rounds", "3", "--lengths", "128,512,1024,2048,4096"],
    "generate_speed": ["generate_speed.py", "--long"],
    "ingest_speed": ["ingest_speed.py"],
}


# --- measuring ----------------------------------------------------------------------------------


def measure(name: str) -> None:
    """Run one benchmark and keep its JSON."""
    command = [sys.executable, str(HERE / COMMANDS[name][0]), *COMMANDS[name][1:], "--json"]
    click.echo(f"{name}: {' '.join(COMMANDS[name])}", err=True)
    before = load()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    kept = {
        "command": "python benchmarks/" + " ".join(COMMANDS[name]),
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "load_before": before,
        "versions": versions(),
        "found": json.loads(done.stdout.splitlines()[-1]),
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


def table(head: list[str], rows: list[list[Any]]) -> Iterator[str]:
    """A table in Markdown; the first column is text, the others are figures."""
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def train_speed(found: Facts) -> Iterator[str]:
    """LSTM layers alone."""
    yield "## Training: the LSTM layers alone, beside Keras and PyTorch"
    yield ""
    yield "Forward and backward, float32, 128 steps; above 1 ours is faster (median of the rounds)."
    yield ""
    rates = found["rows_per_second"]
    yield from table(
        ["layers", "against torch.nn.LSTM", "against keras.layers.LSTM", "ours, rows/s"],
        [
            [
                size,
                f"{found['vs_torch'].get(size, '–')}",
                f"{found['vs_keras'].get(size, '–')}",
                f"{rates[size]['ours']:,}",
            ]
            for size in rates
        ],
    )


def train_step(found: Facts) -> Iterator[str]:
    """The whole step."""
    yield "## Training: the whole step of the default model"
    yield ""
    yield from table(
        ["", ""],
        [
            ["rows/s of the step ÷ rows/s of its LSTM layers alone", found["share_of_layer_speed"]],
            ["least share of the step's time in matrix products", found["least_share_in_products"]],
            ["the same of the layers alone", found["least_share_in_products_layers"]],
            ["rows/s, whole step", f"{found['step_rows_per_second']:,}"],
            ["rows/s, layers alone", f"{found['layers_rows_per_second']:,}"],
            ["notes/s, whole step", f"{found['step_notes_per_second']:,}"],
            ["GFLOP in the products of a step", found["gflop_a_step"]],
            ["of these in the layers", found["gflop_a_step_in_layers"]],
            ["GFLOP/s of a large product, same library", found["peak_gflop_per_second"]],
        ],
    )


def train_length(found: Facts) -> Iterator[str]:
    """Length of back-propagation."""
    yield "## Training: the length of back-propagation"
    yield ""
    yield "Two layers of 256 units, 16 sequences."
    yield ""
    shortest = next(iter(found.values()))["us_per_row"]
    yield from table(
        ["steps", "cost of a row ÷ that at the shortest", "µs a row", "peak memory, MB"],
        [
            [n, f"{of['us_per_row'] / shortest:.2f}", of["us_per_row"], f"{of['peak_mb']:,.0f}"]
            for n, of in found.items()
        ],
    )


def generate_speed(found: Facts) -> Iterator[str]:
    """Composing."""
    yield "## Composing"
    yield ""
    yield f"{found['weights']}; one core. A note of the others takes as many times longer:"
    yield ""
    ours = found["ms_per_note"]
    weighed = found.get("ms_per_note_by_default", {})  # older results have none
    yield from table(
        ["way of generating, at length", "times ours", "ms a note"],
        [
            [f"{name}, {length}", found["times_ours"][f"{name}@{length}"], round(times["min"], 2)]
            for name, lengths in found["beside_ms"].items()
            for length, times in lengths.items()
        ],
    )
    yield ""
    yield from table(
        [
            "ours, everything included",
            "ms a note, the first that comes",
            "of several candidates for each onset",
        ],
        [[f"{batch} at once", f"{ms:.3f}", weighed.get(batch, "")] for batch, ms in ours.items()],
    )
    yield ""
    yield from table(
        ["around note", "ms a note", "state, bytes", "peak memory, MB"],
        [
            [f"{int(n):,}", f"{of['min']:.3f}", f"{of['state_bytes']:,}", of["peak_mb"]]
            for n, of in found["length"].items()
        ],
    )
    yield ""
    yield (
        f"`musiclstm generate -n 1 --bars 32`, from a cold process to a closed file: "
        f"{found['cold_s']:.2f} s, of which imports {found['import_s']:.2f} s."
    )
    yield ""
    yield f"![Notes a second against length](results/{CHART.name})"


def ingest_speed(found: Facts) -> Iterator[str]:
    """Reading."""
    yield "## Reading MIDI"
    yield ""
    yield "Ours includes encoding. A note of the others takes as many times longer (below 1: less)."
    yield ""
    others = list(next(iter(found["times_ours"].values())))
    yield from table(
        ["notes in a file", *others],
        [
            [f"{int(n):,}", *(times.get(other, "failed") for other in others)]
            for n, times in found["times_ours"].items()
        ],
    )
    yield ""
    rows: list[list[Any]] = []
    for notes, readers in found["notes_in_a_file"].items():
        for reader, facts in readers.items():
            passes = (
                [("cold", facts["cold"]), ("cached", facts["cached"])] if "cold" in facts else []
            )
            for name, of in passes or [("", facts)]:
                rows.append(
                    [
                        f"{int(notes):,}, {reader}{', ' * bool(name)}{name}",
                        of.get("us_per_note", facts.get("failed")),
                        of.get("files_per_second", ""),
                        facts.get("peak_mb", ""),
                    ]
                )
    yield from table(["notes in a file, reader", "µs a note", "files/s", "peak memory, MB"], rows)


SECTIONS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "train_speed": train_speed,
    "train_step": train_step,
    "train_length": train_length,
    "generate_speed": generate_speed,
    "ingest_speed": ingest_speed,
}


def write_page() -> None:
    """Make `RESULTS.md` and its chart from what is kept."""
    lines = [
        "# How fast it is",
        "",
        "Written by `make bench` from the figures in `benchmarks/results/`; each section says when",
        "and where it was measured. Contenders of a section were measured in one run. Between",
        "machines compare ratios; times only within a section.",
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
@click.option("--only", multiple=True, type=click.Choice(list(COMMANDS)), help="Run these alone.")
@click.option("--page", is_flag=True, help="Run none; write the page from what is kept.")
def main(only: tuple[str, ...], page: bool) -> None:
    """Measure, and write RESULTS.md."""
    for name in () if page else only or COMMANDS:
        measure(name)
    write_page()
    click.echo(PAGE)


if __name__ == "__main__":
    main()
