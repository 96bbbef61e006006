"""The heads' last layers equal what the formulas say, taken one number at a time."""

import numpy as np
import pytest

from musiclstm.encoding import (
    MOTION_IDS,
    SONORITIES,
    Field,
    build_vocabulary,
    motions_in_reach,
    sonorities_by_class,
)
from musiclstm.model.architecture import TABLE_SCALE, bar_places
from musiclstm.model.heads import DurationHints, Heads, PitchHints
from tests.bundles import TINY_NETWORK, chorale, random_weights

RNG = np.random.default_rng(0)
N = 30
CLOSE = 1e-5


@pytest.fixture(scope="module")
def vocabulary():
    return build_vocabulary([chorale(steps_per_quarter=2)])


@pytest.fixture(scope="module")
def weights(vocabulary):
    return random_weights(TINY_NETWORK, vocabulary)


def integers(low, high, *shape):
    return RNG.integers(low, high, shape).astype(np.int32)


def said(weights, head, what, hidden):
    return hidden @ weights[f"head.{head}.{what}_kernel"] + weights[f"head.{head}.{what}_bias"]


def gates(weights, head, hidden, row, hints):
    """Pairs of candidate and gain."""
    for number, candidate in enumerate(hints.candidates[row]):
        if candidate >= 0:
            kernel = weights[f"head.{head}.gate_kernel"][:, number]
            bias = weights[f"head.{head}.gate_bias"][number, hints.matches[row, number]]
            yield candidate, hidden[row] @ kernel + bias


def test_pitches_are_seen_as_intervals_and_candidates_too(vocabulary, weights):
    sums = RNG.normal(size=(N, TINY_NETWORK.head_units)).astype(np.float32)
    motions = integers(0, MOTION_IDS + 1, N, 2)
    motions[0] = MOTION_IDS  # no other part
    chords = integers(0, SONORITIES, N, 1)
    chords[:2, 0] = SONORITIES, 0
    hints = PitchHints(
        integers(0, 128, N), integers(-1, 128, N, 3), integers(0, 12, N, 3), motions, chords
    )
    hints.candidates[0] = 127, 127, -1  # the same twice, and none
    hints.candidates[-1] = -1
    found = Heads(vocabulary, weights).logits(Field.PITCH, sums, hints)
    hidden = np.maximum(sums, 0)
    expected = said(weights, "pitch", "out", hidden)
    intervals = said(weights, "pitch", "interval", hidden)
    for row in range(N):
        for pitch in range(128):
            away = pitch - hints.reference[row]
            expected[row, pitch] += intervals[row, away + 36 if abs(away) <= 36 else 73]
            for motion in motions[row][motions[row] < MOTION_IDS]:
                if abs(away) <= 12:
                    made = motions_in_reach()[motion, away + 12]
                    expected[row, pitch] += TABLE_SCALE * weights["head.pitch.motion_table"][made]
            if (chord := chords[row, 0]) < SONORITIES:
                seen = sonorities_by_class()[chord, pitch % 12]
                expected[row, pitch] += TABLE_SCALE * weights["head.pitch.sonority_table"][seen]
        for candidate, gain in gates(weights, "pitch", hidden, row, hints):
            expected[row, candidate] += gain
    assert found == pytest.approx(expected, abs=CLOSE)


def test_durations_are_seen_by_where_they_end_too(vocabulary, weights):
    v = vocabulary
    sums = RNG.normal(size=(N, TINY_NETWORK.head_units)).astype(np.float32)
    bar = integers(1, 30, N)  # up to 15 quarters, and 8 is the longest that has places of its own
    hints = DurationHints(
        (integers(0, 1000, N) % bar).astype(np.int32),
        bar,
        integers(-1, v.tie + 1, N, 4),
        integers(0, 12, N, 4),
    )
    found = Heads(v, weights).logits(Field.DURATION, sums, hints)
    hidden = np.maximum(sums, 0)
    expected = said(weights, "duration", "out", hidden)
    ends = said(weights, "duration", "ends", hidden)
    for row in range(N):
        for duration in range(v.tie + 1):
            steps = v.max_duration if duration == v.tie else duration + 1
            end = (hints.place[row] + steps) % bar[row]
            expected[row, duration] += ends[row, min(end, bar_places(v) - 1)]
        for candidate, gain in gates(weights, "duration", hidden, row, hints):
            expected[row, candidate] += gain
    assert found == pytest.approx(expected, abs=CLOSE)


def test_a_note_as_long_as_the_bar_ends_where_it_began(vocabulary, weights):
    """What ends at one place of the bar is told the same, however many bars later."""
    quiet = {name: np.zeros_like(value) for name, value in weights.items()}
    quiet["head.duration.ends_bias"] = weights["head.duration.ends_bias"]
    none = np.full((1, 4), -1, np.int32)
    hints = DurationHints(np.array([3], np.int32), np.array([8], np.int32), none, none * 0)
    sums = np.zeros((1, TINY_NETWORK.head_units), np.float32)
    (logits,) = Heads(vocabulary, quiet).logits(Field.DURATION, sums, hints)
    assert logits[7] == logits[15] == quiet["head.duration.ends_bias"][3]
    assert logits[0] == quiet["head.duration.ends_bias"][4]


@pytest.mark.parametrize("field", [Field.SHIFT, Field.PART, Field.VELOCITY])
def test_the_other_heads_say_a_number_for_each_id(vocabulary, weights, field):
    sums = RNG.normal(size=(N, TINY_NETWORK.head_units)).astype(np.float32)
    found = Heads(vocabulary, weights).logits(field, sums)
    expected = said(weights, field.name.lower(), "out", np.maximum(sums, 0))
    assert found.shape == (N, vocabulary.size(field))
    assert found == pytest.approx(expected, abs=CLOSE)
