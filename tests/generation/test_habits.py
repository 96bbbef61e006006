"""Habits: what is counted in pieces, kept in a bundle, and minded."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Tracker, build_vocabulary, encode
from musiclstm.errors import BundleError
from musiclstm.features.voice_leading import FIFTH, OCTAVE, parallels, voice_grid
from musiclstm.generation import Resampling, compose
from musiclstm.generation.habits import Habits, most_struck
from musiclstm.generation.loops import LONGEST_LOOP
from musiclstm.generation.moves import (
    intervals_of_moves,
    longest_silence,
    moves_of,
    similar_cells,
    spaced,
)
from musiclstm.model import load_bundle
from musiclstm.model.json_file import read_json, write_json
from musiclstm.score import Part, Score
from tests.bundles import chorales, tiny_bundle
from tests.encoding.walks import random_rows, small_vocabulary
from tests.spoiling import edit


def score_of(*voices, lengths=24):
    """A score of parts that move together, a quarter each."""
    rows = [
        [lengths * n, lengths, pitch, 80, part]
        for part, melody in enumerate(voices)
        for n, pitch in enumerate(melody)
    ]
    return Score.build(rows, [Part(name=f"v{n}") for n in range(len(voices))])[0]


def habits_of(*scores):
    v = build_vocabulary(scores)
    return Habits.of_pieces([encode(score, v) for score in scores], v), v


def test_repetitions_are_counted():
    habits, _ = habits_of(score_of([60, 62] * 5 + [64] * 7))
    # the first onset of all comes at no distance, and is not like any other
    assert habits.loops[:3] == (7, 4, 2)
    assert len(habits.loops) == LONGEST_LOOP
    assert set(habits.loops[8:]) == {2}, "what comes once is no repetition"
    assert habits.repeats == 7


def test_one_piece_in_a_hundred_is_no_habit():
    usual = [score_of([60, 62, 64, 65]) for _ in range(200)]
    habits, _ = habits_of(*usual, score_of([60] * 30))
    assert (habits.loops[0], habits.repeats) == (2, 2)
    habits, _ = habits_of(*usual[:20], score_of([60] * 30))
    assert (habits.loops[0], habits.repeats) == (29, 30)


def test_a_range_is_where_nearly_all_notes_are():
    melody = [60 + n % 12 for n in range(3000)]
    habits, v = habits_of(score_of([*melody, 90]))
    assert habits.ranges == ((60, 71),)
    assert (v.parts[0].low, v.parts[0].high) == (60, 90)


def moves(score):
    v = build_vocabulary([score])
    return moves_of(encode(score, v).events[:-1].astype(np.int32), v)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_parts_stand_where_the_tracker_says(seed, n_parts):
    """Whatever is tied, held, struck again or waited for."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(n_parts, drums=(1,) if seed % 3 == 0 else (), steps_per_quarter=2)
    active = np.ones((1, n_parts), bool)
    rows = random_rows(v, active, 80, rng, crowd=bool(seed % 2))[:-1]
    before, now = moves_of(rows, v)
    tracker, found = Tracker.start(active, v), []
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        tracker = tracker.advance(row[None], v)
        if row[0] <= v.max_shift and (after is None or after[0] > 0):
            stage = tracker.at(tracker.now, v)
            found.append([np.where(v.drum_parts, -1, of[0]) for of in (stage.before, stage.now)])
    assert len(found) == len(now)
    for place, (then, here) in enumerate(found):
        assert before[place].tolist() == then.tolist(), place
        assert now[place].tolist() == here.tolist(), place


@pytest.mark.parametrize("interval", [FIFTH, OCTAVE])
def test_parallels_are_those_of_the_rule(interval):
    rng = np.random.default_rng(interval)
    for _ in range(20):
        melodies = rng.integers(0, 3, (3, 30)) * rng.choice([5, 7], (3, 30))
        melodies += np.array([[96], [60], [24]])
        score = score_of(*melodies.tolist())
        cells = similar_cells(*moves(score))
        assert (cells == 13 * interval).sum() == parallels(voice_grid(score), interval)


def test_what_is_held_or_silent_does_not_move():
    rows = [[0, 24, 72, 80, 0], [24, 24, 74, 80, 0], [0, 48, 60, 80, 1], [48, 24, 76, 80, 0]]
    before, now = moves(Score.build(rows, [Part(), Part()])[0])
    assert before.tolist() == [[-1, -1], [72, 60], [74, 60]]
    assert now.tolist() == [[72, 60], [74, 60], [76, -1]]
    assert (similar_cells(before, now) == -1).all()
    assert intervals_of_moves(before, now).sum() == 0


def test_drums_make_no_motion():
    rows = [[24 * n, 24, 60 + n, 80, 0] for n in range(4)]
    rows += [[24 * n, 1, 36 + n, 80, 1] for n in range(4)]
    before, now = moves(Score.build(rows, [Part(), Part(is_drum=True)])[0])
    assert (before[:, 1] == -1).all()
    assert (now[:, 1] == -1).all()


def test_what_is_avoided_costs():
    """Voices that move up together, but never in fifths: a fifth after a fifth is what costs."""
    rng = np.random.default_rng(0)
    low, high = [48], [55]
    for _ in range(4000):
        low.append(48 + int(rng.integers(12)))
        gaps = [3, 4, 7, 8, 9]
        if high[-1] - low[-2] == 7 and np.sign(low[-1] - low[-2]) != 0:
            gaps = [3, 4, 8, 9]
        high.append(low[-1] + int(rng.choice(gaps)))
    habits, _ = habits_of(score_of(high, low))
    assert habits.motions[7, 7] < -4
    assert habits.motions[4, 4] > -0.5
    assert habits.motions.max() <= 0
    before = np.array([[55, 48], [55, 48], [55, 48], [-1, 48]])
    now = np.array([[57, 50], [57, 53], [57, 46], [57, 50]])
    found = habits.cost(before, now)
    apart = habits.cost(now, now)
    assert found[0] - apart[0] == pytest.approx(habits.motions[7, 7])
    assert found[1] - apart[1] == pytest.approx(habits.motions[7, 4])
    assert (found - apart)[2:].tolist() == [0, 0], "contrary motion, and one that begins"


def test_neighbours_that_never_cross_should_not():
    """Two melodies in one range: as often as not one is below the other, were it by chance."""
    rng = np.random.default_rng(1)
    pairs = np.sort(rng.integers(55, 80, (3000, 2)), axis=1)
    habits, _ = habits_of(score_of((pairs[:, 1] + 1).tolist(), pairs[:, 0].tolist()))
    assert habits.spacings[0, 0] < -5
    assert -0.7 < habits.spacings[0, 1] <= 0
    crossed, wide = spaced(np.array([[60, 62], [62, 60], [80, 60], [-1, 60], [72, 60]]))
    assert crossed[:, 0].tolist() == [True, False, False, False, False]
    assert wide[:, 0].tolist() == [False, False, True, False, False]
    standing = np.array([[60, 62]])
    assert habits.cost(standing, standing)[0] == habits.spacings[0, 0]
    assert habits.cost(standing[:, ::-1], standing[:, ::-1])[0] == 0
    free, _ = habits_of(*(score_of(*rng.integers(55, 80, (2, 3000)).tolist()) for _ in range(2)))
    assert free.spacings[0, 0] > -0.1


def test_silence_is_what_lies_between_notes():
    """Over all parts, drums among them; and no piece is silent for longer than any it is like."""
    rows = [[0, 24, 60, 80, 0], [72, 24, 60, 80, 0], [30, 1, 36, 80, 1], [300, 24, 60, 80, 0]]
    habits, _ = habits_of(Score.build(rows, [Part(), Part(is_drum=True)])[0])
    assert habits.silence == 300 - 96
    rows = [[24 * n, 24 * 12, 60 + n % 3, 80, 0] for n in range(0, 40, 10)]
    habits, _ = habits_of(Score.build(rows, [Part()])[0])
    assert habits.silence == 0


def test_a_chord_is_struck_once(tmp_path):
    """What its notes are in a row is no repetition; what is repeated is the highest of them."""
    rows = [[24 * n, 24, p, 80, 0] for n in range(30) for p in (60, 64, 67)]
    habits, _ = habits_of(Score.build(rows, [Part(name="piano")])[0])
    assert habits.repeats == 30


def test_parts_that_a_piece_lacks_count_for_nothing():
    rows = [[24 * n, 24, 60, 80, 0] for n in range(20)]
    others = [[24 * n, 24, 50 + n % 7, 80, 1] for n in range(20)]
    parts = [Part(name="flute"), Part(name="bass")]
    pieces = [Score.build([*rows, *others], parts)[0]]
    pieces += [Score.build([[*row[:4], 0] for row in others], parts[1:])[0] for _ in range(150)]
    habits, v = habits_of(*pieces)
    assert len(v.parts) == 2
    assert habits.repeats == 2, "one melody in 152"
    habits, _ = habits_of(*pieces[:20])
    assert habits.repeats == 20, "one in 22"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_density_is_the_most_notes_in_a_whole_note(seed):
    """By hand: whatever is tied or waited for, of every step the notes from there on."""
    rng = np.random.default_rng(seed)
    v = small_vocabulary(2, steps_per_quarter=2)
    rows = random_rows(v, np.ones((1, 2), bool), 60, rng, crowd=bool(seed % 2))[:-1]
    onsets, step, tied = [], 0, False
    for row in rows.tolist():
        step += v.max_shift if row[0] == v.wait else row[0]
        if row[0] != v.wait and not tied:
            onsets.append(step)
        tied = row[0] != v.wait and row[3] == v.tie
    most = max((sum(at <= n < at + 8 for n in onsets) for at in onsets), default=0)
    assert most_struck(rows, v) == most


# --- in a bundle ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return tiny_bundle(tmp_path / "m", chorales())


def without_habits(folder):
    edit(folder / "corpus.json", lambda corpus: corpus.pop("habits"))


def with_habits(folder, **changes):
    v = load_bundle(folder).vocabulary
    habits = Habits.of_pieces([encode(score, v) for score in chorales()], v)
    corpus = read_json(folder / "corpus.json")
    write_json(folder / "corpus.json", {**corpus, "habits": habits.as_dict() | changes})
    return habits


def test_an_older_model_has_no_density(folder):
    edit(folder / "corpus.json", lambda corpus: corpus["habits"].pop("density"))
    assert Habits.of_bundle(load_bundle(folder)).density == 200


def test_a_bundle_keeps_them(folder):
    without_habits(folder)
    assert Habits.of_bundle(load_bundle(folder)).motions.sum() == 0
    before = load_bundle(folder).digest
    habits = with_habits(folder)
    bundle = load_bundle(folder)
    kept = Habits.of_bundle(bundle)
    assert kept.as_dict() == habits.as_dict()
    assert bundle.digest != before, "they change what is composed"
    json.dumps(habits.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"loops": []},
        {"loops": [1] * 64},
        {"loops": [2] * 1000},
        {"loops": [2] * 63 + [4000]},
        {"loops": [2.5]},
        {"repeats": True},
        {"repeats": 10**9},
        {"silence": -1},
        {"silence": 2**40},
        {"density": -1},
        {"density": 2**40},
        {"density": 20.0},
        {"ranges": []},
        {"ranges": [[0, 128]] * 4},
        {"ranges": [[70, 60]] * 4},
        {"ranges": [60] * 4},
        {"motions": [[0.0] * 12] * 11},
        {"motions": [[0.5] * 12] * 12},
        {"motions": [[0.0] * 13] * 12},
        {"motions": [["x"] * 12] * 12},
        {"spacings": [[0.0, 0.0]] * 4},
        {"spacings": [[0.0]] * 3},
        {"spacings": [[-1.0, -100.0]] * 3},
    ],
)
def test_what_are_no_habits_is_refused(folder, changes):
    with_habits(folder, **changes)
    with pytest.raises(BundleError, match=r"corpus\.json"):
        load_bundle(folder)


@pytest.mark.parametrize("silence", [0, 30, 10**6])
def test_nothing_is_silent_for_longer_than_usual(folder, silence):
    with_habits(folder, silence=silence)
    bundle = load_bundle(folder)
    pieces = compose(bundle, 6, bars=8, seed=1, resampling=Resampling(candidates=2, endings=2))
    longest = [
        longest_silence(encode(piece.score, bundle.vocabulary).events, bundle.vocabulary)
        for piece in pieces
    ]
    assert max(longest) <= silence
    assert silence < 10**6 or max(longest) > 30
