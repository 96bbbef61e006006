"""Four bars written anew in the middle of pop songs: what follows, and how they join."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.encoding import Field
from musiclstm.generation import Manner, Rewriting, infill
from musiclstm.generation.frame import ends_of, given_rows
from musiclstm.generation.habits import Habits
from musiclstm.generation.primer import Primer, fit
from musiclstm.generation.rules import bar_line
from musiclstm.generation.wishes import Wishes, ranges_of
from musiclstm.ingest import read_handed_in
from musiclstm.model import Bundle
from musiclstm.score import Column, Score

BARS, AFTER = 4, 4
SPLITS = {"test": 0, "valid": 1}


def songs(folder: Path, split: str, count: int) -> list[Path]:
    """The first songs of a split, which the hash of the file decides."""
    found = [
        path
        for path in sorted(folder.glob("*.mid"))
        if int(hashlib.sha256(path.read_bytes()).hexdigest(), 16) % 10 == SPLITS[split]
    ]
    return found[:count]


def infills(
    bundle: Bundle,
    paths: Sequence[Path],
    particles: int,
    seed: int,
    report: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write four bars in the middle of each song anew, and measure it.

    Args:
        bundle: Any model.
        paths: The songs.
        particles: How many for ours; forcing has one.
        seed: Of all chance.
        report: Called with (done, all).
    """
    nats: dict[str, list[float]] = {"ours": [], "forced": [], "given": []}
    gaps = {"ours": 0, "forced": 0, "given": 0}
    doubled = {"ours": 0, "forced": 0, "given": 0}
    untouched = 0
    for number, path in enumerate(paths):
        piece = read_handed_in(path).score
        first = max(1, piece.bars // 2 - 1)
        last = min(first + BARS - 1, piece.bars)
        primer = fit(piece, bundle.vocabulary, ranges_of(Wishes(), bundle))
        found = {"given": primer}
        for who, count in (("ours", particles), ("forced", 1)):
            made = infill(bundle, piece, (first, last), manner=Manner(seed, number, count))
            found[who] = made.reading
            if who == "ours":
                untouched += outside_stays(piece, made, bundle.vocabulary.steps_per_quarter)
        for who, reading in found.items():
            nats[who].append(nats_after(bundle, reading, last))
            gap, double = seams(bundle, reading, (first, last))
            gaps[who] += gap
            doubled[who] += double
        report(number + 1, len(paths))
    difference = np.array(nats["forced"]) - np.array(nats["ours"])
    return {
        "pieces": len(paths),
        "particles": particles,
        "nats_per_note_after": {who: round(float(np.mean(of)), 4) for who, of in nats.items()},
        "ours_better_by": round(float(difference.mean()), 4),
        "standard_error": round(float(difference.std(ddof=1) / np.sqrt(len(paths))), 4),
        "ours_better_in": int((difference > 0).sum()),
        "gaps": gaps,
        "doubled_notes": doubled,
        "outside_untouched": untouched,
        "targets": {
            "what follows is likelier than after forcing": _met(difference.mean() > 0),
            "nothing outside the bars has changed": _met(untouched == len(paths)),
            "no note is doubled": _met(doubled["ours"] == 0),
        },
    }


def outside_stays(piece: Score, made: Rewriting, steps: int) -> bool:
    """Whether all notes that are not new stand in the given piece, and no more are gone."""
    fine = made.score.steps_per_quarter
    given = {tuple(row) for row in piece.on_grid(fine).notes.tolist()}
    kept = {tuple(row) for row in made.score.notes[~made.new].tolist()}
    factor = fine // steps
    start = min(region.start for region in made.regions) * factor
    end = max(region.end for region in made.regions) * factor
    # of a step a note may stand up to half to either side
    inside = [start - factor < row[Column.ONSET] < end + factor for row in given - kept]
    return kept <= given and all(inside)


def nats_after(bundle: Bundle, reading: Primer, last: int) -> float:
    """Nats a note of the bars after the stretch."""
    v, piece = bundle.vocabulary, reading.encoded
    onset = np.cumsum(v.steps_of(piece.events[:, Field.SHIFT]))
    start = bar_line(piece.meter_map, last, v.steps_per_quarter)
    end = bar_line(piece.meter_map, last + AFTER, v.steps_per_quarter)
    own = (start <= onset) & (onset < end) & (piece.events[:, Field.SHIFT] <= v.max_shift)
    return float(bundle.decoder.score(piece)[own].sum() / max(own.sum(), 1))


def seams(bundle: Bundle, reading: Primer, bars: tuple[int, int]) -> tuple[int, int]:
    """Gaps and doubled notes at the two ends of a stretch.

    A gap: nothing sounds for longer than the model's habit, across the seam. A doubled note: a part
    strikes a pitch again within a step of the seam while it still sounds, or within a step of its
    last onset.
    """
    v, piece = bundle.vocabulary, reading.encoded
    rows, onset = given_rows(piece, v)
    ends = ends_of(rows, onset, v)
    silence = Habits.of_bundle(bundle).silence
    gaps = doubled = 0
    for line in (
        bar_line(piece.meter_map, bars[0] - 1, v.steps_per_quarter),
        bar_line(piece.meter_map, bars[1], v.steps_per_quarter),
    ):
        before, after = onset < line, onset >= line
        if before.any() and after.any():
            gaps += int(onset[after].min() - ends[before].max() > silence)
        struck = {
            (int(row[Field.PART]), int(row[Field.PITCH])): (int(at), int(end))
            for row, at, end in zip(rows[before], onset[before], ends[before], strict=True)
        }
        for row, at in zip(rows[after], onset[after], strict=True):
            last = struck.get((int(row[Field.PART]), int(row[Field.PITCH])))
            if at <= line + 1 and last is not None:
                doubled += int(last[1] > at or at - last[0] <= 1)
    return gaps, doubled


def _met(met: bool) -> str:
    return "met" if met else "missed"
