"""How long does it take to read a note? From a MIDI file to encoded rows, on one core, uncached.

    python benchmarks/ingest_speed.py --data ../shared/data --json

Every ``--every``-th file of the folder is read (sorted by path); the best of ``--repeats`` passes
counts, since a pass can only be slowed by what else the machine does. Finding the key, where none
is written, is part of it. Importing music21 is not, nor is making the vocabulary: they happen once,
not once a note.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

from musiclstm.encoding import Vocabulary, build_vocabulary, encode
from musiclstm.ingest import read_score
from musiclstm.ingest.midi.reader import MIDI_SUFFIXES

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def music_files(folder: Path, every: int) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    return sorted(files)[::every]


def seconds_to_read(files: list[Path], vocabulary: Vocabulary) -> tuple[float, float, int]:
    began, cpu_began = time.perf_counter(), time.process_time()
    notes = sum(encode(read_score(path), vocabulary).n_notes for path in files)
    return time.perf_counter() - began, time.process_time() - cpu_began, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of MIDI files")
    parser.add_argument("--every", type=int, default=10, help="read every n-th file")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    files = music_files(options.data, options.every)
    if not files:
        sys.exit(f"{options.data} holds no MIDI files; give a folder with --data")
    vocabulary = build_vocabulary([read_score(path) for path in files])
    encode(read_score(files[0]), vocabulary)  # imports
    passes = [seconds_to_read(files, vocabulary) for _ in range(options.repeats)]
    seconds, cpu_seconds, notes = min(passes)
    result = {
        "us_per_note": round(1e6 * seconds / notes, 2),
        "cpu_us_per_note": round(1e6 * cpu_seconds / notes, 2),  # what a busy machine cannot blur
        "files": len(files),
        "notes": notes,
        "seconds": round(seconds, 3),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:12} {value}")


if __name__ == "__main__":
    main()
