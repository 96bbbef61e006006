"""Events: by hand on a few bars, and without fail on any music."""

import numpy as np
import pytest
from hypothesis import given, settings

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.insight.events import EVENTS, describe, events_of
from musiclstm.insight.trace import trace
from musiclstm.model import Bundle
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.bundles import TINY_NETWORK, random_weights
from tests.strategies import scores

Q = 24


def read(score):
    v = build_vocabulary([score])
    network = TINY_NETWORK
    bundle = Bundle(None, {}, network, v, random_weights(network, v, scale=0.2), {})
    piece = encode(score, v)
    return events_of(trace(bundle, piece), v), v


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
    assert found["minor"].sum() == 0
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
