"""MusPy's metrics, held to numbers that MusPy itself made (``golden/make_muspy.py``)."""

import json
from pathlib import Path

import pytest

from musiclstm.features import (
    drum_in_pattern_rate,
    drum_pattern_consistency,
    empty_bar_rate,
    empty_beat_rate,
    groove_consistency,
    pitch_class_count,
    pitch_class_entropy,
    pitch_count,
    pitch_entropy,
    pitch_in_scale_rate,
    pitch_range,
    polyphony,
    polyphony_rate,
    scale_consistency,
)
from musiclstm.score import Key, Meter, MeterMap, Part, Score

GOLDEN = json.loads((Path(__file__).parent / "golden" / "muspy.json").read_text(encoding="utf-8"))
OURS = {
    "pitch_count": pitch_count,
    "pitch_class_count": pitch_class_count,
    "pitch_range": pitch_range,
    "empty_beat_rate": empty_beat_rate,
    "empty_bar_rate": empty_bar_rate,
    "polyphony": polyphony,
    "polyphony_rate": polyphony_rate,
    "scale_consistency": scale_consistency,
    "pitch_in_c_major": lambda score: pitch_in_scale_rate(score, Key(0)),
    "pitch_in_a_minor": lambda score: pitch_in_scale_rate(score, Key(9, "minor")),
    "drum_duple": lambda score: drum_in_pattern_rate(score, "duple"),
    "drum_triple": lambda score: drum_in_pattern_rate(score, "triple"),
    "drum_pattern_consistency": drum_pattern_consistency,
    "pitch_entropy": pitch_entropy,
    "pitch_class_entropy": pitch_class_entropy,
    "groove_consistency": groove_consistency,
}


@pytest.fixture(scope="module")
def golden():
    found = []
    for of in GOLDEN["scores"]:
        score, _ = Score.build(
            of["notes"],
            [Part(0, is_drum) for is_drum in of["drums"]],
            steps_per_quarter=of["grid"],
            meter_map=MeterMap((Meter(0, *of["meter"]),)),
        )
        assert len(score.notes) == len(of["notes"])  # the very notes that MusPy saw
        found.append((score, of["muspy"]))
    return found


def test_there_are_enough_and_all_metrics_vary(golden):
    assert len(golden) >= 30
    for name in OURS:
        assert len({of[name] for _, of in golden}) > 3, name


@pytest.mark.parametrize("name", OURS)
def test_it_is_what_muspy_says(golden, name):
    for score, muspy in golden:
        assert OURS[name](score) == pytest.approx(muspy[name], abs=1e-9)
