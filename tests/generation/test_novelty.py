"""The copy check: what is copied is found whole, in any key, and what is not is left alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import build_vocabulary, encode
from musiclstm.errors import BundleError
from musiclstm.generation import Copied, CopyCheck, compose, novelty_arrays
from musiclstm.generation.copied_runs import COLUMNS, RUN
from musiclstm.model import load_bundle
from musiclstm.model.bundle import NOVELTY
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score
from tests.bundles import VOICES, chorale, chorales, tiny_bundle
from tests.generation.tunes import COMMON, check_of, melody, walk
from tests.strategies import scores


def longest(check, score):
    return check.longest(encode(score, check.vocabulary))


def test_a_training_piece_is_itself_from_beginning_to_end():
    check = check_of(chorales())
    for score in chorales():
        found = longest(check, score)
        bar = 0 if score.meter_map.pickup_steps else 1
        steps = (0, int(score.notes[-1, Column.ONSET]))
        assert found == Copied(len(score.notes), score.source, bar, bar, None, steps)


@pytest.mark.parametrize("semitones", [-5, 1, 7])
def test_no_transposition_hides_it(semitones):
    check = check_of(chorales())
    for score in chorales():
        found = longest(check, score.transposed(semitones))
        assert (found.notes, found.source) == (len(score.notes), score.source)


def test_no_transposition_hides_it_beside_drums():
    """Drums stay while the rest moves, and stand between the notes that do."""
    rng = np.random.default_rng(0)
    rows = [[24 * n, 24, pitch, 80, 0] for n, pitch in enumerate(walk(1))]
    rows += [[12 * n, 1, int(rng.integers(35, 50)), 80, 1] for n in range(80)]
    score, _ = Score.build(rows, [Part(0), Part(is_drum=True)], source="band", key=Key(0))
    check = check_of([score])
    assert longest(check, score).notes == len(score.notes)
    assert longest(check, score.transposed(4)).notes == len(score.notes)
    other = score.notes.copy()
    other[other[:, Column.PART] == 1, Column.PITCH] += 1
    changed = replace(score, notes=other)
    assert longest(check, changed) == Copied()


def test_dynamics_and_tempo_do_not_hide_it():
    score = chorales()[0]
    louder = score.notes.copy()
    louder[:, Column.VELOCITY] = 120
    assert longest(check_of(chorales()), replace(score, notes=louder, tempos=())).notes == len(
        score.notes
    )


def test_a_stranger_shares_nothing():
    check = check_of([melody(walk(1), "one"), melody(walk(2), "two")])
    assert longest(check, melody(walk(3))) == Copied()


def test_another_rhythm_is_another_tune():
    pitches = walk(1)
    check = check_of([melody(pitches, "one")])
    uneven = melody(pitches, lengths=[24, 48] * 20)
    assert longest(check, uneven) == Copied()


def test_of_two_halves_the_longer_is_named():
    """The longer one may come first or last; its bars are those of the source and of the piece."""
    one, two = walk(1), walk(2)
    check = check_of([melody(one, "one"), melody(two, "two")])
    made = melody([*one[:12], *walk(9, 4), *two[8:28]])
    assert longest(check, made) == Copied(20, "two", 3, 5, steps=(384, 840))
    made = melody([*two[8:20], *walk(9, 4), *one[4:28]])
    assert longest(check, made) == Copied(24, "one", 2, 5, steps=(384, 936))


def test_a_pickup_is_bar_0():
    pitches = walk(4)
    upbeat = MeterMap((Meter(0, 4, 4),), 24)
    check = check_of([melody(pitches, "upbeat", meter_map=upbeat)])
    assert longest(check, melody(pitches)) == Copied(40, "upbeat", 0, 1, steps=(0, 936))
    made = melody([*walk(5, 9), *pitches[9:]])
    assert longest(check, made) == Copied(31, "upbeat", 3, 3, steps=(216, 936))


@pytest.mark.parametrize("length", [1, RUN - 1, RUN])
def test_nothing_so_short_is_a_copy(length):
    """A run of eight notes is the common stock of any style; nine are found."""
    tune = walk(1)
    check = check_of([melody(tune, "tune")])
    assert longest(check, melody(tune[:length])) == Copied()
    assert longest(check, melody(tune[: RUN + 1])).notes == RUN + 1
    short = check_of([melody(tune[:length], "short")])
    assert longest(short, melody(tune)) == Copied()


def test_an_empty_piece_is_no_copy():
    check = check_of([melody(walk(1), "one")])
    empty, _ = Score.build([], [Part()], key=Key(0))
    assert longest(check, empty) == Copied()


def test_an_empty_training_set_is_copied_by_nobody():
    v = build_vocabulary([melody(walk(1))])
    check = CopyCheck(novelty_arrays([], v), v)
    assert check.longest(encode(melody(walk(1)), v)) == Copied()


def test_without_the_arrays_nothing_is_known():
    v = build_vocabulary([melody(walk(1))])
    assert CopyCheck({}, v).longest(encode(melody(walk(1)), v)) is None


def test_long_notes_and_rests_count_once():
    lengths = [24, 1000] * 20
    score = melody(walk(1), "slow", lengths=lengths, start=500)
    assert longest(check_of([score]), score) == Copied(
        40, "slow", 6, 6, steps=(500, 500 + 19 * 1024 + 24)
    )


def test_a_repeated_note_is_followed_to_its_end():
    """Every run of an ostinato is everywhere in it; the longest chain is found all the same."""
    drone = melody([60] * 1500, "drone")
    check = check_of([melody([62] * 300, "short"), drone])
    assert longest(check, melody([50] * 1500)) == Copied(1500, "drone", 1, 1, steps=(0, 1499 * 24))
    assert longest(check, melody([60] * 700)).notes == 700
    tail = longest(check, melody([*walk(1, 20), *[60] * 400]))
    assert (tail.notes, tail.source, tail.own_bar) == (400, "drone", 6)


def test_a_common_run_does_not_hide_a_rare_one():
    check = check_of([melody([60] * 800, "drone"), melody(walk(1), "tune")])
    made = melody([*[60] * 30, *walk(1)])
    assert longest(check, made) == Copied(40, "tune", 1, 8, steps=(720, 720 + 39 * 24))


def test_of_equal_sources_the_first_is_named():
    pieces = [melody(walk(1), name) for name in ("first", "second")]
    assert longest(check_of(pieces), pieces[1]).source == "first"


@settings(max_examples=60, deadline=None)
@given(st.lists(scores(max_parts=3, performed=False), min_size=1, max_size=3))
def test_any_piece_is_found_whole_among_any(corpus):
    """Whatever the music: with more than eight notes it is found, all of it; else nothing is."""
    corpus = [replace(score, key=Key(0), source=str(n)) for n, score in enumerate(corpus)]
    v = build_vocabulary(corpus)
    check = check_of(corpus, vocabulary=v)
    for score in corpus:
        encoded = encode(score, v)
        found = check.longest(encoded)
        assert found.notes == (encoded.n_notes if encoded.n_notes > RUN else 0)
        if found.notes:
            twin = corpus[int(found.source)]
            assert len(twin.notes) >= found.notes


def test_arrays_are_sorted_and_survive_the_file(tmp_path):
    corpus = chorales()
    bundle = load_bundle(tiny_bundle(tmp_path / "m", corpus))
    pieces = [encode(score, bundle.vocabulary) for score in corpus]
    arrays, stored = novelty_arrays(pieces, bundle.vocabulary), bundle.novelty()
    assert set(arrays) == set(stored)
    for name, values in arrays.items():
        assert np.array_equal(values, stored[name])
    assert (np.diff(arrays["hashes"].astype(object)) >= 0).all()
    assert CopyCheck.of(bundle).longest(pieces[2]).source == "waltz"


def test_a_bundle_without_the_file_composes_and_says_that_nothing_is_known(tmp_path):
    folder = tiny_bundle(tmp_path / "m")
    (folder / NOVELTY).unlink()
    bundle = load_bundle(folder)
    assert CopyCheck.of(bundle).arrays == {}
    assert compose(bundle, bars=1)[0].copied is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda a: a.pop("place"),
        lambda a: a.update(more=a["bar"]),
        lambda a: a.update(piece=a["piece"][:-1]),
        lambda a: a.update(piece=a["piece"] + 100),
        lambda a: a.update(piece=a["piece"] - 100),
        lambda a: a.update(hashes=a["hashes"].astype(float)),
        lambda a: a.update(bar=a["bar"][:, None]),
        lambda a: a.update(sources=a["sources"][:1]),
        lambda a: a.update(hashes=a["hashes"][::-1]),
        lambda a: a.update(hashes=a["hashes"] * 0),
        lambda a: a.update(place=a["place"] - 1),
        lambda a: a.update(place=a["place"].astype(np.int64) + 2**31),
        lambda a: a.update(bar=a["bar"] - 5),
        lambda a: [a.update({name: np.repeat(a[name], 2)}) for name in set(a) & set(COLUMNS)],
        lambda a: a.update(alone=a["alone"][:-1]),
        lambda a: a.update(alone=a["alone"] - 1),
        lambda a: a.update(alone=a["alone"] + 5),
        lambda a: a.update(alone=a["alone"].astype(np.uint8)),
        lambda a: a.update(alone=a["alone"][:, None]),
        lambda a: a.update(sources=a["alone"]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, damage):
    folder = tiny_bundle(tmp_path / "m")
    arrays = dict(load_bundle(folder).novelty())
    damage(arrays)
    np.savez(folder / NOVELTY, **arrays)
    with pytest.raises(BundleError, match=r"novelty\.npz is damaged"):
        compose(load_bundle(folder), bars=1)


def test_a_four_part_copy_in_the_middle_is_placed():
    """Two bars taken from a chorale, a bar in: both bar numbers are right."""
    source = chorale("source", bars=6, seed=11)
    taken = source.notes[(source.notes[:, 0] >= 192) & (source.notes[:, 0] < 384)]
    start = chorale(bars=1, seed=12).notes.copy()
    start[:, Column.PITCH] += np.array([3, 0, 0, 0])[start[:, Column.PART]]
    moved = taken - np.array([96, 0, 0, 0, 0])
    made, _ = Score.build(
        np.concatenate([start, moved]),
        [Part(name=voice) for voice in VOICES],
        meter_map=COMMON,
        key=Key(0),
    )
    found = longest(check_of([source]), made)
    assert (found.source, found.bar, found.own_bar) == ("source", 3, 2)
    assert found.notes == len(taken)
