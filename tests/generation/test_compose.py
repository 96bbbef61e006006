"""Composing with models that know nothing: every promise holds, whatever the weights say."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import Conditions, Field, encode
from musiclstm.errors import BundleError, RequestError
from musiclstm.generation import (
    DEFAULT_SAMPLING,
    CopyCheck,
    Resampling,
    Sampling,
    bundle_resampling,
    bundle_sampling,
    compose,
    generate,
)
from musiclstm.generation.onsets import Onsets
from musiclstm.generation.resampling import Draws
from musiclstm.generation.rules import SoftRules, bar_line
from musiclstm.model import load_bundle
from musiclstm.score import Column, Key, Meter, MeterMap, Part, Score, Tempo
from tests.bundles import chorale, chorales, tiny_bundle


def score_of(rows, parts, **attributes):
    return Score.build(rows, parts, key=Key(0), **attributes)[0]


def band():
    """A kit, a bass line, chords: a monophonic part, one that is not, and hits of one step."""
    rows = [[12 * n, 1, (36, 42, 38, 42)[n % 4], 100, 0] for n in range(32)]
    rows += [[24 * n, 24, 36 + n % 5, 90, 1] for n in range(16)]
    rows += [[48 * n, 72, pitch, 70, 2] for n in range(8) for pitch in (60, 64 + n % 2, 67)]
    parts = [Part(is_drum=True, name="kit"), Part(33, name="bass"), Part(0, name="keys")]
    return score_of(rows, parts, meter_map=MeterMap((Meter(0, 4, 4),)), source="band")


def one_note():
    """A part that has a single pitch, and is not monophonic: nothing is free while it sounds."""
    rows = [[48 * n, 24, 60, 80, 0] for n in range(8)] + [[48 * n, 96, 62, 80, 1] for n in range(4)]
    rows += [[48 * n, 96, 65, 80, 1] for n in range(4)]
    return score_of(rows, [Part(name="bell"), Part(name="drone")], source="bell")


def crowd():
    """Sixteen parts of two notes each."""
    rows = [[48 * n, 36, 40 + 2 * part + n, 80, part] for part in range(16) for n in range(2)]
    return score_of(rows, [Part(part * 8 % 128, name=f"p{part}") for part in range(16)])


def kit():
    rows = [[12 * n, 1, 36 + n % 3, 100, 0] for n in range(16)]
    return score_of(rows, [Part(is_drum=True)], meter_map=MeterMap((Meter(0, 3, 4),)))


CORPORA = {
    "chorales": chorales,
    "band": lambda: [band()],
    "bell": lambda: [one_note()],
    "crowd": lambda: [crowd()],
    "kit": lambda: [kit()],
    "coarse": lambda: [chorale(steps_per_quarter=1), chorale(steps_per_quarter=1, meter="6/8")],
}
# what a model might be in love with; random weights alone seldom come to these corners
LOVES = {
    "chance": [],
    "waiting": [("shift", lambda v: v.wait)],
    "holding": [("duration", lambda v: v.tie)],
    "crowding": [("shift", lambda _: 0)],
    "ending": [("shift", lambda v: v.end)],
    "both": [("shift", lambda v: v.wait), ("duration", lambda v: v.tie)],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: load_bundle(tiny_bundle(folder / name, make())) for name, make in CORPORA.items()}


@pytest.fixture
def bundle(models):
    return models["chorales"]


def in_love(bundle, love):
    weights = {name: value.copy() for name, value in bundle.weights.items()}
    for field, place in LOVES[love]:
        weights[f"head.{field}.out_bias"][place(bundle.vocabulary)] += 8
    return replace(bundle, weights=weights)


@pytest.fixture
def tables(monkeypatch):
    """The event rows of every piece that is composed, in order."""
    seen = []
    longest = CopyCheck.longest

    def record(self, encoded):
        seen.append(encoded)
        return longest(self, encoded)

    monkeypatch.setattr(CopyCheck, "longest", record)
    return seen


def assert_kept(piece, bundle, bars):
    """Every promise about one piece."""
    v, score, plan = bundle.vocabulary, piece.score, piece.plan
    assert piece.complete
    assert score.bars == bars == plan.conditions.bars
    assert score.end <= bar_line(plan.meter_map, bars, v.steps_per_quarter)
    assert score.meter_map == plan.meter_map
    assert score.tempos == (Tempo(0, plan.tempo),)
    assert score.parts == plan.parts
    for place, index in enumerate(plan.part_map):
        part, notes = v.parts[index], score.notes[score.notes[:, Column.PART] == place]
        if not len(notes):
            continue
        onset, end = notes[:, Column.ONSET], notes[:, Column.ONSET] + notes[:, Column.DURATION]
        assert part.low <= notes[:, Column.PITCH].min()
        assert notes[:, Column.PITCH].max() <= part.high
        assert np.unique(onset, return_counts=True)[1].max() <= part.chord
        if part.monophonic:
            assert (np.maximum.accumulate(end)[:-1] <= onset[1:]).all()
        if part.is_drum:
            assert (notes[:, Column.DURATION] == 1).all()


@pytest.mark.parametrize("love", LOVES)
@pytest.mark.parametrize("name", CORPORA)
def test_every_promise_is_kept(models, tables, name, love):
    bundle = in_love(models[name], love)
    for bars in (1, 2, 7):
        pieces = compose(bundle, 6, seed=bars, bars=bars, sampling=Sampling())
        for piece in pieces:
            assert_kept(piece, bundle, bars)
    for piece in tables:
        assert piece.events[-1].tolist() == [bundle.vocabulary.end, 0, 0, 0, 0]


@pytest.mark.parametrize("name", CORPORA)
def test_rows_are_the_one_table_of_their_score(models, tables, name):
    """What was composed, row by row, is exactly how its score would be encoded."""
    bundle = models[name]
    pieces = compose(bundle, 12, seed=4, bars=3)
    for piece, encoded in zip(pieces, tables, strict=True):
        again = encode(piece.score, bundle.vocabulary)
        assert again.events.tolist() == encoded.events.tolist()
        assert again.part_map == encoded.part_map


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", None])
@pytest.mark.parametrize("bars", [1, 2, 7])
def test_as_many_bars_as_asked_for_in_any_meter(bundle, meter, bars):
    wishes = {} if meter is None else {"meter": meter}
    pieces = compose(bundle, 24, seed=9, bars=bars, **wishes)
    pickups = {piece.plan.meter_map.pickup_steps for piece in pieces}
    assert meter not in ("4/4", None) or len(pickups) > 1
    for piece in pieces:
        assert_kept(piece, bundle, bars)
        if meter is not None:
            assert [m.name for m in piece.score.meter_map.meters] == [meter]


def test_without_a_wish_the_corpus_says_how_long(bundle):
    assert {piece.score.bars for piece in compose(bundle, 8)} == {4}


@pytest.mark.parametrize("temperature", [0.01, 0.5, 10])
def test_at_any_temperature(bundle, temperature):
    sampling = Sampling(temperature=temperature)
    for piece in compose(bundle, 8, bars=3, sampling=sampling):
        assert_kept(piece, bundle, 3)
        assert set(piece.sampling.values()) == {sampling}


# --- what decides a piece -------------------------------------------------------------------


def test_a_piece_does_not_depend_on_its_mates(bundle):
    """Nor on how many there are, nor on those that end before it; beyond a batch as well."""
    many = compose(bundle, 70, seed=3, bars=2)
    assert [piece.index for piece in many] == list(range(70))
    few = compose(bundle, 5, seed=3, bars=2)
    alone = compose(bundle, 1, seed=3, bars=2)
    assert [piece.score for piece in few] == [piece.score for piece in many[:5]]
    assert alone[0].score == many[0].score
    assert len({piece.score for piece in many}) > 60


@pytest.mark.parametrize("indices", [[3], [40, 2, 41], [], range(42)])
def test_some_pieces_are_what_they_are_among_all(bundle, indices):
    """In the batches in which they would be; others are not composed."""
    taking = Resampling(candidates=4, endings=2)  # sixteen in a batch
    wishes = {"seed": 5, "bars": 3, "resampling": taking}
    seen = []
    every = compose(bundle, 42, **wishes)
    some = compose(
        bundle, 42, indices=indices, progress=lambda *report: seen.append(report), **wishes
    )
    assert [piece.index for piece in some] == sorted(indices)
    for piece in some:
        assert piece == every[piece.index]
    batches = {index // 16 for index in indices}
    composed = sum(3 * min(16, 42 - 16 * batch) for batch in batches)
    assert {total for _, total in seen} <= {composed}
    assert not batches or seen[-1] == (composed, composed)


@pytest.mark.parametrize("indices", [[2], [-1], [0, 7]])
def test_a_piece_that_is_not_asked_for_cannot_be_chosen(bundle, indices):
    with pytest.raises(RequestError, match="use 0 to 1"):
        compose(bundle, 2, bars=1, indices=indices)


def test_a_seed_is_a_piece(bundle):
    one, same, other = (generate(bundle, 3, seed=seed, bars=2) for seed in (1, 1, 2))
    assert one == same
    assert all(mine != yours for mine, yours in zip(one, other, strict=True))


def test_other_weights_are_other_music(tmp_path, bundle):
    other = load_bundle(tiny_bundle(tmp_path / "m", seed=1))
    assert generate(bundle, 2, bars=2) != generate(other, 2, bars=2)


def test_generate_is_compose_without_the_story(bundle):
    assert generate(bundle, 3, seed=8, bars=1) == [
        p.score for p in compose(bundle, 3, seed=8, bars=1)
    ]


def test_the_story_of_a_piece(bundle):
    pieces = compose(bundle, 2, seed=6, bars=2, key=Key(4))
    assert [(p.index, p.seed) for p in pieces] == [(0, 6), (1, 6)]
    for piece in pieces:
        assert piece.copied is not None
        assert piece.score.key == piece.plan.conditions.key == Key(4)


# --- wishes ---------------------------------------------------------------------------------


def test_wishes_are_written_into_the_score(bundle):
    wishes = {
        "key": Key(1, "minor"),
        "meter": "3/4",
        "tempo": 77.0,
        "style": "dance",
        "programs": {"tenor": 71},
    }
    for score in generate(bundle, 4, bars=2, **wishes):
        assert score.key == Key(1, "minor")
        assert score.meter_map.meters == (Meter(0, 3, 4),)
        assert (score.bpm, score.style) == (77.0, "dance")
        assert [part.program for part in score.parts] == [52, 52, 71, 52]


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"count": 0}, "0 pieces cannot be composed; ask for 1 to 10000"),
        ({"count": 10_001}, "10001 pieces"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"bars": 0}, "0 bars"),
        ({"style": "tango"}, "it knows: dance, plain"),
        ({"meter": "7/8"}, "it knows: 3/4, 4/4, 6/8"),
        ({"programs": {"oboe": 68}}, "it has: soprano, alto, tenor, bass"),
    ],
)
def test_what_cannot_be_is_refused(bundle, wishes, message):
    with pytest.raises(RequestError, match=message):
        compose(bundle, **wishes)


# --- sampling -------------------------------------------------------------------------------


def test_a_bundle_s_own_sampling_is_the_default(tmp_path, bundle):
    assert bundle_sampling(bundle) == dict(DEFAULT_SAMPLING)
    cold = load_bundle(
        tiny_bundle(tmp_path / "m", sampling={"pitch": {"temperature": 0.01, "top_k": 1}})
    )
    own = bundle_sampling(cold)
    assert own[Field.PITCH] == Sampling(temperature=0.01, top_k=1)
    assert own[Field.SHIFT] == DEFAULT_SAMPLING[Field.SHIFT]
    (piece,) = compose(cold, bars=8, seed=1)
    assert piece.sampling == own
    assert piece.score != compose(bundle, bars=8, seed=1)[0].score


def test_how_candidates_are_taken_is_the_bundle_s_own_too(tmp_path, bundle):
    assert bundle_resampling(bundle) == Resampling()
    sampling = {"resampling": {"candidates": 3, "pitch_weight": 2.0}}
    own = load_bundle(tiny_bundle(tmp_path / "m", sampling=sampling))
    assert bundle_resampling(own) == Resampling(3, pitch_weight=2.0)
    assert bundle_resampling(own, {"candidates": 1}) == Resampling(1, pitch_weight=2.0)
    assert bundle_sampling(own) == dict(DEFAULT_SAMPLING)
    (piece,) = compose(own, bars=2, seed=1)
    assert piece.resampling == Resampling(3, pitch_weight=2.0)
    assert piece.score != compose(own, bars=2, seed=1, resampling=Resampling(1))[0].score


@pytest.mark.parametrize("stored", [{"candidates": 0}, {"candidates": True}, {"best": 1}, [8]])
def test_a_bundle_that_says_nonsense_of_it_is_damaged(tmp_path, stored):
    broken = load_bundle(tiny_bundle(tmp_path / "m", sampling={"resampling": stored}))
    with pytest.raises(BundleError, match="resampling"):
        compose(broken, bars=1)


def test_what_is_asked_comes_before_the_bundle_s_own(tmp_path):
    cold = load_bundle(tiny_bundle(tmp_path / "m", sampling={"pitch": {"temperature": 0.01}}))
    hot = Sampling(temperature=2.0)
    assert set(compose(cold, bars=1, sampling=hot)[0].sampling.values()) == {hot}
    some = compose(cold, bars=1, sampling={Field.SHIFT: hot})[0].sampling
    assert some[Field.SHIFT] == hot
    assert some[Field.PITCH] == Sampling(temperature=0.01)


def test_choosing_the_likeliest_leaves_nothing_to_chance(bundle):
    greedy = Sampling(top_k=1)
    wishes = {"bars": 2, "key": Key(0), "meter": "3/4", "tempo": 90.0, "sampling": greedy}
    assert len({piece.score for piece in compose(bundle, 8, **wishes)}) == 1


# --- on the way -----------------------------------------------------------------------------


def test_progress_comes_to_its_end(bundle):
    seen = []
    compose(bundle, 5, bars=6, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (30, 30)
    assert {total for _, total in seen} == {30}
    assert all(0 <= done <= 30 for done, _ in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_progress_counts_all_batches(bundle):
    seen = []
    compose(bundle, 70, bars=1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (70, 70)
    assert {total for _, total in seen} == {70}


def test_a_copy_is_reported(tmp_path):
    """A model of one part and one pitch cannot but copy its ostinato."""
    rows = [[24 * n, 24, 60, 80, 0] for n in range(64)]
    ostinato = score_of(rows, [Part(name="bell")], source="ostinato")
    bundle = load_bundle(tiny_bundle(tmp_path / "m", [ostinato]))
    weights = {name: np.zeros_like(value) for name, value in bundle.weights.items()}
    weights["head.shift.out_bias"][24] = 50
    weights["head.duration.out_bias"][23] = 50
    (piece,) = compose(replace(bundle, weights=weights), bars=4, seed=1)
    assert piece.copied.source == "ostinato"
    assert piece.copied.notes >= 15


# --- for as long as it likes ----------------------------------------------------------------


def test_a_state_does_not_grow(bundle):
    """What the decoder and the rules carry has one size at every row; a note is 20 bytes."""
    state = bundle.decoder.start([Conditions()] * 2, (0, 1, 2, 3), 2, meter_map=MeterMap())
    rules = SoftRules.start(bundle.vocabulary, [MeterMap()] * 2, [10**5] * 2)
    draws = Draws([np.random.default_rng(number) for number in range(2)], 2)
    onsets = Onsets(bundle, state, rules, draws, DEFAULT_SAMPLING, Resampling(2))
    sizes = set()
    for row in range(600):
        onsets.step()
        if row > 5:
            sizes.add(len(pickle.dumps((onsets.state, onsets.rules))))
    assert max(sizes) - min(sizes) < 50  # small numbers are shorter than large ones


def test_a_state_stays_as_it_is(bundle):
    """Whatever is asked of it and however it goes on: particles share their past."""
    decoder = bundle.decoder
    state = decoder.start(Conditions(), (0, 1, 2, 3), 2)
    event = np.array([[0, 0, 60, 11, 20], [24, 1, 62, 11, 20]], np.int32)
    before = [decoder.log_probs(state, field, event) for field in Field]
    other = np.array([[12, 2, 40, 5, 1], [0, 3, 43, 192, 3]], np.int32)
    one = decoder.advance(state, event)
    decoder.advance(decoder.advance(state, other), other)
    assert not any(
        np.array_equal(decoder.log_probs(state, field, other), logs)
        for field, logs in zip(list(Field)[1:4], before[1:4], strict=True)
    )
    for field, logs in zip(Field, before, strict=True):
        assert np.array_equal(decoder.log_probs(state, field, event), logs)
    again = decoder.advance(state, event)
    assert np.array_equal(again.output, one.output)
    assert all(np.array_equal(a, b) for a, b in zip(again.tracker, one.tracker, strict=True))


# --- the beginning --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "triad"), [("C major", {0, 4, 7}), ("A minor", {9, 0, 4}), ("Eb major", {3, 7, 10})]
)
def test_a_piece_begins_with_the_triad_of_its_key(bundle, name, triad):
    for piece in compose(bundle, 12, bars=2, seed=2, key=Key.parse(name)):
        notes = piece.score.notes
        first = notes[notes[:, Column.ONSET] == notes[:, Column.ONSET].min()]
        assert set((first[:, Column.PITCH] % 12).tolist()) <= triad
