"""The benchmark of the controls: what it counts, on pieces where that is known."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.control_chords import chords
from benchmarks.control_harmony import breaks_of, harmonies
from benchmarks.control_infill import infills, outside_stays, seams, songs
from musiclstm.features import VoiceLeading
from musiclstm.generation import Manner, infill
from musiclstm.generation.primer import fit
from musiclstm.model import load_bundle
from musiclstm.rendering import write_midi
from musiclstm.score import Part, Score
from tests.bundles import chorale, chorales, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", chorales()))


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    """A model of four voices on a grid of sixteenths."""
    corpus = [chorale(f"c{seed}", seed=seed, steps_per_quarter=4, meter=None) for seed in range(3)]
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("coarse") / "m", corpus))


def silent(_done, _all):
    pass


def test_harmonies_are_measured(coarse):
    rng = np.random.default_rng(0)
    chord = np.array([[72, 67, 64, 48], [71, 67, 62, 43], [72, 69, 65, 53]])
    grids = [np.repeat(chord[rng.integers(3, size=8)], 4, axis=0) for _ in range(3)]
    found = harmonies(coarse, grids, 3, 0, silent)
    assert found["melody_untouched"] == found["pieces"] == 3
    assert set(found["breaks"]) == {"ours", "forced", "bach"}
    assert 1 <= found["effective_particles"] <= 3
    assert found["means"]["bach"]["lower_notes"] > 0


def test_breaks_are_added_up():
    rows = np.zeros((2, len(VoiceLeading._fields)), np.int64)
    rows[0, VoiceLeading._fields.index("parallel_fifths")] = 2
    rows[1, VoiceLeading._fields.index("off_tonic")] = 1
    rows[:, VoiceLeading._fields.index("steps")] = 100
    assert breaks_of(rows) == 3


def test_infills_are_measured(bundle, tmp_path):
    for seed in range(3):
        write_midi(chorale(seed=seed, bars=10), tmp_path / f"{seed}.mid")
    found = infills(bundle, sorted(tmp_path.glob("*.mid")), 3, 0, silent)
    assert found["outside_untouched"] == 3
    assert set(found["nats_per_note_after"]) == {"ours", "forced", "given"}


def test_what_has_changed_outside_is_noticed(bundle):
    piece = chorale(seed=1, bars=4)
    made = infill(bundle, piece, (2, 3), manner=Manner(particles=2))
    assert outside_stays(piece, made, 24)
    assert not outside_stays(piece.transposed(1), made, 24)


def test_seams(bundle):
    """A pitch that is struck a step after it was struck is doubled; a long silence is a gap."""
    v = bundle.vocabulary
    whole, broken = (
        Score.build(rows, [Part(name="soprano")])[0]
        for rows in (
            [[0, 96, 60, 80, 0], [96, 96, 62, 80, 0], [192, 96, 60, 80, 0]],
            [[0, 20, 60, 80, 0], [96 * 4 - 1, 1, 62, 80, 0], [96 * 4, 96, 62, 80, 0]],
        )
    )
    ranges = [(0, 127)] * 4
    assert seams(bundle, fit(whole, v, ranges), (2, 2)) == (0, 0)
    gaps, doubled = seams(bundle, fit(broken, v, ranges), (2, 4))
    assert gaps == 1
    assert doubled == 1


def test_songs_are_split_by_their_bytes(tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.mid").write_bytes(bytes([number]))
    test, valid = (songs(tmp_path, split, 100) for split in ("test", "valid"))
    assert test
    assert valid
    assert not set(test) & set(valid)
    assert songs(tmp_path, "test", 1) == test[:1]
    assert all(isinstance(path, Path) for path in test)


def test_chords_are_measured(bundle):
    found = chords(bundle, 1, 0, silent)
    assert found["share_on_chords"]["wished"] > found["share_on_chords"]["alone"]
