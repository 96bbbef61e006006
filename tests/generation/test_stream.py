"""Music without end: what it consists of, when it comes, and what it costs."""

import gc
import tracemalloc
from itertools import islice, pairwise, takewhile

import numpy as np
import pytest

from musiclstm.errors import RequestError
from musiclstm.generation import Resampling, compose, stream
from musiclstm.generation.compose import Play
from musiclstm.model import load_bundle
from musiclstm.score import Part, Score
from tests.bundles import tiny_bundle

FEW = Resampling(candidates=2, endings=3)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture(scope="module")
def drones(tmp_path_factory):
    """A model of long notes, drums beside them, and WAITs."""
    rows = [[480 * n, 470, 48 + n % 3, 80, 0] for n in range(6)]
    rows += [[480 * n + 240, 1, 36, 80, 1] for n in range(6)]
    score, _ = Score.build(rows, [Part(19, name="organ"), Part(name="kit", is_drum=True)])
    bundle = load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", [score]))
    v = bundle.vocabulary
    for field, place in (("duration", v.tie), ("shift", v.wait)):
        bundle.weights[f"head.{field}.out_kernel"][:] = 0
        bundle.weights[f"head.{field}.out_bias"][place] = 12
    return bundle


def pieces_of(notes, count):
    """Of a stream the notes of its first pieces, each by itself."""
    found = [[] for _ in range(count)]
    for note in takewhile(lambda note: note.piece < count, notes):
        found[note.piece].append(note)
    return found


@pytest.mark.parametrize("taking", [Resampling(1, endings=1), FEW])
@pytest.mark.parametrize("name", ["bundle", "drones"])
def test_it_is_piece_after_piece(request, monkeypatch, name, taking):
    """Those of `compose`, each from the barline on where the one before ended."""
    bundle = request.getfixturevalue(name)
    monkeypatch.setattr("musiclstm.generation.guard.Guard.look", lambda *_: None)
    q = bundle.vocabulary.steps_per_quarter
    wishes = {"seed": 3, "bars": 7, "resampling": taking}
    pieces, begins, begins_seconds = compose(bundle, 4, **wishes), 0, 0.0
    found = pieces_of(stream(bundle, **wishes), 4)
    for piece, notes in zip(pieces, found, strict=True):
        table = [[n.onset - begins, n.duration, n.pitch, n.velocity] for n in notes]
        assert table == piece.score.notes[:, :4].tolist()
        parts = [piece.score.parts[part] for part in piece.score.notes[:, 4]]
        assert [(n.part, n.program, n.is_drum) for n in notes] == [
            (part.name, part.program, part.is_drum) for part in parts
        ]
        step = 60 / piece.plan.tempo / q
        seconds = [begins_seconds + (n.onset - begins) * step for n in notes]
        assert [n.onset_seconds for n in notes] == pytest.approx(seconds)
        assert [n.duration_seconds for n in notes] == pytest.approx(
            [n.duration * step for n in notes]
        )
        meter_map = piece.plan.meter_map
        bar = meter_map.stretches(q).bar_steps[0]
        length = meter_map.pickup_steps + 7 * int(bar)
        begins, begins_seconds = begins + length, begins_seconds + length * step
    if name == "drones":
        assert max(n.duration for notes in found for n in notes) > bundle.vocabulary.max_duration


def test_notes_come_in_order(bundle):
    notes = list(islice(stream(bundle, seed=1, resampling=FEW), 600))
    assert all(a.onset <= b.onset for a, b in pairwise(notes))
    assert all(a.onset_seconds <= b.onset_seconds + 1e-9 for a, b in pairwise(notes))
    assert notes[-1].piece > 3
    assert {note.part for note in notes} == {"soprano", "alto", "tenor", "bass"}


def test_the_same_seed_gives_the_same_notes(bundle):
    one, same, other = (
        list(islice(stream(bundle, seed=seed, resampling=FEW), 200)) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_the_first_notes_come_before_the_piece_is_over(bundle, monkeypatch):
    steps, step = [], Play.step
    monkeypatch.setattr(Play, "step", lambda self: (steps.append(1), step(self))[1])
    notes = stream(bundle, seed=2, bars=200, resampling=FEW)
    assert not steps, "nothing is composed before it is asked for"
    next(notes)
    assert 0 < len(steps) < 20
    list(islice(notes, 100))
    assert len(steps) < 160


def test_wishes_hold_for_all_pieces(bundle):
    wishes = {"meter": "3/4", "bars": 2, "programs": {"bass": 42}}
    notes = list(islice(stream(bundle, resampling=FEW, **wishes), 200))
    assert {note.program for note in notes if note.part == "bass"} == {42}
    assert notes[-1].piece > 5
    for note in notes:  # two bars of three quarters each; the corpus has no pickup there
        assert note.onset // (6 * 24) == note.piece


@pytest.mark.parametrize("wishes", [{"seed": -1}, {"bars": 0}, {"style": "tango"}])
def test_what_cannot_be_is_refused_at_once(bundle, wishes):
    with pytest.raises(RequestError):
        stream(bundle, **wishes)


def test_nothing_is_kept(bundle):
    """After a hundred pieces there is as much in memory as after ten."""
    notes = stream(bundle, bars=2, resampling=Resampling(candidates=1, endings=1))
    sizes = []
    tracemalloc.start()
    try:
        for until in (10, 50, 90):
            next(note for note in notes if note.piece == until)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[2] - sizes[1] < 20_000


def test_trouble_does_not_stop_it(bundle):
    """A model that lets hardly any time go on; what has come is not taken back."""
    weights = {name: value.copy() for name, value in bundle.weights.items()}
    for field, place in (("shift", 1), ("duration", 0)):
        weights[f"head.{field}.out_kernel"] = np.zeros_like(weights[f"head.{field}.out_kernel"])
        weights[f"head.{field}.out_bias"][place] = 30
    bad = load_bundle(bundle.path)
    bad.__dict__["decoder"] = type(bundle.decoder)(bundle.network, bundle.vocabulary, weights)
    notes = stream(bad, bars=1, resampling=Resampling(candidates=1, endings=1))
    found = pieces_of(notes, 3)
    assert all(len(of) > 50 for of in found)
