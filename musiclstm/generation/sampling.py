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

_TINY = np.finfo(np.float64).tiny


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
        if type(self.top_k) is not int or self.top_k < 0:
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
    """Draw one id a stream, as likely as :func:`probabilities` says.

    Args:
        log_probs: float ``(B, n)`` up to a constant a row, ``-inf`` where illegal; each row has a
            legal id.
        uniforms: float64 ``(B,)`` in [0, 1).
        sampling: How.

    Returns:
        int32 ``(B,)``: the id at which the cumulated probability passes the uniform number. Where
        nothing but ``top_p`` cuts and it cuts that id off, it is drawn again (:func:`_draw_again`).

    >>> choose(np.log([[0.5, 0.5, 1e-9]]), np.array([0.6]), Sampling()).tolist()
    [1]
    """
    cuts_first = sampling.top_k or sampling.min_p > 0
    if cuts_first:
        probs = probabilities(log_probs, sampling)
    else:
        probs = _powers(log_probs, sampling.temperature)
    cumulated = np.add.accumulate(probs, axis=1)
    total = cumulated[:, -1]
    goal = uniforms * total  # below the total: the product with less than 1 is never rounded up
    ids = (cumulated > goal[:, None]).argmax(axis=1)
    if sampling.top_p < 1 and not cuts_first:
        chosen = probs.reshape(-1).take(ids + np.arange(0, probs.size, probs.shape[1]))
        # What is cut off has, all together, at most 1 - top_p: an id that has more is not cut off.
        # The margin is for rounding; it costs a look and changes nothing.
        few = chosen <= (1 - sampling.top_p + 1e-9) * total
        if np.count_nonzero(few):
            unsure = np.flatnonzero(few)
            ids[unsure] = _draw_again(
                probs[unsure], cumulated[unsure], ids[unsure], goal[unsure], sampling
            )
    drawn: npt.NDArray[np.int32] = ids.astype(np.int32)
    return drawn


def probabilities(log_probs: FloatArray, sampling: Sampling) -> npt.NDArray[np.float64]:
    """What :func:`choose` draws from: float64 ``(B, n)``, each row sums to 1."""
    probs = _powers(log_probs, sampling.temperature)
    probs /= probs.sum(axis=1, keepdims=True)
    if sampling.min_p > 0:
        probs[probs < sampling.min_p * probs.max(axis=1, keepdims=True)] = 0
    if sampling.top_k or sampling.top_p < 1:
        probs[~_kept(probs, sampling)] = 0
    result: npt.NDArray[np.float64] = probs / probs.sum(axis=1, keepdims=True)
    return result


def _powers(log_probs: FloatArray, temperature: float) -> npt.NDArray[np.float64]:
    """What is proportional to the probabilities at a temperature; the likeliest id has 1."""
    scaled = log_probs if temperature == 1 else log_probs.astype(np.float64) / temperature
    most = np.maximum.reduce(scaled, axis=1)[:, None]
    powers: npt.NDArray[np.float64] = np.subtract(scaled, most, dtype=np.float64)
    return np.exp(powers, out=powers)


def _kept(probs: npt.NDArray[np.float64], sampling: Sampling) -> npt.NDArray[np.bool_]:
    """The ids that ``top_k`` and ``top_p`` leave, bool ``(B, n)``."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    if sampling.top_k:
        ranked[:, sampling.top_k :] = 0
    kept = ranked > 0
    if sampling.top_p < 1:
        ranked /= ranked.sum(axis=1, keepdims=True)
        # keep an id if those likelier than it do not yet reach top_p
        kept &= np.cumsum(ranked, axis=1) - ranked < sampling.top_p
    by_id = np.empty_like(kept)
    np.put_along_axis(by_id, order, kept, axis=1)
    return by_id


def _draw_again(
    probs: npt.NDArray[np.float64],
    cumulated: npt.NDArray[np.float64],
    ids: npt.NDArray[np.intp],
    goal: npt.NDArray[np.float64],
    sampling: Sampling,
) -> npt.NDArray[np.intp]:
    """Draw those of the ids again that ``top_p`` cuts off; the others stay.

    To draw from all ids, and again among the kept ones if the first is none of them, is to draw
    from the kept ones: with probabilities p and K the kept ones' sum, an id comes with p at first
    and with (1 - K) p / K the second time, together p / K.

    The second draw needs no second uniform number. Lay what is cut off end to end: where in it the
    goal fell is uniform, and independent of which id comes next.

    Args:
        probs: Up to a constant a row, ``(N, n)``.
        cumulated: Their sums from the left.
        ids: What was drawn, ``(N,)``.
        goal: Where in ``cumulated`` it was drawn.
        sampling: For ``top_p``.
    """
    streams = np.arange(len(ids))
    kept = _kept(probs, sampling)
    again = ~kept[streams, ids]
    cut = np.cumsum(np.where(kept, 0, probs), axis=1)
    # as far from the end of the id in one as in the other
    place = cut[streams, ids] - (cumulated[streams, ids] - goal)
    uniform = np.clip(place / np.maximum(cut[:, -1], _TINY), 0, 1 - 2**-53)
    left = np.cumsum(np.where(kept, probs, 0), axis=1)
    second = (left > (uniform * left[:, -1])[:, None]).argmax(axis=1)
    drawn: npt.NDArray[np.intp] = np.where(again, second, ids)
    return drawn
