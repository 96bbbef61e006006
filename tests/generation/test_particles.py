"""Particles: what they draw is what the model believes, knowing what is given."""

from collections import Counter

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field, Vocabulary, build_vocabulary, encode, velocity_id
from musiclstm.generation import Sampling
from musiclstm.generation.frame import Frame, Region
from musiclstm.generation.particles import Particles, begin, effective_of, rows_before, rows_of
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.steering import Steering
from musiclstm.model import Decoder, NetworkConfig
from musiclstm.score import MeterMap, Part, Score
from tests.bundles import random_weights

TUNE, BASS = 0, 1
AS_IT_IS = dict.fromkeys(Field, Sampling())
STEPS = 3
TUNE_ROWS = [[0, 1, 62, 80, 0], [1, 1, 60, 80, 0], [2, 1, 61, 80, 0]]
PARTS = [Part(name="tune"), Part(32, name="bass")]


def piece_of(bass):
    """The tune over bass notes (onset, duration, pitch)."""
    rows = [[onset, length, pitch, 80, 1] for onset, length, pitch in bass]
    return Score.build(TUNE_ROWS + rows, PARTS, steps_per_quarter=1)[0]


def lines(step=0):
    """Everything that a bass of two pitches can do up to the end of the tune."""
    if step == STEPS:
        return [()]
    found = [tuple(line) for line in lines(step + 1)]
    for length in range(1, STEPS - step + 1):
        for line in lines(step + length):
            found += [((step, length, pitch), *line) for pitch in (40, 41)]
    return found


@pytest.fixture(scope="module")
def decoder():
    """A model that always plays at one velocity, and else has learned nothing."""
    v = build_vocabulary([piece_of([(0, 1, 40), (1, 1, 41)])])
    network = NetworkConfig(
        units=6, layers=1, onset_units=5, voice_units=5, note_units=5, head_units=6
    )
    weights = random_weights(network, v, seed=3, scale=0.25)
    weights["head.velocity.out_bias"][int(velocity_id(80))] += 60
    return Decoder(network, v, weights)


def pitches(line):
    return [pitch for _, _, pitch in line]


def anything(line):
    return line is not None


# What of the bass is given, what is open of it, and which lines are then possible.
CASES = {
    "all is open": ((), Region(BASS, 0, STEPS), anything),
    "the end is given": (
        ((0, 2, 40), (2, 1, 41)),
        Region(BASS, 0, 2),
        lambda line: line[-1:] == ((2, 1, 41),),
    ),
    "the beginning is given": (
        ((0, 1, 41), (1, 1, 40)),
        Region(BASS, 1, STEPS),
        lambda line: line[:1] == ((0, 1, 41),),
    ),
    "both ends are given": (
        ((0, 1, 41), (2, 1, 40)),
        Region(BASS, 1, 2),
        lambda line: line[:1] == ((0, 1, 41),) and line[-1] == (2, 1, 40),
    ),
    "the rhythm is given": (
        ((0, 1, 40), (1, 2, 40)),
        Region(BASS, 0, STEPS, "rhythm"),
        lambda line: [note[:2] for note in line] == [(0, 1), (1, 2)],
    ),
    "the pitches are given": (
        ((0, 1, 40), (1, 2, 41)),
        Region(BASS, 0, STEPS, "pitch", drift=STEPS),
        lambda line: pitches(line) == [40, 41],
    ),
}


def believed(decoder, possible):
    """How likely the model finds each bass under the tune: every one of them is tried."""
    v, logs = decoder.vocabulary, {}
    for line in filter(possible, lines()):
        nats = decoder.score(encode(piece_of(line), v))
        logs[line] = -float(nats.sum())
    most = max(logs.values())
    total = sum(np.exp(log - most) for log in logs.values())
    shares = {line: np.exp(log - most) / total for line, log in logs.items()}
    return shares, most + np.log(total)


def swarm_of(decoder, given, regions):
    v = decoder.vocabulary
    piece = encode(piece_of(given), v)
    nats = decoder.score(piece)[:, Field.PITCH]
    frame = Frame.of(piece, regions, v, nats=nats[piece.events[:, Field.SHIFT] <= v.max_shift])
    state = decoder.start(Conditions(), (TUNE, BASS), 1, meter_map=MeterMap())
    rules = SoftRules.start(v, [MeterMap()], [None])
    rules.end[:] = STEPS
    steering = Steering.start([None], v)
    rows = rows_before(piece.events, frame.begins, v)
    return frame, begin(decoder, state, rules, frame, steering, rows)


def line_of(rows, begins, v: Vocabulary):
    """The bass of some rows; those before them came up to the note at the step before."""
    onset = max(begins - 1, 0) + np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    return tuple(
        (step, int(row[Field.DURATION]) + 1, int(row[Field.PITCH]))
        for step, row in zip(onset.tolist(), rows, strict=True)
        if row[Field.SHIFT] <= v.max_shift and row[Field.PART] == BASS
    )


def drawn(decoder, case, particles, seed, *, weighed=True):
    """Shares of the basses among particles; by their weights, or as they were drawn."""
    given, region, _ = CASES[case]
    frame, start = swarm_of(decoder, given, [region])
    before = tuple(note for note in given if note[0] < frame.begins)
    sampler = Particles(decoder, AS_IT_IS, None, {}, np.random.default_rng(seed))
    marks = frame.marks([]) if weighed else []
    swarm, _, evidence = sampler.run(start, particles, marks, to_the_end=True)
    weights = np.exp(swarm.weight - swarm.weight.max()) if weighed else np.ones(particles)
    found = Counter()
    for last, weight in zip(swarm.last, weights / weights.sum(), strict=True):
        found[before + line_of(rows_of(last), frame.begins, decoder.vocabulary)] += weight
    return found, evidence


def distance(one, other):
    """Total variation."""
    return sum(abs(one.get(line, 0) - other.get(line, 0)) for line in {*one, *other}) / 2


@pytest.mark.parametrize("case", CASES)
def test_they_converge_to_what_the_model_believes(decoder, case):
    shares, evidence = believed(decoder, CASES[case][2])
    assert len(shares) > 1
    many, found = drawn(decoder, case, 2000, 0)
    if case == "the pitches are given":  # they are unlikely, and few particles find them
        runs = [drawn(decoder, case, 2000, seed) for seed in range(8)]
        most = max(nats for _, nats in runs)
        many = Counter()
        for shares_of_run, nats in runs:
            for line, share in shares_of_run.items():
                many[line] += share * np.exp(nats - most)
        many = {line: share / many.total() for line, share in many.items()}
    assert set(many) <= set(shares)
    assert distance(many, shares) < 0.08
    if case in ("all is open", "the rhythm is given"):  # of the others a part was given before
        assert found == pytest.approx(evidence, abs=0.15)


def test_more_particles_come_nearer_and_forcing_stays_where_it_is(decoder):
    shares, _ = believed(decoder, anything)
    assert len(shares) == 41
    forced = distance(drawn(decoder, "all is open", 2000, 0, weighed=False)[0], shares)
    few = np.mean([distance(drawn(decoder, "all is open", 60, n)[0], shares) for n in range(8)])
    many = distance(drawn(decoder, "all is open", 2000, 0)[0], shares)
    assert few < 0.35
    assert forced > 0.12
    assert forced > 2 * many


def test_the_same_seed_draws_the_same(decoder):
    def rows(seed):
        frame, start = swarm_of(decoder, (), [Region(BASS, 0, STEPS)])
        sampler = Particles(decoder, AS_IT_IS, None, {}, np.random.default_rng(seed))
        return sampler.draw(start, 16, frame.marks([]), to_the_end=True).rows.tolist()

    assert rows(5) == rows(5)
    assert len({str(rows(seed)) for seed in range(10)}) > 1


def test_effective_particles_are_counted():
    assert effective_of(np.zeros(7)) == pytest.approx(7)
    assert effective_of(np.array([0.0, -1000.0])) == pytest.approx(1)
    assert effective_of(np.log([0.5, 0.25, 0.25])) == pytest.approx(1 / 0.375)
