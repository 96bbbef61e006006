"""Events: by hand on a few bars, and without fail on any music."""

import numpy as np
import pytest
from hypothesis import given, settings

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.insight.events import EVENTS, _ranks, describe, events_of
from musiclstm.insight.trace import notes_of
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

Q = 24


def read(score):
    v = build_vocabulary([score])
    return events_of(notes_of(encode(score, v), v), v), v


def melody(*notes, parts=1):
    """Onset and duration in quarters, pitch, part."""
    rows = [[int(o * Q), int(d * Q), p, 80, part] for o, d, p, part in notes]
    return Score.build(
        rows,
        [Part(52, name=f"voice{n}") for n in range(parts)],
        meter_map=MeterMap((Meter(0, 4, 4),)),
    )[0]


def test_events_of_a_tune():
    tune = melody(
        (0, 1, 60, 0), (1, 1, 62, 0), (2, 0.5, 62, 0), (2.5, 0.5, 69, 0), (3, 1, 65, 0),
        (4, 4, 60, 0), (9, 1, 67, 0), (10, 2, 72, 0),
    )  # fmt: skip
    found, _ = read(tune)
    says = {name: np.flatnonzero(of).tolist() for name, of in found.items()}
    assert says["downbeat"] == [0, 5]
    assert says["beat"] == [0, 1, 2, 4, 5, 6, 7]
    assert says["step"] == [1]
    assert says["repeat"] == [2]
    assert says["leap"] == [3, 5, 6, 7]
    assert says["rise"] == [1, 3, 6, 7]
    assert says["after_rest"] == [6]
    assert says["long"] == [5, 7]
    assert says["short"] == [2, 3]
    assert says["phrase_end"] == [5, 7]
    assert says["second_half"] == [6, 7]
    assert says["before:downbeat"] == [4]
    assert says["before:beat"] == [0, 1, 3, 4, 5, 6]
    assert says["before:leap"] == [2, 4, 5, 6]
    assert says["before:repeat"] == [1]
    assert says["before:after_rest"] == [5]
    assert says["before:phrase_end"] == [4, 6]
    assert says["first_of_onset"] == says["last_of_onset"] == list(range(8))


def chords(*of):
    rows = [
        (2 * n, 2, pitch, voice) for n, chord in enumerate(of) for voice, pitch in enumerate(chord)
    ]
    return melody(*rows, parts=4)


def test_cadences_and_changes_of_harmony():
    tonic, dominant, fourth = (72, 67, 64, 48), (71, 67, 62, 43), (72, 69, 65, 53)
    found, v = read(chords(tonic, fourth, dominant, tonic, tonic))
    onsets = lambda name: sorted(set((np.flatnonzero(found[name]) // 4).tolist()))  # noqa: E731
    assert onsets("cadence") == [3]
    assert onsets("harmony_change") == [1, 2, 3]
    assert onsets("before:cadence") == [2]
    assert onsets("before:harmony_change") == [0, 1, 2]
    assert [found[f"part:{part.name}"].sum() for part in v.parts] == [5] * 4
    assert found["first_of_onset"].sum() == found["last_of_onset"].sum() == 5


@settings(max_examples=25)
@given(scores(min_notes=1))
def test_any_music_has_events_or_not(score):
    found, v = read(score)
    assert set(EVENTS) <= set(found)
    lengths = {len(of) for of in found.values()}
    assert len(lengths) == 1
    for name, of in found.items():
        assert of.dtype == bool
        assert describe(name).words
        assert describe(name).definition
    if len(v.parts) > 1:
        parts = np.stack([found[f"part:{part.name}"] for part in v.parts])
        assert (parts.sum(axis=0) >= 1).all()


def test_every_event_is_defined():
    assert all(len(event.definition) > 15 for event in EVENTS.values())
    assert describe("part:bass").words == "notes of the bass"
    with pytest.raises(KeyError):
        EVENTS["part:bass"]


def test_plain_quarters_among_eighths_end_no_phrase():
    """The usual gap of a piece may be the eighth; a quarter is then nothing to rest on."""
    lengths = (1, 0.5, 0.5) * 4
    starts = np.cumsum((0, *lengths))
    notes = [(start, length, 60 + n, 0) for n, (start, length) in enumerate(zip(starts, lengths))]  # noqa: B905
    found, _ = read(melody(*notes, (float(starts[-1]), 4, 72, 0)))
    assert np.flatnonzero(found["phrase_end"]).tolist() == [len(lengths)]


def test_what_is_ahead_is_said_so():
    assert describe("before:cadence").where == "just before cadences"
    assert describe("cadence").where == "at cadences"


def test_many_notes_take_little_memory():
    """Ranks by counting pairs would take as many bytes as the square of the notes."""
    tracemalloc = pytest.importorskip("tracemalloc")
    pitches = np.arange(20_000) % 60
    tracemalloc.start()
    ranks = _ranks(pitches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert ranks[0] == pytest.approx(1 / 120, abs=1e-3)
