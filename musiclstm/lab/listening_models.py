"""Models that are asked how likely the next notes are after some history."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Conditions,
    Context,
    Encoded,
    Piece,
    condition_ids,
)
from musiclstm.evaluation.baselines import NGram
from musiclstm.lab.listening_histories import Moment
from musiclstm.lab.plain import PlainModel, Rows
from musiclstm.model.cells import Cells
from musiclstm.model.decoder import Decoder
from musiclstm.model.folded import Folded
from musiclstm.model.likelihood import nats_of_piece

Array = npt.NDArray[Any]


class Prepared(NamedTuple):
    """A history ready to be asked for.

    Attributes:
        encoded: Its rows.
        piece: The same with context and masks.
        asked: How many rows at its end.
    """

    encoded: Encoded
    piece: Piece
    asked: int


class _Windows(Cells):
    """LSTM layers that read some windows of a sequence, each from an empty state.

    Args:
        cells: The layers.
        shape: Their number and width.
        windows: First row that is read, first row whose output is wanted, row after the last one:
            int ``(W, 3)``. What is wanted of two windows must not overlap; all else comes out as 0.
    """

    def __init__(self, cells: Cells, shape: tuple[int, int], windows: Array) -> None:
        self._cells, self._shape = cells, shape
        self._windows = windows[np.argsort(windows[:, 0] - windows[:, 2], kind="stable")]

    def sequence(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """All layers over all windows side by side, the longest first: what goes on leads."""
        first, wanted, stop = self._windows.T
        layers, units = self._shape
        h = np.zeros((layers, len(first), units), np.float32)
        c = np.zeros_like(h)
        found = np.zeros_like(x)
        for t in range(int((stop - first).max(initial=0))):
            going = int(np.count_nonzero(stop - first > t))
            rows = first[:going] + t
            output, h, c = self._cells.step(x[rows], h[:, :going], c[:, :going])
            tell = rows >= wanted[:going]
            found[rows[tell]] = output[tell]
        return found


def _through_windows(decoder: Decoder, piece: Piece, windows: Array) -> Array:
    """Nats of each row of a piece, ``(rows, 5)``, the LSTM reading in windows."""
    v, config = decoder.vocabulary, decoder.config
    folded: Folded = copy.copy(decoder.folded)
    folded.cells = _Windows(folded.cells, (config.layers, config.units), windows)
    said = folded.conditions(condition_ids(Conditions(), v)[None])[0]
    return nats_of_piece(folded, piece, said, v)


def state_cut(
    decoder: Decoder, piece: Piece, moments: Sequence[Moment], begins: Sequence[int]
) -> list[Array]:
    """Nats of what is asked for where the LSTM has read the last rows only.

    Args:
        decoder: Of a bundle.
        piece: Whole; its context stays what it is.
        moments: In ascending order.
        begins: For each the event row with which the LSTM's history begins. It reads the row before
            it as well, as it reads START before the first; so with no history, that row alone.

    Returns:
        For each moment ``(rows, 5)``.
    """
    windows = np.array([(b, m.row, m.stop) for b, m in zip(begins, moments, strict=True)])
    nats = _through_windows(decoder, piece, windows.reshape(-1, 3))
    return [nats[moment.row : moment.stop] for moment in moments]


Listener = Callable[[Sequence[Prepared]], list[Array]]


def bundle_listener(decoder: Decoder) -> Listener:
    """Ask a bundle: all histories in one piece, the LSTM beginning anew in each."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        ends = np.cumsum([len(each.piece.inputs) for each in histories])
        begins = ends - [len(each.piece.inputs) for each in histories]
        windows = np.stack([begins, begins, ends - 1], axis=1)
        nats = _through_windows(decoder, _joined([each.piece for each in histories]), windows)
        return [
            nats[end - 1 - each.asked : end - 1]
            for end, each in zip(ends.tolist(), histories, strict=True)
        ]

    return listen


def _joined(pieces: Sequence[Piece]) -> Piece:
    """Pieces one behind the other; from the last row of one to START of the next means nothing."""
    context = {
        name: np.concatenate([getattr(piece.context, name) for piece in pieces])
        for name in vars(pieces[0].context)
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("inputs", "targets", "after_ids", "legal", "counts")
    }
    return Piece(
        context=Context(**context), n_notes=sum(piece.n_notes for piece in pieces), **arrays
    )


def plain_listener(model: PlainModel) -> Listener:
    """Ask a plain network."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        nats = model.nats([Rows.of_piece(each.piece) for each in histories])
        return [rows[-each.asked :] for rows, each in zip(nats, histories, strict=True)]

    return listen


def ngram_listener(ngram: NGram) -> Listener:
    """Ask an n-gram."""

    def listen(histories: Sequence[Prepared]) -> list[Array]:
        return [ngram.nats(each.encoded)[-each.asked :] for each in histories]

    return listen
