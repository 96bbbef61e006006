"""What training writes into the model folder, and when.

First what never changes (vocabulary, corpus, copy check), so that the weights, written last and
replaced whole, always find the rest in place; in the end the final figures, the card, in the corpus
what is typical under the final weights, and in the card the verdict. Every file is whole at every
moment; killed between two of them, the folder holds the settings of one evaluation and the weights
of another, which fit together as well.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import musiclstm
from musiclstm.evaluation.likelihood import measure
from musiclstm.files import atomic_write_bytes
from musiclstm.generation.manner import default_manner
from musiclstm.generation.typical import Typical
from musiclstm.model import Bundle, count_parameters, load_bundle
from musiclstm.model.bundle import (
    CARD,
    CONFIG,
    CORPUS,
    FORMAT_VERSION,
    NOVELTY,
    VOCABULARY,
    write_json,
    write_weights,
)
from musiclstm.training.card import write_card
from musiclstm.training.copies import write_copies
from musiclstm.training.corpus import TrainingSet
from musiclstm.training.judging import counted, verdict_of

if TYPE_CHECKING:
    from musiclstm.training.batches import BatchMaker
    from musiclstm.training.run import Run


def write_beginning(folder: Path, data: TrainingSet) -> int:
    """Write what does not change while the model learns.

    Returns:
        How many pieces the copy check knows: all that are learned from, or as many as fit.
    """
    write_json(folder / VOCABULARY, data.vocabulary.as_dict())
    write_json(folder / CORPUS, data.as_dict())
    return write_copies(folder / NOVELTY, data.of("train"), data.vocabulary)


def write_best(run: "Run", status: str) -> None:
    """Write the best weights so far, and what belongs to them."""
    write_json(run.out / CONFIG, config_values(run, status))
    write_weights(run.out, run.best)


def finish(run: "Run", status: str, scorer: "BatchMaker | None") -> Bundle:
    """Score all held-out pieces with the weights as they lie on disk, and write figures and card.

    Last come what is typical and the verdict; a folder without them is whole all the same.

    Args:
        run: The training.
        status: How it ended, for ``config.json``.
        scorer: Of all held-out pieces; None where there are none.

    Raises:
        UnwritableError: If they cannot be written; then those of the last evaluation are there.
    """
    config = config_values(run, status)
    ngram = counted(run.data)
    if scorer is not None:
        # by name: a resumed run has read its best weights in another order
        for name, average in zip(run.trainer.network.named, run.trainer.averaged, strict=True):
            average.assign(run.best[name].astype(np.float16).astype(np.float32))
        fields = run.trainer.evaluate(scorer)
        config["results"]["valid_nats_per_note"] = round(float(fields.sum()), 4)
        config["results"]["valid_nats_by_field"] = [round(float(value), 4) for value in fields]
        if ngram is not None:
            by_counting = measure(ngram.nats, run.data.of("valid")).total
            config["results"]["ngram_nats_per_note"] = round(by_counting, 4)
    write_json(run.out / CONFIG, config)
    atomic_write_bytes(run.out / CARD, write_card(run.out.name, config, run.data).encode())
    bundle = load_bundle(run.out)
    typical = Typical.of_pieces(bundle, run.data.of("train"), run.data.of("valid"))
    write_json(run.out / CORPUS, {**bundle.corpus, "typical": typical.as_dict()})
    bundle = load_bundle(run.out)
    verdict = verdict_of(bundle, run.data, ngram, run.config)
    card = write_card(run.out.name, config, run.data, verdict)
    atomic_write_bytes(run.out / CARD, card.encode())
    run.reporter.judged(verdict)
    return bundle


def config_values(run: "Run", status: str) -> dict[str, Any]:
    """``config.json``."""
    return {
        "format_version": FORMAT_VERSION,
        "network": run.config.network.as_dict(),
        "training": run.config.as_dict(),
        "data": dict(run.brief.settings),
        "status": status,
        "sampling": default_manner(),
        "versions": {
            "musiclstm": musiclstm.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy", "music21")},
        },
        "results": _results(run),
    }


def _results(run: "Run") -> Mapping[str, Any]:
    row = next((row for row in run.history if row.step == run.best_step), None)
    found = {
        "best_step": run.best_step,
        "seconds": round(run.seconds, 1),
        "train_pieces": len(run.data.of("train")),
        "valid_pieces": len(run.data.of("valid")),
        "train_notes": sum(piece.n_notes for piece in run.data.of("train")),
        "parameters": count_parameters(run.config.network, run.data.vocabulary),
    }
    if row is not None and run.scorer:
        found["valid_nats_per_note"] = row.valid_nats
    return found
