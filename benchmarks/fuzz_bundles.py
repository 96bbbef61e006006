"""Does any spoiled model folder do worse than to be refused in one line?

    python benchmarks/fuzz_bundles.py --seconds 60 --json

Each case copies a tiny model, damages one of its files (its bytes, or its meaning with the checksum
put right), opens it, looks for copies and composes a bar. Anything but a line of the program's own
or a working model is a failure, and so are changed bytes that are read as something else. A failure
is told with its seed, which makes the same damage again.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the damage is the tests'

from tests.bundles import tiny_bundle  # noqa: E402
from tests.spoiling import judge, spoil  # noqa: E402

FAILURES_SHOWN = 10


def fuzz(first: int, seconds: float) -> dict[str, object]:
    """Spoil folders with the seeds from ``first`` on until the time is over."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    seed, end = first, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as temporary:
        whole, folder = tiny_bundle(Path(temporary) / "whole"), Path(temporary) / "model"
        as_written, _ = judge(whole)
        while time.monotonic() < end:
            shutil.copytree(whole, folder, dirs_exist_ok=True)
            name, blind = spoil(folder, seed)
            began = time.monotonic()
            try:
                found, _ = judge(folder)
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                failures.append(
                    f"seed {seed}, {name}: {error!r} at {place.filename}:{place.lineno}"
                )
                found = "failed"
            if blind and found not in ("", as_written, "failed"):
                failures.append(f"seed {seed}, {name}: damage passed unnoticed")
            slowest = max(slowest, time.monotonic() - began)
            outcomes[f"{name}: {'works' if found else 'refused'}"] += 1
            seed += 1
    return {
        "cases": seed - first,
        "first_seed": first,
        "failures": len(failures),
        "slowest_s": round(slowest, 3),
        "outcomes": dict(sorted(outcomes.items())),
        "first_failures": failures[:FAILURES_SHOWN],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first case")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    warnings.simplefilter("error")  # a warning on the terminal is a failure too
    result = fuzz(options.seed, options.seconds)
    if options.json:
        print(json.dumps(result))
    else:
        print(f"{result['cases']} spoiled folders, {result['failures']} failures")
        for outcome, count in result["outcomes"].items():
            print(f"    {outcome}: {count}")
        for failure in result["first_failures"]:
            print(failure)
    sys.exit(1 if result["failures"] else 0)


if __name__ == "__main__":
    main()
