"""What single units follow: for each the musical event that it tells best, and how well.

A unit tells an event as well as its value tells notes that are one from notes that are none: the
area under the ROC curve (AUC), which is the chance that of two notes of one piece, one of either
kind, the value ranks the right one higher. 0.5 is no better than a coin, 1 is perfect; below 0.5
the unit is low where the event is. Only notes of the same piece are held against each other: where
events are common in one piece and rare in another, a unit that merely knows which piece it hears
would else seem to know where the event is.

Among hundreds of units, five values each and thirty events something is always found. So the event
of a unit is chosen on one half of the pieces and its AUC is told of the other half; and the same is
done with events moved round within each piece, which says how good units look by chance. That is
told of each event by itself: slow values tell slow events, such as the second half of a piece, a
little even where they are moved.

Source: AUC as the Mann-Whitney statistic (J. A. Hanley and B. J. McNeil, Radiology 143, 1982), its
pairs within strata (P. H. van Elteren, Bull. Int. Stat. Inst. 37, 1960, there with other weights);
units of character LSTMs held against events, A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing
and Understanding Recurrent Networks" (2015).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded
from musiclstm.generation.typical import beginning
from musiclstm.insight.events import describe, events_of
from musiclstm.insight.trace import gates_of, notes_of
from musiclstm.model import Bundle
from musiclstm.model.cells import Gates

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

QUANTITIES = ("input", "forget", "output", "cell", "hidden")
FEWEST = 50  # notes that are an event, and that are none, in either half: of fewer nothing is said
# Of AUC: what is said to be foreseen must tell more than what is there, else it is that.
AHEAD_MUST_LEAD = 0.02
_MOST_NOTES = 12_000  # read in all: more take longer and change the second digit
_MOST_OF_A_PIECE = 4_000
_CONTROLS = 8  # times that events are moved round
_SAYS: Mapping[str, tuple[str, str]] = {
    "input": ("opens its input gate", "closes its input gate"),
    "forget": ("keeps its memory (forget gate open)", "closes its forget gate"),
    "output": ("opens its output gate", "closes its output gate"),
    "cell": ("has a high cell state", "has a low cell state"),
    "hidden": ("speaks up (high hidden state)", "is low (hidden state)"),
}


@dataclass(frozen=True)
class Unit:
    """A unit and what it follows.

    Attributes:
        layer: From 0.
        number: From 0.
        event: Name of the event that it tells best.
        quantity: Which of its values does.
        high: Whether that is high where the event is.
        auc: How well on notes on which this was not chosen, in the direction of ``high``: 0.5 is
            chance.
    """

    layer: int
    number: int
    event: str
    quantity: str
    high: bool
    auc: float

    @property
    def does(self) -> str:
        """As "closes its forget gate at phrase ends"."""
        return f"{_SAYS[self.quantity][0 if self.high else 1]} {describe(self.event).where}"

    @property
    def words(self) -> str:
        """One sentence; layers and units count from 1."""
        return f"unit {self.number + 1} of layer {self.layer + 1} {self.does} (AUC {self.auc:.2f})"


@dataclass(frozen=True)
class Findings:
    """All units of a model.

    Attributes:
        units: In the order of layers and numbers.
        chance: Of each event that can be told, the AUC that one unit in a hundred gets where it is
            moved round, so that nothing can be told.
        pieces: Read for it. Of a single one the first half chose and the second judged.
        notes: In them.
        unseen: Whether the model has learned from none of them.
    """

    units: tuple[Unit, ...]
    chance: Mapping[str, float]
    pieces: int
    notes: int
    unseen: bool

    def follows(self, unit: Unit) -> bool:
        """Whether a unit tells its event better than chance."""
        return unit.auc > self.chance[unit.event]

    def best(self, count: int) -> list[Unit]:
        """The units that tell their event best, of those better than chance; one of each event."""
        chosen: dict[str, Unit] = {}
        for unit in sorted(self.units, key=lambda unit: -unit.auc):
            if self.follows(unit):
                chosen.setdefault(unit.event, unit)
        return list(chosen.values())[:count]


@dataclass(frozen=True)
class _Read:
    """Some notes of one piece: ``n`` of them, and ``e`` events.

    Attributes:
        gates: ``(layers, n, units)`` each.
        labels: Which notes are which event, ``(n, e)``.
        half: 0 chooses, 1 judges.
    """

    gates: Gates
    labels: BoolArray
    half: int


@dataclass(frozen=True)
class _Tally:
    """What pieces add up to.

    Attributes:
        excess: How many more pairs of notes are in order than by chance, of each half, of the
            events as they are (first) and as they are moved round, ``(2, 1 + controls, e, layers,
            quantities, units)``.
        pairs: How many there are, ``(2, 1 + controls, e)``.
        fewest: Of notes that are an event, and that are none, the fewer, ``(2, e)``.
    """

    excess: DoubleArray
    pairs: DoubleArray
    fewest: npt.NDArray[np.int64]


def find_units(
    bundle: Bundle, pieces: Sequence[Encoded], *, unseen: bool, seed: int = 0
) -> Findings:
    """Say of each unit what it follows.

    Args:
        bundle: The model.
        pieces: At least one, with notes; every second one chooses, the others judge. A single piece
            is cut in two. Of many, as many are read as make 12,000 notes.
        unseen: Whether the model has learned from none of them.
        seed: Of how far events are moved round for the control.
    """
    layers, units = bundle.network.layers, bundle.network.units
    rng = np.random.default_rng(seed)
    names = list(events_of(notes_of(pieces[0], bundle.vocabulary), bundle.vocabulary))
    excess = np.zeros((2, 1 + _CONTROLS, len(names), layers, len(QUANTITIES), units))
    pairs = np.zeros(excess.shape[:3])
    counts = np.zeros((2, 2, len(names)), np.int64)  # of notes that are an event, and of the others
    read = notes = 0
    for part in _read(bundle, pieces):
        half, n = part.half, len(part.labels)
        counts[half] += part.labels.sum(axis=0), (~part.labels).sum(axis=0)
        tables = [part.labels, *(_moved(part.labels, rng) for _ in range(_CONTROLS))]
        table = np.concatenate(tables, axis=1)
        for layer in range(layers):
            values = np.concatenate([getattr(part.gates, q)[layer] for q in QUANTITIES], axis=1)
            more, of = _compared(values, table)
            excess[half, :, :, layer] += more.reshape(1 + _CONTROLS, len(names), -1, units)
        pairs[half] += of.reshape(1 + _CONTROLS, len(names))
        read, notes = read + 1, notes + n
    tally = _Tally(excess, pairs, counts.min(axis=1))
    chosen, chance = _chosen(names, tally), _chance(names, tally)
    return Findings(tuple(chosen), chance, min(read, len(pieces)), notes, unseen)


def auc(values: FloatArray, labels: BoolArray) -> DoubleArray:
    """How well values tell events.

    Args:
        values: Of all notes of a piece, ``(n, columns)``.
        labels: Which notes are the event, ``(n, events)``.

    Returns:
        ``(events, columns)``, 0 to 1; NaN for an event that all notes are, or none.

    >>> labels = np.array([[False], [False], [True]])
    >>> auc(np.array([[1.0], [2.0], [3.0]], np.float32), labels)
    array([[1.]])
    """
    excess, pairs = _compared(values, labels)
    return _area(excess, pairs[:, None])


def _compared(values: FloatArray, labels: BoolArray) -> tuple[DoubleArray, DoubleArray]:
    """By how many pairs of notes values tell events better than a coin, and of how many pairs.

    Returns:
        ``(events, columns)``, half the difference between pairs in order and pairs in disorder;
        ``(events,)``.
    """
    are = labels.sum(axis=0, dtype=np.float64)
    centred = _ranks(values) - np.float32((len(values) + 1) / 2)
    # the sum of ranks of n notes is n (n + 1) / 2 more than the pairs that they win
    excess = labels.T.astype(np.float32) @ centred
    return excess.astype(np.float64), are * (len(values) - are)


def _area(excess: DoubleArray, pairs: DoubleArray) -> DoubleArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: DoubleArray = 0.5 + excess / pairs
    return found


def _read(bundle: Bundle, pieces: Sequence[Encoded]) -> Iterator[_Read]:
    """Read pieces, one after the other, until there are notes enough."""
    total = 0
    for number, whole in enumerate(pieces):
        if number >= 2 and total >= _MOST_NOTES:
            break
        notes = notes_of(beginning(whole, bundle.vocabulary, _MOST_OF_A_PIECE), bundle.vocabulary)
        events = np.stack(list(events_of(notes, bundle.vocabulary).values()), axis=1)
        n = len(notes.rows)
        kept = [slice(0, n)] if len(pieces) > 1 else [slice(0, n // 2), slice(n // 2, n)]
        for half, of in enumerate(kept, start=number % 2):
            if of.stop > of.start:
                yield _Read(gates_of(bundle, notes, of), events[of], half)
        total += n


def _ranks(values: FloatArray) -> FloatArray:
    """The rank of each value in its column, 1 to n, equals in their middle."""
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=1)
    places = np.arange(1, len(values) + 1, dtype=np.float32)
    new = np.ones(ordered.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    last = np.ones(ordered.shape, bool)
    last[:, :-1] = new[:, 1:]
    ends = np.where(last, places, len(values))[:, ::-1]
    ends = np.minimum.accumulate(ends, axis=1)[:, ::-1]
    ranks = np.empty(ordered.shape, np.float32)
    np.put_along_axis(ranks, order, ((first + ends) / 2).astype(np.float32), axis=1)
    return ranks.T


def _moved(labels: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Each event of a piece, moved round by an amount of its own, a quarter of the way at least."""
    n, events = labels.shape
    by = rng.integers(n // 4, max(n // 4 + 1, n - n // 4), size=events)
    found: BoolArray = np.take_along_axis(labels, (np.arange(n)[:, None] - by) % n, axis=0)
    return found


def _told(tally: _Tally) -> npt.NDArray[np.intp]:
    """The events that are common enough, and rare enough, in both halves."""
    # what all notes of a piece are, or none, has no pairs, however many pieces there are
    return np.flatnonzero(
        (tally.fewest.min(axis=0) >= FEWEST) & (tally.pairs[:, 0].min(axis=0) >= FEWEST)
    )


def _chance(names: Sequence[str], tally: _Tally) -> dict[str, float]:
    """How well one unit in a hundred tells each event where it is moved round."""
    found = {}
    for event in _told(tally).tolist():
        pairs = tally.pairs[:, 1:, event, None, None, None]
        choosing, judging = _area(tally.excess[:, 1:, event], pairs)  # (controls, layers, q, units)
        best = np.argmax(np.abs(choosing - 0.5), axis=2, keepdims=True)
        high = np.take_along_axis(choosing, best, axis=2) >= 0.5
        judged = np.take_along_axis(judging, best, axis=2)
        found[names[event]] = float(np.quantile(np.where(high, judged, 1 - judged), 0.99))
    return found


def _chosen(names: Sequence[str], tally: _Tally) -> list[Unit]:
    """For each unit the event and value that the first half likes best, judged by the second."""
    told = _told(tally)
    if not len(told):
        return []
    areas = _area(tally.excess[:, 0, told], tally.pairs[:, 0, told, None, None, None])
    off = np.abs(areas[0] - 0.5)  # (events, layers, quantities, units)
    off[[names[event].startswith("before:") for event in told]] -= AHEAD_MUST_LEAD
    chosen = []
    for layer, unit in np.ndindex(off.shape[1], off.shape[3]):
        own = off[:, layer, :, unit]
        event, quantity = np.unravel_index(int(np.argmax(own)), own.shape)
        place = (event, layer, quantity, unit)
        high = bool(areas[0][place] >= 0.5)
        judged = float(areas[1][place])
        name, value = names[int(told[event])], QUANTITIES[int(quantity)]
        chosen.append(Unit(layer, unit, name, value, high, judged if high else 1 - judged))
    return chosen
