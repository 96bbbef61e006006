"""Training from beginning to end: a corpus in, a model folder out.

Everything that can be known before TensorFlow is loaded is said, and saved, before it is loaded:
from then on a training that is killed can be resumed. Ctrl-C after the first step leaves a usable
model besides.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from musiclstm.errors import TrainingError
from musiclstm.evaluation.verdict import FEW_NOTES
from musiclstm.files import UnwritableError
from musiclstm.ingest import Corpus
from musiclstm.model import Bundle, count_parameters
from musiclstm.model.bundle import WEIGHTS
from musiclstm.training.batches import windows_per_epoch
from musiclstm.training.brief import Brief
from musiclstm.training.checkpoint import (
    FOLDER,
    START,
    Checkpoint,
    has_checkpoint,
    load_checkpoint,
    load_progress,
    save_checkpoint,
)
from musiclstm.training.config import TrainingConfig
from musiclstm.training.corpus import TrainingSet, prepare_corpus
from musiclstm.training.folder import finish, write_beginning
from musiclstm.training.interrupt import between_steps
from musiclstm.training.place import claimed, is_shell
from musiclstm.training.report import Reporter, Silent, Summary
from musiclstm.training.run import Run
from musiclstm.training.scoring import scorer

_TENSORFLOW_MB = 600  # what it takes by itself
# A guess for the summary, from 2 cores of 2023; after a few steps the time left is measured.
_SECONDS_PER_ROW_AND_WEIGHT = 4e-11


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
    held_out: Callable[[str], bool] | None = None,
    settings: dict[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Bundle:
    """Train a model.

    Args:
        corpus: As read by :func:`musiclstm.ingest.read_folder`.
        config: Hyper-parameters; with ``steps`` set it alone decides how long.
        out: The model folder; it is held while the training runs.
        minutes: Instead of steps: how long, from now on; turned into steps by a measurement.
        epochs: Instead of steps: how often each piece is played.
        resume: Go on from the checkpoint in ``out``; its settings hold, and the other arguments
            but ``corpus`` and ``reporter`` count for nothing.
        init_from: A bundle to fine-tune: its network, weights and vocabulary.
        parts: Names or numbers of the parts to learn; all by default.
        drop_drums: Whether to leave drums out.
        leave_out: Says of a source whether it must not be used at all.
        held_out: Says of a source whether it is held out, where a split is given; by default
            ``config.valid_share`` of the pieces is drawn, copies kept together.
        settings: How the corpus was read, for ``config.json``.
        reporter: Is told how it goes.

    Returns:
        The bundle as written: the averaged weights of the best evaluation.

    Raises:
        TrainingError: If there is nothing to learn from, nothing to resume, or ``out`` is taken or
            held by another training.
        UnwritableError: If ``out`` cannot be written.
    """
    folder, tell = Path(out), reporter or Silent()
    _check_place(folder, resume=resume)
    with claimed(folder, tell.said):
        _check_place(folder, resume=resume)
        if resume:
            checkpoint = load_checkpoint(folder)
            brief = Brief.from_dict(checkpoint.progress)
        else:
            brief = Brief(
                config,
                minutes=None if config.steps else minutes,
                epochs=None if config.steps else epochs,
                settings=settings or {},
                parts=tuple(parts),
                drop_drums=drop_drums,
                left_out=_sources(corpus, leave_out) if leave_out else (),
                held_out=_sources(corpus, held_out) if held_out else None,
            )
            checkpoint = Checkpoint({}, {"step": 0})
            if init_from is not None:
                brief, checkpoint = _tuning(brief, init_from)
        data, brief = _prepared(corpus, brief, folder, tell, tuned=bool(init_from and not resume))
        if not resume:
            progress = {**brief.as_dict(), "step": 0}
            checkpoint = replace(checkpoint, progress=progress)
            save_checkpoint(folder, checkpoint)
        with silent_stderr():
            from musiclstm.training.step import Trainer  # noqa: PLC0415 - takes seconds

            start = {
                name.removeprefix(START): value
                for name, value in checkpoint.arrays.items()
                if name.startswith(START)
            }
            trainer = Trainer(brief.config, data.vocabulary, start or None)
        run = Run(data, brief, folder, tell, trainer)
        if resume:
            run.take_up(checkpoint)
        return _carry_out(run)


def _sources(corpus: Corpus, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Those of a corpus of which something is true."""
    return tuple(file.source for file in corpus.report.kept if wanted(file.source))


def _check_place(folder: Path, *, resume: bool) -> None:
    """Refuse to resume nothing, and to begin where a model is."""
    if resume:
        load_progress(folder)
    elif os.path.lexists(folder / WEIGHTS) or (has_checkpoint(folder) and not is_shell(folder)):
        raise TrainingError(f"{folder} holds a model already; add --resume or choose another name")


def _tuning(brief: Brief, bundle: Bundle) -> tuple[Brief, Checkpoint]:
    """Go on from another model: with its network and vocabulary, from its weights."""
    own = brief.config.network
    network = replace(
        bundle.network,
        dropout=own.dropout,
        head_dropout=own.head_dropout,
        feature_dropout=own.feature_dropout,
        noise=own.noise,
    )
    brief = replace(
        brief,
        config=replace(brief.config, network=network),
        vocabulary=bundle.vocabulary,
        settings={
            **brief.settings,
            "init_from": bundle.digest,
            "init_from_name": bundle.name,
        },
    )
    return brief, Checkpoint({f"{START}{n}": v for n, v in bundle.weights.items()}, {"step": 0})


def _prepared(
    corpus: Corpus, brief: Brief, folder: Path, tell: Reporter, *, tuned: bool
) -> tuple[TrainingSet, Brief]:
    """Encode the corpus, say what was found, and write what does not change any more."""
    digest = corpus.digest
    if brief.corpus not in ("", digest):
        tell.said("the corpus has changed since the checkpoint: going on with the new")
    data = prepare_corpus(
        corpus,
        valid_share=brief.config.valid_share,
        seed=brief.config.seed,
        parts=brief.parts,
        drop_drums=brief.drop_drums,
        vocabulary=brief.vocabulary,
        settled=brief.corpus == digest,
        leave_out=frozenset(brief.left_out).__contains__,
        held_out=None if brief.held_out is None else frozenset(brief.held_out).__contains__,
        folder=folder / FOLDER,
    )
    minutes = None if brief.config.steps else brief.minutes
    tell.started(summarise(data, brief.config, minutes, brief.epochs))
    settings = dict(brief.settings)
    if tuned:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in data.coverage.items())
        tell.said(f"of the new ids {settings['init_from_name']} has met: {shares}")
        tell.said(
            "the copy check of the new model will know the new pieces, not those that "
            f"{settings['init_from_name']} learned from"
        )
    known, pieces = write_beginning(folder, data), len(data.of("train"))
    if known < pieces:
        tell.said(f"warning: the copy check will know only {known:,} of the {pieces:,} pieces")
        settings["copy_check_pieces"] = known
    return data, replace(brief, corpus=digest, vocabulary=data.vocabulary, settings=settings)


def _carry_out(run: Run) -> Bundle:
    """Train, evaluate, finish; Ctrl-C ends it early and in order."""
    status = "finished"
    batches = run.batches()
    try:
        with between_steps() as run.between_steps:
            if not run.config.steps:
                run.plan(batches)
            run.reporter.planned(run.config.steps)
            run.loop(batches)
    except KeyboardInterrupt:
        if not run.trainer.step or (run.within_step and not run.best):
            run.reporter.said("stopped before there was a model; --resume goes on")
            raise
        status = f"stopped by hand at step {run.trainer.step} of {run.config.steps or 'many'}"
        run.reporter.said(f"{status}; the model is usable, and --resume goes on")
        # before anything else is done: the resumed run must not differ from an unbroken one
        if not run.within_step:
            run.keeper.keep()
        if not run.best:
            run.evaluate(provisional=True)
    finally:
        batches.close()
    held_out = run.data.of("valid")
    everything = scorer(held_out, run.data.vocabulary, run.config) if held_out else None
    try:
        run.keeper.insist()
        return finish(run, status, everything)
    except UnwritableError as error:
        raise TrainingError(
            f"cannot write {error.path}: {error.reason}; what was saved before is whole: make "
            f"room in {run.out}, then go on with --resume"
        ) from error


def summarise(
    data: TrainingSet, config: TrainingConfig, minutes: float | None, epochs: float | None
) -> Summary:
    """Say what was found and what is to be expected.

    Args:
        data: Encoded and split.
        config: Of the training to come.
        minutes: As asked for; None where steps or epochs decide, and time must be guessed.
        epochs: As asked for.
    """
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
    if merged := sum(1 for piece in data.pieces if piece.merged):
        warnings.append(f"{merged} pieces have more parts than the model: extras were merged")
    if dropped := sum(1 for piece in data.pieces if piece.dropped):
        warnings.append(f"{dropped} pieces have parts that the model cannot play: left out")
    written = {meter.name for piece in data.pieces for meter in piece.meter_map.meters}
    if strange := sorted(written - set(data.vocabulary.meters)):
        warnings.append(
            f"the model cannot be asked for meters it did not know: {', '.join(strange)}"
        )
    network, rows = config.network, config.lanes * config.window
    parameters = count_parameters(network, data.vocabulary)
    # Measured: gates and cells, logits, the context and the hidden layers, with their gradients.
    numbers_a_row = network.layers * network.units * 28 + 8 * sum(data.vocabulary.sizes) + 14_000
    lengths = [len(piece.events) for piece in data.of("train")]
    windows = windows_per_epoch(lengths, config.window) * (epochs or 1.0)
    played = config.steps * rows if config.steps else windows * config.window
    # weights, gradients, two moments, average and best
    memory = 4 * (rows * numbers_a_row + 6 * parameters)
    return Summary(
        pieces=len(data.of("train")),
        held_out=held_out,
        notes=notes,
        parts=tuple(part.name for part in data.vocabulary.parts),
        styles=data.vocabulary.style_names,
        parameters=parameters,
        memory_mb=memory // 2**20 + _TENSORFLOW_MB,
        minutes=minutes or (played * parameters * _SECONDS_PER_ROW_AND_WEIGHT + 30) / 60,
        warnings=tuple(warnings),
    )


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep what TensorFlow's C++ says while it loads from the user; Python errors still pass."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
