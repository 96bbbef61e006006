from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from musiclstm.features.shingles import NOTES_PER_SHINGLE, fingerprint, identity
from musiclstm.score import Column, Part, Score, Tempo
from tests.strategies import scores


def runs(score: Score) -> set[tuple[tuple[int, int], ...]]:
    """Shingles as they are defined: the moves of six notes in the top line of a part."""
    found = set()
    for number, part in enumerate(score.parts):
        if part.is_drum:
            continue
        notes = score.notes[score.notes[:, Column.PART] == number].tolist()
        top = sorted({onset: pitch for onset, _, pitch, _, _ in notes}.items())
        moves = [
            ((later - earlier) * 24 // score.steps_per_quarter, high - low)
            for (earlier, low), (later, high) in pairwise(top)
        ]
        length = min(NOTES_PER_SHINGLE - 1, len(moves))
        if length:
            found |= {tuple(moves[at : at + length]) for at in range(len(moves) - length + 1)}
    return found


@given(scores(steps_per_quarter=None), st.integers(0, 40))
def test_fingerprints_share_what_the_shingles_do(score, left_out):
    notes = score.notes
    other = replace(score, notes=notes[np.arange(len(notes)) != left_out])
    first, second = runs(score), runs(other)
    if first:
        assert len(fingerprint(score)) == len(first)
    if first and second:
        shared = np.intersect1d(fingerprint(score), fingerprint(other))
        assert len(shared) == len(first & second)


@given(scores(min_pitch=12, max_pitch=115), st.integers(-12, 12))
def test_a_transposed_copy_is_the_same_music_at_another_level(score, semitones):
    known, higher = identity(score), identity(score.transposed(semitones))
    pitched = [not score.parts[part].is_drum for part in score.notes[:, Column.PART]]
    if len(np.unique(score.notes[pitched, Column.ONSET])) > 1:
        assert higher.music == known.music
        assert higher.lowest - known.lowest == semitones
    else:  # a chord, a note, drums alone: too little to be known transposed
        assert known.lowest == higher.lowest == 0
        assert (higher.music == known.music) == (not semitones or not any(pitched))


@given(scores(), st.data())
def test_what_does_not_make_other_music(score, data):
    notes = score.notes.copy()
    notes[:, Column.VELOCITY] = data.draw(st.integers(1, 127))
    notes[:, Column.ONSET] += data.draw(st.integers(0, 500))
    order = data.draw(st.permutations(range(len(score.parts))))
    notes[:, Column.PART] = np.argsort(order)[notes[:, Column.PART]]
    parts = [replace(score.parts[number], name="other", program=7) for number in order]
    other, _ = Score.build(notes, parts, tempos=(Tempo(0, 77.0),), source="elsewhere")
    assert identity(other) == identity(score)


@given(scores(), st.sampled_from([2, 5, 40]))
def test_a_finer_grid_does_not_make_other_music(score, times):
    notes = score.notes.copy()
    notes[:, : Column.DURATION + 1] *= times
    finer, _ = Score.build(notes, score.parts, steps_per_quarter=24 * times)
    assert identity(finer) == identity(score)


@given(scores(min_notes=2), st.data())
def test_any_change_of_a_note_makes_other_music(score, data):
    row = data.draw(st.integers(0, len(score.notes) - 1))
    column = data.draw(st.sampled_from([Column.ONSET, Column.DURATION, Column.PITCH]))
    notes = score.notes.copy()
    notes[row, column] += data.draw(st.sampled_from([-1, 1, 12]))
    assume(notes[row, Column.ONSET] >= 0 and notes[row, Column.DURATION] >= 1)
    assume(0 <= notes[row, Column.PITCH] <= 127)
    changed, _ = Score.build(notes, score.parts)
    # the definition, in plain numbers
    assert (identity(changed) == identity(score)) == (plain(changed) == plain(score))


def plain(score: Score) -> list[list[int]]:
    rows = score.notes.tolist()
    first = rows[0][0]
    drums = [score.parts[row[Column.PART]].is_drum for row in rows]
    return sorted(
        [onset - first, 0 if drum else duration, pitch, drum]
        for (onset, duration, pitch, _, _), drum in zip(rows, drums, strict=True)
    )


def test_how_notes_are_spread_over_parts_does_not_make_other_music():
    rows = [[24 * place, 24, 60 + place, 80, place % 2] for place in range(12)]
    two_hands = Score(rows, (Part(), Part()))
    one_track = Score([[*row[:4], 0] for row in rows], (Part(),))
    assert identity(two_hands) == identity(one_track)


def test_drums_are_compared_as_they_are():
    def piece(drum: int, pitch: int) -> Score:
        rows = [
            [24 * n, 1 if n % 2 else 24, drum if n % 2 else pitch + n, 80, n % 2] for n in range(8)
        ]
        return Score(rows, (Part(), Part(0, True)))

    assert identity(piece(36, 60)).music == identity(piece(36, 65)).music
    assert identity(piece(36, 60)).music != identity(piece(38, 60)).music
    struck = Score([[0, 1, 40, 80, 0], [24, 1, 45, 80, 0]], (Part(0, True),))
    played = Score([[0, 1, 40, 80, 0], [24, 1, 45, 80, 0]], (Part(),))
    assert identity(struck).music != identity(played).music
