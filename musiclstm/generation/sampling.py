"""Choosing from probabilities, and nothing else: no model, no music, no random generator.

The samplers are given log-probabilities and one uniform number a stream. They cut the tail off in
the order temperature, ``min_p``, ``top_k``, ``top_p``; what is left is renormalised. Of equally
likely ids the lower ones count as likelier, so that ``top_k = 1`` always leaves exactly one.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.errors import RequestError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sampling:
    """How to choose.

    Attributes:
        temperature: Divides the log-probabilities; below 1 plays safe, above 1 dares; 0.01-10.
        top_k: Keep the k likeliest; 0 keeps all.
        top_p: Keep the likeliest that together have this probability (Holtzman et al. 2020);
            above 0, at most 1.
        min_p: Keep what has at least this share of the likeliest one's probability; 0 to below 1.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not 0.01 <= self.temperature <= 10:
            raise RequestError(f"temperature {self.temperature} is out of range; use 0.01 to 10")
        if not isinstance(self.top_k, int) or self.top_k < 0:
            raise RequestError(f"top-k {self.top_k} is no number of ids; use 1 up, or 0 for all")
        if not 0 < self.top_p <= 1:
            raise RequestError(f"top-p {self.top_p} is out of range; use more than 0, at most 1")
        if not 0 <= self.min_p < 1:
            raise RequestError(f"min-p {self.min_p} is out of range; use 0 to below 1")

    def as_dict(self) -> dict[str, Any]:
        """For the text event in a file, and a bundle's defaults."""
        return asdict(self)


def choose(
    log_probs: FloatArray, uniforms: npt.NDArray[np.float64], sampling: Sampling
) -> npt.NDArray[np.int32]:
    """Draw one id a stream.

    Args:
        log_probs: float ``(B, n)``, ``-inf`` where illegal; each row has a legal id.
        uniforms: float64 ``(B,)`` in [0, 1).
        sampling: How.

    Returns:
        int32 ``(B,)``: the id at which the cumulated probability passes the uniform number.

    >>> choose(np.log([[0.5, 0.5, 1e-9]]), np.array([0.6]), Sampling()).tolist()
    [1]
    """
    probs = probabilities(log_probs, sampling)
    cumulated = np.cumsum(probs, axis=1)
    # the last sum is 1 up to rounding; scaling by it keeps the uniform number below it
    goal = uniforms * cumulated[:, -1]
    picked = (cumulated <= goal[:, None]).sum(axis=1)
    ids: npt.NDArray[np.int32] = np.minimum(picked, probs.shape[1] - 1).astype(np.int32)
    return ids


def probabilities(log_probs: FloatArray, sampling: Sampling) -> npt.NDArray[np.float64]:
    """What :func:`choose` draws from: float64 ``(B, n)``, each row sums to 1."""
    scaled = log_probs.astype(np.float64) / sampling.temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    probs = np.exp(scaled)
    probs /= probs.sum(axis=1, keepdims=True)
    if sampling.min_p > 0:
        probs[probs < sampling.min_p * probs.max(axis=1, keepdims=True)] = 0
    if sampling.top_k or sampling.top_p < 1:
        order = np.argsort(-probs, axis=1, kind="stable")
        ranked = np.take_along_axis(probs, order, axis=1)
        if sampling.top_k:
            ranked[:, sampling.top_k :] = 0
        if sampling.top_p < 1:
            ranked /= ranked.sum(axis=1, keepdims=True)
            # keep an id if those likelier than it do not yet reach top_p
            cut = np.cumsum(ranked, axis=1) - ranked >= sampling.top_p
            ranked[cut] = 0
        np.put_along_axis(probs, order, ranked, axis=1)
    result: npt.NDArray[np.float64] = probs / probs.sum(axis=1, keepdims=True)
    return result
