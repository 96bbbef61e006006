"""Can anything make the reader of MIDI fail? Damaged files, for as long as one likes.

    python benchmarks/fuzz.py --seconds 600 --data ../shared/data --json

Files of a folder (or small ones made here) are damaged as in ``tests/ingest/test_fuzz.py`` and
read. A file may be read, or skipped with a reason from the catalogue; all else is a failure, which
is printed with the number that makes it again: ``--seed S --first N --count 1``.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the mutators are the tests'

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.midi.reader import MIDI_SUFFIXES, read_midi
from musiclstm.ingest.problems import Problem
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Score
from tests.mutations import mutant, small_files

FAILURES_SHOWN = 20


@dataclass
class Tally:
    """What became of the cases so far."""

    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest_case: int = -1
    slowest_bytes: int = 0

    def read(self, data: bytes, settings: IngestSettings, number: int) -> None:
        """Read one damaged file, and say what became of it."""
        began = time.perf_counter()
        try:
            readings = read_midi(data, settings, source="x.mid")
        except UnreadableFileError as error:
            self.skipped[error.kind] += 1
            if error.kind not in Problem.__members__:
                self.failures.append(f"case {number}: no reason of the catalogue: {error}")
        except Exception as error:  # that is what is looked for
            self.failures.append(f"case {number}: {type(error).__name__}: {error}")
        else:
            self.kept += 1
            self.repaired.update({r.kind for one in readings for r in one.report.repairs})
            for reading in readings:
                score = reading.score
                if score is None or not len(score.notes):
                    self.failures.append(f"case {number}: kept without music")
                else:
                    Score(score.notes, score.parts)  # refuses what is not canonical
        seconds = time.perf_counter() - began
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest_case = seconds, number
            self.slowest_bytes = len(data)


def sources_of(folder: Path | None, every: int) -> Sequence[bytes]:
    if folder is None:
        return small_files()
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    if not paths:
        sys.exit(f"{folder} holds no MIDI files; give a folder with --data, or leave it out")
    return [path.read_bytes() for path in paths[::every]]


def peak_memory() -> int | None:
    """Most memory that this process has had, in bytes; None where nobody counts (Windows)."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of MIDI files; default: small ones")
    parser.add_argument("--every", type=int, default=1, help="take every n-th file")
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after so long")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="or after so many cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    sources, settings, tally = sources_of(options.data, options.every), IngestSettings(), Tally()
    tally.read(sources[0], settings, -1)  # imports
    before, tally = peak_memory(), Tally()
    began, number = time.perf_counter(), options.first
    while number - options.first < options.count:
        tally.read(mutant(sources, options.seed, number), settings, number)
        number += 1
        if time.perf_counter() - began >= options.seconds:
            break
    after = peak_memory()
    result = {
        "cases": number - options.first,
        "seconds": round(time.perf_counter() - began, 1),
        "seed": options.seed,
        "sources": len(sources),
        "kept": tally.kept,
        "skipped": dict(tally.skipped.most_common()),
        "repaired": dict(tally.repaired.most_common()),
        "slowest_ms": round(1000 * tally.slowest_seconds, 1),
        "slowest_case": tally.slowest_case,
        "slowest_bytes": tally.slowest_bytes,
        "memory_mb": round(after / 1e6, 1) if after else None,
        "memory_before_mb": round(before / 1e6, 1) if before else None,
        "failures": tally.failures[:FAILURES_SHOWN],
        "failed": len(tally.failures),
    }
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:16} {value}")
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
