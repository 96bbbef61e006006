"""Batches of pieces as they are judged: every row once, under the conditions that are published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.rivals.corpora import known_of
from musiclstm.encoding import Encoded, Vocabulary, condition_ids
from musiclstm.training.batches import Batch, BatchMaker, Schedule, Visit, Window

Nats = npt.NDArray[np.float64]

_EVERYTHING = 2**30  # rows: pieces are made ready whole, for windows may begin anywhere


@dataclass
class JudgedPieces(BatchMaker):
    """Makes batches in which every row of every piece counts exactly once.

    Attributes:
        overlap: Rows that a window shares with the one before; they are read again and count for
            nothing. 0 where the state is carried on.
    """

    overlap: int = 0

    @classmethod
    def of(
        cls,
        pieces: Sequence[Encoded],
        vocabulary: Vocabulary,
        lanes: int,
        window: int,
        overlap: int,
    ) -> "JudgedPieces":
        """For these pieces, nothing transposed or spoilt.

        Args:
            pieces: To judge.
            vocabulary: What their ids mean.
            lanes: Pieces side by side.
            window: Rows at a time.
            overlap: 0 up, less than the window.
        """
        lanes = min(lanes, len(pieces))
        return cls(pieces, vocabulary, lanes, window, augment=False, overlap=overlap)

    def __iter__(self) -> Iterator[Batch]:
        """Everything once."""
        stride = self.window - self.overlap
        # the first window counts whole: a piece of L rows needs another where L goes beyond it
        lengths = [max(length - self.overlap, 1) for length in self.lengths]
        order = np.argsort([-length for length in lengths], kind="stable")
        visits = (Visit(int(piece), ()) for piece in order)
        for windows in Schedule(lengths, visits, self.lanes, stride):
            yield self.make(windows)

    def make(self, windows: Sequence[Window | None]) -> Batch:
        """One batch; see :meth:`BatchMaker.make`."""
        batch = super().make(windows)
        for lane, window in enumerate(windows):
            if window is None:
                continue
            piece = self.pieces[window.visit.piece]
            known = replace(known_of(piece), meter=piece.conditions.meter)
            batch["conditions"][lane] = condition_ids(known, self.vocabulary)
            if window.start:
                batch["counts"][lane, : self.overlap] = False
        return batch

    @property
    def _section_rows(self) -> int:
        return _EVERYTHING

    @property
    def notes(self) -> int:
        """Notes of all pieces."""
        return sum(piece.n_notes for piece in self.pieces)
