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
    CONDITION_NAMES,
    Conditions,
    Encoded,
    Field,
    Noise,
    Piece,
    Vocabulary,
    condition_ids,
    prepare,
    transpose,
    transpositions,
)
from musiclstm.training.sections import SECTION_ROWS, section, without_past

EACH_HIDDEN = 0.2  # how often a condition is hidden where not all are
_READ = ("inputs", "after_ids")  # of the row that is read; the rest is of the row to come
_OF_ROWS = (*_READ, "targets", "legal", "counts")
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
        piece: The section.
        conditions: Those that are shown.
    """

    visit: Visit
    first: int
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
        augment: Whether to transpose, to spoil what is remembered, and to show conditions
            (training); otherwise pieces are as they are and all conditions unspecified
            (likelihood).
        noise: How often a remembered pitch or time is spoilt, 0-1.
        unconditioned: How often all conditions of a piece are hidden, 0-1.
    """

    pieces: Sequence[Encoded]
    vocabulary: Vocabulary
    lanes: int
    window: int
    augment: bool
    noise: float = 0.0
    unconditioned: float = 0.3
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
            Arrays by name: ``inputs`` (B, T, 5), ``after_ids`` (B, T, ids), ``conditions`` (B, 5),
            those of :class:`Context` (B, T + 1, ...), ``targets`` (B, T, 5), ``legal``
            (B, T, ids), ``counts`` (B, T, 5), ``continues`` (B, T): whether a target goes on with a
            tied note, ``fresh`` (B,): whether the lane begins a piece.
        """
        v, rows = self.vocabulary, self.window
        if not self._ready:
            self._ready = [None] * self.lanes
        for lane, window in enumerate(windows):
            if window is not None:
                self._make_ready(lane, window)
        like = next(ready.piece for ready in self._ready if ready is not None)
        batch = _empty(self.lanes, rows, like)
        for lane, (window, ready) in enumerate(zip(windows, self._ready, strict=True)):
            if window is None or ready is None:
                batch["fresh"][lane] = True
                continue
            _fill(batch, lane, ready.piece, window.start - ready.first, rows, v)
            batch["conditions"][lane] = condition_ids(ready.conditions, v)
            batch["fresh"][lane] = window.start == 0
        return batch

    def _make_ready(self, lane: int, window: Window) -> None:
        """See to it that what a lane plays is ready."""
        first = window.start - window.start % self._section_rows
        ready = self._ready[lane]
        if ready is None or (ready.visit, ready.first) != (window.visit, first):
            self._ready[lane] = self._prepare(window.visit, first)

    @property
    def _section_rows(self) -> int:
        """Rows made ready at a time: whole windows, so that none lies in two sections."""
        return self.window * max(1, SECTION_ROWS // self.window)

    def _prepare(self, visit: Visit, first: int) -> _Ready:
        v, encoded = self.vocabulary, self.pieces[visit.piece]
        conditions, noise = Conditions(), None
        if self.augment:
            rng = np.random.default_rng(visit.seed)
            low, high = transpositions(encoded, v)
            encoded = transpose(encoded, int(rng.integers(low, high + 1)), v)
            conditions = hide(encoded.conditions, rng, self.unconditioned)
            # each section has numbers of its own: a resumed run may begin with any of them
            noise = Noise(self.noise, np.random.default_rng([*visit.seed, first]))
        stop = min(first + self._section_rows, len(encoded.events))
        cut = section(encoded, first, stop, v)
        piece = prepare(cut.piece, v, conditions=conditions, noise=noise, faded=cut.faded)
        return _Ready(visit, first, without_past(piece, cut.place), conditions)


def hide(conditions: Conditions, rng: np.random.Generator, unconditioned: float) -> Conditions:
    """Drop conditions at random, so that a model can be asked with any of them unset.

    Args:
        conditions: All that is known.
        rng: Says which to drop.
        unconditioned: How often all of them are dropped, 0-1.
    """
    if rng.random() < unconditioned:
        return Conditions()
    hidden = {name: None for name in vars(conditions) if rng.random() < EACH_HIDDEN}
    return replace(conditions, **hidden)


def _empty(lanes: int, rows: int, like: Piece) -> Batch:
    """A batch of padding, its arrays such as those of a piece."""

    def padding(values: npt.NDArray[Any], rows: int, value: int = 0) -> npt.NDArray[Any]:
        return np.full((lanes, rows, *values.shape[1:]), value, values.dtype)

    batch = {name: padding(values, rows + 1) for name, values in vars(like.context).items()}
    batch |= {name: padding(getattr(like, name), rows) for name in _OF_ROWS}
    # nothing is asked of padding; what divides is not 0, and something is legal
    batch["bar"] = padding(like.context.bar, rows + 1, 1)
    batch["legal"] = padding(like.legal, rows, 1)
    batch["continues"] = np.zeros((lanes, rows), bool)
    batch["conditions"] = np.zeros((lanes, len(CONDITION_NAMES)), np.int32)
    batch["fresh"] = np.zeros(lanes, bool)
    return batch


def _fill(batch: Batch, lane: int, piece: Piece, start: int, rows: int, v: Vocabulary) -> None:
    stop = min(start + rows, len(piece))
    n = stop - start
    for name, values in vars(piece.context).items():
        batch[name][lane, : n + 1] = values[start : stop + 1]
    for name in _OF_ROWS:
        ahead = 0 if name in _READ else 1
        batch[name][lane, :n] = getattr(piece, name)[start + ahead : stop + ahead]
    batch["continues"][lane, :n] = piece.targets[start:stop, Field.DURATION] == v.tie


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
