"""Sections of `RESULTS.md`: how fast it is."""

from collections.abc import Iterator
from typing import Any

from benchmarks.results_table import Facts, table

CHART = "generate_speed.svg"


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
    yield f"![Notes a second against length](results/{CHART})"


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
