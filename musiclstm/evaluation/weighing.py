"""How much each viewpoint counts: powers of their probabilities, fitted to held-out rows.

With q_k(x) what viewpoint k says of id x, and d_k how many of its contexts it has met before,

    p(x) = product of q_k(x) ** w[k, d_k], divided by its sum over the legal ids

A viewpoint that has met a longer context may count for more, hence a weight for each length. The
log-likelihood is concave in the weights, and Newton's method finds the best ones.

Source: the weighted geometric mean of viewpoints, M. T. Pearce, D. Conklin and G. A. Wiggins,
"Methods for combining statistical models of music", CMMR 2004. There the weights follow from the
entropy of each prediction; here they are fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

_ROUNDS = 8  # Newton's method doubles its exact digits with each, once it is near
_PULL = 2.0  # to equal weights, in rows: what a length of context that is hardly ever met weighs
_LEAST_GAIN = 1e-5  # nats a row


class Said(NamedTuple):
    """What K viewpoints say of n rows.

    Attributes:
        logs: Log-probability of each id, float32 ``(K, n, ids)``.
        depths: How many of its contexts each viewpoint has met, ``(K, n)``.
        legal: Which ids are legal, bool ``(n, ids)``.
        targets: The ids that came, ``(n,)``.
    """

    logs: FloatArray
    depths: IntArray
    legal: npt.NDArray[np.bool_]
    targets: IntArray


@dataclass(frozen=True)
class Weights:
    """A weight for each viewpoint and number of contexts met.

    Attributes:
        values: All of them, one viewpoint behind the other, ``(W,)``.
        begins: Where each viewpoint's begin, ``(K,)``.
    """

    values: npt.NDArray[np.float64]
    begins: IntArray

    @classmethod
    def even(cls, orders: Sequence[int]) -> "Weights":
        """All viewpoints alike, their powers summing to 1.

        Args:
            orders: The number of contexts of each viewpoint.
        """
        sizes = np.asarray(orders, np.int32) + 1
        begins = (np.cumsum(sizes) - sizes).astype(np.int32)
        return cls(np.full(int(sizes.sum()), 1 / len(sizes)), begins)

    def nats(self, said: Said) -> FloatArray:
        """Nats of the ids that came, float32 ``(n,)``."""
        logs = self._log_probs(said)
        nats: FloatArray = -logs[np.arange(len(logs)), said.targets]
        return nats

    def _log_probs(self, said: Said) -> FloatArray:
        powers = self.values[said.depths + self.begins[:, None]].astype(np.float32)
        logs = np.einsum("kn,kni->ni", powers, said.logs)
        logs = np.where(said.legal, logs, np.float32(-np.inf))
        logs -= logs.max(axis=1, keepdims=True)
        with np.errstate(under="ignore"):
            logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
        return logs.astype(np.float32)

    def fitted(self, said: Sequence[Said]) -> "Weights":
        """The weights under which what came is likeliest.

        Args:
            said: Rows, in portions.
        """
        best, least = self, self._loss(said)
        goal = self.values
        for _ in range(_ROUNDS):
            gradient = _PULL * (best.values - goal)
            curve = np.diag(np.full(len(goal), _PULL))
            for each in said:
                best._add(each, gradient, curve)
            move, scale = np.linalg.solve(curve, gradient), 1.0
            tried = replace(best, values=best.values - move)
            while (loss := tried._loss(said)) > least and scale > 1e-2:
                scale /= 2
                tried = replace(best, values=best.values - scale * move)
            if loss >= least:
                break
            gained, best, least = least - loss, tried, loss
            if gained < _LEAST_GAIN * sum(len(each.targets) for each in said):
                break
        return best

    def _loss(self, said: Sequence[Said]) -> float:
        return float(sum(self.nats(each).sum(dtype=np.float64) for each in said))

    def _add(
        self,
        said: Said,
        gradient: npt.NDArray[np.float64],
        curve: npt.NDArray[np.float64],
    ) -> None:
        """Add what a portion gives to the gradient and the curvature of the loss."""
        with np.errstate(under="ignore"):
            p = np.exp(self._log_probs(said))
        rows = np.arange(len(p))
        means = np.einsum("ni,kni->kn", p, said.logs)
        came = said.logs[:, rows, said.targets]
        at = said.depths + self.begins[:, None]
        np.add.at(gradient, at, (means - came).astype(np.float64))
        apart = said.logs - means[:, :, None]
        for k in range(len(apart)):
            weighted = p * apart[k]
            for other in range(k, len(apart)):
                shared = np.einsum("ni,ni->n", weighted, apart[other]).astype(np.float64)
                np.add.at(curve, (at[k], at[other]), shared)
                if other != k:
                    np.add.at(curve, (at[other], at[k]), shared)
