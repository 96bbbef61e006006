"""Do generated pieces move like the pieces that a model learned from? A few plain numbers.

    musiclstm generate -n 40 -o out/judged --seed 1
    python benchmarks/beside_corpus.py out/judged midi_data/chorales

For each folder the means over its pieces: notes a bar, mean length of a note in quarters, the
longest run of one note (median and most over the pieces), the share of sounding time outside the
key, and the number of parts.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.features import longest_repeat, notes_per_bar, out_of_key_share
from musiclstm.ingest import read_folder
from musiclstm.score import Column, Score


def facts(scores: tuple[Score, ...]) -> dict[str, Any]:
    scores = tuple(score for score in scores if len(score.notes))
    repeats = [longest_repeat(score) for score in scores]
    lengths = [score.notes[:, Column.DURATION].mean() / score.steps_per_quarter for score in scores]
    return {
        "pieces": len(scores),
        "notes_a_bar": round(float(np.mean([notes_per_bar(score) for score in scores])), 2),
        "quarters_a_note": round(float(np.mean(lengths)), 3),
        "longest_repeat_median": float(np.median(repeats)),
        "longest_repeat_most": int(max(repeats)),
        "out_of_key": round(float(np.mean([out_of_key_share(score) for score in scores])), 4),
        "parts": round(float(np.mean([len(score.parts) for score in scores])), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generated", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    folders = {"generated": options.generated, "corpus": options.corpus}
    found = {name: facts(read_folder(path).scores) for name, path in folders.items()}
    if options.json:
        print(json.dumps(found))
        return
    for fact in found["corpus"]:
        print(f"{fact:22} {found['generated'][fact]:>10} {found['corpus'][fact]:>10}")


if __name__ == "__main__":
    main()
