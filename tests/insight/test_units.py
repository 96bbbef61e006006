"""What units follow: the AUC against counting pairs, and a unit that was planted is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import encode
from musiclstm.insight import units as module
from musiclstm.insight.strips import sort_units
from musiclstm.insight.units import Findings, Unit, _ranks, auc, find_units
from musiclstm.model import load_bundle
from tests.bundles import chorale, tiny_bundle


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30).filter(
        lambda of: 0 < sum(is_event for _, is_event in of) < len(of)
    )
)
def test_auc_is_the_share_of_pairs_in_order(pairs):
    values = np.array([[value] for value, _ in pairs], np.float32)
    labels = np.array([[is_event] for _, is_event in pairs])
    are, are_not = values[labels[:, 0], 0], values[~labels[:, 0], 0]
    wins = (are[:, None] > are_not).mean() + (are[:, None] == are_not).mean() / 2
    assert auc(_ranks(values), labels)[0, 0] == pytest.approx(wins, abs=1e-5)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "tiny", units=6))


@pytest.fixture(scope="module")
def pieces(bundle):
    return [encode(chorale(f"p{n}", seed=n, bars=12), bundle.vocabulary) for n in range(6)]


def test_every_unit_is_told_and_judged_on_other_pieces(bundle, pieces):
    found = find_units(bundle, pieces, unseen=True)
    assert len(found.units) == 2 * 6
    assert all(0 <= unit.auc <= 1 for unit in found.units)
    assert (found.pieces, found.notes) == (6, sum(piece.n_notes for piece in pieces))
    again = find_units(bundle, pieces, unseen=True)
    assert again.units == found.units
    for unit in found.best(5):
        assert unit.words.startswith(f"unit {unit.number + 1} of layer {unit.layer + 1} ")


def test_a_planted_unit_is_found_and_chance_is_not(bundle, pieces, monkeypatch):
    """One unit's forget gate is 0 at the bass; all else of that layer is noise."""
    rng = np.random.default_rng(0)
    real = module.trace

    def planted(bundle, piece):
        found = real(bundle, piece)
        for of in found.gates:
            of[:] = rng.random(of.shape)
        found.gates.forget[1, :, 4] = np.where(found.part == 3, 0.1, 0.9)
        return found

    monkeypatch.setattr(module, "trace", planted)
    found = find_units(bundle, pieces, unseen=True)
    best = found.best(1)[0]
    assert (best.layer, best.number, best.event, best.quantity, best.high) == (
        1, 4, "part:bass", "forget", False,
    )  # fmt: skip
    assert best.auc == 1.0
    others = [unit.auc for unit in found.units if unit != best]
    assert np.mean(others) < 0.6  # chosen on one half, judged on the other: a coin
    assert best.auc > found.chance


def test_too_little_music_says_nothing(bundle):
    short = [encode(chorale(bars=1), bundle.vocabulary)] * 2
    found = find_units(bundle, short, unseen=False)
    assert found.units == ()
    assert found.best(3) == []


def test_units_are_sorted_by_what_they_follow():
    units = (
        Unit(0, 0, "beat", "cell", True, 0.6), Unit(0, 1, "long", "cell", True, 0.9),
        Unit(0, 2, "beat", "cell", True, 0.8), Unit(1, 0, "beat", "cell", True, 0.7),
    )  # fmt: skip
    assert sort_units(units, 0) == [1, 2, 0]
    assert [u.auc for u in Findings(units, 0.5, 2, 9, True).best(4)] == [0.9, 0.8, 0.7]


def test_parts_may_be_called_anything(tmp_path):
    from dataclasses import replace  # noqa: PLC0415

    from musiclstm.encoding import build_vocabulary  # noqa: PLC0415
    from musiclstm.insight.strips import Strips  # noqa: PLC0415
    from musiclstm.insight.trace import trace  # noqa: PLC0415
    from tests.bundles import chorales  # noqa: PLC0415

    parts = [
        replace(p, name=f"$\\frac{n}") for n, p in enumerate(build_vocabulary(chorales()).parts)
    ]
    bundle = load_bundle(tiny_bundle(tmp_path / "odd", parts=parts))
    piece = encode(chorale(bars=2), bundle.vocabulary)
    strips = Strips(trace(bundle, piece), bundle.vocabulary)
    assert strips.roll().png.startswith(b"\x89PNG")
    assert strips.surprise().size[0] == strips.roll().size[0]
