"""Training from beginning to end: a corpus in, a model folder out.

Everything that can be known before TensorFlow is loaded is said before it is loaded. From the first
evaluation on the folder is a usable bundle, replaced file by file whenever the held-out score gets
better; Ctrl-C at any time leaves it so, with a checkpoint to resume from.
"""

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import musiclstm
from musiclstm.encoding import Vocabulary
from musiclstm.errors import TrainingError
from musiclstm.files import atomic_write_bytes
from musiclstm.generation import compose, novelty_arrays
from musiclstm.ingest import Corpus
from musiclstm.model import Bundle, count_parameters, load_bundle
from musiclstm.model.bundle import (
    CARD,
    CONFIG,
    CORPUS,
    FORMAT_VERSION,
    HISTORY,
    NOVELTY,
    VOCABULARY,
    WEIGHTS,
    write_json,
    write_weights,
)
from musiclstm.rendering import write_midi
from musiclstm.training.batches import Batch, BatchMaker, prefetch, windows_per_epoch
from musiclstm.training.card import write_card
from musiclstm.training.checkpoint import (
    Checkpoint,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from musiclstm.training.config import TrainingConfig
from musiclstm.training.corpus import FEW_NOTES, TrainingSet, prepare_corpus
from musiclstm.training.history import write_history
from musiclstm.training.report import Evaluation, Progress, Reporter, Silent, Summary

if TYPE_CHECKING:
    from musiclstm.training.step import Trainer

_MEASURED_STEPS = 6
_ROWS_PER_EVALUATION = 40_000  # on the way; the last evaluation takes all held-out pieces
_SCORING_SPEED = 3.0  # scoring has no backward pass: about this much faster than training
_SAMPLE_BARS = 16
_LEAST_GAIN = 0.002  # nats a note: less is no progress for early stopping
_SMOOTHING = 0.05  # of the training loss that is shown


@dataclass
class _Run:
    """A training in course."""

    data: TrainingSet
    config: TrainingConfig
    out: Path
    reporter: Reporter
    trainer: "Trainer"
    train_maker: BatchMaker
    valid_maker: BatchMaker | None
    settings: dict[str, Any]
    history: list[Evaluation] = field(default_factory=list)
    best: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    best_nats: float = math.inf
    best_step: int = 0
    stale: int = 0
    seconds_before: float = 0.0
    began: float = field(default_factory=time.monotonic)
    nats: float = 0.0
    notes: int = 0
    shown: float = math.nan
    mark: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began


def train(
    corpus: Corpus,
    config: TrainingConfig,
    out: Path | str,
    *,
    minutes: float | None = None,
    epochs: float | None = None,
    resume: bool = False,
    init_from: Bundle | None = None,
    parts: Sequence[str] = (),
    drop_drums: bool = False,
    leave_out: Callable[[str], bool] | None = None,
    settings: dict[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Bundle:
    """Train a model.

    Args:
        corpus: As read by :func:`musiclstm.ingest.read_folder`.
        config: Hyper-parameters; with ``steps`` set it alone decides how long.
        out: The model folder.
        minutes: Instead of steps: how long, from now on; turned into steps by a measurement.
        epochs: Instead of steps: how often each piece is played.
        resume: Go on from the checkpoint in ``out``.
        init_from: A bundle to fine-tune: its network, weights and vocabulary.
        parts: Names or numbers of the parts to learn; all by default.
        drop_drums: Whether to leave drums out.
        leave_out: Says of a source whether it must not be used at all.
        settings: How the corpus was read, for ``config.json``.
        reporter: Is told how it goes.

    Returns:
        The bundle as written: the averaged weights of the best evaluation.

    Raises:
        TrainingError: If there is nothing to learn from, nothing to resume, or ``out`` is taken.
    """
    folder, tell = Path(out), reporter or Silent()
    checkpoint = load_checkpoint(folder) if resume else None
    if checkpoint is None and (has_checkpoint(folder) or (folder / WEIGHTS).exists()):
        raise TrainingError(f"{folder} holds a model already; add --resume or choose another name")
    vocabulary: Vocabulary | None = None
    if checkpoint is not None:
        config = TrainingConfig.from_dict(checkpoint.progress["config"])
        vocabulary = load_bundle(folder).vocabulary
    elif init_from is not None:
        config = replace(config, network=replace(init_from.network, dropout=config.network.dropout))
        vocabulary = init_from.vocabulary
    data = prepare_corpus(
        corpus,
        valid_share=config.valid_share,
        seed=config.seed,
        parts=parts,
        drop_drums=drop_drums,
        vocabulary=vocabulary,
        leave_out=leave_out,
    )
    tell.started(_summary(data, config))
    if init_from is not None:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in data.coverage.items())
        tell.said(f"{init_from.name} has met these of the new ids before: {shares}")
    run = _begin(data, config, folder, tell, init_from, settings or {})
    if checkpoint is not None:
        _take_up(run, checkpoint)
    batches = _batches(run)
    try:
        if not run.config.steps:
            run.config = replace(run.config, steps=_count_steps(run, batches, minutes, epochs))
            run.trainer.config = run.config
        tell.planned(run.config.steps, 0.0)
        _loop(run, batches)
        ending = ""
    except KeyboardInterrupt:
        ending = f"stopped by hand at step {run.trainer.step} of {run.config.steps}"
        tell.said(f"{ending}; the model is usable, and --resume goes on")
        if run.best:
            # no extra evaluation: the resumed run must not differ from an unbroken one
            save_checkpoint(run.out, _checkpoint(run))
        elif run.config.steps:
            _evaluate(run)
    finally:
        batches.close()
    return _finish(run, ending)


def _summary(data: TrainingSet, config: TrainingConfig) -> Summary:
    notes = sum(piece.n_notes for piece in data.of("train"))
    held_out = len(data.of("valid"))
    warnings = []
    if notes < FEW_NOTES:
        warnings.append(
            f"{notes:,} notes are little to learn from: expect a model that copies; "
            f"{FEW_NOTES:,} or more are better"
        )
    if not held_out:
        warnings.append(
            "too few pieces to hold any out: nobody can say when this model begins to memorise"
        )
    merged = sum(1 for piece in data.pieces if piece.merged)
    dropped = sum(1 for piece in data.pieces if piece.dropped)
    if merged:
        warnings.append(f"{merged} pieces have more parts than the model: extras were merged")
    if dropped:
        warnings.append(f"{dropped} pieces have parts that the model cannot play: left out")
    parameters = count_parameters(config.network, data.vocabulary)
    rows = config.lanes * config.window
    activations = (
        4
        * rows
        * (
            config.network.layers * config.network.units * 12
            + 3 * sum(data.vocabulary.sizes)
            + 4000
        )
    )
    return Summary(
        pieces=len(data.of("train")),
        held_out=held_out,
        notes=notes,
        parts=tuple(part.name for part in data.vocabulary.parts),
        styles=data.vocabulary.style_names,
        parameters=parameters,
        memory_mb=(activations + 24 * parameters) // 2**20 + 600,  # TensorFlow itself
        warnings=tuple(warnings),
    )


def _begin(
    data: TrainingSet,
    config: TrainingConfig,
    folder: Path,
    reporter: Reporter,
    init_from: Bundle | None,
    settings: dict[str, Any],
) -> _Run:
    """Write what is known of the bundle and build the network (this loads TensorFlow)."""
    from musiclstm.training.step import Trainer  # noqa: PLC0415 (seconds)

    write_json(folder / VOCABULARY, data.vocabulary.as_dict())
    write_json(folder / CORPUS, data.as_dict())
    _write_novelty(folder, data)
    trainer = Trainer(config, data.vocabulary, init_from.weights if init_from else None)
    valid = data.of("valid")
    return _Run(
        data=data,
        config=config,
        out=folder,
        reporter=reporter,
        trainer=trainer,
        train_maker=BatchMaker(
            data.of("train"), data.vocabulary, config.lanes, config.window, True
        ),
        valid_maker=_scorer(_some(valid), data.vocabulary, config) if valid else None,
        settings=settings | ({"init_from": init_from.digest} if init_from else {}),
    )


def _scorer(pieces: Sequence[Any], vocabulary: Vocabulary, config: TrainingConfig) -> BatchMaker:
    return BatchMaker(pieces, vocabulary, min(config.lanes, len(pieces)), config.window, False)


def _some(pieces: list[Any]) -> list[Any]:
    """Held-out pieces for the evaluations on the way."""
    kept, rows = [], 0
    for piece in pieces:
        kept.append(piece)
        rows += len(piece.events)
        if rows > _ROWS_PER_EVALUATION:
            break
    return kept


def _batches(run: _Run) -> Any:
    schedule = run.train_maker.training_schedule(run.config.seed)
    for _ in range(run.trainer.step):
        next(schedule)
    return prefetch(run.train_maker.make, schedule)


def _take_up(run: _Run, checkpoint: Checkpoint) -> None:
    """Put a run back to where its checkpoint was made."""
    progress = checkpoint.progress
    run.trainer.restore(checkpoint.arrays, int(progress["step"]))
    run.history = [Evaluation.from_dict(row) for row in progress["history"]]
    run.best = {
        name.removeprefix("best."): value
        for name, value in checkpoint.arrays.items()
        if name.startswith("best.")
    }
    run.best_nats, run.best_step = float(progress["best_nats"]), int(progress["best_step"])
    run.stale = int(progress["stale"])
    run.nats, run.notes = float(progress["nats"]), int(progress["notes"])
    run.seconds_before = float(progress["seconds"])
    if list(run.data.hashes) != progress["hashes"]:
        run.reporter.said("the corpus has changed since the checkpoint: going on with the new one")
    run.reporter.said(f"going on at step {run.trainer.step} of {run.config.steps}")


def _step(run: _Run, batch: Batch) -> None:
    nats, notes = run.trainer.train(batch)
    if not math.isfinite(nats):
        raise TrainingError(
            f"the loss is not finite at step {run.trainer.step}; lower the learning rate"
        )
    run.nats += nats
    run.notes += notes
    if notes:
        now = nats / notes
        weight = _SMOOTHING if math.isfinite(run.shown) else 1.0
        run.shown = now if weight == 1.0 else run.shown + weight * (now - run.shown)
    elapsed = max(time.monotonic() - run.mark, 1e-9)
    steps = run.config.steps
    done = run.trainer.step - (run.history[-1].step if run.history else 0)
    run.reporter.stepped(
        Progress(
            step=run.trainer.step,
            steps=steps,
            train_nats=run.shown,
            notes_per_second=run.notes / elapsed,
            seconds_left=(steps - run.trainer.step) * elapsed / max(done, 1) if steps else math.nan,
        )
    )


def _count_steps(run: _Run, batches: Any, minutes: float | None, epochs: float | None) -> int:
    """Turn epochs or minutes into steps; minutes by doing, and timing, the first few."""
    c = run.config
    windows = windows_per_epoch(run.train_maker.lengths, c.window)
    per_epoch = max(1.0, windows / c.lanes)
    if minutes is None:
        return max(1, round((epochs or 1.0) * per_epoch))
    times = []
    for _ in range(_MEASURED_STEPS + 1):  # the first compiles
        batch = next(batches)
        began = time.monotonic()
        _step(run, batch)
        times.append(time.monotonic() - began)
    a_step = float(np.median(times[1:]))
    a_row = a_step / (c.lanes * c.window)
    scored = windows_per_epoch(run.valid_maker.lengths, c.window) if run.valid_maker else 0
    evaluation = scored * c.window * a_row / _SCORING_SPEED + 0.3
    left = minutes * 60 - run.seconds - c.evaluations * evaluation - times[0] / 2
    return max(run.trainer.step + 1, int(left / a_step))


def _loop(run: _Run, batches: Any) -> None:
    c, trainer = run.config, run.trainer
    every = max(1, math.ceil(c.steps / c.evaluations))
    sampled = {round(c.evaluations * (k + 1) / (c.samples + 1)) for k in range(c.samples)}
    while trainer.step < c.steps:
        _step(run, next(batches))
        if trainer.step % every == 0 or trainer.step == c.steps:
            _evaluate(run)
            if trainer.step // every in sampled and trainer.step < c.steps:
                _sample(run)
            if run.stale >= c.patience and trainer.step < c.steps:
                run.reporter.said(
                    f"the held-out pieces have not got better since step {run.best_step}: "
                    "stopping, before the model learns its pieces by heart"
                )
                return


def _evaluate(run: _Run) -> None:
    """Score the held-out pieces; keep the weights if they are the best; write everything."""
    c, trainer = run.config, run.trainer
    now = time.monotonic()
    rate = run.notes / max(now - run.mark, 1e-9)
    train_nats = run.nats / max(run.notes, 1)
    fields = trainer.evaluate(run.valid_maker) if run.valid_maker else np.full(5, math.nan)
    valid_nats = float(fields.sum())
    per_epoch = windows_per_epoch(run.train_maker.lengths, c.window) / c.lanes
    row = Evaluation(
        step=trainer.step,
        epoch=round(trainer.step / per_epoch, 3),
        seconds=round(run.seconds, 2),
        learning_rate=c.learning_rate_at(max(trainer.step - 1, 0)),
        train_nats=round(train_nats, 5),
        valid_nats=round(valid_nats, 5),
        valid_fields=tuple(round(float(value), 5) for value in fields),
        notes_per_second=round(rate, 1),
    )
    run.history.append(row)
    # without held-out pieces the last weights are the best that can be had
    judged = valid_nats if run.valid_maker else -float(trainer.step)
    run.stale = 0 if judged < run.best_nats - _LEAST_GAIN else run.stale + 1
    best = judged < run.best_nats
    if best:
        run.best_nats, run.best_step = judged, trainer.step
        run.best = trainer.averaged_weights()
        write_json(run.out / CONFIG, _config(run, "unfinished"))
        write_weights(run.out, run.best)
    run.nats, run.notes, run.mark = 0.0, 0, time.monotonic()
    write_history(run.out / HISTORY, run.history)
    save_checkpoint(run.out, _checkpoint(run))
    run.reporter.evaluated(row, best)


def _checkpoint(run: _Run) -> Checkpoint:
    arrays = run.trainer.snapshot() | {f"best.{name}": v for name, v in run.best.items()}
    return Checkpoint(
        arrays,
        {
            "step": run.trainer.step,
            "config": run.config.as_dict(),
            "history": [row.as_dict() for row in run.history],
            "best_nats": run.best_nats,
            "best_step": run.best_step,
            "stale": run.stale,
            "nats": run.nats,
            "notes": run.notes,
            "seconds": run.seconds,
            "hashes": list(run.data.hashes),
        },
    )


def _sample(run: _Run) -> None:
    """Compose a piece on the way, to hear how far the model has come."""
    bundle = Bundle(
        path=run.out,
        config={},
        network=run.config.network,
        vocabulary=run.data.vocabulary,
        weights=run.trainer.averaged_weights(),
        corpus=run.data.as_dict(),
    )
    piece = compose(bundle, seed=run.config.seed, bars=_SAMPLE_BARS)[0]
    path = run.out / "samples" / f"step-{run.trainer.step:06d}.mid"
    write_midi(piece.score, path)
    run.reporter.said(f"a sample: {path}")


def _config(run: _Run, status: str) -> dict[str, Any]:
    """``config.json``."""
    return {
        "format_version": FORMAT_VERSION,
        "network": run.config.network.as_dict(),
        "training": run.config.as_dict(),
        "data": run.settings,
        "status": status,
        "versions": {
            "musiclstm": musiclstm.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy", "music21")},
        },
        "results": _results(run),
    }


def _results(run: _Run) -> dict[str, Any]:
    row = next((row for row in run.history if row.step == run.best_step), None)
    found = {
        "best_step": run.best_step,
        "seconds": round(run.seconds, 1),
        "train_pieces": len(run.data.of("train")),
        "valid_pieces": len(run.data.of("valid")),
        "train_notes": sum(piece.n_notes for piece in run.data.of("train")),
        "parameters": count_parameters(run.config.network, run.data.vocabulary),
    }
    if row is not None and run.valid_maker:
        found["valid_nats_per_note"] = row.valid_nats
    return found


def _finish(run: _Run, ending: str) -> Bundle:
    """Score all held-out pieces with the weights as they lie on disk, and write the card."""
    if not run.best:
        raise TrainingError("training was stopped before the first evaluation; nothing was kept")
    config = _config(run, ending or "finished")
    valid = run.data.of("valid")
    if valid:
        halves = {name: value.astype(np.float16) for name, value in run.best.items()}
        for average, value in zip(run.trainer.averaged, halves.values(), strict=True):
            average.assign(value.astype(np.float32))
        scorer = _scorer(valid, run.data.vocabulary, run.config)
        fields = run.trainer.evaluate(scorer)
        config["results"]["valid_nats_per_note"] = round(float(fields.sum()), 4)
        config["results"]["valid_nats_by_field"] = [round(float(value), 4) for value in fields]
    write_json(run.out / CONFIG, config)
    write_weights(run.out, run.best)
    atomic_write_bytes(run.out / CARD, write_card(run.out.name, config, run.data).encode())
    return load_bundle(run.out)


def _write_novelty(folder: Path, data: TrainingSet) -> None:
    buffer = BytesIO()
    arrays: dict[str, Any] = novelty_arrays(data.of("train"), data.vocabulary)
    np.savez_compressed(buffer, **arrays)
    atomic_write_bytes(folder / NOVELTY, buffer.getvalue())
