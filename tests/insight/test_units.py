"""What units follow: the AUC against counting pairs, and a unit that was planted is found."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.insight import units as module
from musiclstm.insight.events import describe, events_of
from musiclstm.insight.strips import NOTHING, Strips, sort_units
from musiclstm.insight.trace import notes_of
from musiclstm.insight.units import Findings, Unit, _chosen, _Tally, auc, find_units
from musiclstm.model import load_bundle
from tests.bundles import chorale, chorales, tiny_bundle


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
    assert auc(values, labels)[0, 0] == pytest.approx(wins, abs=1e-5)


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


def plant(monkeypatch, how):
    """Noise in all cells; ``how(notes, gates, kept)`` may put something into them."""
    rng = np.random.default_rng(0)
    real = module.gates_of

    def planted(bundle, notes, kept):
        found = real(bundle, notes, kept)
        for of in found:
            of[:] = rng.random(of.shape)
        how(notes, found, kept)
        return found

    monkeypatch.setattr(module, "gates_of", planted)


def test_a_planted_unit_is_found_and_chance_is_not(bundle, pieces, monkeypatch):
    """One unit's forget gate is 0 at the bass; all else is noise."""

    def closes_at_the_bass(notes, gates, kept):
        gates.forget[1, :, 4] = np.where(notes.part[kept] == 3, 0.1, 0.9)

    plant(monkeypatch, closes_at_the_bass)
    found = find_units(bundle, pieces, unseen=True)
    best = found.best(1)[0]
    assert (best.layer, best.number, best.event, best.quantity, best.high) == (
        1, 4, "part:bass", "forget", False,
    )  # fmt: skip
    assert best.auc == pytest.approx(1.0)
    others = [unit for unit in found.units if unit != best]
    assert np.mean([unit.auc for unit in others]) < 0.6  # chosen on one half, judged on the other
    assert sum(found.follows(unit) for unit in others) <= 2


def test_to_know_the_piece_is_not_to_know_the_event(bundle, pieces, monkeypatch):
    """Values that are the same all through a piece tell nothing of where anything is in it."""

    def knows_the_piece(notes, gates, kept):
        for of in gates:
            of[:] = float(np.mean(notes.duration))

    plant(monkeypatch, knows_the_piece)
    found = find_units(bundle, pieces, unseen=True)
    assert all(unit.auc == 0.5 for unit in found.units)
    assert not found.best(5)


def test_what_is_foreseen_must_tell_more_than_what_is_there(bundle, pieces, monkeypatch):
    def plants(notes, gates, kept):
        events = events_of(notes, bundle.vocabulary)
        gates.cell[0, :, 2] = events["before:beat"][kept]
        gates.cell[0, :, 3] = events["beat"][kept]

    plant(monkeypatch, plants)
    found = {(u.layer, u.number): u for u in find_units(bundle, pieces, unseen=True).units}
    assert found[0, 2].event == "before:beat"
    assert found[0, 2].words == (
        "unit 3 of layer 1 has a high cell state just before beats (AUC 1.00)"
    )
    assert found[0, 3].event == "beat"


@pytest.mark.parametrize(("ahead", "event"), [(0.91, "beat"), (0.94, "before:beat")])
def test_of_two_that_tell_nearly_the_same_the_one_that_is_there_is_told(ahead, event):
    areas = np.full((2, 9, 2, 1, 5, 1), 0.5)
    areas[:, 0, 0, 0, 1], areas[:, 0, 1, 0, 1] = 0.90, ahead
    tally = _Tally((areas - 0.5) * 1000, np.full((2, 9, 2), 1000.0), np.full((2, 2), 60))
    unit = _chosen(["beat", "before:beat"], tally)[0]
    assert (unit.event, unit.quantity) == (event, "forget")
    assert unit.auc == pytest.approx(0.9 if event == "beat" else ahead)


def test_one_piece_is_cut_in_two(bundle, monkeypatch):
    """The half that chooses never judges: what holds only in the first is told as no better."""
    piece = encode(chorale("long", seed=3, bars=40), bundle.vocabulary)

    def until_the_middle(notes, gates, kept):
        if kept.start == 0:
            gates.cell[0, :, 2] = notes.part[kept] == 3

    plant(monkeypatch, until_the_middle)
    found = find_units(bundle, [piece], unseen=False)
    assert (found.pieces, found.notes) == (1, piece.n_notes)
    unit = found.units[2]
    assert (unit.event, unit.quantity) == ("part:bass", "cell")
    assert unit.auc < 0.65


def test_too_little_music_says_nothing(bundle):
    short = [encode(chorale(bars=1), bundle.vocabulary)] * 2
    found = find_units(bundle, short, unseen=False)
    assert found.units == ()
    assert found.best(3) == []


def test_units_are_sorted_by_what_they_follow():
    units = (
        Unit(0, 0, "beat", "cell", True, 0.6), Unit(0, 1, "long", "cell", True, 0.9),
        Unit(0, 2, "beat", "cell", True, 0.8), Unit(0, 3, "long", "cell", True, 0.5),
        Unit(1, 0, "beat", "cell", True, 0.7),
    )  # fmt: skip
    found = Findings(units, {"beat": 0.55, "long": 0.55}, 2, 9, True)
    groups = [("beats", 2), ("long notes", 1), (NOTHING, 1)]
    assert sort_units(found, 0, 4) == ([2, 0, 1, 3], groups)
    assert [u.auc for u in found.best(4)] == [0.9, 0.8]
    nothing = Findings((), {}, 1, 9, True)
    assert sort_units(nothing, 1, 3) == ([0, 1, 2], [(NOTHING, 3)])


def test_parts_may_be_called_anything(tmp_path):
    parts = [
        replace(p, name=f"$\\frac{n}") for n, p in enumerate(build_vocabulary(chorales()).parts)
    ]
    bundle = load_bundle(tiny_bundle(tmp_path / "odd", parts=parts))
    notes = notes_of(encode(chorale(bars=2), bundle.vocabulary), bundle.vocabulary)
    strips = Strips(notes, bundle.vocabulary)
    n, units = len(notes.rows), 8
    odd = [(describe(f"part:{parts[0].name}").words, units)]
    pictures = [
        strips.roll(),
        strips.surprise(np.ones((n, 5), np.float32)),
        strips.map(np.ones((n, units), np.float32), "cells of $\\frac", odd, signed=False),
        strips.line(np.ones(n, np.float32), "unit of $\\frac", np.ones(n, bool)),
    ]
    assert len({picture.size[0] for picture in pictures}) == 1
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures)
