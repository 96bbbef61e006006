"""Chords that were asked for, and cadences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.features.chord_symbols import chord_spans, parse_progression
from musiclstm.features.harmony import is_cadence, share_on_chords
from musiclstm.score import Key, Meter, MeterMap, Part, Score
from tests.strategies import scores


def spans_of(text, bars, meter_map=MeterMap()):  # noqa: B008 (immutable)
    return chord_spans(parse_progression(text), meter_map, bars, 24)


def test_drums_and_time_beyond_the_chords_do_not_count():
    rows = [[0, 96, 60, 80, 0], [0, 1, 61, 80, 1], [96, 96, 61, 80, 0]]
    score, _ = Score.build(rows, [Part(), Part(is_drum=True)])
    assert share_on_chords(score, spans_of("C", 1)) == 1
    assert share_on_chords(score, spans_of("C", 2)) == 0.5


@given(score=scores(), seed=st.integers(0, 99))
def test_the_share_is_what_counting_step_by_step_gives(score, seed):
    rng = np.random.default_rng(seed)
    names = rng.choice(["C", "Am", "F#7", "Bb", "N.C."], 4)
    spans = chord_spans(parse_progression("|".join(names)), MeterMap(), 3, score.steps_per_quarter)
    total = on = 0
    for onset, duration, pitch, _, part in score.notes.tolist():
        for start, end, chord in zip(spans.start, spans.end, spans.chords, strict=True):
            lasts = max(0, min(onset + duration, int(end)) - max(onset, int(start)))
            if not score.parts[part].is_drum:
                total += lasts
                on += lasts * (pitch % 12 in chord.pitch_classes)
    assert share_on_chords(score, spans) == pytest.approx(on / total if total else 1)


FOUR, THREE, SIX, TWO = (MeterMap((Meter.parse(name),)) for name in ("4/4", "3/4", "6/8", "2/4"))


@pytest.mark.parametrize(
    ("pitches", "onset", "meter_map", "key", "closes"),
    [
        ((48, 60, 64, 67), 96, FOUR, Key(0), True),
        ((48, 60), 96, FOUR, Key(0), True),
        ((48, 60, 64, 67), 144, FOUR, Key(0), True),  # the third beat of four
        ((48, 60, 64, 67), 120, FOUR, Key(0), False),  # the second
        ((48, 60, 64, 67), 72 + 48, THREE, Key(0), False),
        ((48, 60, 64, 67), 36, SIX, Key(0), True),  # the fourth beat of six
        ((48, 60, 64, 67), 24, TWO, Key(0), False),  # the second of two
        ((52, 60, 64, 67), 96, FOUR, Key(0), False),  # not in root position
        ((48, 60, 64, 70), 96, FOUR, Key(0), False),
        ((45, 60, 64), 96, FOUR, Key(9, "minor"), True),
        ((45, 61, 64), 96, FOUR, Key(9, "minor"), True),  # a Picardy third
        ((45, 60, 61, 64), 96, FOUR, Key(9, "minor"), False),
        ((48, 63, 67), 96, FOUR, Key(0), False),
        ((60,), 96, FOUR, Key(0), True),
        ((62,), 96, FOUR, Key(0), False),
    ],
)
def test_a_cadence(pitches, onset, meter_map, key, closes):
    rows = [[0, 24, 50, 80, 0], *([onset, 48, pitch, 80, 0] for pitch in pitches)]
    score, _ = Score.build(rows, [Part()], meter_map=meter_map)
    assert is_cadence(score, key) is closes


def test_nothing_is_no_cadence():
    assert not is_cadence(Score(np.zeros((0, 5), np.int32), (Part(),)), Key(0))
