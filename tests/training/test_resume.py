"""However a training ends, it can be gone on with, and comes to the same weights."""

import errno
import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musiclstm.errors import TrainingError
from musiclstm.files import UnwritableError
from musiclstm.generation import generate
from musiclstm.ingest import Corpus, IngestReport
from musiclstm.model import load_bundle
from musiclstm.training import keeping, train
from musiclstm.training.checkpoint import has_checkpoint, load_progress
from musiclstm.training.place import is_shell
from tests.training.tiny import TINY, Listener, curve

pytest.importorskip("tensorflow")


class KilledError(Exception):
    """As sudden as ``kill -9``: nobody catches it, so nothing more is written."""


def killed(corpus, out, at, **wishes):
    """Train, and be killed after a step."""
    with pytest.raises(KilledError):
        train(corpus, wishes.pop("config", TINY), out, reporter=Listener(at, KilledError), **wishes)


def same(one, other):
    weights = other.weights
    assert all(np.array_equal(one.weights[name], weights[name]) for name in weights)
    assert curve(one.path) == curve(other.path)


def test_stopped_by_hand_and_resumed_equals_unbroken(trained, corpus, tmp_path):
    """Stopped between evaluations, it has the same weights as a run that never stopped."""
    out = tmp_path / "broken"
    reporter = Listener(at=9)
    stopped = train(corpus, TINY, out, reporter=reporter)
    assert "stopped by hand at step 9" in stopped.config["status"]
    assert reporter.heard("--resume")
    assert generate(stopped, bars=2)[0].bars == 2
    same(train(corpus, TINY, out, resume=True), trained)


def test_stopped_by_hand_before_the_first_evaluation(trained, corpus, tmp_path):
    out = tmp_path / "early"
    stopped = train(corpus, TINY, out, reporter=Listener(at=2))
    assert [row["step"] for row in curve(out)] == ["2"]
    assert generate(stopped, bars=1)
    same(train(corpus, TINY, out, resume=True), trained)


def test_killed_between_evaluations(trained, corpus, tmp_path, monkeypatch):
    """With a checkpoint at every step, it goes on with the step at which it was killed."""
    out = tmp_path / "killed"
    monkeypatch.setattr(keeping, "CHECKPOINT_SECONDS", 0.0)
    killed(corpus, out, at=7)
    assert load_progress(out)["step"] == 6
    killed(corpus, out, at=11, resume=True)
    reporter = Listener()
    resumed = train(corpus, TINY, out, resume=True, reporter=reporter)
    assert reporter.heard("going on at step 10 of 12")
    same(resumed, trained)


def test_killed_before_the_first_evaluation(trained, corpus, tmp_path):
    out = tmp_path / "killed"
    killed(corpus, out, at=3)
    assert not (out / "model.safetensors").exists()
    same(train(corpus, TINY, out, resume=True), trained)


def test_killed_while_tensorflow_is_loaded(trained, corpus, tmp_path, monkeypatch):
    @contextmanager
    def kill():
        raise KilledError
        yield

    out = tmp_path / "killed"
    with monkeypatch.context() as patch:
        # the module, which has the name of its function
        patch.setattr(sys.modules["musiclstm.training.train"], "silent_stderr", kill)
        killed(corpus, out, at=-1)
    assert is_shell(out)
    assert has_checkpoint(out)
    # the same command again: nothing of it is in the way
    same(train(corpus, TINY, out), trained)


def test_minutes_and_epochs_are_remembered(corpus, tmp_path):
    for name, wish in (("minutes", 0.01), ("epochs", 1.5)):
        out = tmp_path / name
        killed(
            corpus,
            out,
            at=0 if name == "epochs" else 2,
            config=replace(TINY, steps=0),
            **{name: wish},
        )
        assert load_progress(out)[name] == wish
        resumed = train(corpus, TINY, out, resume=True, reporter=Listener())
        steps = resumed.config["training"]["steps"]
        assert curve(out)[-1]["step"] == str(steps)
        if name == "epochs":
            assert float(curve(out)[-1]["epoch"]) == pytest.approx(wish, abs=0.2)


def test_fine_tuning_begins_again_where_it_began(trained, corpus, tmp_path):
    config = replace(TINY, steps=2, evaluations=1)
    whole = train(corpus, config, tmp_path / "whole", init_from=trained)
    out = tmp_path / "killed"
    killed(corpus, out, at=1, config=config, init_from=trained)
    resumed = train(corpus, TINY, out, resume=True)
    same(resumed, whole)
    assert resumed.config["data"]["init_from"] == trained.digest
    card = (out / "README.md").read_text()
    assert "before that it was the model tiny" in card
    assert "copy check knows only" in card


def test_stopping_early_is_remembered(corpus, tmp_path):
    config = replace(TINY, patience=1, learning_rate=1e-6)
    stopped = train(corpus, config, tmp_path / "m")
    steps = [row["step"] for row in curve(tmp_path / "m")]
    assert steps == ["4", "8"]
    again = train(corpus, config, tmp_path / "m", resume=True)
    assert [row["step"] for row in curve(tmp_path / "m")] == steps
    assert again.digest == stopped.digest


def test_resuming_a_finished_training_changes_nothing(trained, corpus, tmp_path):
    out = tmp_path / "finished"
    first = train(corpus, TINY, out)
    again = train(corpus, TINY, out, resume=True)
    assert again.digest == first.digest == trained.digest


def test_resuming_says_that_the_corpus_changed(corpus, tmp_path):
    out = tmp_path / "changed"
    train(corpus, TINY, out, reporter=Listener(at=5))
    fewer = Corpus(corpus.scores[:-1], IngestReport(corpus.report.files[:-1]))
    reporter = Listener()
    train(fewer, TINY, out, resume=True, reporter=reporter)
    assert reporter.heard("corpus has changed")


def test_resuming_chooses_the_same_music(corpus, tmp_path):
    out = tmp_path / "chosen"
    left_out = corpus.scores[0].source
    train(corpus, TINY, out, parts=["2"], leave_out=left_out.__eq__, reporter=Listener(at=5))
    resumed = train(corpus, TINY, out, resume=True)
    assert [part.name for part in resumed.vocabulary.parts] == ["bass"]
    assert all(piece["notes"] == 8 for piece in resumed.corpus["pieces"])
    assert left_out not in {piece["source"] for piece in resumed.corpus["pieces"]}


def test_resuming_holds_out_the_same_pieces(corpus, tmp_path):
    out = tmp_path / "given"
    held = {corpus.scores[3].source, corpus.scores[5].source}
    killed(corpus, out, at=3, held_out=held.__contains__)
    resumed = train(corpus, TINY, out, resume=True)
    splits = {piece["source"]: piece["split"] for piece in resumed.corpus["pieces"]}
    assert {source for source, split in splits.items() if split == "valid"} == held
    same(resumed, train(corpus, TINY, tmp_path / "unbroken", held_out=held.__contains__))


# --- full disks -----------------------------------------------------------------------------


class FullFor(Listener):
    """A disk that takes no file between two steps."""

    def __init__(self, monkeypatch, first, last):
        super().__init__()
        self.first, self.last, self.full = first, last, False
        replacing = Path.replace

        def replace_if_room(path, target):
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return replacing(path, target)

        monkeypatch.setattr(Path, "replace", replace_if_room)

    def stepped(self, progress):
        self.full = self.first <= progress.step <= self.last


def test_a_disk_that_is_full_for_a_while(trained, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "CHECKPOINT_SECONDS", 0.0)
    reporter = FullFor(monkeypatch, 4, 9)
    out = tmp_path / "full"
    bundle = train(corpus, TINY, out, reporter=reporter)
    assert reporter.heard("cannot be written (No space left on device)") == 1
    assert reporter.heard("the disk takes files again") == 1
    same(bundle, trained)


def test_a_disk_that_stays_full(trained, corpus, tmp_path, monkeypatch):
    reporter = FullFor(monkeypatch, 6, 99)
    out = tmp_path / "full"
    with pytest.raises(TrainingError, match=r"No space left on device; what was saved before is"):
        train(corpus, TINY, out, reporter=reporter)
    assert reporter.heard("cannot be written") == 1
    kept = load_bundle(out)
    assert kept.config["results"]["best_step"] == load_progress(out)["step"] == 4
    assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]
    reporter.full = False
    reporter.first = 99
    same(train(corpus, TINY, out, resume=True, reporter=reporter), trained)


def test_a_disk_that_is_full_from_the_start(corpus, tmp_path, monkeypatch):
    reporter = FullFor(monkeypatch, 0, 99)
    reporter.full = True
    with pytest.raises(UnwritableError, match="No space left on device; make room"):
        train(corpus, TINY, tmp_path / "full", reporter=reporter)
    assert not (tmp_path / "full").exists()


def test_the_checkpoint_alone_brings_a_model_back(trained, corpus, tmp_path):
    """As after a power cut: of the bundle's files nothing is whole."""
    out = tmp_path / "cut"
    killed(corpus, out, at=5)
    for name in ("config.json", "vocabulary.json", "model.safetensors", "corpus.json"):
        (out / name).write_bytes(b"")
    same(train(corpus, TINY, out, resume=True), trained)
    assert json.loads((out / "config.json").read_text())["status"] == "finished"
