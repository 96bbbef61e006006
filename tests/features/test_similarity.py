from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.features import overlap
from musiclstm.features.overlap import MAX_SETS_PER_HASH as MAX_PIECES_PER_SHINGLE
from musiclstm.features.similarity import (
    Copy,
    duplicate_groups,
    find_copies,
    find_duplicates,
    fingerprint,
)
from musiclstm.score import Part, Score, Tempo
from tests.strategies import scores

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def piece(seed: int, notes: int = 60, parts: int = 2) -> Score:
    """A random piece of several lines."""
    rng = np.random.default_rng(seed)
    rows = []
    for part in range(parts):
        onsets = np.cumsum(rng.choice([6, 12, 24], notes))
        pitches = 60 - 12 * part + rng.integers(-7, 8, notes)
        rows += [[onset, 6, pitch, 80, part] for onset, pitch in zip(onsets, pitches, strict=True)]
    return Score.build(rows, [Part(0, False, f"part {part}") for part in range(parts)])[0]


def with_changes(score: Score, share: float, seed: int = 0) -> Score:
    """Move some notes by a step or two."""
    rng = np.random.default_rng(seed)
    notes = score.notes.copy()
    chosen = rng.choice(len(notes), round(share * len(notes)), replace=False)
    notes[chosen, 2] += rng.choice([-2, -1, 1, 2], len(chosen))
    return Score.build(notes, score.parts)[0]


def together(*scores: Score) -> bool:
    return len(set(duplicate_groups(scores).tolist())) == 1


def test_nothing_has_no_groups():
    assert duplicate_groups([]).tolist() == []


def test_copies_are_found_and_groups_are_numbered_as_they_appear():
    first, second, third = piece(1), piece(2), piece(3)
    groups = duplicate_groups([first, second, first.transposed(5), third, second])
    assert groups.tolist() == [0, 1, 0, 2, 1]


def test_what_does_not_make_another_piece():
    score = piece(1)
    louder = score.notes.copy()
    louder[:, 3] = 120
    later = score.notes.copy()
    later[:, 0] += 96
    swapped = score.notes.copy()
    swapped[:, 4] = 1 - swapped[:, 4]
    for notes in (louder, later, swapped):
        assert together(score, Score.build(notes, score.parts)[0])
    assert together(score, replace(score, tempos=(Tempo(0, 60.0),), source="elsewhere"))


def test_the_grid_does_not_make_another_piece():
    score = piece(1)
    notes = score.notes.copy()
    notes[:, :2] *= 2
    finer, _ = Score.build(notes, score.parts, steps_per_quarter=48)
    assert together(score, finer)


@pytest.mark.parametrize("seed", range(5))
def test_copy_with_few_notes_changed_is_found(seed):
    score = piece(seed)
    assert together(score, with_changes(score, 0.04, seed))
    assert together(score, with_changes(score, 0.04, seed).transposed(-3))


def test_piece_within_a_longer_one_is_found():
    part = piece(4, notes=40)
    rest = piece(5, notes=80)
    notes = rest.notes.copy()
    notes[:, 0] += part.end
    longer, _ = Score.build(np.concatenate([part.notes, notes]), part.parts)
    assert together(part, longer)


def test_one_melody_in_four_different_settings_is_not_one_piece():
    settings = []
    for seed in range(4):
        melody, others = piece(0, parts=1).notes, piece(seed + 10, parts=3).notes.copy()
        others[:, 4] += 1
        settings.append(Score.build(np.concatenate([melody, others]), [Part()] * 4)[0])
    assert duplicate_groups(settings).tolist() == [0, 1, 2, 3]


def test_many_scales_are_not_one_piece():
    """What every piece has tells nothing: a scale in all of them joins none."""
    scale = [[12 * place, 12, 60 + place, 80, 0] for place in range(20)]
    pieces = []
    for seed in range(MAX_PIECES_PER_SHINGLE + 10):
        own = piece(seed, notes=16, parts=1).notes.copy()
        own[:, 0] += 240
        pieces.append(Score.build([*scale, *own.tolist()], [Part()])[0])
    assert duplicate_groups(pieces).tolist() == list(range(len(pieces)))


def test_more_copies_than_the_index_keeps_are_still_found():
    copies = [piece(1).transposed(shift % 12) for shift in range(3 * MAX_PIECES_PER_SHINGLE)]
    assert set(duplicate_groups(copies).tolist()) == {0}


def test_chains_join():
    """A piece joined to two, which share nothing themselves, puts all three in one group."""
    left, right = piece(6, notes=40), piece(7, notes=40)
    notes = right.notes.copy()
    notes[:, 0] += left.end
    both, _ = Score.build(np.concatenate([left.notes, notes]), left.parts)
    assert duplicate_groups([left, right]).tolist() == [0, 1]
    assert duplicate_groups([left, right, both]).tolist() == [0, 0, 0]


def test_short_and_drum_pieces_are_known_by_all_they_have():
    drums = Part(0, True)
    beat, _ = Score.build([[step, 1, 36, 80, 0] for step in (0, 24, 48)], [drums])
    other, _ = Score.build([[step, 1, 38, 80, 0] for step in (0, 24, 48)], [drums])
    note, higher = Score([[0, 24, 60, 80, 0]], (Part(),)), Score([[0, 24, 61, 80, 0]], (Part(),))
    later = Score([[96, 24, 60, 10, 0]], (Part(),))
    empty = Score([], ())
    groups = duplicate_groups([beat, other, beat, note, higher, later, empty])
    assert groups.tolist() == [0, 1, 0, 2, 3, 2, 4]


def test_short_pieces_are_joined_only_when_equal():
    a, b = piece(1, notes=8, parts=1), with_changes(piece(1, notes=8, parts=1), 0.13)
    assert duplicate_groups([a, b, a]).tolist() == [0, 1, 0]


def test_pairs_counted_in_several_rounds_are_the_same(monkeypatch):
    pieces = [with_changes(piece(seed // 3), 0.02 * (seed % 3), seed) for seed in range(12)]
    expected = duplicate_groups(pieces).tolist()
    assert expected == [seed // 3 for seed in range(12)]
    monkeypatch.setattr(overlap, "_PAIRS_AT_ONCE", 10)
    assert duplicate_groups(pieces).tolist() == expected


def test_a_file_and_few_pairs_at_once_change_nothing(monkeypatch):
    pieces = [with_changes(piece(seed // 3), 0.02 * (seed % 3), seed) for seed in range(30)]
    expected = find_duplicates(pieces)
    monkeypatch.setattr(overlap, "_ENTRIES_AT_ONCE", 100)
    monkeypatch.setattr(overlap, "_PAIRS_AT_ONCE", 10)
    found = find_duplicates(pieces)
    assert found.groups.tolist() == expected.groups.tolist()
    assert found.copies == expected.copies


def named(score: Score, name: str) -> Score:
    return replace(score, source=name)


def test_copies_are_told_apart():
    score = named(piece(1), "a.mid")
    louder = score.notes.copy()
    louder[:, 3] = 120
    scores = [
        score,
        named(Score.build(louder, score.parts)[0], "b.mid"),
        named(piece(2), "c.mid"),
        named(score.transposed(5), "d.mid"),
        named(score.transposed(-1), "e.mid"),
        named(with_changes(score, 0.04), "f.mid"),
    ]
    found = find_duplicates(scores)
    assert found.groups.tolist() == [0, 0, 1, 0, 0, 0]
    *exact, near = found.copies
    assert exact == [
        Copy("b.mid", "a.mid", "exact", 0, 1.0, 1, 0),
        Copy("d.mid", "a.mid", "transposed", 5, 1.0, 3, 0),
        Copy("e.mid", "a.mid", "transposed", -1, 1.0, 4, 0),
    ]
    assert replace(near, share=1.0) == Copy("f.mid", "a.mid", "near", None, 1.0, 5, 0)
    assert 0.5 <= near.share < 1
    assert [copy.words for copy in found.copies[:3]] == [
        "a copy of a.mid",
        "a copy of a.mid, 5 semitones higher",
        "a copy of a.mid, 1 semitone lower",
    ]
    assert find_copies(scores) == found.copies


def test_a_copy_of_a_copy_is_a_copy_of_the_first_and_a_near_one_of_its_like():
    left, right = piece(6, notes=40), piece(7, notes=40)
    notes = right.notes.copy()
    notes[:, 0] += left.end
    both, _ = Score.build(np.concatenate([left.notes, notes]), left.parts)
    found = find_copies([left, right, both, right.transposed(2), both.transposed(1), both])
    assert [(copy.piece, copy.of, copy.semitones) for copy in found] == [
        (1, 2, None),  # shares nothing with the first of the group, and all with this
        (2, 0, None),
        (3, 1, 2),
        (4, 2, 1),
        (5, 2, 0),
    ]


def test_other_durations_make_a_near_copy():
    score = piece(1)
    shorter = score.notes.copy()
    shorter[:, 1] = 3
    (copy,) = find_copies([score, Score.build(shorter, score.parts)[0]])
    assert (copy.kind, copy.share) == ("near", 1.0)
    assert copy.words == "nearly the same as piece 1 (100%)"


def test_one_music_in_other_parts_is_an_exact_copy():
    """Though other notes are on top of them."""
    rng = np.random.default_rng(0)
    rows = [
        [12 * place, 12, int(pitch), 80, 0] for place, pitch in enumerate(rng.integers(48, 72, 60))
    ]
    rows += [[12 * place, 12, 84 + place % 2, 80, 0] for place in range(60)]
    chords = Score.build(rows, [Part()])[0]
    rows = [[*row[:4], int(row[2] < 84)] for row in rows]
    hands = Score.build(rows, [Part(), Part()])[0]
    assert [copy.kind for copy in find_copies([chords, hands])] == ["exact"]
    assert together(chords, hands)


class OnDisk(Sequence[Score]):
    """Scores that may be read once, in their order."""

    def __init__(self, scores):
        self.scores, self.read = scores, 0

    def __len__(self):
        return len(self.scores)

    def __getitem__(self, index):
        if index == len(self.scores):
            raise IndexError
        assert index == self.read
        self.read += 1
        return self.scores[index]


def test_scores_are_read_once_and_in_order():
    scores = OnDisk([piece(1), piece(2), piece(1)])
    assert duplicate_groups(scores).tolist() == [0, 1, 0]
    assert scores.read == 3


@given(scores(min_pitch=12, max_pitch=115), st.integers(-12, 12))
def test_fingerprint_is_a_sorted_set(score, semitones):
    hashes = fingerprint(score)
    assert hashes.dtype == np.uint64
    assert len(hashes) >= 1
    assert (np.diff(hashes.astype(object)) > 0).all()
    moves = any(
        len(np.unique(score.notes[score.notes[:, 4] == part, 0])) > 1
        for part, player in enumerate(score.parts)
        if not player.is_drum
    )
    if moves:  # else the pitches themselves are part of it
        np.testing.assert_array_equal(fingerprint(score.transposed(semitones)), hashes)


@pytest.mark.skipif(not (DATA / "nottingham").is_dir(), reason="shared/data is not here")
def test_versions_of_one_folk_tune_are_found_and_others_are_not():
    from musiclstm.ingest import read_score  # noqa: PLC0415

    names = ["jigs134", "jigs136", "jigs34", "jigs37", "jigs125", "jigs57", "jigs1", "hpps1"]
    paths = [DATA / "nottingham" / f"{name}.mid" for name in names]
    found = duplicate_groups([read_score(path) for path in paths if path.exists()])
    assert found.tolist()[:4] == [0, 0, 1, 1]
    assert len(set(found.tolist()[2:])) == len(found) - 3
