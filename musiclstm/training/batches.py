"""Batches of one fixed shape, cut from whole pieces, ready before the network asks for them.

A batch has B lanes of T rows. Each lane plays one piece after the other; within a piece the LSTM's
state is carried from window to window, and a new piece begins a new window with a fresh state. The
rest of a piece's last window is padding, which counts for nothing. A long piece is made ready for
the network section by section (:mod:`.sections`), so that memory is bounded whatever its length.

What a lane plays is decided by indices and seeds alone (:class:`Schedule`), so that a resumed run
can skip to its step in no time and go on exactly as the unbroken one.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    Conditions,
    Encoded,
    Field,
    Piece,
    Vocabulary,
    condition_ids,
    prepare,
    transpose,
    transpositions,
)
from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.training.sections import SECTION_ROWS, section

# How often a piece is shown with all conditions unspecified, and else how often each is hidden.
ALL_HIDDEN = 0.3
EACH_HIDDEN = 0.2
_QUEUE = 4  # batches made ahead; a few megabytes each


@dataclass(frozen=True)
class Visit:
    """One playing of a piece: which, how far transposed, with which random seed."""

    piece: int
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """What a lane plays in one batch: rows ``start`` to ``start + T`` of a visit."""

    visit: Visit
    start: int


Batch = dict[str, npt.NDArray[Any]]


class Schedule(Iterator[list[Window | None]]):
    """Which window each lane plays, batch after batch.

    Args:
        lengths: Rows of each piece.
        visits: Pieces in the order of playing; endless for training.
        lanes: B.
        window: T.
    """

    def __init__(
        self, lengths: Sequence[int], visits: Iterator[Visit], lanes: int, window: int
    ) -> None:
        self._lengths = lengths
        self._visits = visits
        self._window = window
        self._playing: list[Window | None] = [None] * lanes

    def __next__(self) -> list[Window | None]:
        for lane, now in enumerate(self._playing):
            if now is not None:
                start = now.start + self._window
                if start < self._lengths[now.visit.piece]:
                    self._playing[lane] = replace(now, start=start)
                    continue
            visit = next(self._visits, None)
            self._playing[lane] = None if visit is None else Window(visit, 0)
        if all(now is None for now in self._playing):
            raise StopIteration
        return list(self._playing)


def endless_visits(n_pieces: int, seed: int) -> Iterator[Visit]:
    """Every piece once an epoch, in an order of its own each time."""
    epoch = 0
    while True:
        for place, piece in enumerate(
            np.random.default_rng([seed, 2, epoch]).permutation(n_pieces)
        ):
            yield Visit(int(piece), (seed, 3, epoch, place))
        epoch += 1


def windows_per_epoch(lengths: Sequence[int], window: int) -> int:
    """Windows that it takes to play every piece once."""
    return int(sum(-(-length // window) for length in lengths))


@dataclass(frozen=True)
class _Ready:
    """What a lane has made ready: a piece, or a section of one.

    Attributes:
        visit: Of the piece.
        first: The row, counted from START, with which the section begins.
        place: Where that row stands in ``piece``.
        piece: The section, with what it remembers before it.
        conditions: Those that are shown.
    """

    visit: Visit
    first: int
    place: int
    piece: Piece
    conditions: Conditions


@dataclass
class BatchMaker:
    """Cuts batches of one shape out of pieces.

    Attributes:
        pieces: Encoded pieces.
        vocabulary: What their ids mean.
        lanes: B.
        window: T.
        augment: Whether to transpose, and to show conditions (training); otherwise pieces are as
            they are and all conditions unspecified (likelihood).
    """

    pieces: Sequence[Encoded]
    vocabulary: Vocabulary
    lanes: int
    window: int
    augment: bool
    _ready: list[_Ready | None] = field(default_factory=list)

    @property
    def lengths(self) -> list[int]:
        """Rows of each piece."""
        return [len(piece.events) for piece in self.pieces]

    def training_schedule(self, seed: int) -> Schedule:
        """Endless, shuffled."""
        visits = endless_visits(len(self.pieces), seed)
        return Schedule(self.lengths, visits, self.lanes, self.window)

    def single_pass(self) -> Schedule:
        """Every piece once, the longest first, so that lanes end at about the same time."""
        order = np.argsort([-length for length in self.lengths], kind="stable")
        visits = (Visit(int(piece), ()) for piece in order)
        return Schedule(self.lengths, visits, self.lanes, self.window)

    def make(self, windows: Sequence[Window | None]) -> Batch:
        """One batch.

        Returns:
            Arrays by name: ``inputs`` (B, T, 5), ``after`` (B, T), ``conditions`` (B, 5), the five
            of :class:`Context` (B, T + 1, ...), ``targets`` (B, T, 5), ``legal`` (B, T, ids),
            ``counts`` (B, T, 5), ``continues`` (B, T): whether a target goes on with a tied note,
            ``fresh`` (B,): whether the lane begins a piece.
        """
        v, rows = self.vocabulary, self.window
        batch = _empty(self.lanes, rows, v)
        if not self._ready:
            self._ready = [None] * self.lanes
        for lane, window in enumerate(windows):
            if window is None:
                batch["fresh"][lane] = True
                continue
            first = window.start - window.start % self._section_rows
            ready = self._ready[lane]
            if ready is None or (ready.visit, ready.first) != (window.visit, first):
                ready = self._ready[lane] = self._prepare(window.visit, first)
            _fill(batch, lane, ready.piece, window.start - first + ready.place, rows, v)
            batch["conditions"][lane] = condition_ids(ready.conditions, v)
            batch["fresh"][lane] = window.start == 0
        return batch

    @property
    def _section_rows(self) -> int:
        """Rows made ready at a time: whole windows, so that none lies in two sections."""
        return self.window * max(1, SECTION_ROWS // self.window)

    def _prepare(self, visit: Visit, first: int) -> _Ready:
        v, encoded = self.vocabulary, self.pieces[visit.piece]
        conditions, semitones = Conditions(), 0
        if self.augment:
            rng = np.random.default_rng(visit.seed)
            low, high = transpositions(encoded, v)
            semitones = int(rng.integers(low, high + 1))
            conditions = hide(encoded.conditions.transposed(semitones), rng)
        stop = min(first + self._section_rows, len(encoded.events))
        cut, place = section(encoded, first, stop, v)
        piece = prepare(transpose(cut, semitones, v), v, bars=conditions.bars)
        return _Ready(visit, first, place, piece, conditions)


def hide(conditions: Conditions, rng: np.random.Generator) -> Conditions:
    """Drop conditions at random, so that a model can be asked with any of them unset."""
    if rng.random() < ALL_HIDDEN:
        return Conditions()
    hidden = {name: None for name in vars(conditions) if rng.random() < EACH_HIDDEN}
    return replace(conditions, **hidden)


def _empty(lanes: int, rows: int, v: Vocabulary) -> Batch:
    def zeros(*shape: int, dtype: type = np.int32) -> npt.NDArray[Any]:
        return np.zeros((lanes, *shape), dtype)

    return {
        "inputs": zeros(rows, len(Field)),
        "after": zeros(rows),
        "conditions": zeros(len(Field)),
        "onset_ids": zeros(rows + 1, 5),
        "sounding": zeros(rows + 1, 128, dtype=np.uint8),
        "remaining": zeros(rows + 1, MAX_MODEL_PARTS, dtype=np.uint8),
        "voice_ids": zeros(rows + 1, 7),
        "voice_sounding": zeros(rows + 1, 128, dtype=np.uint8),
        "targets": zeros(rows, len(Field)),
        "legal": np.ones((lanes, rows, sum(v.sizes)), bool),
        "counts": zeros(rows, len(Field), dtype=bool),
        "continues": zeros(rows, dtype=bool),
        "fresh": np.zeros(lanes, bool),
    }


def _fill(batch: Batch, lane: int, piece: Piece, start: int, rows: int, v: Vocabulary) -> None:
    stop = min(start + rows, len(piece))
    n = stop - start
    batch["inputs"][lane, :n] = piece.inputs[start:stop]
    batch["after"][lane, :n] = piece.after[start:stop]
    for name, values in vars(piece.context).items():
        batch[name][lane, : n + 1] = values[start : stop + 1]
    coming = slice(start + 1, stop + 1)
    counts = piece.counts[coming]
    batch["targets"][lane, :n] = np.where(counts, piece.inputs[coming], 0)
    batch["legal"][lane, :n] = piece.legal[coming]
    batch["counts"][lane, :n] = counts
    batch["continues"][lane, :n] = batch["inputs"][lane, :n, Field.DURATION] == v.tie


def prefetch(
    make: Callable[[list[Window | None]], Batch], schedule: Iterator[list[Window | None]]
) -> Generator[Batch]:
    """Make batches in a thread, a few ahead of whoever consumes them.

    An error in the thread is raised here; when the consumer stops, so does the thread.
    """
    ahead: queue.Queue[Batch | BaseException | None] = queue.Queue(_QUEUE)
    stopped = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ahead.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for windows in schedule:
                if stopped.is_set():
                    return
                put(make(windows))
            put(None)
        except BaseException as error:  # handed to the consumer
            put(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
