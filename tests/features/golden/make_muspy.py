"""Make ``muspy.json``: what MusPy itself says of some scores.

    python -m venv /tmp/muspy && /tmp/muspy/bin/pip install muspy setuptools
    /tmp/muspy/bin/python tests/features/golden/make_muspy.py

MusPy is not needed by the tests. Scores are drawn at random, with several parts, drums, rests, many
meters and grids; they stand in the file beside the numbers, so that both are read together.
"""

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).with_name("muspy.json")
SCORES = 60
METERS = ((4, 4), (3, 4), (6, 8), (2, 2), (5, 4), (7, 8))


def draw(rng: random.Random) -> dict[str, Any]:
    """A score: notes of a part never overlap on one pitch, as in every score of ours."""
    grid = rng.choice([4, 6, 12, 24])
    numerator, denominator = rng.choice(METERS)
    drums = [rng.random() < 0.25 for _ in range(rng.randint(1, 4))]
    notes = []
    for part, is_drum in enumerate(drums):
        scale = rng.sample(range(36, 84), rng.randint(1, 12))
        for _ in range(rng.randint(0, 60)):
            onset, pitch = rng.randrange(grid * 4 * rng.randint(1, 8)), rng.choice(scale)
            duration = 1 if is_drum else rng.randint(1, 3 * grid)
            if any(
                p == part and q == pitch and not (o + d <= onset or onset + duration <= o)
                for o, d, q, _, p in notes
            ):
                continue
            notes.append([onset, duration, pitch, rng.randint(1, 127), part])
    return {"grid": grid, "meter": [numerator, denominator], "drums": drums, "notes": sorted(notes)}


def said(score: dict[str, Any], muspy: Any) -> dict[str, float]:
    """MusPy's metrics of it; what it cannot say (NaN, a range below 0) is 0."""
    grid, (numerator, denominator) = score["grid"], score["meter"]
    bar = grid * 4 * numerator // denominator
    tracks = [
        muspy.Track(
            is_drum=is_drum,
            notes=[
                muspy.Note(time=o, pitch=q, duration=d, velocity=v)
                for o, d, q, v, p in score["notes"]
                if p == part
            ],
        )
        for part, is_drum in enumerate(score["drums"])
    ]
    music = muspy.Music(resolution=grid, tracks=tracks)
    found = {
        "pitch_count": muspy.n_pitches_used(music),
        "pitch_class_count": muspy.n_pitch_classes_used(music),
        "pitch_range": muspy.pitch_range(music),
        "empty_beat_rate": muspy.empty_beat_rate(music),
        "empty_bar_rate": muspy.empty_measure_rate(music, bar),
        "polyphony": muspy.polyphony(music),
        "polyphony_rate": muspy.polyphony_rate(music),
        "scale_consistency": muspy.scale_consistency(music),
        "pitch_in_c_major": muspy.pitch_in_scale_rate(music, 0, "major"),
        "pitch_in_a_minor": muspy.pitch_in_scale_rate(music, 9, "minor"),
        "drum_duple": muspy.drum_in_pattern_rate(music, "duple"),
        "drum_triple": muspy.drum_in_pattern_rate(music, "triple"),
        "drum_pattern_consistency": muspy.drum_pattern_consistency(music),
        "pitch_entropy": muspy.pitch_entropy(music),
        "pitch_class_entropy": muspy.pitch_class_entropy(music),
        "groove_consistency": muspy.groove_consistency(music, bar),
    }
    return {
        name: 0.0 if math.isnan(value) else max(0.0, float(value)) for name, value in found.items()
    }


def main() -> None:
    """Write the file."""
    import muspy  # noqa: PLC0415 - the tests do without

    rng = random.Random(7)  # noqa: S311
    scores = [draw(rng) for _ in range(SCORES)]
    golden = [{**score, "muspy": said(score, muspy)} for score in scores if score["notes"]]
    if len(golden) < SCORES // 2:
        sys.exit(f"only {len(golden)} scores have notes: nothing was written")
    text = json.dumps({"version": muspy.__version__, "scores": golden}, separators=(",", ":"))
    OUT.write_text(text.replace('{"grid"', '\n{"grid"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
