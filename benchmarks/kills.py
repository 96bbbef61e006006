"""What is left after ``kill -9`` at random moments, of ingestion and of training?

    python benchmarks/kills.py [--kills 20] [--data FOLDER] [--only ingest|train] [--json]

A run that nobody disturbs comes first: it says how long it takes, and what must come out. Then runs
are killed, each at a moment drawn at random within that time; every second one waits, from its
moment on, until a file is being written, and dies in that instant. After every kill all files that
bear their final names must be whole. The next run goes on with what is there: ``musiclstm ingest``
with its cache, ``musiclstm train`` with ``--resume`` (or the same command, where there is no
checkpoint yet). Whatever comes to its end must equal the run that nobody disturbed: the report and
every cache entry, or the learning curve and every weight.

So that a short training has many moments of writing, checkpoints are made every half second and
evaluations every other step. The exit status is 1 if anything was wrong.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from musiclstm.errors import MusicLSTMError
from musiclstm.ingest.packed import records, unpack
from musiclstm.model import load_bundle
from musiclstm.model.bundle import WEIGHTS
from musiclstm.rendering import write_midi
from musiclstm.score import Meter, MeterMap, Part, Score
from musiclstm.training.checkpoint import has_checkpoint, load_checkpoint

ROOT = Path(__file__).resolve().parents[1]
CLOCK = ("seconds", "notes_per_second")  # columns of the learning curve that no run repeats
UNFINISHED = "unfinished"  # folder of the cache for what is being written
LOOK_SECONDS = 0.0005
TRAINING = ("--preset", "tiny", "--lanes", "4", "--steps", "24", "--evaluations", "12", "-q")
BOOT = (
    "import sys; sys.argv[0] = 'musiclstm'; import musiclstm.training.keeping as keeping; "
    "keeping.CHECKPOINT_SECONDS = {checkpoint_seconds}; from musiclstm.cli import main; main()"
)


@dataclass
class Outcome:
    """What was seen.

    Attributes:
        kills: Runs that were killed.
        writing: How many of them while a file was being written.
        finished: Runs that came to their end before their moment did.
        seconds: How long the undisturbed run took.
        faults: What was wrong, a line each.
    """

    kills: int = 0
    writing: int = 0
    finished: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


# --- runs -----------------------------------------------------------------------------------


def start(
    arguments: list[str], cache: Path, log: Path, checkpoint_seconds: float = 0.5
) -> subprocess.Popen[bytes]:
    """Start the program with a cache of its own; what it says goes to a file."""
    environment = {**os.environ, "MUSICLSTM_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    code = BOOT.format(checkpoint_seconds=checkpoint_seconds)
    with log.open("ab") as words:
        return subprocess.Popen(  # noqa: S603 - we run ourselves
            [sys.executable, "-c", code, *arguments], stdout=words, stderr=words, env=environment
        )


def finish(arguments: list[str], cache: Path, log: Path) -> float:
    """Run the program to its end, and return the seconds that it took."""
    began = time.monotonic()
    with start(arguments, cache, log) as process:
        if process.wait():
            raise SystemExit(f"an undisturbed run failed:\n{log.read_text(errors='replace')}")
    return time.monotonic() - began


def kill(
    process: subprocess.Popen[bytes], delay: float, being_written: Callable[[], bool] | None
) -> tuple[bool, bool]:
    """Kill a run after a delay, or once something is being written after it.

    Returns:
        Whether it was killed, not finished before; and whether something was being written.
    """
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        writing = False
        while being_written is not None and process.poll() is None and not writing:
            writing = being_written()
            if not writing:
                time.sleep(LOOK_SECONDS)
        process.kill()
        return process.wait() < 0, writing
    return False, False


# --- what must hold -------------------------------------------------------------------------


def faults_of_folder(folder: Path) -> Iterator[str]:
    """Say which files of a model folder are not whole."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_dir() or path.name.startswith("."):
            continue
        try:
            _parse(path)
        except Exception as error:  # whatever it is, the file is not whole
            yield f"{path.name}: {error!r}"
    try:
        if has_checkpoint(folder):
            load_checkpoint(folder)
        if (folder / WEIGHTS).exists():
            load_bundle(folder).novelty()
    except MusicLSTMError as error:
        yield str(error)


def _parse(path: Path) -> None:
    data = path.read_bytes()
    if path.name == "lock":
        return
    if not data:
        raise ValueError("it is empty")
    if path.suffix == ".json":
        json.loads(data)
    elif path.suffix == ".csv":
        rows = list(csv.reader(data.decode().splitlines()))
        if not data.endswith(b"\n") or len({len(row) for row in rows}) != 1:
            raise ValueError("a row is cut off")
    elif path.suffix == ".safetensors":
        load_file(path)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                arrays[name]
    elif path.suffix == ".mid" and not data.endswith(b"\xff\x2f\x00"):
        raise ValueError("it is cut off")


def curve(folder: Path) -> list[dict[str, str]]:
    """The learning curve without what depends on the clock."""
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [{name: value for name, value in row.items() if name not in CLOCK} for row in rows]


def differences(folder: Path, unbroken: Path) -> Iterator[str]:
    """Say in what a training that was killed differs from one that was not."""
    if curve(folder) != curve(unbroken):
        yield "the learning curve is another"
    ours, theirs = load_file(folder / WEIGHTS), load_file(unbroken / WEIGHTS)
    if any(not np.array_equal(ours[name], theirs[name]) for name in theirs):
        yield "the weights are others"
    if left := [path.name for path in folder.rglob("*") if path.name.endswith(".tmp")]:
        yield f"temporary files are left: {left}"


def entries(cache: Path) -> dict[str, bytes]:
    """The entries of a cache by name."""
    files = (path for path in cache.rglob("*") if path.is_file() and UNFINISHED not in path.parts)
    return {str(path.relative_to(cache)): path.read_bytes() for path in files}


def faults_of_cache(cache: Path) -> Iterator[str]:
    """Say which entries of a cache are not whole."""
    for name, data in entries(cache).items():
        try:
            if data[:1] in (b"[", b"{"):  # what was found about a whole folder
                json.loads(data)
                continue
            for record in records(data):
                unpack(data[record.at : record.at + record.size])
        except ValueError as error:
            yield f"cache entry {name}: {error}"


# --- the two benchmarks ---------------------------------------------------------------------


def kill_training(music: Path, room: Path, kills: int, rng: random.Random) -> Outcome:
    """Kill trainings; see the module."""
    outcome, cache, log = Outcome(), room / "cache", room / "train.log"
    unbroken = room / "unbroken"
    command = ["train", str(music), *TRAINING, "-o"]
    outcome.seconds = finish([*command, str(unbroken)], cache, log)
    chain = 0
    while outcome.kills < kills:
        chain += 1
        out = room / f"killed-{chain}"
        ended = False
        while not ended and outcome.kills < kills:
            process = start(_next_command(command, out, music), cache, log)
            writing = _writer(out) if outcome.kills % 2 else None
            was_killed, was_writing = kill(process, rng.uniform(0, outcome.seconds), writing)
            outcome.kills += was_killed
            outcome.writing += was_writing
            ended = not was_killed
            if ended and process.returncode:
                outcome.faults.append(f"a run failed: {log.read_text(errors='replace')[-500:]}")
            outcome.faults += [f"kill {outcome.kills}: {f}" for f in faults_of_folder(out)]
        if not ended:
            finish(_next_command(command, out, music), cache, log)
        outcome.finished += 1
        outcome.faults += [f"at the end: {fault}" for fault in differences(out, unbroken)]
    if beside := [path.name for path in room.glob("killed-*-*")]:
        outcome.faults.append(f"a folder was passed by: {beside}")
    return outcome


def _next_command(command: list[str], out: Path, music: Path) -> list[str]:
    if has_checkpoint(out):
        return ["train", str(music), "-o", str(out), "--resume", "-q"]
    return [*command, str(out)]


def _writer(folder: Path) -> Callable[[], bool]:
    """Whether a file of a model folder is being written."""

    def being_written() -> bool:
        places = (folder, folder / "checkpoint", folder / "samples")
        return any(
            name.endswith(".tmp") for place in places if place.is_dir() for name in _names(place)
        )

    return being_written


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - faster, and it is a race
    except OSError:
        return []


def kill_ingestion(music: Path, room: Path, kills: int, rng: random.Random) -> Outcome:
    """Kill ingestions; see the module."""
    outcome, log = Outcome(), room / "ingest.log"
    command = ["ingest", str(music), "--json", "-q"]

    def report(cache: Path) -> Any:
        path = room / "report.json"
        path.unlink(missing_ok=True)
        outcome.seconds = outcome.seconds or finish(command, room / "timed", log)
        finish(command, cache, path)
        return json.loads(path.read_text())

    expected = report(room / "unbroken-cache")
    whole = entries(room / "unbroken-cache")
    chain = 0
    while outcome.kills < kills:
        chain += 1
        cache = room / f"cache-{chain}"
        for number in range(4):  # then from an empty cache again
            if outcome.kills == kills:
                break
            process = start(command, cache, log)
            writing = _cache_writer(cache) if number % 2 else None
            was_killed, was_writing = kill(process, rng.uniform(0, outcome.seconds), writing)
            outcome.kills += was_killed
            outcome.writing += was_writing
            if not was_killed and process.returncode:
                outcome.faults.append(f"a run failed: {log.read_text(errors='replace')[-500:]}")
            outcome.faults += [f"kill {outcome.kills}: {fault}" for fault in faults_of_cache(cache)]
        outcome.finished += 1
        if report(cache) != expected:
            outcome.faults.append(f"chain {chain}: the report is another")
        if changed := sorted(set(entries(cache).items()) ^ set(whole.items())):
            outcome.faults.append(f"chain {chain}: other cache entries, as {changed[0][0]}")
    return outcome


def _cache_writer(cache: Path) -> Callable[[], bool]:
    """Whether an entry of a cache is being written."""

    def being_written() -> bool:
        return any(_names(place / UNFINISHED) for place in cache.glob("*"))

    return being_written


# --- music ----------------------------------------------------------------------------------


def make_music(folder: Path, count: int, rng: np.random.Generator) -> Path:
    """Write melodies over basses, some with a chord now and then, as MIDI."""
    for number in range(count):
        notes = []
        for beat in range(96):
            pitch = 60 + int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12]))
            notes += [[24 * beat, 24, pitch + third, 80, 0] for third in (0, 4)[: 1 + beat % 2]]
        notes += [[96 * bar, 96, 40 + int(rng.integers(0, 8)), 70, 1] for bar in range(24)]
        score, _ = Score.build(
            notes,
            [Part(name="melody"), Part(32, name="bass")],
            meter_map=MeterMap((Meter(0, 4, 4),)),
        )
        write_midi(score, folder / f"piece{number:04d}.mid")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each")
    parser.add_argument("--data", type=Path, help="music to ingest; default: some is made")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["ingest", "train"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    rng = random.Random(options.seed)  # noqa: S311
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        if options.only != "train":
            music = options.data or make_music(room / "many", 600, np.random.default_rng(1))
            found["ingest"] = kill_ingestion(music, room, options.kills, rng)
        if options.only != "ingest":
            music = make_music(room / "few", 10, np.random.default_rng(2))
            found["train"] = kill_training(music, room, options.kills, rng)
    faults = [fault for outcome in found.values() for fault in outcome.faults]
    result = {
        "passed": not faults,
        "seed": options.seed,
        **{name: vars(outcome) for name, outcome in found.items()},
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, outcome in found.items():
            print(
                f"{name}: {outcome.kills} killed ({outcome.writing} while writing), "
                f"{outcome.finished} compared with an undisturbed run of {outcome.seconds:.1f} s"
            )
        print("\n".join(faults) or "nothing half written, nothing lost")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
