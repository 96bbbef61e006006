"""The verdict: rule by rule on evidence made up, and as a whole on models spoiled on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import decode, encode
from musiclstm.evaluation import NGram
from musiclstm.evaluation.evidence import Evidence, Moment, Sampled, gather, learning_curve, some
from musiclstm.evaluation.order import shuffled
from musiclstm.evaluation.verdict import RULES, judge
from musiclstm.generation import compose
from musiclstm.generation.typical import Usual
from musiclstm.model import load_bundle
from musiclstm.model.bundle import HISTORY
from musiclstm.model.pieces import encoded, read_pieces
from musiclstm.training import train
from tests.bundles import chorale, tiny_bundle
from tests.training.tiny import TINY, corpus_of

GOOD = Evidence(
    notes=50_000,
    train=1.0,
    held_out=1.4,
    counting=6.8,
    ngram=1.8,
    order=3.5,
    ngram_order=2.7,
    curve=tuple(Moment(n, 2 - n / 20, 1.4 + 0.3 / (n + 1)) for n in range(12)),
    sampled=Sampled(pieces=8, unfinished=0.0, entropy=2.9, repeats=4.0, copied=0.0, longest=12),
    usual_entropy=3.0,
    usual_repeats=3.0,
    usual_nats=Usual(1.4, 0.25),
)
TURNING = tuple(Moment(n, 3 - n / 4, 1.5 + 0.02 * (n - 4) ** 2) for n in range(10))
FALLING = tuple(Moment(n, 3 - n / 5, 3 - n / 6) for n in range(10))


def rules(evidence):
    return [finding.rule for finding in judge(evidence).findings]


def test_a_good_model_is_good():
    verdict = judge(GOOD)
    assert (verdict.mood, rules(GOOD)) == ("good", ["learned"])


@pytest.mark.parametrize(
    ("changes", "first", "mood"),
    [
        ({"held_out": 5.0, "order": 1.2}, "not_learned", "bad"),
        ({"held_out": 6.9, "ngram": None, "ngram_order": None}, "not_learned", "bad"),
        ({"held_out": 2.0, "order": 0.3}, "not_learned", "bad"),  # pitches at random
        ({"held_out": 2.0}, "not_better_than_counting_runs", "bad"),
        ({"order": 0.02, "ngram_order": -0.02}, "order_means_nothing", "bad"),
        ({"train": 0.3}, "by_heart", "bad"),
        ({"curve": TURNING}, "since_when", "mixed"),
        ({"curve": FALLING}, "still_gaining", "mixed"),
        ({"notes": 3_000}, "little_music", "mixed"),
        ({"held_out": None}, "nobody_knows", "mixed"),
        ({"held_out": 5.0, "ngram": None, "train": None}, "another_kind", "mixed"),
        ({"sampled": GOOD.sampled._replace(copied=0.5, longest=80)}, "copies", "bad"),
        ({"sampled": GOOD.sampled._replace(entropy=1.0)}, "repeats", "bad"),
        ({"sampled": GOOD.sampled._replace(repeats=20.0)}, "repeats", "bad"),
        ({"sampled": GOOD.sampled._replace(unfinished=0.5)}, "gets_stuck", "bad"),
        ({"sampled": GOOD.sampled._replace(strange=(("polyphony", -9.0),))}, "strange", "mixed"),
    ],
)
def test_each_rule_hears_its_own_fault(changes, first, mood):
    verdict = judge(replace(GOOD, **changes))
    assert (verdict.findings[0].rule, verdict.mood) == (first, mood)


def test_a_verdict_says_since_when_and_what_to_do():
    finding = judge(replace(GOOD, curve=TURNING)).findings[0]
    assert "since epoch 4" in finding.title
    assert "will not help" in finding.advice
    assert "Train longer" in judge(replace(GOOD, curve=FALLING, held_out=2.0)).findings[0].advice


def test_rules_are_silent_without_evidence():
    assert all(rule(Evidence()) is None for rule in RULES if rule.__name__ != "nobody_knows")
    assert judge(Evidence()).mood == "mixed"


def test_every_rule_says_why():
    assert all(rule.__doc__ and len(rule.__doc__) > 40 for rule in RULES)


# --- models ---------------------------------------------------------------------------------


def verdict_on(bundle, train_on, others):
    v = bundle.vocabulary
    ngram = NGram.fit(train_on, v)
    return judge(gather(bundle, train_on, others, compose(bundle, 2, bars=4), ngram))


@pytest.fixture(scope="module")
def chorales():
    bundle = load_bundle("chorales")
    pieces = read_pieces(bundle, None)
    return (
        bundle,
        encoded(bundle, pieces.some("train", 40)),
        encoded(bundle, pieces.some("valid", 8)),
    )


def test_the_model_that_ships_has_learned(chorales):
    bundle, own, others = chorales
    samples = compose(bundle, 4, bars=8, seed=1)
    evidence = gather(bundle, own, others, samples, NGram.fit(own, bundle.vocabulary))
    verdict = judge(evidence)
    assert (verdict.mood, verdict.findings[0].rule) == ("good", "learned")
    assert 0.8 < evidence.train < evidence.held_out < evidence.ngram < evidence.counting
    assert evidence.order > 2


def test_music_of_another_kind_is_told_from_its_own(chorales):
    folk = load_bundle("folk")
    _, _, others = chorales
    pieces = encoded(folk, [decode(piece, chorales[0].vocabulary) for piece in others])
    verdict = judge(gather(folk, [], pieces, []))
    assert "another_kind" in [finding.rule for finding in verdict.findings]
    assert verdict.mood != "good"


def test_random_weights_have_learned_nothing(tmp_path):
    bundle = load_bundle(tiny_bundle(tmp_path / "random"))
    own, others = ([*map(bundle_piece(bundle), range(*of))] for of in ((0, 6), (60, 63)))
    verdict = verdict_on(bundle, own, others)
    assert verdict.mood == "bad"
    assert verdict.findings[0].rule == "not_learned"


def bundle_piece(bundle):
    return lambda number: encoded(bundle, [chorale(f"p{number}", seed=number)])[0]


def test_a_model_trained_on_shuffled_notes_hears_no_order(chorales):
    """What a perfect student of shuffled music would be: it knows all but the order."""
    bundle, own, others = chorales
    rng = np.random.default_rng(0)
    v = bundle.vocabulary
    mixed_own, mixed = (
        [encode(shuffled(decode(piece, v), rng), v) for piece in pieces]
        for pieces in (own[:10], others)
    )
    evidence = gather(bundle, [], mixed, [], NGram.fit(mixed_own, v))
    assert abs(evidence.ngram_order) < 0.15  # the music has none
    assert judge(evidence).mood == "bad"


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory):
    """Eleven pieces, no dropout, and no end before it is far too late."""
    network = replace(
        TINY.network, units=32, dropout=0.0, head_dropout=0.0, feature_dropout=0.0, noise=0.0
    )
    config = replace(
        TINY, network=network, steps=160, evaluations=16, patience=16, samples=0, weight_decay=0.0,
        learning_rate=0.03, valid_share=0.3,
    )  # fmt: skip
    out = tmp_path_factory.mktemp("models") / "overfitted"
    pieces = tuple(replace(chorale(f"p{n}", seed=n), source=f"p{n}.mid") for n in range(11))
    return train(corpus_of(pieces), config, out), pieces


def test_a_model_that_learns_by_heart_is_told_so(overfitted):
    bundle, _ = overfitted
    verdict = judge(gather(bundle, [], [], []))
    assert "since_when" in [finding.rule for finding in verdict.findings]
    assert verdict.mood != "good"


def test_a_model_of_two_steps_is_told_to_train_longer(tmp_path):
    config = replace(TINY, steps=2, evaluations=1, samples=0)
    pieces = tuple(replace(chorale(f"p{n}", seed=n), source=f"p{n}.mid") for n in range(12))
    bundle = train(corpus_of(pieces), config, tmp_path / "young")
    own, others = encoded(bundle, pieces[:8]), encoded(bundle, pieces[8:])
    finding = verdict_on(bundle, own, others).findings[0]
    assert (finding.rule, finding.mood) == ("not_learned", "bad")
    assert "Train longer" in finding.advice


# --- evidence -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "step\n1\n", "epoch,train_nats,valid_nats\nx,1,2\n", "\0", "é"]
)
def test_a_learning_curve_that_makes_no_sense_is_none(tmp_path, text):
    bundle = load_bundle(tiny_bundle(tmp_path / "model"))
    (bundle.path / HISTORY).write_text(text, encoding="latin-1")
    assert learning_curve(bundle) == ()


def test_some_pieces_are_as_many_as_were_asked_for(chorales):
    bundle, own, _ = chorales
    few = some(own, bundle.vocabulary, 1500)
    assert 2 <= len(few) < len(own)
    assert sum(len(piece.events) for piece in few) < 2500
