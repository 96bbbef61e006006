"""What stands in a training piece is written anew, as the piece was made; what was given is not."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from musiclstm.errors import RequestError
from musiclstm.generation import CopyCheck, Manner, Request, Wishes, drawn_as, fulfil
from musiclstm.generation import uncopied as module
from musiclstm.generation.frame import FAR, Region
from musiclstm.generation.novelty import Copied
from musiclstm.generation.primer import fit
from musiclstm.generation.uncopied import TRIES, uncopied
from musiclstm.model import load_bundle
from musiclstm.score import Column, Key
from tests.bundles import chorale, tiny_bundle

MOST = 12
BAR = 96  # steps
OPEN = [Region(part, 0, FAR) for part in range(4)]
KEPT = {
    "rhythm": [Column.ONSET, Column.DURATION, Column.PART],
    "pitch": [Column.PITCH, Column.PART],
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    corpus = [chorale(f"c{seed}", seed=seed, bars=6) for seed in range(4)]
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "m", corpus))


@pytest.fixture
def piece(bundle):
    """A training piece, handed in under another name."""
    return fit(chorale("mine", seed=2, bars=6), bundle.vocabulary, [(0, 127)] * 4)


@pytest.fixture
def asked(monkeypatch):
    """What is written anew, and with which wishes."""
    calls, rewrite = [], module.rewrite

    def noted(bundle, reading, regions, manner, wishes):
        calls.append((regions, wishes))
        return rewrite(bundle, reading, regions, manner, wishes)

    monkeypatch.setattr(module, "rewrite", noted)
    return calls


def anew(bundle, piece, regions=OPEN, wishes=Wishes(), new=True, seed=0):  # noqa: B008
    check = CopyCheck.of(bundle)
    notes = np.broadcast_to(new, len(piece.given.notes)).copy()
    return uncopied(bundle, check, piece, notes, regions, wishes, MOST, Manner(seed, particles=2))


def counted(score, columns, finer=1):
    notes = score.notes * np.array([finer, finer, 1, 1, 1])
    return Counter(map(tuple, notes[:, columns].tolist()))


def changed_bars(before, after):
    """The bars, from 0, of pieces in 4/4."""
    every = list(range(5))
    finer = after.steps_per_quarter // before.steps_per_quarter
    old, new = counted(before, every, finer), counted(after, every)
    return {row[0] // (4 * after.steps_per_quarter) for row in (old - new) + (new - old)}


def test_a_copied_piece_is_rewritten(bundle, piece):
    check = CopyCheck.of(bundle)
    assert check.longest(piece.encoded).notes > 4 * MOST
    found, _, remarks = anew(bundle, piece)
    longest = check.longest(found.encoded).notes
    assert longest <= MOST or "still stands" in remarks[-1]
    assert longest < check.longest(piece.encoded).notes
    assert remarks[0].startswith("wrote ")


def test_what_was_given_stays_and_is_named(bundle, piece):
    found, new, remarks = anew(bundle, piece, new=False)
    assert found.given == piece.given
    assert not new.any()
    assert "of what was given stand in c2" in remarks[-1]


def test_a_run_whose_middle_was_given_is_broken_elsewhere(bundle, piece):
    last = piece.given.notes[:, Column.ONSET] >= 5 * BAR
    found, new, remarks = anew(bundle, piece, new=last)
    assert changed_bars(piece.given, found.given) == {5}
    assert found.given.notes[new, Column.ONSET].min() >= 5 * BAR
    assert remarks[0] == "wrote 1 bar that stands in a training piece anew"
    assert "of what was given stand in c2" in remarks[-1]


@pytest.mark.parametrize("keep", ["rhythm", "pitch"])
def test_what_was_to_be_kept_is_kept(bundle, piece, keep):
    regions = [replace(region, keep=keep) for region in OPEN]
    check = CopyCheck.of(bundle)
    found, _, _ = anew(bundle, piece, regions)
    finer = found.given.steps_per_quarter // piece.given.steps_per_quarter
    before = counted(piece.given, KEPT[keep], finer if keep == "rhythm" else 1)
    assert counted(found.given, KEPT[keep]) == before
    if keep == "rhythm":  # what a random model makes of pitches that it must use may be refused
        assert check.longest(found.encoded).notes < check.longest(piece.encoded).notes


@pytest.mark.parametrize("fault", ["as it was", "too much", "no way"])
def test_what_keeping_makes_impossible_is_said(bundle, piece, monkeypatch, fault):
    """A run that comes out the same, or only without what was promised, is left and named."""
    real = module.rewrite

    def rewrite(bundle, reading, regions, manner, wishes):
        if fault == "no way":
            raise RequestError("there is none")
        found = real(bundle, reading, [replace(of, keep="") for of in regions], manner, wishes)
        return found if fault == "too much" else replace(found, reading=reading)

    monkeypatch.setattr(module, "rewrite", rewrite)
    # one bar is open of the middle: the rest of the run was given
    regions = [Region(part, 2 * BAR, 3 * BAR, "rhythm") for part in range(4)]
    onset = piece.given.notes[:, Column.ONSET]
    found, _, remarks = anew(bundle, piece, regions, new=(onset >= 2 * BAR) & (onset < 3 * BAR))
    assert found.given == piece.given
    (said,) = remarks
    assert "notes stand in c2, bar 1, and cannot be written anew with the rhythm kept" in said


def test_only_what_was_open_is_written_anew(bundle, piece, asked):
    regions = [Region(1, BAR, 2 * BAR), Region(1, 4 * BAR, 5 * BAR)]
    found, _, _ = anew(bundle, piece, regions)
    assert asked
    allowed = {(1, BAR, 2 * BAR), (1, 4 * BAR, 5 * BAR)}
    assert {(of.part, of.start, of.end) for own, _ in asked for of in own} <= allowed
    before, after = (of.given.keep_parts([0, 2, 3]).notes for of in (piece, found))
    assert after.tolist() == before.tolist()


def test_the_wishes_hold_and_the_progression_goes_on(bundle, piece, asked):
    """It began with bar 2: a bar that is written anew has the chord that the piece has there."""
    wishes = Wishes(
        chords="F# B | C#m | % | D#", ranges={"alto": (60, 70)}, density=9.0, tempo=50.0
    )
    regions = [Region(part, BAR, FAR) for part in range(4)]
    anew(bundle, piece, regions, wishes)
    bars = ["F# B", "C#m", "C#m", "D#"]
    starts = set()
    for own, told in asked:
        assert (told.ranges, told.density, told.tempo) == (wishes.ranges, 9.0, 50.0)
        starts.add(own[0].start)
        turn = own[0].start // BAR - 1
        assert told.chords == " | ".join([*bars[turn:], *bars[:turn]])
    assert len(starts) > 1


def test_bars_are_counted_not_tries(bundle, piece, asked, monkeypatch):
    """A run in bar 3 that no try gets rid of: that is one bar, however often it is written."""
    run = Copied(20, "c2", 3, 3, None, (2 * BAR, 3 * BAR - 1))
    monkeypatch.setattr(CopyCheck, "runs", lambda *_: [run])
    found, _, remarks = anew(bundle, piece)
    assert [own[0].start // BAR for own, _ in asked] == [2] * TRIES
    assert changed_bars(piece.given, found.given) == {2}
    assert remarks == (
        "wrote 1 bar that stands in a training piece anew",
        f"a run of 20 notes still stands in c2, bar 3, after {TRIES} tries",
    )


def test_a_varied_piece_keeps_its_promise_and_its_wishes(bundle, asked, monkeypatch):
    """As it is asked for: the regions and wishes of the draft come as far as here."""
    run = Copied(99, "c2", 1, 1, None, (0, 6 * BAR - 1))
    monkeypatch.setattr(CopyCheck, "runs", lambda *_: [run])
    given = chorale("mine", seed=2, bars=6)
    wishes = {"chords": "C | F", "key": "C", "ranges": {"soprano": [60, 81]}}
    options = {"keep": "rhythm", "amount": 0.4, "particles": 2}
    request = Request("vary", 1, 1, 1, MOST, wishes, drawn_as(bundle, {}), options)
    (made,) = fulfil(bundle, request, given)
    finer = made.score.steps_per_quarter // given.steps_per_quarter
    assert counted(made.score, KEPT["rhythm"]) == counted(given, KEPT["rhythm"], finer)
    assert asked
    for own, told in asked:
        assert all(of.keep == "rhythm" for of in own)
        assert (told.key, told.ranges) == (Key(0), {"soprano": (60, 81)})
        assert told.chords in ("C | F", "F | C")


def test_a_new_piece_has_its_length_and_meter_by_then(bundle, asked, monkeypatch):
    monkeypatch.setattr(CopyCheck, "runs", lambda *_: [Copied(20, "c2", 1, 1, None, (BAR, BAR))])
    wishes = {"bars": 4, "meter": "4/4", "chords": "C | F", "key": "D"}
    fulfil(bundle, Request("generate", 1, 1, 1, 9, wishes, drawn_as(bundle, {}), {}))
    assert asked
    for _, told in asked:
        assert (told.bars, told.meter, told.key, told.chords) == (None, None, Key(2), "F | C")
