"""The guard: what it finds, where it goes back to, and that everything ends, whatever the model."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field
from musiclstm.generation import CopyCheck, Resampling, Rescue, Sampling, compose
from musiclstm.generation.guard import HOTTER, MOST_TRIES, TRIES, Guard, all_rescues
from musiclstm.generation.habits import Habits, most_struck
from musiclstm.generation.loops import (
    Trouble,
    longest_run,
    melody_notes,
    music_of,
    onsets_of,
    times_in_a_row,
)
from musiclstm.generation.moves import longest_silence
from musiclstm.generation.onsets import Onsets
from musiclstm.generation.resampling import Draws
from musiclstm.generation.rules import SoftRules
from musiclstm.model import load_bundle
from musiclstm.score import Meter, MeterMap
from tests.bundles import tiny_bundle
from tests.spoiling import edit

ONE, FEW = Resampling(candidates=1, endings=1), Resampling(candidates=2, endings=2)
Q = 24


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory):
    """A model without habits."""
    folder = tiny_bundle(tmp_path_factory.mktemp("model") / "m")
    edit(folder / "corpus.json", lambda corpus: corpus.pop("habits"))
    return load_bundle(folder)


def in_love(bundle, **loves):
    """The same model, deaf to all it hears, and in love with some ids of each field."""
    weights = {
        name: np.zeros_like(value) if name.startswith("head") else value
        for name, value in bundle.weights.items()
    }
    for field, of_field in loves.items():
        for place, love in of_field.items():
            weights[f"head.{field}.out_bias"][place] = love
    return replace(bundle, weights=weights)


def edgy(bundle):
    """A model that runs into trouble again and again, and out of it."""
    return in_love(
        bundle,
        shift={24: 8, 12: 8, 3: 6},
        part={0: 2, 1: 2},
        pitch={60: 8, 62: 8, 64: 7, 67: 7, 72: 7},
        duration={2: 9},
    )


@pytest.fixture
def tables(monkeypatch):
    """The event rows of every piece that is composed, in order."""
    seen = []

    def record(_, encoded):
        seen.append(encoded.events)

    monkeypatch.setattr(CopyCheck, "longest", record)
    return seen


# --- one piece, by hand ---------------------------------------------------------------------


class Standing:
    """Instead of all pieces: whoever asks for one is told when."""

    def __init__(self):
        self.now = 0

    def standing(self, piece):
        return self.now, piece


def onset(shift=Q, notes=1, duration=Q, part=0):
    return np.array([[shift * (n == 0), part, 60 + n, duration - 1, 20] for n in range(notes)])


class Piece:
    """A guard, and what it is told."""

    def __init__(self, bundle, meter_map=MeterMap((Meter(0, 4, 4),)), **changes):  # noqa: B008
        goes_back = changes.pop("goes_back", True)
        habits = replace(Habits.of_bundle(bundle), **{"density": 20, "silence": 48, **changes})
        self.guard = Guard(habits, meter_map, bundle.vocabulary, goes_back=goes_back)
        self.standing, self.tables = Standing(), 0
        self.guard.keep(0, 0, self.standing, 7)

    def add(self, rows, loop=None):
        """An onset; as in truth, a row of the next one (a quarter later) is there at once."""
        self.standing.now += int(rows[0, Field.SHIFT])
        self.tables += 1
        back = self.guard.look(rows, loop)
        if back is not None:
            self.standing.now, self.tables = back.standing[0] - Q, back.rows
            return back
        self.standing.now += Q
        self.guard.keep(self.standing.now, self.tables, self.standing, 7)
        self.standing.now -= Q
        return None


def test_it_goes_back_to_the_barline_before_the_trouble(bundle):
    piece = Piece(bundle)
    piece.add(onset(shift=0))
    for _ in range(14):
        assert piece.add(onset()) is None
    assert piece.guard.heat == 1
    # the sixteenth onset, at the last quarter of bar 4; three of it are the loop, from bar 4 on
    back = piece.add(onset(), Trouble("loop", 3))
    # a row of the onset at the barline of bar 4 was chosen there: 12 onsets before it
    assert back.standing == (12 * Q, 7)
    assert (back.place.onsets, back.rows) == (12, 12)
    piece = Piece(bundle)
    piece.add(onset(shift=0))
    for _ in range(14):
        piece.add(onset())
    assert piece.add(onset(), Trouble("loop", 4)).standing == (8 * Q, 7), "it began at the barline"


def test_it_goes_back_no_further_than_it_can(bundle):
    piece = Piece(bundle)
    piece.add(onset(shift=0))
    for _ in range(80):
        piece.add(onset())
    assert piece.add(onset(), Trouble("loop", 80)).place.onsets > 40
    piece = Piece(bundle)
    assert piece.add(onset(shift=0), Trouble("one note", 1)).standing == (0, 7)


def test_each_try_is_hotter_until_it_is_past(bundle):
    piece = Piece(bundle)
    piece.add(onset(shift=0))
    for tried in range(1, 4):
        for _ in range(6 if tried == 1 else 2):
            assert piece.add(onset()) is None
        assert piece.add(onset(), Trouble("loop", 2)) is not None
        assert piece.guard.heat == pytest.approx(HOTTER**tried)
    heats = []
    for _ in range(6):
        piece.add(onset())
        heats.append(piece.guard.heat)
    assert heats[-1] == 1
    assert heats[0] > 1.5
    assert piece.guard.rescues == (Rescue(2, "loop", 3, True),)


def test_after_some_tries_it_lets_the_piece_be(bundle):
    piece, back = Piece(bundle), 0
    for number in range(40):
        back += piece.add(onset(Q if number else 0), Trouble("one note", 1)) is not None
    assert back == TRIES
    assert piece.guard.heat == 1
    assert piece.guard.rescues == (Rescue(1, "one note", TRIES, False),)


def test_it_does_not_try_for_ever(bundle):
    """However often it helps."""
    piece, back = Piece(bundle), 0
    for number in range(300):
        trouble = Trouble("loop", 1) if number % 9 == 8 else None
        back += piece.add(onset(Q if number else 0), trouble) is not None
    assert back == MOST_TRIES
    *helped, last = piece.guard.rescues
    assert all(rescue.helped and rescue.tries for rescue in helped)
    assert (last.helped, last.tries) == (False, 0)


def test_density_is_of_the_last_whole_note(bundle):
    piece = Piece(bundle)
    for number in range(12):  # twenty in every four quarters
        assert piece.add(onset(Q if number else 0, notes=5, duration=Q)) is None
    assert piece.add(onset(notes=6)) is not None
    piece = Piece(bundle)
    tied = onset(0, notes=1, duration=bundle.vocabulary.max_duration + 1)
    assert piece.add(np.concatenate([tied] * 30)) is None, "one long note"


def test_silence_is_found(bundle):
    for gap, silent in ((24 + 48, False), (24 + 49, True)):
        piece = Piece(bundle)
        piece.add(onset(shift=0, duration=24))
        assert (piece.add(onset(shift=gap)) is not None) == silent
    piece = Piece(bundle)
    piece.add(onset(shift=0, duration=24))
    piece.add(np.array([[bundle.vocabulary.wait, 0, 0, 0, 0]]))
    assert piece.add(onset(shift=1)) is not None


def test_a_bar_is_counted_from_one(bundle):
    waltz = MeterMap((Meter(0, 3, 4),), pickup_steps=Q)
    for number, bar in ((0, 1), (1, 1), (3, 1), (4, 2)):
        piece = Piece(bundle, waltz, goes_back=False)
        for n in range(number):
            piece.add(onset(Q if n else 0))
        piece.add(onset(Q if number else 0), Trouble("loop", 1))
        piece.guard.settle(helped=True)
        assert piece.guard.rescues[0].bar == bar


def test_what_was_heard_is_not_taken_back(bundle):
    piece = Piece(bundle, goes_back=False)
    heats = []
    for number in range(8):
        trouble = Trouble("loop", 1) if number in (2, 3) else None
        assert piece.add(onset(Q if number else 0), trouble) is None
        heats.append(piece.guard.heat)
    assert heats == pytest.approx([1, 1, HOTTER, HOTTER**2, 1, 1, 1, 1])


def test_what_was_done_for_an_ending_that_was_not_taken():
    first, mine, theirs = (
        Rescue(1, "loop", 4, False),
        Rescue(8, "one note", 1, True),
        Rescue(8, "density", 4, False),
    )
    assert all_rescues((first, mine), [(first,), (first, theirs)]) == (
        first,
        mine,
        replace(theirs, helped=True),
    )


# --- to where a piece stood -----------------------------------------------------------------


@pytest.mark.parametrize("candidates", [1, 3])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_piece_is_put_back_exactly(bundle, pieces, candidates):
    """Meters differ; those beside it stay where they are."""
    v = bundle.vocabulary
    meters = [MeterMap((Meter(0, n, 4),)) for n in (3, 4, 2)][:pieces]
    lengths = [Conditions(bars=9 + n) for n in range(pieces)]
    state = bundle.decoder.start(lengths, (0, 1, 2, 3), pieces, meter_map=meters)
    rules = SoftRules.start(v, meters, [9 + n for n in range(pieces)])
    draws = Draws([np.random.default_rng(n) for n in range(pieces)], candidates)
    onsets = Onsets(
        bundle, state, rules, draws, dict.fromkeys(Field, Sampling()), Resampling(candidates)
    )

    def seen(piece):
        at = [piece * candidates + n for n in range(candidates)]
        own, event = onsets.state.select(at), np.zeros((candidates, 5), np.int32)
        event[:, Field.SHIFT] = 24
        event[:, Field.PITCH] = 66
        logs = [bundle.decoder.log_probs(own, field, event) for field in Field]
        allowed = onsets.rules.select(np.array(at)).allowed(own, Field.SHIFT, event)
        return [*logs, allowed.astype(float), onsets.so_far(piece).astype(float)]

    for _ in range(9):
        onsets.step()
    standing, then = onsets.standing(pieces - 1), seen(pieces - 1)
    for _ in range(2):
        for _ in range(11):
            onsets.step()
        others = [seen(piece) for piece in range(pieces - 1)]
        assert onsets.now[-1] > standing.state.tracker.now[0]
        onsets.put_back(pieces - 1, standing)
        for was, now in zip(then, seen(pieces - 1), strict=True):
            assert np.allclose(was, now, atol=1e-5)
        for piece, before in enumerate(others):
            for was, now in zip(before, seen(piece), strict=True):
                assert np.allclose(was, now, atol=1e-5)


# --- whole pieces ---------------------------------------------------------------------------

LOVES = {
    "one note": {"pitch": {60: 30}, "shift": {24: 30}, "duration": {23: 30}, "part": {1: 30}},
    "no time": {"shift": {0: 30}},
    "hardly any time": {"shift": {1: 30}, "duration": {0: 30}},
    "silence": {"shift": {-2: 30}, "duration": {0: 30}},
    "holding": {"duration": {-1: 30}},
}


@pytest.mark.parametrize("love", LOVES)
@pytest.mark.parametrize("habits", [True, False])
def test_a_hundred_pieces_of_bad_models_end(bundle, forgetful, tables, love, habits):
    bad = in_love(bundle if habits else forgetful, **LOVES[love])
    pieces = compose(bad, 7, seed=1, bars=3, resampling=ONE)
    pieces += compose(bad, 3, seed=1, bars=3, resampling=FEW)
    for piece, rows in zip(pieces, tables, strict=True):
        assert piece.complete
        assert piece.score.bars == 3
        assert len(rows) <= 3 * 4 * 24 * 4  # four voices, of one note each
        assert sum(rescue.tries for rescue in piece.rescues) <= MOST_TRIES * 2
    if habits and love in ("one note", "hardly any time"):
        kept = [piece for piece in pieces if any(not of.helped for of in piece.rescues)]
        assert len(kept) == len(pieces), "and it is said"


def test_silence_is_trouble_where_no_habit_forbids_it(forgetful):
    bad = in_love(forgetful, shift={-2: 3.0}, duration={0: 9.0})
    found = {of.what for piece in compose(bad, 6, bars=9, resampling=ONE) for of in piece.rescues}
    assert found == {"silence"}


@pytest.mark.parametrize("taking", [ONE, FEW])
def test_where_it_helped_nothing_is_left(bundle, tables, taking):
    """Pieces whose rescues all helped do nothing more often than the corpus."""
    v, habits = bundle.vocabulary, Habits.of_bundle(bundle)
    pieces = compose(edgy(bundle), 20, seed=5, bars=3, resampling=taking)
    well = [n for n, piece in enumerate(pieces) if all(of.helped for of in piece.rescues)]
    assert len(well) > 3
    assert len({of.what for n in well for of in pieces[n].rescues}) > 1
    for number in well:
        rows = tables[number][:-1]
        assert most_struck(rows, v) <= habits.density
        assert longest_silence(rows, v) <= habits.silence
        onsets = [of for of in onsets_of(rows) if of[0, Field.SHIFT] <= v.max_shift]
        often = times_in_a_row([music_of(of) for of in onsets])
        assert all(n <= most for n, most in zip(often, habits.loops, strict=True))
        melodies = {part: [] for part in range(len(v.parts))}
        for of in onsets:
            for part, pitch in melody_notes(of, v):
                melodies[part].append(pitch)
        runs = [longest_run(np.array(melody)) for melody in melodies.values()]
        assert max(runs) <= habits.repeats * 3 // 2


def test_whoever_is_in_no_trouble_is_left_alone(bundle, monkeypatch):
    guarded = compose(edgy(bundle), 16, seed=2, bars=1, resampling=FEW)
    monkeypatch.setattr(Guard, "look", lambda *_: None)
    alone = compose(edgy(bundle), 16, seed=2, bars=1, resampling=FEW)
    same = [a.score == b.score for a, b in zip(guarded, alone, strict=True)]
    assert same == [not piece.rescues for piece in guarded]
    assert 1 < sum(same) < 16


@pytest.mark.parametrize("taking", [ONE, FEW])
def test_a_rescued_piece_does_not_depend_on_its_mates(bundle, taking):
    many = compose(edgy(bundle), 6, seed=3, bars=3, resampling=taking)
    few, again = (compose(edgy(bundle), 2, seed=3, bars=3, resampling=taking) for _ in range(2))
    assert any(piece.rescues for piece in few)
    for ours, theirs, same in zip(few, many, again, strict=False):
        assert ours.score == theirs.score == same.score
        assert ours.rescues == theirs.rescues == same.rescues


def test_going_back_is_no_progress(bundle):
    seen = []
    bad = in_love(bundle, **LOVES["one note"])
    compose(bad, 2, bars=9, resampling=ONE, progress=lambda *report: seen.append(report[0]))
    assert seen[-1] == 18
    assert all(earlier <= later for earlier, later in pairwise(seen))
