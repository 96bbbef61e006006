"""The music that experiments run on: a bundle, what it learned from, and what it did not."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from musiclstm.encoding import Encoded
from musiclstm.errors import RequestError
from musiclstm.ingest.batch import Progress
from musiclstm.lab.plain import Pieces as PlainPieces
from musiclstm.lab.plain import PlainSettings, Tell, textbook
from musiclstm.lab.plain_keras import Trained, train_plain
from musiclstm.model import Bundle
from musiclstm.model.pieces import Pieces, encoded, read_pieces
from musiclstm.training.corpus import TrainingSet, prepare_corpus

VALID_SHARE = 0.1  # of the notes, where a split must be drawn
SPLIT_SEED = 0  # the split is the same whatever the seed of an experiment


@dataclass(frozen=True)
class Music:
    """Read when it is asked for, and once.

    Where the bundle has learned from pieces of the corpus, those are learned from in experiments
    too, and those held out then are held out. Where it has met none of them, a split is drawn.

    Attributes:
        bundle: The model.
        src: A folder of music; None for the built-in corpus that the bundle was made of.
        progress: Called with the number of files read and the number of all.
    """

    bundle: Bundle
    src: Path | None = None
    progress: Progress | None = None

    @cached_property
    def pieces(self) -> Pieces:
        """The corpus, and what the bundle knows of it.

        Raises:
            RequestError: If it is not given, and not built in.
        """
        found = read_pieces(self.bundle, self.src, progress=self.progress)
        if found is None:
            raise RequestError(
                f"{self.bundle.name} was not made of a built-in corpus: add SRC, the folder of "
                "music that it was trained on, or another"
            )
        return found

    @cached_property
    def data(self) -> TrainingSet:
        """Pieces to learn from and held-out ones, encoded with a vocabulary of their own.

        Raises:
            TrainingError: If there is nothing to learn from.
        """
        known = self.pieces.places["train"] != ()
        used = self._sources("train", "valid") if known else self._sources("new")
        held_out = self._sources("valid")
        drawn: Callable[[str], bool] | None = held_out.__contains__ if known and held_out else None
        return prepare_corpus(
            self.pieces.corpus,
            valid_share=VALID_SHARE,
            seed=SPLIT_SEED,
            leave_out=lambda source: source not in used,
            held_out=drawn,
        )

    @cached_property
    def own(self) -> PlainPieces:
        """The same split, as the bundle reads it, for networks that are compared with it."""
        splits = {"train": self.learned, "valid": self.held_out}
        return PlainPieces(self.bundle.vocabulary, splits)

    @cached_property
    def piece(self) -> Encoded:
        """A held-out piece, as the bundle reads it; one to learn from where none is held out."""
        return (self.held_out or self.learned)[0]

    def plain(self, settings: PlainSettings, tell: Tell) -> dict[str, Trained]:
        """Textbook networks that have learned from the same pieces, trained once for all.

        Args:
            settings: What they have in common.
            tell: Is told how far it is.
        """
        if settings not in self._plain:
            self._plain[settings] = train_plain(self.own, textbook(settings), tell)
        return self._plain[settings]

    @cached_property
    def _plain(self) -> dict[PlainSettings, dict[str, Trained]]:
        return {}

    @cached_property
    def learned(self) -> list[Encoded]:
        """Pieces to learn from, as the bundle reads them."""
        return self._encoded("train")

    @cached_property
    def held_out(self) -> list[Encoded]:
        """Pieces that the bundle has not learned from, as it reads them; there may be none."""
        known = self.pieces.places["train"] != ()
        if known and not self.pieces.places["valid"]:
            return encoded(self.bundle, self.pieces.some("new", self.pieces.count("new")))
        return self._encoded("valid")

    def _encoded(self, split: str) -> list[Encoded]:
        """The pieces of one split of :attr:`data`."""
        chosen = zip(self.data.hashes, self.data.splits, strict=True)
        hashes = {digest for digest, own in chosen if own == split}
        corpus = self.pieces.corpus
        places = [place for place, digest in enumerate(corpus.hashes) if digest in hashes]
        return encoded(self.bundle, [corpus.scores[place] for place in places])

    def _sources(self, *splits: str) -> frozenset[str]:
        kept = self.pieces.corpus.report.kept
        return frozenset(
            kept[place].source for split in splits for place in self.pieces.places[split]
        )
