"""Pieces composed on the way, to hear how far a model has come."""

from typing import TYPE_CHECKING

from musiclstm.files import UnwritableError
from musiclstm.generation import compose
from musiclstm.model import Bundle
from musiclstm.rendering import write_midi
from musiclstm.training.place import SAMPLES

if TYPE_CHECKING:
    from musiclstm.training.run import Run

_BARS = 16


def write_sample(run: "Run") -> None:
    """Compose a piece with the weights as they are now, and say where it is.

    Where it cannot be written, that is said; training goes on.
    """
    bundle = Bundle(
        path=run.out,
        config={},
        network=run.config.network,
        vocabulary=run.data.vocabulary,
        weights=run.trainer.averaged_weights(),
        corpus=run.data.as_dict(),
    )
    piece = compose(bundle, seed=run.config.seed, bars=_BARS)[0]
    path = run.out / SAMPLES / f"step-{run.trainer.step:06d}.mid"
    try:
        write_midi(piece.score, path)
    except UnwritableError as error:
        run.reporter.said(f"warning: no sample was written: {error.reason}")
    else:
        run.reporter.said(f"a sample: {path}")
