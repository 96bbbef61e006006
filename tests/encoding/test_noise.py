"""Noise makes the past wrong, and nothing else."""

import numpy as np
import pytest

from musiclstm.encoding import Field, Noise, note_rows, prepare, voice_rows
from musiclstm.encoding.layout import layout
from tests.encoding.walks import encoded_of, random_rows, small_vocabulary


@pytest.fixture(scope="module")
def piece():
    v = small_vocabulary(3, drums=(2,), steps_per_quarter=2)
    active = np.ones((1, 3), bool)
    rows = random_rows(v, active, 400, np.random.default_rng(5), familiar=0.6)
    return encoded_of(rows, v, active), v


def spoilt(piece, rate, seed=0):
    encoded, v = piece
    return prepare(encoded, v, noise=Noise(rate, np.random.default_rng(seed)))


def test_without_it_all_is_as_it_is(piece):
    clean, same = prepare(*piece), spoilt(piece, 0.0)
    assert np.array_equal(clean.inputs, same.inputs)
    for name, values in vars(clean.context).items():
        assert np.array_equal(values, getattr(same.context, name)), name


def test_what_is_predicted_stays(piece):
    clean, noisy = prepare(*piece), spoilt(piece, 0.5)
    for name in ("targets", "legal", "counts", "after_ids"):
        assert np.array_equal(getattr(clean, name), getattr(noisy, name)), name
    kept = (
        *("onset_ids", "remaining", "struck", "place", "bar", "pitch_candidates"),
        *("pitch_matches", "note_shares", "duration_candidates", "duration_matches"),
        *("motion_ids", "sonority_ids", "moves_from"),
    )
    for name, values in vars(clean.context).items():
        assert np.array_equal(values, getattr(noisy.context, name)) == (name in kept), name
    # the candidates and the lengths of their matches among the ids
    v = piece[1]
    ids, wrong = clean.context.note_ids, noisy.context.note_ids
    assert np.array_equal(ids[:, -8:], wrong[:, -8:])
    assert np.array_equal(ids[:, :2], wrong[:, :2])
    assert np.array_equal(clean.context.voice_ids[:, -3:], noisy.context.voice_ids[:, -3:])
    assert noisy.context.voice_ids.max() <= voice_rows(v)
    assert noisy.context.note_ids.max() <= note_rows(v)


def test_targets_are_the_rows(piece):
    encoded, v = piece
    clean = prepare(encoded, v)
    assert np.array_equal(clean.targets[1:], np.where(clean.counts[1:], encoded.events, 0))


def test_how_far_it_goes_and_how_often(piece):
    encoded, v = piece
    clean, rate = prepare(encoded, v), 0.2
    is_note = clean.counts[:, Field.PITCH]
    hits = {"pitch": [], "duration": [], "input": [], "since": []}
    for seed in range(20):
        noisy = spoilt(piece, rate, seed)
        change = noisy.inputs - clean.inputs
        assert not change[:, (Field.SHIFT, Field.PART, Field.VELOCITY)].any()
        assert not change[clean.inputs[:, Field.DURATION] == v.tie, Field.DURATION].any()
        assert np.abs(change[:, Field.PITCH]).max() <= 7
        assert np.abs(change[:, Field.DURATION]).max() <= 2 * v.steps_per_quarter
        hits["input"].append((change[is_note, Field.PITCH] != 0).mean())
        ids, wrong = clean.context.voice_ids, noisy.context.voice_ids
        known = ids != layout(v).voice.rows
        change = wrong - ids
        assert np.array_equal(known, wrong != layout(v).voice.rows)
        assert np.abs(change[:, 1:4]).max() <= 7
        assert np.abs(change[:, 4:9]).max() <= 2 * v.steps_per_quarter
        hits["pitch"].append((change[known[:, 1], 1] != 0).mean())
        hits["since"].append((change[known[:, 8], 8] != 0).mean())
        struck = ids[:, 8] == layout(v).voice.begins[8]
        assert not change[struck, 8].any()
    for name in ("input", "pitch"):  # one move in fifteen goes nowhere
        assert abs(np.mean(hits[name]) - rate * 14 / 15) < 0.02, name
    assert 0 < np.mean(hits["since"]) < rate


def test_what_sounds_is_one_memory(piece):
    """The pitch that a part is remembered to sound is the one that is remembered to sound."""
    noisy, v = spoilt(piece, 0.5), piece[1]
    last = noisy.context.voice_ids[:, 1] - layout(v).voice.begins[1]
    counts = noisy.counts[:, Field.PITCH] & (noisy.context.voice_ids[:, 1] != voice_rows(v))
    assert np.array_equal(noisy.context.reference[counts], last[counts])
    clean = prepare(*piece)
    assert np.array_equal(
        noisy.context.voice_sounding.max(axis=1), clean.context.voice_sounding.max(axis=1)
    )
