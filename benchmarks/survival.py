"""How much of a file's music survives reading and writing? file -> Score -> file, note by note.

    python benchmarks/survival.py --data ../shared/data --json

Both files are read with mido, which shares no code with our reader. A note survives where the
second file has a note of its pitch, a drum for a drum, within half a step of its onset, and no
other note has taken that one. Of those that do not, some are *merged*: their place is taken by a
note that began together with them, as when two tracks' notes become one, or a file strikes a pitch
twice at one moment, which no ear can tell. The others are *lost*.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import mido

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest import read_score
from musiclstm.rendering import write_midi
from musiclstm.score import DEFAULT_STEPS_PER_QUARTER

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
HALF_A_STEP = 0.5 / DEFAULT_STEPS_PER_QUARTER + 1e-9  # quarters
WORST_SHOWN = 5

Onsets = dict[tuple[bool, int], list[float]]


def onsets_of(path: Path) -> Onsets:
    """Read onsets in quarters, sorted, for each pitch, drums apart."""
    midi = mido.MidiFile(path, clip=True)
    onsets: Onsets = defaultdict(list)
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                key = (message.channel == 9, message.note)
                onsets[key].append(tick / midi.ticks_per_beat)
    return {key: sorted(times) for key, times in onsets.items()}


def compare(before: list[float], after: list[float]) -> tuple[int, int]:
    """Match the onsets of one pitch, each with one at the most; return survived, merged."""
    survived = merged = place = 0
    for onset in before:
        while place < len(after) and after[place] < onset - HALF_A_STEP:
            place += 1
        if place < len(after) and after[place] <= onset + HALF_A_STEP:
            survived += 1
            place += 1
        elif place and abs(after[place - 1] - onset) <= 2 * HALF_A_STEP:
            merged += 1  # within half a step of a note that is itself within half a step
    return survived, merged


def survival(path: Path, folder: Path) -> dict[str, int]:
    """Send one file through, and count what became of its notes."""
    copy = folder / "copy.mid"
    write_midi(read_score(path), copy)
    before, after = onsets_of(path), onsets_of(copy)
    counts = [compare(times, after.get(key, [])) for key, times in before.items()]
    notes = sum(map(len, before.values()))
    survived, merged = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
    return {
        "notes": notes,
        "survived": survived,
        "merged": merged,
        "lost": notes - survived - merged,
        "added": sum(map(len, after.values())) - survived,
    }


def measure(folder: Path, every: int) -> dict[str, object]:
    """Send a folder through."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    files, unread = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        for path in paths[::every]:
            name = path.relative_to(folder).as_posix()
            try:
                files[name] = survival(path, Path(temporary))
            except MusicLSTMError as error:
                unread[name] = str(error)
    total = {
        key: sum(counts[key] for counts in files.values())
        for key in ("notes", "survived", "merged", "lost", "added")
    }
    notes = max(1, total["notes"])
    worst = sorted(files, key=lambda name: files[name]["survived"] / max(1, files[name]["notes"]))
    return {
        "files": len(files),
        **total,
        "share": round(total["survived"] / notes, 6),
        "share_with_merged": round((total["survived"] + total["merged"]) / notes, 6),
        "worst": {name: files[name] for name in worst[:WORST_SHOWN]},
        "unread": unread,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of folders of MIDI files")
    parser.add_argument("--every", type=int, default=1, help="read every n-th file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    folders = [path for path in sorted(options.data.glob("*/")) if any(path.rglob("*.mid"))]
    if not folders:
        sys.exit(f"{options.data} holds no folders of MIDI files; give one with --data")
    result = {folder.name: measure(folder, options.every) for folder in folders}
    if options.json:
        print(json.dumps(result))
        return
    for name, found in result.items():
        print(
            f"{name}: {found['share']:.3%} of {found['notes']} notes in {found['files']} files "
            f"survive, {found['share_with_merged']:.3%} with merged ones; {found['lost']} lost"
        )
        for file, counts in found["worst"].items():
            print(f"    {file}: {counts}")
        for file, reason in found["unread"].items():
            print(f"    {file}: {reason}")


if __name__ == "__main__":
    main()
