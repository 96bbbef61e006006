"""Held-out pieces, as they are scored."""

from collections.abc import Sequence

from musiclstm.encoding import Encoded, Vocabulary
from musiclstm.training.batches import BatchMaker
from musiclstm.training.config import TrainingConfig

_ROWS_PER_EVALUATION = 30_000  # on the way; the last evaluation takes all held-out pieces


def scorer(pieces: Sequence[Encoded], vocabulary: Vocabulary, config: TrainingConfig) -> BatchMaker:
    """Batches for the likelihood of pieces: as they are, nothing known of the whole."""
    lanes = min(config.lanes, len(pieces))
    return BatchMaker(pieces, vocabulary, lanes, config.window, augment=False)


def some(pieces: Sequence[Encoded]) -> list[Encoded]:
    """Held-out pieces for the evaluations on the way."""
    kept, rows = [], 0
    for piece in pieces:
        kept.append(piece)
        rows += len(piece.events)
        if rows > _ROWS_PER_EVALUATION:
            break
    return kept
