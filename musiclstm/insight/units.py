"""What single units follow: for each the musical event that it tells best, and how well.

A unit tells an event as well as its value tells notes that are one from notes that are none: the
area under the ROC curve (AUC), which is the chance that of two notes, one of either kind, the value
ranks the right one higher. 0.5 is no better than a coin, 1 is perfect; below 0.5 the unit is low
where the event is.

Among hundreds of units, five values each and twenty events something is always found. So the event
of a unit is chosen on one half of the pieces and its AUC is told of the other half; and the same is
done with events moved round within each piece, which says how good the best of so many would look
by chance.

Source: AUC as the Mann-Whitney statistic (J. A. Hanley and B. J. McNeil, Radiology 143, 1982);
units of character LSTMs held against events, A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing
and Understanding Recurrent Networks" (2015).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded
from musiclstm.generation.typical import beginning
from musiclstm.insight.events import describe, events_of
from musiclstm.insight.trace import Trace, trace
from musiclstm.model import Bundle

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

QUANTITIES = ("input", "forget", "output", "cell", "hidden")
FEWEST = 50  # notes that are an event, and that are none, in either half: of fewer nothing is said
_MOST_NOTES = 12_000  # in both halves: of each unit's five values, a hundred MB
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
        auc: How well on pieces on which this was not chosen, in the direction of ``high``: 0.5 is
            chance.
    """

    layer: int
    number: int
    event: str
    quantity: str
    high: bool
    auc: float

    @property
    def words(self) -> str:
        """One sentence; layers and units count from 1."""
        does = _SAYS[self.quantity][0 if self.high else 1]
        return (
            f"unit {self.number + 1} of layer {self.layer + 1} {does} at "
            f"{describe(self.event).words} (AUC {self.auc:.2f})"
        )


@dataclass(frozen=True)
class Findings:
    """All units of a model.

    Attributes:
        units: In the order of layers and numbers.
        chance: The AUC that one unit in a hundred gets where events are moved round, so that
            nothing can be told.
        pieces: Read for it.
        notes: In them.
        unseen: Whether the model has learned from none of them.
    """

    units: tuple[Unit, ...]
    chance: float
    pieces: int
    notes: int
    unseen: bool

    def best(self, count: int) -> list[Unit]:
        """The units that tell their event best, no event more than twice."""
        chosen: list[Unit] = []
        for unit in sorted(self.units, key=lambda unit: -unit.auc):
            if sum(unit.event == other.event for other in chosen) < 2:
                chosen.append(unit)
            if len(chosen) == count:
                break
        return chosen


def find_units(
    bundle: Bundle, pieces: Sequence[Encoded], *, unseen: bool, seed: int = 0
) -> Findings:
    """Say of each unit what it follows.

    Args:
        bundle: The model.
        pieces: At least two with notes; every second one chooses, the others judge. Of many, as
            many are read as memory allows.
        unseen: Whether the model has learned from none of them.
        seed: Of how far events are moved round for the control.
    """
    read: list[Trace] = []
    notes = 0
    for whole in pieces:
        piece = beginning(whole, bundle.vocabulary, _MOST_NOTES // 2)
        if len(read) >= 2 and notes + len(piece.events) > _MOST_NOTES:
            break
        read.append(trace(bundle, piece))
        notes += len(read[-1].onset)
    halves = read[::2], read[1::2]
    labels = [[events_of(of, bundle.vocabulary) for of in half] for half in halves]
    rng = np.random.default_rng(seed)
    moved = [[_moved(of, rng) for of in half] for half in labels]
    names = _told(labels)
    units: list[Unit] = []
    by_chance: list[float] = []
    for layer in range(bundle.network.layers):
        values = [_values(half, layer) for half in halves]
        ranks = [_ranks(of) for of in values]
        units += _chosen(layer, names, ranks, labels, bundle.network.units)
        control = _chosen(layer, names, ranks, moved, bundle.network.units)
        by_chance += [unit.auc for unit in control]
    chance = float(np.quantile(by_chance, 0.99)) if by_chance else 0.5
    return Findings(tuple(units), chance, len(read), notes, unseen)


def auc(ranks: FloatArray, labels: BoolArray) -> npt.NDArray[np.float64]:
    """How well values tell events.

    Args:
        ranks: Of the values of each column among all notes, 1 to n, equals in their middle,
            ``(n, columns)``.
        labels: Which notes are the event, ``(n, events)``.

    Returns:
        ``(events, columns)``, 0 to 1; NaN for an event that all notes are, or none.

    >>> auc(np.array([[1.0], [2.0], [3.0]], np.float32), np.array([[False], [False], [True]]))
    array([[1.]])
    """
    are = labels.sum(axis=0, dtype=np.float64)[:, None]
    sums = labels.T.astype(np.float64) @ ranks
    with np.errstate(invalid="ignore", divide="ignore"):
        found: npt.NDArray[np.float64] = (sums - are * (are + 1) / 2) / (are * (len(labels) - are))
    return found


def _values(half: Sequence[Trace], layer: int) -> FloatArray:
    """All five values of all units after each note, ``(n, 5 * units)``."""
    return np.concatenate(
        [
            np.concatenate([getattr(of.gates, name)[layer] for name in QUANTITIES], axis=1)
            for of in half
        ]
    )


def _ranks(values: FloatArray) -> FloatArray:
    """The rank of each value in its column, equals in their middle."""
    ranks = np.empty(values.shape, np.float32)
    places = np.arange(1, len(values) + 1)
    for column in range(values.shape[1]):
        order = np.argsort(values[:, column], kind="stable")
        ordered = values[order, column]
        new = np.append(True, ordered[1:] != ordered[:-1])
        group = np.cumsum(new) - 1
        middle = np.bincount(group, weights=places) / np.bincount(group)
        ranks[order, column] = middle[group]
    return ranks


def _told(labels: Sequence[Sequence[Mapping[str, BoolArray]]]) -> list[str]:
    """The events that are common enough, and rare enough, in both halves."""
    names = []
    for name in labels[0][0]:
        counts = [np.concatenate([of[name] for of in half]) for half in labels]
        if all(min(of.sum(), (~of).sum()) >= FEWEST for of in counts):
            names.append(name)
    return names


def _moved(labels: Mapping[str, BoolArray], rng: np.random.Generator) -> dict[str, BoolArray]:
    """Events of a piece, moved round by an amount of their own, at least a quarter of the way."""
    found = {}
    for name, of in labels.items():
        n = len(of)
        found[name] = np.roll(of, int(rng.integers(n // 4, max(n // 4 + 1, n - n // 4))))
    return found


def _chosen(
    layer: int,
    names: Sequence[str],
    ranks: Sequence[FloatArray],
    labels: Sequence[Sequence[Mapping[str, BoolArray]]],
    units: int,
) -> list[Unit]:
    """For each unit the event and value that the first half likes best, judged by the second."""
    if not names:
        return []
    found = []
    for own, half in zip(ranks, labels, strict=True):
        table = np.stack([np.concatenate([of[name] for of in half]) for name in names], axis=1)
        scores = auc(own, table)
        found.append(scores.reshape(len(names), len(QUANTITIES), units))
    choosing, judging = found
    chosen = []
    for unit in range(units):
        off = np.abs(choosing[:, :, unit] - 0.5)
        event, quantity = np.unravel_index(int(np.argmax(off)), off.shape)
        high = bool(choosing[event, quantity, unit] >= 0.5)
        judged = float(judging[event, quantity, unit])
        name, which = names[int(event)], QUANTITIES[int(quantity)]
        chosen.append(Unit(layer, unit, name, which, high, judged if high else 1 - judged))
    return chosen
