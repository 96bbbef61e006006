"""What a model is to be better than: models without a network, fitted in seconds.

All give every legal row a probability, and these sum to 1, as those of a network do; so their nats
compare. None of them is told any condition of a piece.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, prepare
from musiclstm.errors import EncodingError
from musiclstm.evaluation.backoff import Chain
from musiclstm.evaluation.columns import View, view
from musiclstm.evaluation.viewpoints import VIEWPOINTS, contexts_of, symbols
from musiclstm.evaluation.weighing import Said, Weights

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

MOST_COUNTED = 400_000  # notes; an n-gram of more keeps people waiting for over a minute
_AT_ONCE = 1024  # rows whose distributions are made at a time: some 10 MB
_FEWEST_ROWS, _MOST_ROWS = 200, 8_000  # of those on which the viewpoints are weighed
_HELD_EVERY = 8  # every eighth piece, the first among them


class Baseline(Protocol):
    """Whatever says how likely a piece is."""

    def nats(self, encoded: Encoded) -> FloatArray:
        """Nats of each field of each row, float32 ``(rows, 5)``."""


@dataclass(frozen=True)
class Uniform:
    """Every legal id is as likely as any other.

    Attributes:
        vocabulary: What the ids mean.
    """

    vocabulary: Vocabulary

    def nats(self, encoded: Encoded) -> FloatArray:
        """Nats of each field of each row.

        Args:
            encoded: The piece.

        Returns:
            float32 ``(rows, 5)``; 0 for fields that a row does not have.
        """
        said = [np.zeros(size) for size in self.vocabulary.sizes]
        return _nats_of_constant(said, encoded, self.vocabulary)


@dataclass(frozen=True)
class Unigram:
    """Every id is as likely as it is frequent in the training pieces.

    Attributes:
        vocabulary: What the ids mean, and how often each occurs (``counts``).
    """

    vocabulary: Vocabulary

    def nats(self, encoded: Encoded) -> FloatArray:
        """As those of :class:`Uniform`."""
        said = [self.vocabulary.log_frequencies(field) for field in Field]
        return _nats_of_constant(said, encoded, self.vocabulary)


def _nats_of_constant(
    said: Sequence[npt.NDArray[np.floating]], encoded: Encoded, v: Vocabulary
) -> FloatArray:
    """Nats where every row is expected to be the same."""
    piece = prepare(encoded, v)
    nats = np.zeros((len(piece), len(Field)), np.float32)
    rows = np.arange(len(piece))
    for field, logs in zip(Field, said, strict=True):
        masked = np.where(piece.legal[1:, v.slices[field]], logs, -np.inf)
        total = np.logaddexp.reduce(masked, axis=1)
        nats[:, field] = total - masked[rows, piece.targets[1:, field]]
    return np.where(piece.counts[1:], nats, np.float32(0))


@dataclass(frozen=True)
class NGram:
    """An interpolated n-gram of every field, with several viewpoints of each.

    Each viewpoint (:mod:`.viewpoints`) is a chain of counts (:mod:`.backoff`); their products, each
    to a power that is fitted to held-out training pieces (:mod:`.weighing`), are divided by their
    sum over the legal ids.

    Attributes:
        vocabulary: What the ids mean.
        chains: Of each field, one for each viewpoint.
        weights: Of each field.
    """

    vocabulary: Vocabulary
    chains: Mapping[Field, tuple[Chain, ...]]
    weights: Mapping[Field, Weights]

    @classmethod
    def fit(cls, pieces: Iterable[Encoded], vocabulary: Vocabulary) -> "NGram":
        """Count.

        Viewpoints are weighed on every eighth piece, by the counts of the others; then all pieces
        are counted.

        Args:
            pieces: To learn from, at least one.
            vocabulary: What their ids mean.

        Raises:
            EncodingError: If there are no pieces.
        """
        seen, held, kept = [], [], []
        for number, piece in enumerate(pieces):
            each = view(piece, vocabulary)
            if number % _HELD_EVERY == 0:
                held.append(each)
            # masks are needed for weighing alone, and take as much memory as all the rest
            seen.append(each._replace(legal=each.legal[:0]))
            if number % _HELD_EVERY:
                kept.append(seen[-1])
        if not seen:
            raise EncodingError("there is no music to count")
        kept = kept or seen
        chains, weights = {}, {}
        for field in Field:
            some = _counted(kept, field, vocabulary)
            weights[field] = _weighed(some, held, field, vocabulary)
            chains[field] = _counted(seen, field, vocabulary)
        return cls(vocabulary, chains, weights)

    @property
    def parameters(self) -> int:
        """How many different symbols were counted in how many different contexts, in all."""
        every = [order for chains in self.chains.values() for c in chains for order in c.orders]
        return sum(len(order.symbols) for order in every)

    def nats(self, encoded: Encoded) -> FloatArray:
        """Nats of each field of each row.

        Args:
            encoded: The piece. Distributions are made some rows at a time.

        Returns:
            float32 ``(rows, 5)``; 0 for fields that a row does not have. The sum over all is minus
            the log-likelihood of the piece.
        """
        seen = view(encoded, self.vocabulary)
        nats = np.zeros(seen.counts.shape, np.float32)
        for field in Field:
            rows = np.flatnonzero(seen.counts[:, field])
            for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE)):
                if some.size:
                    said = _said(self.chains[field], seen, field, some, self.vocabulary)
                    nats[some, field] = self.weights[field].nats(said)
        return nats


def _counted(seen: Sequence[View], field: Field, v: Vocabulary) -> tuple[Chain, ...]:
    """The chains of a field's viewpoints."""
    chains = []
    targets = np.concatenate([each.targets[each.counts[:, field], field] for each in seen])
    for point in VIEWPOINTS[field]:
        names = {name for names in point.contexts for name in names.split()}
        names |= {"place", "bar", *([point.base] if point.base else [])}
        columns = {
            name: np.concatenate([each.columns[name][each.counts[:, field]] for each in seen])
            for name in names
        }
        found, size = symbols(point, targets, columns, v.size(field))
        chains.append(Chain.fit(contexts_of(point, columns), found, size))
    return tuple(chains)


def _said(
    chains: Sequence[Chain], seen: View, field: Field, rows: npt.NDArray[np.intp], v: Vocabulary
) -> Said:
    """What each viewpoint says of some rows."""
    columns = {name: values[rows] for name, values in seen.columns.items()}
    size = v.size(field)
    ids = np.broadcast_to(np.arange(size, dtype=np.int32), (len(rows), size))
    logs, depths = [], []
    for chain, point in zip(chains, VIEWPOINTS[field], strict=True):
        found, depth = chain.say(contexts_of(point, columns))
        places, _ = symbols(point, ids, columns, size)
        logs.append(np.take_along_axis(np.log(found), places.astype(np.intp), axis=1))
        depths.append(depth)
    return Said(
        np.stack(logs),
        np.stack(depths),
        seen.legal[rows, v.slices[field]],
        seen.targets[rows, field],
    )


def _weighed(chains: Sequence[Chain], held: Sequence[View], field: Field, v: Vocabulary) -> Weights:
    """The weights that suit held-out pieces best."""
    said: list[Said] = []
    left = _MOST_ROWS
    for each in held:
        rows = np.flatnonzero(each.counts[:, field])[:left]
        left -= len(rows)
        said += [
            _said(chains, each, field, some, v)
            for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE))
            if some.size
        ]
    orders = [len(chain.orders) for chain in chains]
    even = Weights.even(orders)
    return even.fitted(said) if _MOST_ROWS - left >= _FEWEST_ROWS else even
