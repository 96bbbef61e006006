"""The music that contenders are measured on: one vocabulary and the same encoded pieces for all.

A piece is *test* where the SHA-256 of its file, as a number, is 0 modulo 10, *valid* where it is 1,
and *train* otherwise. The vocabulary is what ``musiclstm train`` makes of the training pieces.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclstm.encoding import Conditions, Encoded, Vocabulary, encode
from musiclstm.errors import TrainingError
from musiclstm.ingest import Corpus, read_folder
from musiclstm.score import Score
from musiclstm.training.corpus import prepare_corpus

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CORPORA = ("pop909", "nottingham", "piano")
SPLITS = ("train", "valid", "test")
SOME_ROWS = 30_000  # of the training pieces that are judged: all of them would take hours


@dataclass(frozen=True)
class Music:
    """A corpus, split and encoded.

    Attributes:
        name: Of its folder.
        corpus: As read, all splits; what ``musiclstm.training.train`` takes.
        vocabulary: Of the training pieces.
        pieces: Encoded pieces of each split.
        lost: For each split what its pieces cannot express in the vocabulary; see :func:`losses`.
    """

    name: str
    corpus: Corpus
    vocabulary: Vocabulary
    pieces: dict[str, list[Encoded]]
    lost: dict[str, dict[str, int]]

    @property
    def facts(self) -> dict[str, Any]:
        """Sizes of the splits and what got lost, for the results."""
        return {
            split: {
                "pieces": len(pieces),
                "notes": sum(piece.n_notes for piece in pieces),
                "rows": sum(len(piece.events) for piece in pieces),
                **self.lost[split],
            }
            for split, pieces in self.pieces.items()
        }


def split_of(content_hash: str) -> str:
    """The split of a file.

    >>> split_of("0a"), split_of("0b"), split_of("0c")
    ('test', 'valid', 'train')

    Args:
        content_hash: SHA-256 of its bytes, in hex.
    """
    return {0: "test", 1: "valid"}.get(int(content_hash, 16) % 10, "train")


def splits_of(corpus: Corpus) -> dict[str, str]:
    """The split of each piece that was kept, by source."""
    return {file.source: split_of(file.content_hash) for file in corpus.report.kept}


def read_music(name: str, folder: Path | None = None) -> Music:
    """Read, split and encode a corpus.

    Args:
        name: Of the corpus.
        folder: Where it lies; None takes it from :data:`DATA`.

    Raises:
        MusicLSTMError: If there is no such folder, or a split of it is empty.
    """
    place = folder or DATA / name
    return music_of(name, read_folder(place))


def music_of(name: str, corpus: Corpus) -> Music:
    """Split and encode a corpus that has been read.

    Raises:
        TrainingError: If a split is empty.
    """
    splits = splits_of(corpus)
    data = prepare_corpus(
        corpus,
        valid_share=0.1,
        seed=0,
        leave_out=lambda source: splits[source] == "test",
        held_out=lambda source: splits[source] == "valid",
    )
    pieces = {"train": data.of("train"), "valid": data.of("valid"), "test": []}
    scores: dict[str, list[Score]] = {split: [] for split in SPLITS}
    for score, file in zip(corpus.scores, corpus.report.kept, strict=True):
        if len(score.notes):
            scores[splits[file.source]].append(score)
    pieces["test"] = [encode(score, data.vocabulary) for score in scores["test"]]
    for split, own in pieces.items():
        if not own:
            raise TrainingError(f"{name} has no piece in the {split} split")
    lost = {split: losses(scores[split], pieces[split]) for split in SPLITS}
    return Music(name, corpus, data.vocabulary, pieces, lost)


def losses(scores: Sequence[Score], pieces: Sequence[Encoded]) -> dict[str, int]:
    """What a vocabulary cannot express of some scores.

    Nothing is ever transposed or left out to make a piece fit: parts beyond those of the model are
    merged into the nearest one, where notes of one pitch become one, and drums are dropped where
    the model has none.

    Returns:
        ``merged_parts``, ``dropped_parts``: how many. ``lost_notes``: notes that went with them.
        ``touched_pieces``: pieces of which anything was merged or dropped.
    """
    found: Counter[str] = Counter(merged_parts=0, dropped_parts=0, lost_notes=0, touched_pieces=0)
    for score, piece in zip(scores, pieces, strict=True):
        found["merged_parts"] += len(piece.merged)
        found["dropped_parts"] += len(piece.dropped)
        found["lost_notes"] += len(score.notes) - piece.n_notes
        found["touched_pieces"] += bool(piece.merged or piece.dropped)
    return dict(found)


def known_of(encoded: Encoded) -> Conditions:
    """The conditions that likelihoods are published under: the style, where the corpus has any."""
    return Conditions(style=encoded.conditions.style)


def judged_pieces(pieces: Sequence[Encoded], split: str) -> list[Encoded]:
    """The pieces of a split that are judged: all, or of the training pieces one in so many."""
    rows = sum(len(piece.events) for piece in pieces)
    every = max(1, round(rows / SOME_ROWS)) if split == "train" else 1
    return list(pieces[::every])
