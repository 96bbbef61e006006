"""How samples change with the sampling: one line for each setting, from which a person chooses."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from benchmarks.samples_rates import RULES, rates
from benchmarks.samples_report import Yardstick, copies, report
from musiclstm.model import Bundle

# around what models of this size sounded best with; temperature 1 and top-p 1 are the model itself
DEFAULT_GRID: Mapping[str, Sequence[float]] = {
    "pitch_temperature": (0.8, 0.9, 1.0),
    "rhythm_temperature": (0.9, 1.0),
    "top_p": (0.9, 0.95, 1.0),
}
SHOWN_RULES = ("parallel_fifths", "parallel_octaves", "crossings", "wide_spacings")
COLUMNS: Mapping[str, str] = {  # and their titles
    "mean_share": "mean share",
    "least_share": "least",
    "parallel_fifths": "fifths",
    "parallel_octaves": "octaves",
    "crossings": "crossed",
    "wide_spacings": "wide",
    "chordal": "chordal",
    "copied_p95": "copied p95",
    "faults": "faults",
    "missed": "missed",
}


def settings(grid: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Every combination of the values, in order."""
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def search(
    bundle: Bundle,
    against: Yardstick,
    grid: Mapping[str, Sequence[float]],
    count: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Compare samples of each setting.

    Args:
        bundle: The model.
        against: What they are measured against.
        grid: Values by name; names are those of :func:`report`'s wishes.
        count: Pieces of each setting.
        seed: Of every setting, so that chance is the same for all.

    Yields:
        ``setting``, and what :data:`COLUMNS` names.
    """
    for setting in settings(grid):
        found, _ = report(bundle, against, count, seed, setting)
        rules = found["rules"]
        yield {
            "setting": setting,
            "mean_share": found["shares"]["mean_capped"],
            "least_share": found["shares"]["least"],
            "least_feature": found["shares"]["least_feature"],
            **{name: rules[name]["samples"]["rate"] for name in SHOWN_RULES},
            "chordal": found["chordal"]["samples"],
            "copied_p95": found["copies"]["samples"]["p95"],
            "faults": sum(of["samples"] for of in found["faults"].values()),
            "missed": [name for name, said in found["targets"].items() if said == "missed"],
        }


def reference_line(against: Yardstick) -> dict[str, Any]:
    """The same of the pieces that samples are measured against, as far as they have it."""
    reference = against.reference
    of_rules = dict(zip(RULES, rates(reference.voices.sum(axis=0)).tolist(), strict=True))
    return {
        "setting": {},
        **{name: of_rules[name] for name in SHOWN_RULES},
        "chordal": float(reference.chordal.mean()),
        "copied_p95": copies(reference.copied, reference.copied)["reference"]["p95"],
        "faults": int(reference.faults.sum()),
    }


def head(grid: Mapping[str, Sequence[float]]) -> str:
    """The heading of the table."""
    names = [f"{name.replace('_', ' '):>17}" for name in grid]
    return "  ".join([*names, *COLUMNS.values()])


def line(found: Mapping[str, Any], grid: Mapping[str, Sequence[float]]) -> str:
    """A line of the table."""
    cells = [f"{found['setting'].get(name, 'Bach'):>17}" for name in grid]
    for name, title in COLUMNS.items():
        value = found.get(name, "")
        if isinstance(value, list):
            value = ", ".join(value)
        cells.append(f"{f'{value:.3f}' if isinstance(value, float) else value:>{len(title)}}")
    return "  ".join(cells).rstrip()
