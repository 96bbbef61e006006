import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.ingest.midi.reader import read_midi
from musiclstm.ingest.midi.timing import is_performed, key_of_signature, meter_map, to_steps
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Key, Meter, MeterMap


@given(st.integers(0, 2**38), st.integers(1, 32767), st.integers(1, 960))
def test_rounding_is_exact_at_any_size(tick, ticks_per_quarter, steps_per_quarter):
    step = int(to_steps(np.array([tick]), ticks_per_quarter, steps_per_quarter)[0])
    # |tick * grid / ppq - step| <= 1/2, without a float
    error = 2 * (tick * steps_per_quarter - step * ticks_per_quarter)
    assert -ticks_per_quarter <= error < ticks_per_quarter


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], MeterMap()),
        ([(0, 1, 4)], MeterMap()),
        ([(0, 4, 4), (96, 4, 4)], MeterMap((Meter(0, 4, 4),))),
        # a repeat that is off the bar opens a new bar
        ([(0, 4, 4), (100, 4, 4)], MeterMap((Meter(0, 4, 4), Meter(100, 4, 4)))),
        ([(0, 1, 4), (24, 3, 4)], MeterMap((Meter(0, 3, 4),), 24)),
        ([(0, 3, 8), (36, 6, 8), (108, 4, 4)], MeterMap((Meter(0, 6, 8), Meter(108, 4, 4)), 36)),
        # two bars of 2/4 are no pickup, nor is a longer bar
        ([(0, 2, 4), (96, 4, 4)], MeterMap((Meter(0, 2, 4), Meter(96, 4, 4)))),
        ([(0, 4, 4), (96, 3, 4)], MeterMap((Meter(0, 4, 4), Meter(96, 3, 4)))),
        # before a late signature MIDI's 4/4 holds, or the time is a pickup
        ([(192, 3, 4)], MeterMap((Meter(0, 4, 4), Meter(192, 3, 4)))),
        ([(24, 3, 4)], MeterMap((Meter(0, 3, 4),), 24)),
    ],
)
def test_meter_maps(written, expected):
    assert meter_map([Meter(*values) for values in written], 24) == expected


@pytest.mark.parametrize(
    ("sharps", "minor", "name"),
    [(0, False, "C major"), (0, True, "A minor"), (-1, True, "D minor"), (6, False, "F# major")],
)
def test_keys_of_signatures(sharps, minor, name):
    assert key_of_signature(sharps, minor=minor) == Key.parse(name)


def test_the_key_is_the_one_in_force_at_the_first_note(midi, on, meta):
    data = midi(
        [meta(0, "key_signature", key="C"), meta(960, "key_signature", key="Bb")],
        [on(960, 60), on(1920, 60)],
        [meta(1920, "key_signature", key="E")],
    )
    (reading,) = read_midi(data, IngestSettings(), source="")
    assert reading.score.key == Key.parse("Bb")


def beats(rng, n=400):
    """Onsets on a grid of 16ths and triplets, as music has them."""
    return np.cumsum(rng.choice([0.25, 0.5, 0.5, 1.0, 1 / 3], n))


@pytest.mark.parametrize("seed", range(5))
def test_a_written_rhythm_is_not_performed(seed):
    assert not is_performed(beats(np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_playing_on_the_beat_with_a_constant_delay_is_not_performed(seed):
    rng = np.random.default_rng(seed)
    grid = np.cumsum(rng.choice([0.25, 0.5, 0.5, 1.0], 400))
    assert not is_performed(grid + 0.06 + rng.normal(0, 0.03, len(grid)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [40, 400])
def test_playing_at_a_free_tempo_is_performed(seed, n):
    rng = np.random.default_rng(seed)
    grid = beats(rng, n)
    free = grid * rng.uniform(1.05, 1.4) * (1 + 0.1 * np.sin(grid / 20)) + rng.normal(0, 0.02, n)
    assert is_performed(free)


def test_a_few_notes_say_nothing():
    assert not is_performed(np.random.default_rng(0).uniform(0, 10, 20))


def test_a_performed_file_has_no_meter(midi, on, meta):
    ticks = np.sort(np.random.default_rng(0).integers(0, 480 * 100, 300)).tolist()
    data = midi(
        [meta(0, "time_signature", numerator=3, denominator=4)],
        [on(tick, 60 + tick % 12) for tick in ticks],
    )
    (reading,) = read_midi(data, IngestSettings(), source="")
    assert reading.score.performed
    assert reading.report.performed
    assert not reading.score.meter_map.specified
