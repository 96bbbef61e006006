"""The corpus as training sees it: encoded, split, described.

No more than one score is in memory at a time. What is chosen of the corpus is a list of places, and
whoever needs the scores (splitting, the vocabulary, encoding) goes through them on disk; the rows
that come of it lie on disk too.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from musiclstm.encoding import Encoded, Field, Vocabulary, build_vocabulary, encode, fit_parts
from musiclstm.encoding.fitting import widened
from musiclstm.encoding.parts import part_number
from musiclstm.errors import TrainingError
from musiclstm.generation.habits import Habits
from musiclstm.ingest import Corpus
from musiclstm.score import Score
from musiclstm.training.split import split_pieces
from musiclstm.training.spool import spooled


@dataclass(frozen=True)
class TrainingSet:
    """Encoded pieces and their split.

    Attributes:
        vocabulary: Made of the training pieces.
        pieces: All pieces, encoded; their rows may be views of a file (:mod:`.spool`).
        splits: ``"train"`` or ``"valid"`` for each.
        hashes: Content hash of each.
        keys_written: Whether the key of each stands in its file, or was found by us.
    """

    vocabulary: Vocabulary
    pieces: tuple[Encoded, ...]
    splits: tuple[str, ...]
    hashes: tuple[str, ...]
    keys_written: tuple[bool, ...]

    def of(self, split: str) -> list[Encoded]:
        """The pieces of one split."""
        return [p for p, own in zip(self.pieces, self.splits, strict=True) if own == split]

    @property
    def coverage(self) -> dict[str, float]:
        """Share of the training rows whose id the vocabulary had counted, by field."""
        shares = {}
        for field in Field:
            known = np.asarray(self.vocabulary.counts.get(field, ()), np.int64) > 0
            seen = total = 0
            for piece in self.of("train"):
                rows = piece.events
                if field != Field.SHIFT:
                    rows = rows[rows[:, Field.SHIFT] <= self.vocabulary.max_shift]
                total += len(rows)
                seen += int(np.count_nonzero(known[rows[:, field]])) if known.size else 0
            shares[field.name.lower()] = seen / total if total else 1.0
        return shares

    def as_dict(self) -> dict[str, Any]:
        """For ``corpus.json``: what each piece is, and what generation may draw from."""
        pieces = []
        for encoded, split, digest, key_written in zip(
            self.pieces, self.splits, self.hashes, self.keys_written, strict=True
        ):
            conditions, meter_map = encoded.conditions, encoded.meter_map
            pieces.append(
                {
                    "source": encoded.source,
                    "hash": digest,
                    "split": split,
                    "notes": encoded.n_notes,
                    "style": conditions.style or "",
                    "key": conditions.key.index if conditions.key else None,
                    "key_written": key_written,
                    "meters": [[m.step, m.numerator, m.denominator] for m in meter_map.meters],
                    "pickup": meter_map.pickup_steps,
                    "tempo": conditions.tempo,
                    "bars": conditions.bars,
                    "parts": list(encoded.part_map),
                    "programs": [part.program for part in encoded.parts],
                }
            )
        return {"pieces": pieces, "habits": self.habits.as_dict()}

    @cached_property
    def habits(self) -> Habits:
        """What the pieces to learn from hardly ever do."""
        return Habits.of_pieces(self.of("train"), self.vocabulary)


@dataclass(frozen=True)
class _Chosen(Sequence[Score]):
    """Pieces of a corpus, each read, and cut down to what is learned, when it is asked for.

    Attributes:
        scores: Of the corpus.
        places: Which of them.
        cut: From a score to what of it is learned.
    """

    scores: Sequence[Score]
    places: Sequence[int]
    cut: Callable[[Score], Score]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Score: ...
    @overload
    def __getitem__(self, index: slice) -> "_Chosen": ...
    def __getitem__(self, index: int | slice) -> "Score | _Chosen":
        if isinstance(index, slice):
            return replace(self, places=self.places[index])
        return self.cut(self.scores[self.places[index]])

    def __iter__(self) -> Iterator[Score]:
        return (self[index] for index in range(len(self)))

    def with_music(self) -> "_Chosen":
        """Those of which something is left."""
        kept = zip(self.places, self, strict=True)
        return replace(self, places=[place for place, score in kept if len(score.notes)])

    def only(self, places: Container[int]) -> "_Chosen":
        """Those at some places of the corpus."""
        return replace(self, places=[place for place in self.places if place in places])


def prepare_corpus(
    corpus: Corpus,
    *,
    valid_share: float,
    seed: int,
    parts: Sequence[str] = (),
    drop_drums: bool = False,
    vocabulary: Vocabulary | None = None,
    settled: bool = False,
    leave_out: Callable[[str], bool] | None = None,
    held_out: Callable[[str], bool] | None = None,
    folder: Path | None = None,
) -> TrainingSet:
    """Encode and split a corpus.

    Args:
        corpus: As read.
        valid_share: Share of the notes to hold out, 0-0.5.
        seed: Of the split.
        parts: Names or numbers (from 1) of the model parts to learn; all by default.
        drop_drums: Whether to leave drums out.
        vocabulary: To go on with (fine-tuning); by default one is made of the training pieces.
        settled: Whether ``vocabulary`` was made of this very corpus: then it stays as it is.
        leave_out: Says of a source whether it must not be used at all.
        held_out: Says of a source whether it is held out; by default a split is drawn.
        folder: Where the rows lie while they are learned from; see :func:`spooled`.

    Raises:
        TrainingError: If no music is left, or no room on the disk.
    """
    candidates = [
        place
        for place, file in enumerate(corpus.report.kept)
        if leave_out is None or not leave_out(file.source)
    ]
    cut = _without_drums if drop_drums else _whole
    chosen = _Chosen(corpus.scores, candidates, cut).with_music()
    if not chosen:
        raise TrainingError("no music is left to learn from; see what `musiclstm ingest` reports")
    if held_out is None:
        drawn = split_pieces(chosen, valid_share, seed)
    else:
        kept = corpus.report.kept
        drawn = ["valid" if held_out(kept[place].source) else "train" for place in chosen.places]
    split_of = dict(zip(chosen.places, drawn, strict=True))
    to_learn = {place for place, split in split_of.items() if split == "train"}
    if not to_learn:
        raise TrainingError("all pieces are held out: nothing is left to learn from")
    made = vocabulary or build_vocabulary(chosen.only(to_learn))
    if parts:
        # the corpus' own parts, whatever the vocabulary that is gone on with has left of them
        own = made if vocabulary is None else build_vocabulary(chosen.only(to_learn))
        wanted = part_ids(parts, own)
        chosen = replace(chosen, cut=lambda score: _only(cut(score), own, wanted)).with_music()
        if not chosen.only(to_learn):
            raise TrainingError(f"no piece to learn from has the parts {', '.join(parts)}")
        made = vocabulary or build_vocabulary(chosen.only(to_learn))
    if vocabulary is not None and not settled:
        training = chosen.only(to_learn)
        made = vocabulary.with_styles(sorted({score.style for score in training} - {""}))
        made = replace(made, parts=widened(made.parts, training))
    keys_written = []

    def encoded() -> Iterator[Encoded]:
        for score in chosen:
            keys_written.append(score.key is not None)
            yield encode(score, made)

    pieces = spooled(encoded(), folder)
    splits = tuple(split_of[place] for place in chosen.places)
    if vocabulary is None:
        rows = (p.events for p, split in zip(pieces, splits, strict=True) if split == "train")
        made = made.with_counts(rows)
    hashes = corpus.hashes
    return TrainingSet(
        vocabulary=made,
        pieces=pieces,
        splits=splits,
        hashes=tuple(hashes[place] for place in chosen.places),
        keys_written=tuple(keys_written),
    )


def _whole(score: Score) -> Score:
    return score


def _without_drums(score: Score) -> Score:
    if not any(part.is_drum for part in score.parts):
        return score
    return score.keep_parts([i for i, part in enumerate(score.parts) if not part.is_drum])


def part_ids(names: Sequence[str], vocabulary: Vocabulary) -> set[int]:
    """Ids of parts that are given by name or number (from 1).

    Raises:
        TrainingError: If the corpus has no such part; the message lists those it has.
    """
    known = [part.name for part in vocabulary.parts]
    found = set()
    for name in names:
        number = part_number(name, len(known))
        if name.lower() in known:
            number = known.index(name.lower())
        if number is None:
            listed = ", ".join(f"{place} {part}" for place, part in enumerate(known, start=1))
            raise TrainingError(f"the corpus has no part {name[:80]!r}; it has: {listed}")
        found.add(number)
    return found


def _only(score: Score, vocabulary: Vocabulary, wanted: set[int]) -> Score:
    """The score with those parts that are fitted to the wanted model parts."""
    fitted = fit_parts(score, vocabulary.parts)
    kept = [place for place, part in enumerate(fitted.part_map) if part in wanted]
    return fitted.score.keep_parts(kept)
