"""Which chorales of the built-in corpus are, or nearly are, JSB validation or test pieces?

`trained/chorales` is trained without them, so that the standard JSB test stays fair to it. A piece
is named if its soprano or bass shares a run of at least RUN successive intervals with the soprano
or bass of a validation or test piece (or the whole line, where that is shorter). Repeated pitches
count once, because the JSB grid does not tell them from held ones; intervals make it independent
of the key.

    python benchmarks/jsb_overlap.py --data ../shared/data/jsb/Jsb16thSeparated.json \
        > benchmarks/jsb_overlap.txt

The list holds names of pieces (BWV numbers as music21 has them), no music.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from musiclstm.ingest import read_builtin
from musiclstm.score import Column, Score

RUN = 20  # intervals: some five bars of a hymn, the measure of overlap within JSB itself
SOPRANO, BASS = 0, 3


def intervals(pitches: Iterable[int]) -> tuple[int, ...]:
    """Steps between successive different pitches; silence (-1) is passed over."""
    line = [pitch for pitch in pitches if pitch >= 0]
    moves = np.diff(np.array(line, int))
    return tuple(moves[moves != 0].tolist())


def runs(line: Sequence[int]) -> set[tuple[int, ...]]:
    """All runs of RUN intervals, or the line itself where it is shorter."""
    if len(line) <= RUN:
        return {tuple(line)} if len(line) > 2 else set()
    return {tuple(line[i : i + RUN]) for i in range(len(line) - RUN + 1)}


def lines_of(score: Score) -> dict[int, tuple[int, ...]]:
    """Soprano and bass of a four-part score."""
    notes = score.notes
    return {
        voice: intervals(notes[notes[:, Column.PART] == voice, Column.PITCH].tolist())
        for voice in (SOPRANO, BASS)
    }


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = json.loads(parser.parse_args().data.read_text())
    known: dict[int, dict[tuple[int, ...], str]] = {SOPRANO: {}, BASS: {}}
    for split in ("valid", "test"):
        for number, piece in enumerate(data[split]):
            grid = np.array(piece, int)
            for voice, found in known.items():
                for run in runs(intervals(grid[:, voice].tolist())):
                    found.setdefault(run, f"{split} {number}")
    corpus = read_builtin("chorales")
    named = matched = 0
    hits = set()
    print("# made by benchmarks/jsb_overlap.py: chorales that match a JSB valid or test piece")
    for score in corpus.scores:
        matches = {
            voice: sorted({known[voice][run] for run in runs(line) if run in known[voice]})
            for voice, line in lines_of(score).items()
        }
        whose = sorted({piece for pieces in matches.values() for piece in pieces})
        if whose:
            named += 1
            hits.update(whose)
            print(f"{Path(score.source).name}  # {', '.join(whose[:4])}")
    total = len(data["valid"]) + len(data["test"])
    matched = len(hits)
    print(
        f"{named} of {len(corpus.scores)} pieces named; {matched} of {total} JSB pieces found",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
