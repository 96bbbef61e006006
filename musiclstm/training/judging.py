"""The verdict at the end of training: what was learned, and what to do next."""

from musiclstm.evaluation import NGram
from musiclstm.evaluation.baselines import MOST_COUNTED
from musiclstm.evaluation.evidence import gather
from musiclstm.evaluation.verdict import Verdict, judge
from musiclstm.generation import compose
from musiclstm.model import Bundle
from musiclstm.training.config import TrainingConfig
from musiclstm.training.corpus import TrainingSet

_BARS = 16
_PIECES_A_SAMPLE = 2  # composed for the verdict, for each that was composed on the way


def counted(data: TrainingSet) -> NGram | None:
    """An n-gram of the training pieces.

    None where nothing is held out to try it on, or where there are so many notes that counting them
    would keep people waiting.
    """
    learned, held_out = data.of("train"), data.of("valid")
    to_score = sum(piece.n_notes for piece in held_out)
    if not to_score or to_score + sum(piece.n_notes for piece in learned) > MOST_COUNTED:
        return None
    return NGram.fit(learned, data.vocabulary)


def verdict_of(
    bundle: Bundle, data: TrainingSet, ngram: NGram | None, config: TrainingConfig
) -> Verdict:
    """Judge a model that has just been trained; seconds.

    Args:
        bundle: With its final weights and what is typical.
        data: What it learned from.
        ngram: Of the training pieces, where it was counted.
        config: Where no pieces were composed on the way, none are composed for this.
    """
    count = _PIECES_A_SAMPLE * config.samples
    pieces = compose(bundle, count, seed=config.seed, bars=_BARS) if count else []
    evidence = gather(bundle, data.of("train"), data.of("valid"), pieces, ngram, seed=config.seed)
    return judge(evidence)
