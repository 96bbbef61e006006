"""A whole training, small enough for a test: it learns, it resumes, it repeats itself."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from musiclstm.errors import TrainingError
from musiclstm.generation import generate
from musiclstm.ingest import Corpus, FileReport, IngestReport
from musiclstm.model import NetworkConfig, load_bundle
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo
from musiclstm.training import Silent, TrainingConfig, train
from musiclstm.training.checkpoint import load_checkpoint

pytest.importorskip("tensorflow")

TINY = TrainingConfig(
    NetworkConfig(units=16, onset_units=8, voice_units=8, head_units=16, dropout=0.1),
    steps=12,
    lanes=4,
    window=16,
    learning_rate=0.02,
    average=0.8,
    evaluations=3,
    samples=1,
    valid_share=0.2,
)


def piece(number):
    """A melody in quarters over a bass in whole notes: alike in rhythm, apart in pitches."""
    rng = np.random.default_rng(number)
    notes = []
    for bar in range(8):
        for beat in range(4):
            pitch = 60 + int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12]))
            notes.append([96 * bar + 24 * beat, 24, pitch, 80, 0])
        notes.append([96 * bar, 96, 40 + int(rng.integers(0, 5)), 70, 1])
    return Score.build(
        notes,
        [Part(program=0, name="melody"), Part(program=32, name="bass")],
        meter_map=MeterMap((Meter(0, 4, 4),)),
        tempos=(Tempo(0, 100.0),),
        key=Key(number % 12),
        source=f"piece{number}.mid",
    )[0]


@pytest.fixture(scope="module")
def corpus():
    scores = tuple(piece(number) for number in range(8))
    files = tuple(FileReport(s.source, f"{n:064x}", notes=40) for n, s in enumerate(scores))
    return Corpus(scores, IngestReport(files))


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    return train(corpus, TINY, tmp_path_factory.mktemp("models") / "tiny")


class Interrupting(Silent):
    """Presses Ctrl-C after some steps, and remembers what was said."""

    def __init__(self, at):
        self.at = at
        self.words = []

    def stepped(self, progress):
        if progress.step == self.at:
            raise KeyboardInterrupt

    def said(self, message):
        self.words.append(message)


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


def test_it_learns(trained):
    rows = list(csv.DictReader((trained.path / "history.csv").read_text().splitlines()))
    nats = [float(row["valid_nats"]) for row in rows]
    assert [int(row["step"]) for row in rows] == [4, 8, 12]
    assert nats[-1] < nats[0] - 0.1


def test_what_is_reported_is_what_the_decoder_computes(trained, corpus):
    from musiclstm.encoding import encode  # noqa: PLC0415

    held_out = [p["source"] for p in trained.corpus["pieces"] if p["split"] == "valid"]
    pieces = [encode(s, trained.vocabulary) for s in corpus.scores if s.source in held_out]
    nats = sum(float(trained.decoder.score(p).sum()) for p in pieces)
    notes = sum(p.n_notes for p in pieces)
    assert trained.results["valid_nats_per_note"] == pytest.approx(nats / notes, abs=1e-3)


def test_the_model_composes(trained):
    scores = generate(trained, 2, bars=4, seed=1)
    assert [score.bars for score in scores] == [4, 4]
    assert {part.name for part in scores[0].parts} == {"melody", "bass"}


def test_the_same_seed_gives_the_same_weights(trained, corpus, tmp_path):
    again = train(corpus, TINY, tmp_path / "again")
    assert again.digest == trained.digest
    other = train(corpus, replace(TINY, seed=1, steps=2), tmp_path / "other")
    assert other.digest != trained.digest


def curve(folder):
    """The learning curve without what depends on the clock."""
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    clock = ("seconds", "notes_per_second")
    return [{name: value for name, value in row.items() if name not in clock} for row in rows]


def test_interrupted_and_resumed_equals_unbroken(trained, corpus, tmp_path):
    """Stopped between evaluations, it has the same weights as a run that never stopped."""
    out = tmp_path / "broken"
    reporter = Interrupting(at=9)
    stopped = train(corpus, TINY, out, reporter=reporter)
    assert "stopped by hand at step 9" in stopped.config["status"]
    assert any("--resume" in words for words in reporter.words)
    assert generate(stopped, bars=2)[0].bars == 2
    resumed = train(corpus, TINY, out, resume=True)
    weights = trained.weights
    assert all(np.array_equal(resumed.weights[name], weights[name]) for name in weights)
    assert curve(out) == curve(trained.path)


def test_resuming_says_that_the_corpus_changed(trained, corpus, tmp_path):
    out = tmp_path / "changed"
    train(corpus, TINY, out, reporter=Interrupting(at=5))
    fewer = Corpus(corpus.scores[:-1], IngestReport(corpus.report.files[:-1]))
    reporter = Interrupting(at=-1)
    train(fewer, TINY, out, resume=True, reporter=reporter)
    assert any("corpus has changed" in words for words in reporter.words)


def test_resuming_a_finished_training_changes_nothing(trained, corpus, tmp_path):
    out = tmp_path / "finished"
    first = train(corpus, TINY, out)
    again = train(corpus, TINY, out, resume=True)
    assert again.digest == first.digest == trained.digest


def test_resuming_chooses_the_same_music(corpus, tmp_path):
    out = tmp_path / "chosen"
    left_out = corpus.scores[0].source
    train(corpus, TINY, out, parts=["1"], leave_out=left_out.__eq__, reporter=Interrupting(at=5))
    resumed = train(corpus, TINY, out, resume=True)
    assert [part.name for part in resumed.vocabulary.parts] == ["bass"]
    assert all(piece["notes"] == 8 for piece in resumed.corpus["pieces"])
    assert left_out not in {piece["source"] for piece in resumed.corpus["pieces"]}


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
    reporter = Interrupting(at=-1)
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
    with pytest.raises(TrainingError, match="no part 'horn'; it has: 0 melody, 1 bass"):
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
