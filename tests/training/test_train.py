"""A whole training, small enough for a test: it learns, and it repeats itself."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from musiclstm.encoding import encode
from musiclstm.errors import TrainingError
from musiclstm.generation import Typical, generate
from musiclstm.ingest import Corpus
from musiclstm.model import load_bundle
from musiclstm.score import Score
from musiclstm.training import TrainingConfig, train
from musiclstm.training.checkpoint import load_checkpoint
from tests.training.tiny import TINY, Listener

pytest.importorskip("tensorflow")


def test_a_bundle_comes_out(trained):
    names = {path.name for path in trained.path.iterdir()}
    assert names == {
        "config.json",
        "vocabulary.json",
        "model.safetensors",
        "corpus.json",
        "novelty.npz",
        "history.csv",
        "README.md",
        "checkpoint",
        "samples",
    }
    assert trained.config["status"] == "finished"
    assert trained.results["train_pieces"] + trained.results["valid_pieces"] == 8
    assert "nats a note" in (trained.path / "README.md").read_text()
    assert list((trained.path / "samples").glob("*.mid"))


def test_the_verdict_stands_in_the_card(trained):
    card = (trained.path / "README.md").read_text()
    assert "The verdict: " in card
    assert "Train longer." in card  # twelve steps are not enough, whatever is learned


def test_it_learns(trained):
    rows = list(csv.DictReader((trained.path / "history.csv").read_text().splitlines()))
    nats = [float(row["valid_nats"]) for row in rows]
    assert [int(row["step"]) for row in rows] == [4, 8, 12]
    assert nats[-1] < nats[0] - 0.1


def test_what_is_reported_is_what_the_decoder_computes(trained, corpus):
    held_out = [p["source"] for p in trained.corpus["pieces"] if p["split"] == "valid"]
    pieces = [encode(s, trained.vocabulary) for s in corpus.scores if s.source in held_out]
    nats = sum(float(trained.decoder.score(p).sum()) for p in pieces)
    notes = sum(p.n_notes for p in pieces)
    assert trained.results["valid_nats_per_note"] == pytest.approx(nats / notes, abs=1e-3)


def test_what_is_typical_is_that_of_the_final_weights(trained, corpus):
    splits = {piece["source"]: piece["split"] for piece in trained.corpus["pieces"]}
    pieces = {"train": [], "valid": []}
    for score in corpus.scores:
        pieces[splits[score.source]].append(encode(score, trained.vocabulary))
    found = Typical.of_pieces(trained, pieces["train"], pieces["valid"])
    assert found.nats is not None
    assert Typical.of_bundle(load_bundle(trained.path)) == found


def test_the_model_composes(trained):
    scores = generate(trained, 2, bars=4, seed=1)
    assert [score.bars for score in scores] == [4, 4]
    assert {part.name for part in scores[0].parts} == {"melody", "bass"}


def test_the_same_seed_gives_the_same_weights(trained, corpus, tmp_path):
    again = train(corpus, TINY, tmp_path / "again")
    assert again.digest == trained.digest
    other = train(corpus, replace(TINY, seed=1, steps=2), tmp_path / "other")
    assert other.digest != trained.digest


def test_pieces_without_the_parts_are_left_out(corpus, tmp_path):
    scores = (*corpus.scores[:-1], corpus.scores[-1].keep_parts([1]))
    bundle = train(
        Corpus(scores, corpus.report), replace(TINY, steps=1), tmp_path / "m", parts=["melody"]
    )
    assert len(bundle.corpus["pieces"]) == 7


def test_fine_tuning_learns_new_habits(trained, corpus, tmp_path):
    chords = []
    for score in corpus.scores:
        third = score.notes[score.notes[:, 4] == 0].copy()
        third[:, 2] += 30
        chords.append(
            Score.build(np.concatenate([score.notes, third]), score.parts, source=score.source)[0]
        )
    assert trained.vocabulary.parts[0].monophonic
    tuned = train(
        Corpus(tuple(chords), corpus.report),
        replace(TINY, steps=1),
        tmp_path / "chords",
        init_from=trained,
    )
    melody = tuned.vocabulary.parts[0]
    assert (melody.monophonic, melody.chord) == (False, 2)
    assert melody.high >= 90


def test_fine_tuning_keeps_the_vocabulary_and_names_new_styles(trained, corpus, tmp_path):
    styled = tuple(replace(score, style="march") for score in corpus.scores)
    reporter = Listener()
    tuned = train(
        Corpus(styled, corpus.report),
        replace(TINY, steps=2),
        tmp_path / "tuned",
        init_from=trained,
        reporter=reporter,
    )
    assert tuned.vocabulary.parts == trained.vocabulary.parts
    assert "march" in tuned.vocabulary.style_names
    assert any("pitch" in words for words in reporter.words), "coverage is reported"
    assert tuned.config["data"]["init_from"] == trained.digest


def test_minutes_become_steps(corpus, tmp_path):
    bundle = train(corpus, replace(TINY, steps=0), tmp_path / "timed", minutes=0.01)
    assert bundle.config["training"]["steps"] >= 7


def test_no_shape_is_traced_twice(corpus, tmp_path):
    from musiclstm.training.batches import BatchMaker  # noqa: PLC0415
    from musiclstm.training.corpus import prepare_corpus  # noqa: PLC0415
    from musiclstm.training.step import Trainer  # noqa: PLC0415

    data = prepare_corpus(corpus, valid_share=0.2, seed=0)
    trainer = Trainer(TINY, data.vocabulary)
    maker = BatchMaker(data.of("train"), data.vocabulary, TINY.lanes, TINY.window, augment=True)
    schedule = maker.training_schedule(0)
    for _ in range(5):
        trainer.train(maker.make(next(schedule)))
    assert trainer.traces == 1


def test_choosing_parts(corpus, tmp_path):
    bundle = train(corpus, replace(TINY, steps=1), tmp_path / "bass", parts=["bass"])
    assert [part.name for part in bundle.vocabulary.parts] == ["bass"]
    with pytest.raises(TrainingError, match="no part 'horn'; it has: 1 melody, 2 bass"):
        train(corpus, TINY, tmp_path / "horn", parts=["horn"])


def test_refusals(trained, corpus, tmp_path):
    with pytest.raises(TrainingError, match="holds a model already"):
        train(corpus, TINY, trained.path)
    with pytest.raises(TrainingError, match="no checkpoint to resume"):
        train(corpus, TINY, tmp_path / "nothing", resume=True)
    with pytest.raises(TrainingError, match="no music is left"):
        train(corpus, TINY, tmp_path / "none", leave_out=lambda _: True)
    (tmp_path / "bad" / "checkpoint").mkdir(parents=True)
    (tmp_path / "bad" / "checkpoint" / "state.safetensors").write_bytes(b"no")
    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(tmp_path / "bad")


def test_config_json_says_everything(trained):
    config = json.loads((trained.path / "config.json").read_text())
    assert TrainingConfig.from_dict(config["training"]) == TINY
    assert {"musiclstm", "keras", "tensorflow", "python"} <= set(config["versions"])
    assert load_bundle(trained.path).digest == trained.digest


def test_the_verdict_is_told(corpus, tmp_path):
    listener = Listener()
    train(corpus, replace(TINY, samples=0), tmp_path / "model", reporter=listener)
    assert listener.verdict is not None
    assert listener.verdict.mood in ("mixed", "bad")
    assert listener.verdict.findings[0].title == listener.verdict.title
