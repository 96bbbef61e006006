"""How long does it take to read a note? From MIDI files to encoded rows, beside other readers.

Three folders are made for the occasion, of files of 150, 5,000 and 50,000 notes (four parts, rests,
triplets). Each is read by `read_folder` and encoded, in a new process for each line: cold and from
the cache, with 1 and with 2 workers, which a folder of few files does without. The peak is the
resident memory of the process and of its largest worker. In the same run three other readers take
the same files, the first of each folder: music21's `converter.parse`, pretty_midi and symusic
(which is compiled, and finds no keys and makes no rows). Importing a library is not counted.

With ``--data`` a folder of real music as well, every ``--every``-th file, one after the other: the
best of ``--repeats`` passes, since a pass can only be slowed by what else the machine does.

    python benchmarks/ingest_speed.py --json
    python benchmarks/ingest_speed.py --data ../shared/data
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from turns import peak_mb

ROOT = Path(__file__).resolve().parents[1]
FILES = {150: 600, 5_000: 20, 50_000: 2}  # notes in a file: how many files, 100,000 notes or so
OTHERS_READ = {150: 10, 5_000: 1, 50_000: 1}  # converter.parse takes a millisecond a note
WORKERS = (1, 2)
TIMEOUT = 600  # seconds for one reader and folder
Result = dict[str, Any]


# --- files to read ------------------------------------------------------------------------------


def write_folder(folder: Path, notes: int, files: int) -> None:
    """Write random four-part pieces of about as many notes; the same on every machine."""
    from musiclstm.rendering import write_midi  # noqa: PLC0415
    from musiclstm.score import Part, Score  # noqa: PLC0415

    parts = tuple(Part(program=0, name=name) for name in ("soprano", "alto", "tenor", "bass"))
    lengths = np.array([6, 8, 12, 12, 24, 24, 24, 48])  # steps of 24 to a quarter
    for number in range(files):
        rng = np.random.default_rng([notes, number])
        rows = []
        for part, middle in enumerate((74, 67, 60, 48)):
            durations = rng.choice(lengths, notes // 4)
            onsets = np.cumsum(durations + 12 * (rng.random(len(durations)) < 0.1)) - durations
            pitches = middle + np.clip(
                np.cumsum(rng.integers(-2, 3, len(durations))) % 17 - 8, -8, 8
            )
            velocities = rng.integers(50, 100, len(durations))
            rows.append(
                np.stack(
                    [onsets, durations, pitches, velocities, np.full(len(durations), part)], axis=1
                )
            )
        score, _ = Score.build(np.concatenate(rows), parts, steps_per_quarter=24)
        write_midi(score, folder / f"{number:04}.mid")


# --- readers, each in a process of its own ------------------------------------------------------


def read_ours(folder: Path, workers: int) -> Result:
    """Read and encode a folder, cold and then from the cache."""
    from musiclstm.encoding import build_vocabulary, encode  # noqa: PLC0415
    from musiclstm.ingest import read_folder, read_score  # noqa: PLC0415

    first = min(folder.glob("*.mid"))
    vocabulary = build_vocabulary([read_score(first)])  # and imports
    encode(read_score(first), vocabulary)
    result: Result = {}
    for name in ("cold", "cached"):
        began = time.perf_counter()
        scores = read_folder(folder, jobs=workers).scores
        notes = sum(encode(score, vocabulary).n_notes for score in scores)
        seconds = time.perf_counter() - began
        result[name] = {
            "us_per_note": round(1e6 * seconds / notes, 2),
            "files_per_second": round(len(scores) / seconds, 1),
        }
    return result | {"peak_mb": peak_mb(and_children=True)}


def music21_reader() -> Callable[[Path], int]:
    """`converter.parse`, and its notes counted."""
    from music21 import chord, converter  # noqa: PLC0415

    def read(path: Path) -> int:
        sounding = converter.parse(path, forceSource=True).flatten().notes
        return sum(len(n.pitches) if isinstance(n, chord.Chord) else 1 for n in sounding)

    return read


def pretty_midi_reader() -> Callable[[Path], int]:
    """`PrettyMIDI`, and its notes counted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pretty_midi  # noqa: PLC0415

    return lambda path: sum(len(i.notes) for i in pretty_midi.PrettyMIDI(str(path)).instruments)


def symusic_reader() -> Callable[[Path], int]:
    """`Score` of symusic, and its notes counted."""
    import symusic  # noqa: PLC0415

    return lambda path: sum(len(track.notes) for track in symusic.Score(path).tracks)


OTHERS: dict[str, Callable[[], Callable[[Path], int]]] = {
    "music21": music21_reader,
    "pretty_midi": pretty_midi_reader,
    "symusic": symusic_reader,
}


def read_other(name: str, folder: Path, files: int) -> Result:
    """Read the first files of a folder with another reader."""
    read = OTHERS[name]()
    paths = sorted(folder.glob("*.mid"))[:files]
    read(paths[0].parents[1] / "first.mid")  # what a library does once
    began = time.perf_counter()
    notes = sum(read(path) for path in paths)
    seconds = time.perf_counter() - began
    return {
        "us_per_note": round(1e6 * seconds / notes, 2),
        "files_per_second": round(len(paths) / seconds, 2),
        "peak_mb": peak_mb(and_children=True),
    }


def in_a_process(*task: str, cache: Path) -> Result:
    """Do one of the above in a new process; an error or too long a time is told, not raised."""
    environment = {**os.environ, "MUSICLSTM_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--task", json.dumps(task)]
    try:
        done = subprocess.run(  # noqa: S603 (this file, with our own arguments)
            command, capture_output=True, text=True, env=environment, timeout=TIMEOUT, check=True
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {TIMEOUT} s"}
    except subprocess.CalledProcessError as error:
        return {"failed": (error.stderr.strip().splitlines() or ["no word"])[-1]}
    answer: Result = json.loads(done.stdout.splitlines()[-1])
    return answer


# --- the report ---------------------------------------------------------------------------------


def ours(workers: int) -> str:
    """What our lines are called."""
    return f"ours, {workers} worker{'s' * (workers > 1)}"


def compare() -> dict[str, Result]:
    """All folders, all readers."""
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_folder(work, 100, 1)
        (work / "0000.mid").rename(work / "first.mid")
        for notes, files in FILES.items():
            folder = work / str(notes)
            folder.mkdir()
            write_folder(folder, notes, files)
            of_size: Result = {}
            for workers in WORKERS:
                cache = work / f"cache-{notes}-{workers}"
                of_size[ours(workers)] = in_a_process(
                    "ours", str(folder), str(workers), cache=cache
                )
                click.echo(f"{notes} notes: {ours(workers)}", err=True)
            for other in OTHERS:
                of_size[other] = in_a_process(
                    other, str(folder), str(OTHERS_READ[notes]), cache=work / "cache"
                )
                click.echo(f"{notes} notes: {other}", err=True)
            found[str(notes)] = of_size
    return found


def ratios(sizes: dict[str, Result]) -> dict[str, dict[str, float]]:
    """How many times longer a note of the others takes than one of ours, cold, 1 worker."""
    return {
        notes: {
            other: round(of_size[other]["us_per_note"] / of_size[ours(1)]["cold"]["us_per_note"], 2)
            for other in OTHERS
            if "failed" not in of_size[other]
        }
        for notes, of_size in sizes.items()
    }


def real_music(data: Path, every: int, repeats: int) -> Result:
    """Microseconds a note for files of real music, one core, uncached."""
    from musiclstm.encoding import build_vocabulary, encode  # noqa: PLC0415
    from musiclstm.ingest import read_score  # noqa: PLC0415
    from musiclstm.ingest.midi.reader import MIDI_SUFFIXES  # noqa: PLC0415

    files = [path for path in data.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES]
    files = sorted(files)[::every]
    if not files:
        raise click.BadParameter(f"{data} holds no MIDI files")
    vocabulary = build_vocabulary([read_score(path) for path in files])
    encode(read_score(files[0]), vocabulary)  # imports
    passes = []
    for _ in range(repeats):
        began, cpu_began = time.perf_counter(), time.process_time()
        notes = sum(encode(read_score(path), vocabulary).n_notes for path in files)
        passes.append((time.perf_counter() - began, time.process_time() - cpu_began))
    seconds, cpu_seconds = min(passes)
    return {
        "us_per_note": round(1e6 * seconds / notes, 2),
        "cpu_us_per_note": round(1e6 * cpu_seconds / notes, 2),  # what a busy machine cannot blur
        "files": len(files),
        "notes": notes,
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Real MIDI files.")
@click.option("--every", default=10, show_default=True, help="Read every n-th file of --data.")
@click.option("--repeats", default=3, show_default=True, help="Passes over --data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--task", hidden=True)
def main(data: Path | None, every: int, repeats: int, as_json: bool, task: str | None) -> None:
    """Time the reading of MIDI files."""
    if task is not None:
        name, folder, number = json.loads(task)
        path = Path(folder)
        done = (
            read_ours(path, int(number)) if name == "ours" else read_other(name, path, int(number))
        )
        click.echo(json.dumps(done))
        return
    sizes = compare()
    result: Result = {
        # of the file of middling length, the slowest way: nothing cached, one worker
        "us_per_note": sizes["5000"][ours(1)]["cold"]["us_per_note"],
        "times_ours": ratios(sizes),
        "notes_in_a_file": sizes,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if data is not None:
        result["real_music"] = real_music(data, every, repeats)
    if as_json:
        click.echo(json.dumps(result))
        return
    for notes, of_size in sizes.items():
        for reader, facts in of_size.items():
            click.echo(f"{notes:>6} notes a file  {reader:16} {facts}")
        click.echo(f"{notes:>6} notes a file  times ours: {result['times_ours'][notes]}")
    if data is not None:
        click.echo(f"real music: {result['real_music']}")


if __name__ == "__main__":
    main()
