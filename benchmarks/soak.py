"""Reading 10,000 files: how long, in how much memory, and how fast when nothing has changed.

```
python benchmarks/soak.py [--files 10000] [--json]
```

The files are made for the occasion (random chords and melodies, from 300 to 3,000 notes, some of
them copies, every fiftieth of them spoiled) and read by ``musiclstm ingest`` into a cache of their
own. Memory is the resident memory of the command and its workers together, looked at ten times a
second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
LOOKS_PER_SECOND = 10
SPOILED, COPIED = 50, 40  # every how many files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        notes = make_files(folder / "music", arguments.files)
        environment = {
            **os.environ,
            "MUSICLSTM_CACHE": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
        }
        first = read(folder / "music", environment)
        second = read(folder / "music", environment)
    if first["report"] != second["report"]:
        raise SystemExit("the second run reports something else than the first")
    result = {
        "files": arguments.files,
        "notes": notes,
        "kept": first["report"]["kept"],
        "copies": len(first["report"]["copies"]),
        "first_s": first["seconds"],
        "first_peak_mb": first["peak_mb"],
        "cached_s": second["seconds"],
        "cached_peak_mb": second["peak_mb"],
    }
    if arguments.json:
        print(json.dumps(result))
        return
    for title, value in result.items():
        print(f"{title:16} {value:,}")


def read(music: Path, environment: dict[str, str]) -> dict[str, object]:
    """Run ``musiclstm ingest`` once, and watch it."""
    command = [sys.executable, "-m", "musiclstm", "ingest", str(music), "--json", "-q"]
    began, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as out:
        process = psutil.Popen(command, stdout=out, env=environment)
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(1 / LOOKS_PER_SECOND)
        seconds = time.monotonic() - began
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        out.seek(0)
        report = json.load(out)
    return {"seconds": round(seconds, 2), "peak_mb": peak // 2**20, "report": report}


def resident(process: psutil.Process) -> int:
    """Bytes of a process and its children."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total


def make_files(folder: Path, count: int) -> int:
    """Write MIDI files; return how many notes are in them."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    total, last = 0, b""
    for number in range(count):
        notes = int(rng.integers(300, 3001))
        data = midi_bytes(rng, notes)
        if number % COPIED == COPIED - 1:
            data = last
        last = data
        if number % SPOILED == SPOILED - 1:
            data = data[: int(rng.integers(0, len(data)))]
        style = folder / f"style-{number % 7}"
        style.mkdir(exist_ok=True)
        (style / f"{number:05d}.mid").write_bytes(data)
        total += notes
    return total


def midi_bytes(rng: np.random.Generator, notes: int) -> bytes:
    """Four parts in one track, a note on every 16th or so: as plain as MIDI can be."""
    onsets = np.sort(rng.integers(0, notes, notes)) * 120
    channel = rng.integers(0, 4, notes)
    pitch = np.clip(60 - 8 * channel + rng.integers(-9, 10, notes), 0, 127)
    ends = onsets + 120 * rng.integers(1, 5, notes)
    ticks = np.concatenate([onsets, ends])
    kinds = np.concatenate([np.full(notes, 0x90), np.full(notes, 0x80)])
    order = np.lexsort((kinds, ticks))  # offs before ons
    track = bytearray(b"\x00\xff\x58\x04\x04\x02\x18\x08")
    now = 0
    for index in order.tolist():
        note = index % notes
        delta, now = int(ticks[index]) - now, int(ticks[index])
        if delta > 127:
            track += bytes([0x80 | delta >> 7, delta & 0x7F])
        else:
            track.append(delta)
        track += bytes([int(kinds[index]) | int(channel[note]), int(pitch[note]), 80])
    track += b"\x00\xff\x2f\x00"
    head = b"MThd\0\0\0\x06\0\0\0\x01" + (480).to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


if __name__ == "__main__":
    main()
