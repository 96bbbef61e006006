"""Training from beginning to end: a corpus in, a model folder out.

Everything that can be known before TensorFlow is loaded is said before it is loaded. Ctrl-C after
the first step leaves a usable model, with a checkpoint to resume from.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from musiclstm.encoding import Vocabulary
from musiclstm.errors import TrainingError
from musiclstm.ingest import Corpus
from musiclstm.model import Bundle, count_parameters, load_bundle
from musiclstm.model.bundle import WEIGHTS
from musiclstm.training.batches import windows_per_epoch
from musiclstm.training.checkpoint import has_checkpoint, load_checkpoint
from musiclstm.training.config import TrainingConfig
from musiclstm.training.corpus import FEW_NOTES, TrainingSet, prepare_corpus
from musiclstm.training.folder import finish, write_beginning
from musiclstm.training.interrupt import between_steps
from musiclstm.training.report import Reporter, Silent, Summary
from musiclstm.training.run import Run, scorer

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
        resume: Go on from the checkpoint in ``out``; its settings hold, and the other arguments
            but ``corpus`` and ``reporter`` count for nothing.
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
    sources = [score.source for score in corpus.scores]
    choices: dict[str, Any] = {
        "parts": list(parts),
        "drop_drums": drop_drums,
        "left_out": [source for source in sources if leave_out is not None and leave_out(source)],
    }
    if checkpoint is not None:
        config = TrainingConfig.from_dict(checkpoint.progress["config"])
        vocabulary = load_bundle(folder).vocabulary
        choices = dict(checkpoint.progress["choices"])
    elif init_from is not None:
        config = replace(config, network=replace(init_from.network, dropout=config.network.dropout))
        vocabulary = init_from.vocabulary
    data = prepare_corpus(
        corpus,
        valid_share=config.valid_share,
        seed=config.seed,
        parts=choices["parts"],
        drop_drums=choices["drop_drums"],
        vocabulary=vocabulary,
        leave_out=frozenset(choices["left_out"]).__contains__,
    )
    tell.started(summarise(data, config, None if config.steps else minutes, epochs))
    origin = {}
    if init_from is not None:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in data.coverage.items())
        tell.said(f"of the new ids {init_from.name} has met: {shares}")
        origin = {"init_from": init_from.digest}
    write_beginning(folder, data)
    with _silent_stderr():
        from musiclstm.training.step import Trainer  # noqa: PLC0415 - takes seconds

        trainer = Trainer(config, data.vocabulary, init_from.weights if init_from else None)
    run = Run(data, config, folder, tell, trainer, {**(settings or {}), **origin}, choices)
    if checkpoint is not None:
        run.take_up(checkpoint)
    return _carry_out(run, minutes, epochs)


def _carry_out(run: Run, minutes: float | None, epochs: float | None) -> Bundle:
    """Train, evaluate, finish; Ctrl-C ends it early and in order."""
    status = "finished"
    batches = run.batches()
    try:
        with between_steps() as run.between_steps:
            if not run.config.steps:
                run.config = run.trainer.config = run.plan(batches, minutes, epochs)
            run.reporter.planned(run.config.steps)
            run.loop(batches)
    except KeyboardInterrupt:
        status = f"stopped by hand at step {run.trainer.step} of {run.config.steps or 'many'}"
        run.reporter.said(f"{status}; the model is usable, and --resume goes on")
        if run.best:
            # no extra evaluation: the resumed run must not differ from an unbroken one
            run.save()
        elif run.trainer.step:
            run.evaluate()
    finally:
        batches.close()
    held_out = run.data.of("valid")
    everything = scorer(held_out, run.data.vocabulary, run.config) if held_out else None
    return finish(run, status, everything)


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
    written = {meter.name for score in data.scores for meter in score.meter_map.meters}
    if strange := sorted(written - set(data.vocabulary.meters)):
        warnings.append(
            f"the model cannot be asked for meters it did not know: {', '.join(strange)}"
        )
    network, rows = config.network, config.lanes * config.window
    parameters = count_parameters(network, data.vocabulary)
    # a row keeps its gates and cells, three copies of the logits, and its context for the gradient
    numbers_a_row = network.layers * network.units * 12 + 3 * sum(data.vocabulary.sizes) + 4000
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
def _silent_stderr() -> Iterator[None]:
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
