"""The rivals of the likelihood benchmark: exact, masked, and blind to what is to come."""

# ruff: noqa: E402 (without PyTorch nothing of this can be imported)

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.rivals import training
from benchmarks.rivals.corpora import judged_pieces, losses, music_of, split_of
from benchmarks.rivals.hmm import HMM
from benchmarks.rivals.judging import JudgedPieces
from benchmarks.rivals.recurrent import Recurrent
from benchmarks.rivals.training import Choice, Course, Shape, judge
from benchmarks.rivals.transformer import Transformer, count, width_for
from musiclstm.encoding import CONDITION_NAMES, Field, build_vocabulary, encode, prepare
from musiclstm.errors import TrainingError
from musiclstm.training.batches import BatchMaker
from tests.bundles import chorale, chorales
from tests.training.tiny import corpus_of, piece

WINDOW = 16
KINDS = ["rnn", "gru", "lstm", "gpt", "gpt_context"]


@pytest.fixture(scope="module")
def corpus():
    music = [*chorales(), *(chorale(f"more{n}", seed=20 + n, bars=3 + n) for n in range(4))]
    vocabulary = build_vocabulary(music)
    pieces = [encode(score, vocabulary) for score in music]
    return vocabulary.with_counts([piece.events for piece in pieces]), pieces


@pytest.fixture(scope="module")
def models(corpus):
    """All of them with weights that say something of everything."""
    vocabulary, _ = corpus
    torch.manual_seed(0)
    made = {}
    for kind in KINDS:
        if kind.startswith("gpt"):
            units = (7, 6, 5)
            context = kind == "gpt_context"
            model = Transformer(
                vocabulary, width=16, layers=2, context=context, context_units=units
            )
        else:
            model = Recurrent(kind, vocabulary, units=8, layers=2, head_units=9, dropout=0.1)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.normal_(std=0.3)
        made[kind] = model.eval()
    return made


def batch_of(piece, vocabulary, lanes=2):
    maker = JudgedPieces.of([piece] * lanes, vocabulary, lanes, len(piece.events), 0)
    (batch,) = maker
    return batch


def nats_of(model, piece, vocabulary):
    """Nats of a piece in one window, float ``(rows, 5)``."""
    with torch.no_grad():
        nats, _ = model(training.tensors(batch_of(piece, vocabulary)), None)
    assert torch.allclose(nats[0], nats[1], atol=1e-6)
    return nats[0].numpy()


# --- networks -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 6, 13])
def test_the_future_changes_nothing_before_it(models, corpus, kind, cut):
    """Another future, of the same length: no field before it is more or less likely."""
    vocabulary, pieces = corpus
    model, first = models[kind], pieces[0]
    other = encode(chorale("other", seed=77, bars=4), vocabulary).events
    events = np.concatenate([first.events[:cut], other[cut : len(first.events) - 1]])
    events = np.concatenate([events, first.events[-1:]])
    events[cut, Field.SHIFT] = 30
    assert not np.array_equal(events[cut:], first.events[cut : len(events)])
    nats = nats_of(model, first, vocabulary)
    changed = nats_of(model, replace(first, events=events), vocabulary)
    np.testing.assert_allclose(nats[:cut], changed[:cut], atol=1e-4)
    assert not np.allclose(nats[cut], changed[cut], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", [Field.PITCH, Field.DURATION, Field.VELOCITY])
def test_a_field_is_not_told_to_those_before_it(models, corpus, kind, field):
    """Change a field in the middle: those before it in its row stay as likely as they were."""
    vocabulary, pieces = corpus
    first, row = pieces[0], 9
    events = first.events[: row + 1].copy()
    events = np.concatenate([events, first.events[-1:]])
    other = events.copy()
    other[row, field] += 2
    nats = nats_of(models[kind], replace(first, events=events), vocabulary)
    changed = nats_of(models[kind], replace(first, events=other), vocabulary)
    np.testing.assert_allclose(nats[:row], changed[:row], atol=1e-4)
    np.testing.assert_allclose(nats[row, :field], changed[row, :field], atol=1e-4)
    assert abs(nats[row, field] - changed[row, field]) > 1e-3
    if field < Field.VELOCITY:  # what comes after is told
        assert abs(nats[row, field + 1 :] - changed[row, field + 1 :]).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", [Field.PITCH, Field.DURATION, Field.VELOCITY])
@pytest.mark.parametrize("rows", [8, 12])
def test_the_legal_ids_sum_to_1(models, corpus, kind, field, rows):
    """A piece for each legal value: no field may be told to itself."""
    vocabulary, pieces = corpus
    events = pieces[0].events[:rows]
    whole = replace(pieces[0], events=np.concatenate([events, pieces[0].events[-1:]]))
    row = rows - 1
    legal = prepare(whole, vocabulary).legal[row + 1, vocabulary.slices[field]]
    each = []
    for value in np.flatnonzero(legal):
        other = whole.events.copy()
        other[row, field] = value
        if field == Field.DURATION and value == vocabulary.tie:  # and the note goes on
            other = np.concatenate([other[:-1], other[row : row + 1], other[-1:]])
            other[row + 1, Field.SHIFT] = other[row + 1, Field.DURATION] = 0
        each.append(replace(whole, events=other))
    judged = JudgedPieces.of(each, vocabulary, len(each), rows + 2, 0)
    (batch,) = judged
    with torch.no_grad():
        nats, _ = models[kind](training.tensors(batch), None)
    total = float(torch.exp(-nats[:, row, field].double()).sum())
    assert total == pytest.approx(1, abs=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_illegal_id_is_impossible(models, corpus, kind):
    vocabulary, pieces = corpus
    batch = batch_of(pieces[0], vocabulary, lanes=1)
    batch["legal"][0, 3, vocabulary.slices[Field.PITCH]][batch["targets"][0, 3, Field.PITCH]] = 0
    with torch.no_grad():
        nats, _ = models[kind](training.tensors(batch), None)
    assert nats[0, 3, Field.PITCH] > 1e6


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_windows_go_on_where_the_last_ended(models, corpus, kind):
    """The state is carried: windows of any length say what one long one says."""
    vocabulary, pieces = corpus
    whole = JudgedPieces.of(pieces, vocabulary, len(pieces), 4096, 0)
    parts = JudgedPieces.of(pieces, vocabulary, 2, 8, 0)
    np.testing.assert_allclose(judge(models[kind], whole), judge(models[kind], parts), rtol=1e-4)


@pytest.mark.parametrize("kind", ["gpt", "gpt_context"])
def test_a_row_in_a_window_sees_the_rows_before_it_in_the_window(models, corpus, kind):
    vocabulary, pieces = corpus
    nats = nats_of(models[kind], pieces[0], vocabulary)
    events = pieces[0].events.copy()
    events[2, Field.VELOCITY] += 7
    changed = nats_of(models[kind], replace(pieces[0], events=events), vocabulary)
    assert not np.allclose(nats[12], changed[12], atol=1e-6)


def test_conditions_are_heard(models, corpus):
    vocabulary, pieces = corpus
    batch = training.tensors(batch_of(pieces[0], vocabulary))
    for kind in KINDS:
        batch["conditions"][:, 0] = 1
        with torch.no_grad():
            one, _ = models[kind](batch, None)
            batch["conditions"][:, 0] = 2
            two, _ = models[kind](batch, None)
        assert not torch.allclose(one, two, atol=1e-5)


def test_the_decoder_gets_the_weights_that_it_is_to_have(corpus):
    vocabulary, _ = corpus
    for context in (False, True):
        width = width_for(1_000_000, vocabulary, context=context, units=(32, 32, 32))
        model = Transformer(vocabulary, width=width, context=context, context_units=(32, 32, 32))
        assert abs(count(model) - 1_000_000) < 120_000


# --- training -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "gpt_context"])
def test_a_little_training_helps_and_is_kept(models, kind, tmp_path):
    music = tiny_music()

    def build(dropout):
        if kind == "lstm":
            return Recurrent(
                "lstm", music.vocabulary, units=16, layers=1, head_units=16, dropout=dropout
            )
        return Transformer(
            music.vocabulary, width=16, layers=1, context=True, context_units=(8, 8, 8)
        )

    shape = Shape(4, WINDOW, WINDOW // 2 if kind != "lstm" else 0)
    course = Course(build, music, Choice(0.1, 0.02), shape, seconds=1e9, seed=0, folder=tmp_path)
    untrained = float(judge(course.model, course.held_out).sum())
    batches = course._batches()
    for _ in range(12):
        assert course._step(next(batches), 0.0)
    batches.close()
    course._evaluate(lambda: 1.0)
    course._save()
    assert course.progress.best_nats < untrained
    again = Course(build, music, Choice(0.1, 0.02), shape, seconds=0, seed=0, folder=tmp_path)
    best = again.run(lambda _: None)
    assert again.progress.step == 12
    again.model.load_state_dict(best)
    assert float(judge(again.model, again.held_out).sum()) == pytest.approx(
        course.progress.best_nats, abs=1e-4
    )
    # other hyper-parameters are another training
    other = Course(build, music, Choice(0.2, 0.02), shape, seconds=0, seed=0, folder=tmp_path)
    other.run(lambda _: None)
    assert other.progress.step == 0
    torch.manual_seed(0)


# --- what is judged -------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [0, 3, WINDOW // 2])
def test_every_row_counts_once(corpus, overlap):
    vocabulary, pieces = corpus
    judged = JudgedPieces.of(pieces, vocabulary, 3, WINDOW, overlap)
    rows = sum(int(batch["counts"][..., Field.SHIFT].sum()) for batch in judged)
    assert rows == sum(len(each.events) for each in pieces)


def test_rows_that_count_have_enough_past(corpus):
    vocabulary, pieces = corpus
    judged = JudgedPieces.of(pieces[:1], vocabulary, 1, WINDOW, WINDOW // 2)
    batches = list(judged)
    assert len(batches) > 2
    assert batches[0]["counts"][0, :, 0].all()
    for batch in batches[1:]:
        assert not batch["counts"][0, : WINDOW // 2].any()
        assert batch["counts"][0, WINDOW // 2 :, 0].any()


def test_style_and_meter_are_given_and_nothing_else(corpus):
    vocabulary, pieces = corpus
    told = [CONDITION_NAMES.index(name) for name in ("style", "meter")]
    for batch in JudgedPieces.of(pieces, vocabulary, 2, WINDOW, 0):
        assert (np.delete(batch["conditions"], told, axis=1) == 0).all()
        assert (batch["conditions"][:, told[1]] > 0).any()  # a lane may be empty
    styled = [each for each in pieces if each.conditions.style]
    (batch, *_) = JudgedPieces.of(styled, vocabulary, 1, WINDOW, 0)
    assert batch["conditions"][0, 0] > 0


def test_judged_batches_are_those_of_training_without_its_noise(corpus):
    vocabulary, pieces = corpus
    judged = JudgedPieces.of(pieces[:1], vocabulary, 1, WINDOW, 0)
    plain = BatchMaker(pieces[:1], vocabulary, 1, WINDOW, augment=False)
    for batch, windows in zip(judged, plain.single_pass(), strict=True):
        other = plain.make(windows)
        for name in other:
            if name != "conditions":
                np.testing.assert_array_equal(batch[name], other[name])


def test_some_training_pieces_are_judged_and_all_others(corpus):
    _, pieces = corpus
    many = pieces * 200
    rows = sum(len(each.events) for each in judged_pieces(many, "train"))
    assert 20_000 < rows < 45_000
    assert len(judged_pieces(many, "valid")) == len(many)


# --- corpora --------------------------------------------------------------------------------


def tiny_music():
    scores = tuple(piece(number, bars=4) for number in range(12))
    music = corpus_of(scores)
    # the hash decides the split: 0 is test, 1 valid
    return music_of("tiny", music)


def test_hashes_decide_the_split():
    assert split_of("f" * 63 + "a") == {0: "test", 1: "valid"}.get(
        int("f" * 63 + "a", 16) % 10, "train"
    )
    music = tiny_music()
    names = {split: [each.source for each in own] for split, own in music.pieces.items()}
    assert names["test"] == ["piece0.mid", "piece10.mid"]
    assert names["valid"] == ["piece1.mid", "piece11.mid"]
    assert len(names["train"]) == 8
    assert music.facts["test"]["lost_notes"] == 0


def test_an_empty_split_is_said():
    scores = tuple(piece(number) for number in range(2, 9))
    with pytest.raises(TrainingError, match="no piece"):
        music_of("tiny", replace(corpus_of(scores), report=_renumbered(corpus_of(scores).report)))


def _renumbered(report):
    files = [
        replace(file, content_hash=f"{n + 2:064x}") if file.content_hash else file
        for n, file in enumerate(report.files)
    ]
    return replace(report, files=tuple(files))


def test_what_does_not_fit_is_counted(corpus):
    vocabulary, _ = corpus
    few = replace(vocabulary, parts=vocabulary.parts[:2], row_order=(0, 1), counts={})
    score = chorale("four parts", bars=2)
    encoded = encode(score, few)
    found = losses([score], [encoded])
    assert (found["merged_parts"], found["touched_pieces"]) == (2, 1)
    assert found["lost_notes"] == len(score.notes) - encoded.n_notes


# --- the hidden Markov model ----------------------------------------------------------------


def test_fitting_makes_the_pieces_likelier(corpus):
    vocabulary, pieces = corpus
    said = []
    start = HMM.random(vocabulary, 5, 0)
    start.fitted(pieces, rounds=6, seconds=1e9, tell=said.append)
    nats = [float(words.split()[2]) for words in said]
    assert len(nats) > 3
    assert all(after < before for before, after in pairwise(nats))


def test_the_forward_pass_by_hand(corpus):
    """Two states, three rows: the sum over all eight ways."""
    vocabulary, pieces = corpus
    model = HMM.random(vocabulary, 2, 1).fitted(pieces, rounds=2, seconds=1e9)
    first = replace(pieces[0], events=np.concatenate([pieces[0].events[:2], pieces[0].events[-1:]]))
    ready = prepare(first, vocabulary)
    seen = np.ones((3, 2))
    for row in range(3):
        for field in Field:
            if ready.counts[row + 1, field]:
                p = np.exp(model.emissions[field])
                legal = ready.legal[row + 1, vocabulary.slices[field]]
                seen[row] *= p[ready.targets[row + 1, field]] / p[legal].sum(axis=0)
    start, moves = np.exp(model.start), np.exp(model.moves)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                way = start[a] * moves[a, b] * moves[b, c]
                total += way * seen[0, a] * seen[1, b] * seen[2, c]
    assert model.nats(first).sum() == pytest.approx(-np.log(total), rel=1e-9)


def test_the_models_future_changes_nothing(corpus):
    vocabulary, pieces = corpus
    model = HMM.random(vocabulary, 4, 1).fitted(pieces[1:], rounds=3, seconds=1e9)
    whole = model.nats(pieces[0])
    shorter = replace(
        pieces[0], events=np.concatenate([pieces[0].events[:9], pieces[0].events[-1:]])
    )
    np.testing.assert_allclose(model.nats(shorter)[:9], whole[:9], rtol=1e-9)


def test_a_kept_model_is_the_same(corpus, tmp_path):
    vocabulary, pieces = corpus
    model = HMM.random(vocabulary, 4, 1)
    np.savez(tmp_path / "hmm.npz", **model.arrays())
    with np.load(tmp_path / "hmm.npz") as kept:
        again = HMM.from_arrays({name: kept[name] for name in kept.files}, vocabulary)
    np.testing.assert_array_equal(model.nats(pieces[0]), again.nats(pieces[0]))
