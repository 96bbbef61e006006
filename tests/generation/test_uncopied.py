"""What stands in a training piece is written anew, and what was given is not."""

import numpy as np
import pytest

from musiclstm.generation import CopyCheck, Manner
from musiclstm.generation.primer import fit
from musiclstm.generation.uncopied import uncopied
from musiclstm.model import load_bundle
from tests.bundles import chorale, tiny_bundle

MOST = 12


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    corpus = [chorale(f"c{seed}", seed=seed, bars=6) for seed in range(4)]
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", corpus))


def test_a_copied_piece_is_rewritten(bundle):
    check, v = CopyCheck.of(bundle), bundle.vocabulary
    piece = fit(chorale("mine", seed=2, bars=6), v, [(0, 127)] * 4)
    assert check.longest(piece.encoded).notes > 4 * MOST
    new = np.ones(len(piece.given.notes), bool)
    manner = Manner(seed=0, particles=2)
    found, _, remarks = uncopied(bundle, check, piece, new, piece.encoded.conditions, MOST, manner)
    longest = check.longest(found.encoded).notes
    assert longest <= MOST or "still stands" in remarks[-1]
    assert longest < check.longest(piece.encoded).notes
    assert remarks[0].startswith("wrote ")


def test_what_was_given_stays_and_is_named(bundle):
    check, v = CopyCheck.of(bundle), bundle.vocabulary
    piece = fit(chorale("mine", seed=2, bars=6), v, [(0, 127)] * 4)
    nothing = np.zeros(len(piece.given.notes), bool)
    found, new, remarks = uncopied(
        bundle, check, piece, nothing, piece.encoded.conditions, MOST, Manner(particles=2)
    )
    assert found.given == piece.given
    assert not new.any()
    assert "of what was given stand in c2" in remarks[-1]
