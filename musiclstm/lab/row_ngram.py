"""A plain n-gram of event rows, for what it cannot do: remember more than n - 1 of them.

The n-gram of :mod:`musiclstm.evaluation` is the better one: it looks at what sounds, at the scale,
and at what followed when the past was last like now, so its memory has no end that can be named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.evaluation.backoff import Chain, KeyArray, keys_of

_AT_ONCE = 1024  # rows whose distributions are made at a time
_NOTHING = -1  # what stands before the first row


@dataclass(frozen=True)
class RowNGram:
    """Each field of a row, given the row's earlier fields and the n - 1 rows before.

    Nothing is masked: an id that is against the rules has a probability too, a small one.

    Attributes:
        vocabulary: What the ids mean.
        order: n, at least 1.
        chains: Of each field.
    """

    vocabulary: Vocabulary
    order: int
    chains: Mapping[Field, Chain]

    @classmethod
    def fit(cls, pieces: Sequence[Encoded], vocabulary: Vocabulary, order: int) -> "RowNGram":
        """Count.

        Args:
            pieces: To learn from, at least one.
            vocabulary: What their ids mean.
            order: n.
        """
        chains = {}
        for field in Field:
            keys: list[list[KeyArray]] = []
            ids = []
            for piece in pieces:
                rows = np.asarray(piece.events, np.int32)
                has = _has(rows, field, vocabulary)
                keys.append([each[has] for each in _contexts(rows, field, order)])
                ids.append(rows[has, field])
            joined = [np.concatenate(level) for level in zip(*keys, strict=True)]
            chains[field] = Chain.fit(joined, np.concatenate(ids), vocabulary.size(field))
        return cls(vocabulary, order, chains)

    def nats(self, encoded: Encoded) -> npt.NDArray[np.float32]:
        """Nats of each field of each row.

        Args:
            encoded: The piece.

        Returns:
            float32 ``(rows, 5)``; 0 for fields that a row does not have.
        """
        rows = np.asarray(encoded.events, np.int32)
        nats = np.zeros(rows.shape, np.float32)
        for field, chain in self.chains.items():
            keys = _contexts(rows, field, self.order)
            has = np.flatnonzero(_has(rows, field, self.vocabulary))
            for some in np.split(has, range(_AT_ONCE, len(has), _AT_ONCE)):
                if some.size:
                    said, _ = chain.say([each[some] for each in keys])
                    nats[some, field] = -np.log(said[np.arange(len(some)), rows[some, field]])
        return nats


def _has(rows: npt.NDArray[np.int32], field: Field, v: Vocabulary) -> npt.NDArray[np.bool_]:
    """Which rows have a field: WAIT and END have the shift alone."""
    if field is Field.SHIFT:
        return np.ones(len(rows), bool)
    has: npt.NDArray[np.bool_] = rows[:, Field.SHIFT] <= v.max_shift
    return has


def _contexts(rows: npt.NDArray[np.int32], field: Field, order: int) -> list[KeyArray]:
    """The contexts of a field, the shortest first: its own row's, then a row more each time."""
    columns = [rows[:, earlier] for earlier in range(field)]
    keys = [keys_of(columns, len(rows))]
    for back in range(1, order):
        past = np.full_like(rows, _NOTHING)
        past[back:] = rows[: max(len(rows) - back, 0)]
        columns = [*columns, *past.T]
        keys.append(keys_of(columns, len(rows)))
    return keys
