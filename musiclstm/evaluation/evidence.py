"""What a verdict rests on, gathered from a model, its pieces, what it composes and how it learned.

Whatever cannot be known (nothing was held out, the corpus is not there) is None, and the rules that
need it are silent.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musiclstm.encoding import Encoded, Vocabulary, decode, encode
from musiclstm.evaluation.baselines import NGram, Unigram
from musiclstm.evaluation.likelihood import Says, measure
from musiclstm.evaluation.order import shuffled
from musiclstm.generation import Composition
from musiclstm.generation.copied_runs import RUN
from musiclstm.generation.typical import (
    FEATURES,
    MOST_ROWS,
    Typical,
    Usual,
    beginning,
    count_notes,
    features_of,
)
from musiclstm.model import Bundle
from musiclstm.model.finding import HISTORY
from musiclstm.model.pieces import spread

_MOST_ROWS = 4_000  # of a set of pieces: seconds, and an error of some hundredths of a nat
_LONGEST_HISTORY = 1_000_000  # bytes
_FEWEST_PIECES = 2
_COUNTED = {"longest_repeat": 1.0}  # what steps by whole numbers: a spread of less says nothing


class Moment(NamedTuple):
    """A row of the learning curve.

    Attributes:
        epoch: Times that the pieces had been played.
        train: Nats a note in training, with dropout.
        valid: Nats a note of the held-out pieces; NaN where none were.
    """

    epoch: float
    train: float
    valid: float


class Sampled(NamedTuple):
    """What a model composes.

    Attributes:
        pieces: How many, >= 1.
        unfinished: Share of them that found no end, or ran into trouble and did not get out.
        entropy: Variety of pitches, bits of the pitch-class histogram: median.
        repeats: Longest run of one note in a part: median.
        strange: Features of which the median lies more than :data:`STRANGE` spreads from what is
            usual in the corpus: name and spreads.
        copied: Share of the pieces that have a longer run in common with a training piece than any
            but a few held-out pieces have; None where that is not known.
        longest: The longest such run, in notes.
    """

    pieces: int
    unfinished: float
    entropy: float
    repeats: float
    strange: tuple[tuple[str, float], ...] = ()
    copied: float | None = None
    longest: int = 0


@dataclass(frozen=True)
class Evidence:
    """What is known of a model; nats are nats a note.

    Attributes:
        notes: That it learned from; 0 where nobody knows.
        train: Nats of pieces that it learned from, without dropout.
        held_out: Nats of pieces that it did not learn from.
        counting: Nats of the same pieces where only the frequency of each id is known.
        ngram: Nats of the same under an n-gram of the training pieces.
        order: By how many nats the model finds them less likely with their pitches shuffled.
        ngram_order: By how many nats the n-gram does.
        curve: How it learned, from the first evaluation to the last.
        sampled: What it composes.
        usual_entropy: Variety of pitches in the corpus, bits: median.
        usual_repeats: Longest run of one note in its pieces: median.
        usual_nats: Nats of the pieces that were held out in training: their median, and a spread.
    """

    notes: int = 0
    train: float | None = None
    held_out: float | None = None
    counting: float | None = None
    ngram: float | None = None
    order: float | None = None
    ngram_order: float | None = None
    curve: tuple[Moment, ...] = ()
    sampled: Sampled | None = None
    usual_entropy: float | None = None
    usual_repeats: float | None = None
    usual_nats: Usual | None = None


STRANGE = 3.0  # spreads; of normal values 1 in 370 is farther off, and here it is a median


def gather(
    bundle: Bundle,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    pieces: Sequence[Composition],
    ngram: NGram | None = None,
    *,
    seed: int = 0,
) -> Evidence:
    """Gather what there is; of many pieces some thousands of notes are scored.

    Args:
        bundle: The model, with its learning curve where it has one.
        train: Pieces that it learned from; may be empty.
        held_out: Pieces that it did not learn from; may be empty. Then what the bundle says of its
            own is taken.
        pieces: What it composed, at its own settings; may be empty.
        ngram: Of the training pieces.
        seed: Of the shuffling.
    """
    results, v = bundle.results, bundle.vocabulary
    known, others = some(train, v), some(held_out, v)
    enough = len(others) >= _FEWEST_PIECES
    counting = order = by_ngram = ngram_order = None
    held_out_nats = results.get("valid_nats_per_note")
    if enough:
        rng = np.random.default_rng(seed)
        mixed = [encode(shuffled(decode(piece, v), rng), v) for piece in others]
        counting = measure(Unigram(v).nats, others).total
        held_out_nats, order = _with_order(bundle.decoder.score, others, mixed)
        if ngram is not None:
            by_ngram, ngram_order = _with_order(ngram.nats, others, mixed)
    else:
        by_ngram = results.get("ngram_nats_per_note")
    typical = Typical.of_bundle(bundle)
    usual = typical.features
    return Evidence(
        notes=int(results.get("train_notes") or 0),
        train=measure(bundle.decoder.score, known).total if known else None,
        held_out=held_out_nats,
        counting=counting,
        ngram=by_ngram,
        order=order,
        ngram_order=ngram_order,
        curve=learning_curve(bundle),
        sampled=sampled(bundle, pieces) if pieces else None,
        usual_entropy=usual["pitch_class_entropy"].middle if usual else None,
        usual_repeats=usual["longest_repeat"].middle if usual else None,
        usual_nats=typical.nats,
    )


def sampled(bundle: Bundle, pieces: Sequence[Composition]) -> Sampled:
    """What composed pieces are like, beside what is usual.

    Args:
        bundle: That composed them.
        pieces: At least one.
    """
    typical = Typical.of_bundle(bundle)
    measured = [features_of(piece.score) for piece in pieces]
    middle = {name: float(np.median([of[name] for of in measured])) for name in FEATURES}
    far = {
        name: usual._replace(spread=max(usual.spread, _COUNTED.get(name, 0.0))).z(middle[name], 99)
        for name, usual in typical.features.items()
    }
    runs = [piece.copied.notes if piece.copied else 0 for piece in pieces]
    copied = None
    if typical.copied is not None:
        most = max(typical.copied.middle + 2 * typical.copied.spread, RUN)
        copied = float(np.mean([run > most for run in runs]))
    return Sampled(
        pieces=len(pieces),
        unfinished=float(np.mean([_in_trouble(piece) for piece in pieces])),
        entropy=middle["pitch_class_entropy"],
        repeats=middle["longest_repeat"],
        strange=tuple((name, z) for name, z in far.items() if abs(z) > STRANGE),
        copied=copied,
        longest=max(runs),
    )


def learning_curve(bundle: Bundle) -> tuple[Moment, ...]:
    """The rows of ``history.csv``; none where it is not there, or makes no sense."""
    path = bundle.path / HISTORY
    try:
        if path.stat().st_size > _LONGEST_HISTORY:
            return ()
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                Moment(*(float(row[name]) for name in ("epoch", "train_nats", "valid_nats")))
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):  # a stranger's file, or none
        return ()
    return tuple(row for row in rows if math.isfinite(row.epoch) and math.isfinite(row.train))


def some(
    pieces: Sequence[Encoded], vocabulary: Vocabulary, most_rows: int = _MOST_ROWS
) -> list[Encoded]:
    """Evenly chosen pieces that have notes, of each its beginning, as many as are scored.

    Args:
        pieces: Rows may lie on disk; only those that are taken are read.
        vocabulary: Of the rows.
        most_rows: About how many rows they may have in all.
    """
    pieces = [piece for piece in pieces if piece.n_notes]
    rows = sum(min(len(piece.events), MOST_ROWS) for piece in pieces)
    count = len(pieces) * most_rows // max(rows, most_rows)
    count = max(min(len(pieces), _FEWEST_PIECES), count)
    cut = (beginning(pieces[place], vocabulary) for place in spread(len(pieces), count))
    return [replace(piece, n_notes=count_notes(piece, vocabulary)) for piece in cut]


def _with_order(
    says: Says, pieces: Sequence[Encoded], mixed: Sequence[Encoded]
) -> tuple[float, float]:
    """Nats a note of pieces, and how many more they cost with their pitches shuffled."""
    nats = measure(says, pieces).total
    return nats, measure(says, mixed).total - nats


def _in_trouble(piece: Composition) -> bool:
    """Whether it found no end, or did not get out of a trouble."""
    return not piece.complete or any(not rescue.helped for rescue in piece.rescues)
