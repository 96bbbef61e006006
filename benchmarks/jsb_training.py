"""A model of the JSB chorales, trained from their file as it is."""

import hashlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.jsb_grids import STEPS_PER_QUARTER, Grid, score_of
from musiclstm.cli.console import remark
from musiclstm.cli.train_lines import training_reporter
from musiclstm.errors import TrainingError
from musiclstm.ingest import Corpus, FileReport, IngestReport
from musiclstm.model import Bundle
from musiclstm.training import TrainingConfig, preset, train
from musiclstm.training.place import claimed, settle

# Chosen on the valid split; a preset that is named is taken as it stands.
CHOSEN: Mapping[str, Any] = {
    "units": 192,
    "voice_units": 256,
    "note_units": 256,
    "head_units": 256,
    "weight_decay": 0.5,
    "evaluations": 10,
}
STEPS = 1200
LICENCE = "Chorales harmonised by J. S. Bach (1685-1750): in the public domain."


def settings_of(
    preset_name: str | None, steps: int | None, seed: int | None, changes: Sequence[str]
) -> TrainingConfig:
    """The hyper-parameters that are asked for.

    Args:
        preset_name: None takes the default one with what was :data:`CHOSEN`.
        steps: None takes :data:`STEPS`.
        seed: None takes 0.
        changes: ``name=value`` each: hyper-parameters of the training or of the network.

    Raises:
        TrainingError: If there is no such name, or the value is none for it.
        BundleError: If the network cannot have such a value.
    """
    config = preset(preset_name or "default", seed=seed or 0, steps=steps or STEPS)
    chosen = [] if preset_name else [f"{name}={value}" for name, value in CHOSEN.items()]
    for change in (*chosen, *changes):
        name, _, text = change.partition("=")
        own = asdict(config)
        network = own.pop("network")
        present = own | network
        if name not in present:
            raise TrainingError(f"{name!r} cannot be set; there are {', '.join(present)}")
        try:
            value = type(present[name])(text)
        except ValueError as error:
            raise TrainingError(f"{name} cannot be {text!r}; it is {present[name]}") from error
        if name in network:
            config = replace(config, network=replace(config.network, **{name: value}))
        else:
            config = replace(config, **{name: value})
    return config


def corpus_of(grids: Mapping[str, Sequence[Grid]]) -> Corpus:
    """The pieces to learn from and those to hold out, as training takes them.

    Their sources are ``train/000`` and so on; the test split stays where it is.

    Args:
        grids: The pieces of every split.
    """
    scores, files = [], []
    for split in ("train", "valid"):
        for number, grid in enumerate(grids[split]):
            score = score_of(grid, f"{split}/{number:03d}")
            digest = hashlib.sha256(grid.astype("<i8").tobytes()).hexdigest()
            scores.append(score)
            files.append(FileReport(score.source, digest, notes=len(score.notes)))
    return Corpus(tuple(scores), IngestReport(tuple(files)))


def trained(
    grids: Mapping[str, Sequence[Grid]],
    out: Path,
    config: TrainingConfig | None,
    *,
    quiet: bool = False,
) -> Bundle:
    """Train a model on the train split, with the valid split held out.

    Args:
        grids: The pieces of every split.
        out: The model folder, or the next free number of it.
        config: Hyper-parameters; None goes on with the training in ``out``.
        quiet: Show nothing.
    """
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    settings = {
        "command": shlex.join(["python", "benchmarks/jsb.py", *words]),
        "steps_per_quarter": STEPS_PER_QUARTER,
        "left_out": f"the {len(grids['test'])} pieces of the test split",
        "licence": LICENCE,
    }
    if config is not None:
        out = settle(out, remark)
    with claimed(out, remark), training_reporter(quiet) as reporter:
        return train(
            corpus_of(grids),
            config or TrainingConfig(),
            out,
            resume=config is None,
            held_out=lambda source: source.startswith("valid/"),
            settings=settings,
            reporter=reporter,
        )
