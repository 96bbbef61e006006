"""The corpus as training sees it: encoded, split, described."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from musiclstm.encoding import Encoded, Field, Vocabulary, build_vocabulary, encode, fit_parts
from musiclstm.encoding.fitting import widened
from musiclstm.errors import TrainingError
from musiclstm.ingest import Corpus
from musiclstm.score import Score
from musiclstm.training.split import split_pieces

FEW_NOTES = 20_000  # below this a model of the default size learns the pieces by heart


@dataclass(frozen=True)
class TrainingSet:
    """Encoded pieces and their split.

    Attributes:
        vocabulary: Made of the training pieces.
        pieces: All pieces, encoded.
        splits: ``"train"`` or ``"valid"`` for each.
        hashes: Content hash of each.
        scores: The pieces themselves.
    """

    vocabulary: Vocabulary
    pieces: tuple[Encoded, ...]
    splits: tuple[str, ...]
    hashes: tuple[str, ...]
    scores: tuple[Score, ...]

    def of(self, split: str) -> list[Encoded]:
        """The pieces of one split."""
        return [p for p, own in zip(self.pieces, self.splits, strict=True) if own == split]

    @property
    def coverage(self) -> dict[str, float]:
        """Share of the training rows whose id the vocabulary had counted, by field."""
        shares = {}
        for field in Field:
            counts = self.vocabulary.counts.get(field, ())
            seen = total = 0
            for piece in self.of("train"):
                rows = piece.events
                if field != Field.SHIFT:
                    rows = rows[rows[:, Field.SHIFT] <= self.vocabulary.max_shift]
                total += len(rows)
                seen += sum(1 for value in rows[:, field].tolist() if counts and counts[value])
            shares[field.name.lower()] = seen / total if total else 1.0
        return shares

    def as_dict(self) -> dict[str, Any]:
        """For ``corpus.json``: what each piece is, and what generation may draw from."""
        pieces = []
        for score, encoded, split, digest in zip(
            self.scores, self.pieces, self.splits, self.hashes, strict=True
        ):
            conditions = encoded.conditions
            pieces.append(
                {
                    "source": score.source,
                    "hash": digest,
                    "split": split,
                    "notes": encoded.n_notes,
                    "style": score.style,
                    "key": conditions.key.index if conditions.key else None,
                    "key_written": score.key is not None,
                    "meters": [
                        [m.step, m.numerator, m.denominator] for m in score.meter_map.meters
                    ],
                    "pickup": score.meter_map.pickup_steps,
                    "tempo": conditions.tempo,
                    "bars": conditions.bars,
                    "parts": list(encoded.part_map),
                    "programs": [part.program for part in encoded.parts],
                }
            )
        return {"pieces": pieces}


def prepare_corpus(
    corpus: Corpus,
    *,
    valid_share: float,
    seed: int,
    parts: Sequence[str] = (),
    drop_drums: bool = False,
    vocabulary: Vocabulary | None = None,
    leave_out: Callable[[str], bool] | None = None,
) -> TrainingSet:
    """Encode and split a corpus.

    Args:
        corpus: As read.
        valid_share: Share of the notes to hold out, 0-0.5.
        seed: Of the split.
        parts: Names or numbers (from 0) of the model parts to learn; all by default.
        drop_drums: Whether to leave drums out.
        vocabulary: To go on with (fine-tuning); by default one is made of the training pieces.
        leave_out: Says of a source whether it must not be used at all.

    Raises:
        TrainingError: If no music is left.
    """
    scores, hashes = [], []
    for score, digest in zip(corpus.scores, corpus.hashes, strict=True):
        if leave_out is not None and leave_out(score.source):
            continue
        kept = score
        if drop_drums and any(part.is_drum for part in score.parts):
            kept = score.keep_parts([i for i, part in enumerate(score.parts) if not part.is_drum])
        if len(kept.notes):
            scores.append(kept)
            hashes.append(digest)
    if not scores:
        raise TrainingError("no music is left to learn from; see what `musiclstm ingest` reports")
    splits = split_pieces(scores, valid_share, seed)
    training = [score for score, split in zip(scores, splits, strict=True) if split == "train"]
    if vocabulary is None:
        made = build_vocabulary(training)
    else:
        made = vocabulary.with_styles(sorted({score.style for score in training if score.style}))
    if parts:
        # the corpus' own parts, whatever the vocabulary that is gone on with has left of them
        full = build_vocabulary(training)
        wanted = part_ids(parts, full)
        chosen = [_only(score, full, wanted) for score in scores]
        heard = [place for place, score in enumerate(chosen) if len(score.notes)]
        scores, hashes = [chosen[place] for place in heard], [hashes[place] for place in heard]
        splits = [splits[place] for place in heard]
        training = [score for score, split in zip(scores, splits, strict=True) if split == "train"]
        if not training:
            raise TrainingError(f"no piece to learn from has the parts {', '.join(parts)}")
        made = build_vocabulary(training) if vocabulary is None else made
    if vocabulary is not None:
        made = replace(made, parts=widened(made.parts, training))
    pieces = tuple(encode(score, made) for score in scores)
    if vocabulary is None:
        rows = [p.events for p, split in zip(pieces, splits, strict=True) if split == "train"]
        made = made.with_counts(rows)
    return TrainingSet(made, pieces, tuple(splits), tuple(hashes), tuple(scores))


def part_ids(names: Sequence[str], vocabulary: Vocabulary) -> set[int]:
    """Ids of parts that are given by name or number (from 0).

    Raises:
        TrainingError: If the corpus has no such part; the message lists those it has.
    """
    known = [part.name for part in vocabulary.parts]
    found = set()
    for name in names:
        if name.lower() in known:
            found.add(known.index(name.lower()))
        elif name.isdecimal() and int(name) < len(known):
            found.add(int(name))
        else:
            listed = ", ".join(f"{index} {part}" for index, part in enumerate(known))
            raise TrainingError(f"the corpus has no part {name!r}; it has: {listed}")
    return found


def _only(score: Score, vocabulary: Vocabulary, wanted: set[int]) -> Score:
    """The score with those parts that are fitted to the wanted model parts."""
    fitted = fit_parts(score, vocabulary.parts)
    kept = [place for place, part in enumerate(fitted.part_map) if part in wanted]
    return fitted.score.keep_parts(kept)
