"""A hidden Markov model over rows: one hidden state a row, and the fields independent given it.

    p(row r | state) = product over its fields of emission[state, id] / sum over the legal ids

It is fitted by expectation and maximisation (Baum et al. 1970) with scaled forward and backward
passes (Rabiner 1989); there emissions are not divided by the legal ids' sum, for then counting
would no longer maximise. Its likelihood is the exact forward one, divided row by row. A row has the
fields that it has: WAIT and END rows emit a shift alone. Conditions are not read.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, prepare
from musiclstm.encoding.piece import input_ids

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

_SMOOTHING = 0.01  # occurrences of everything in every state that nobody saw
_LEAST_GAIN = 1e-4  # nats a row and round: less, and fitting is done


@dataclass(frozen=True)
class HMM:
    """The model; Z is the number of states.

    Attributes:
        vocabulary: What the ids mean.
        start: Log-probability of the first row's state, ``(Z,)``.
        moves: Log-probability of each state after each, ``(Z, Z)``.
        emissions: For each field the log-probability of its ids in each state, ``(ids, Z)``.
    """

    vocabulary: Vocabulary
    start: FloatArray
    moves: FloatArray
    emissions: tuple[FloatArray, ...]

    @classmethod
    def random(cls, vocabulary: Vocabulary, states: int, seed: int) -> "HMM":
        """States that differ a little from the unigram model, at random."""
        rng = np.random.default_rng(seed)
        emissions = []
        for field in Field:
            unigram = np.exp(vocabulary.log_frequencies(field).astype(np.float64))
            each = unigram[:, None] * rng.gamma(1.0, 1.0, (len(unigram), states))
            emissions.append(np.log(each / each.sum(axis=0) + 1e-12))
        moves = rng.gamma(1.0, 1.0, (states, states))
        even = np.full(states, -np.log(states))
        return cls(
            vocabulary, even, np.log(moves / moves.sum(axis=1, keepdims=True)), tuple(emissions)
        )

    @property
    def parameters(self) -> int:
        """How many probabilities were counted."""
        return len(self.start) + self.moves.size + sum(each.size for each in self.emissions)

    # --- likelihood -------------------------------------------------------------------------

    def nats(self, encoded: Encoded) -> FloatArray:
        """Nats of each field of each row, float64 ``(rows, 5)``; 0 for fields that are not there.

        Fields are taken in order: what a field says of the state is known to those after it.
        """
        v, piece = self.vocabulary, prepare(encoded, self.vocabulary)
        rows = len(piece)
        # log-probability of each field in each state, divided by the legal ids' sum
        said = np.zeros((rows, len(Field), len(self.start)))
        for field in Field:
            legal = piece.legal[1:, v.slices[field]].astype(np.float64)
            with np.errstate(divide="ignore"):
                total = np.log(legal @ np.exp(self.emissions[field]))
            each = self.emissions[field][piece.targets[1:, field]] - total
            said[:, field] = np.where(piece.counts[1:, field, None], each, 0.0)
        nats = np.zeros((rows, len(Field)))
        belief, moves = np.exp(self.start), np.exp(self.moves)
        for row in range(rows):
            for field in Field:
                belief = belief * np.exp(said[row, field])
                total = belief.sum()
                nats[row, field] = -np.log(total)
                belief /= total
            belief = belief @ moves
        return np.where(piece.counts[1:], nats, 0.0)

    # --- fitting ----------------------------------------------------------------------------

    def fitted(
        self,
        pieces: Sequence[Encoded],
        *,
        rounds: int,
        seconds: float,
        tell: Callable[[str], None] = lambda _: None,
    ) -> "HMM":
        """Make the pieces likelier, round by round.

        Args:
            pieces: To learn from.
            rounds: At most so many.
            seconds: No round begins after so long, of the processor's time.
            tell: Is told of each round.
        """
        began, model, last = time.process_time(), self, -np.inf
        # the longest first: at each row those that still go on are the first of all
        events = sorted((piece.events for piece in pieces), key=len, reverse=True)
        ids = [input_ids(each, self.vocabulary) for each in events]
        rows = sum(len(each) for each in ids)
        for number in range(rounds):
            if time.process_time() - began > seconds:
                break
            model, likelihood = model._round(ids)
            tell(f"round {number + 1}: {-likelihood / rows:.4f} nats a row, no masks")
            if likelihood - last < _LEAST_GAIN * rows:
                break
            last = likelihood
        return model

    def _round(self, ids: Sequence[IntArray]) -> tuple["HMM", float]:
        """One round; returns the better model, and the log-likelihood of the one before."""
        longest, states = len(ids[0]), len(self.start)
        lengths = np.array([len(each) for each in ids])
        going = [int(np.count_nonzero(lengths > row)) for row in range(longest)]
        first = np.concatenate([[0], np.cumsum(going)])  # rows lie time by time
        laid = np.concatenate([np.stack([e[r] for e in ids[:n]]) for r, n in enumerate(going)])
        # an id of its own, which all states give alike, for a field that is not there
        tables = [np.vstack([each, np.zeros((1, states))]) for each in self.emissions]
        seen = sum(tables[field][laid[:, field]] for field in Field)
        peak = seen.max(axis=1, keepdims=True)
        seen, likelihood = np.exp(seen - peak), float(peak.sum())
        forward, moves = np.empty_like(seen), np.exp(self.moves)
        scale = np.empty(len(seen))
        for row, n in enumerate(going):
            now = slice(first[row], first[row] + n)
            before = forward[first[row - 1] :][:n] @ moves if row else np.exp(self.start)
            forward[now] = before * seen[now]
            scale[now] = forward[now].sum(axis=1)
            forward[now] /= scale[now, None]
        likelihood += float(np.log(scale).sum())
        backward = np.ones_like(seen)
        met = np.zeros((states, states))
        for row in range(longest - 2, -1, -1):
            n = going[row + 1]
            now, after = slice(first[row], first[row] + n), slice(first[row + 1], first[row + 2])
            coming = seen[after] * backward[after] / scale[after, None]
            met += forward[now].T @ coming
            backward[now] = coming @ moves.T
        state = forward * backward
        start = state[: going[0]].sum(axis=0) + _SMOOTHING
        met = met * moves + _SMOOTHING
        emissions = []
        for field in Field:
            size = self.vocabulary.size(field)
            each = np.zeros((size + 1, states))
            np.add.at(each, laid[:, field], state)
            each = each[:size] + _SMOOTHING
            emissions.append(np.log(each / each.sum(axis=0)))
        return HMM(
            self.vocabulary,
            np.log(start / start.sum()),
            np.log(met / met.sum(axis=1, keepdims=True)),
            tuple(emissions),
        ), likelihood

    # --- keeping ----------------------------------------------------------------------------

    def arrays(self) -> dict[str, FloatArray]:
        """Everything but the vocabulary, by name."""
        return {"start": self.start, "moves": self.moves} | {
            field.name: self.emissions[field] for field in Field
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, FloatArray], vocabulary: Vocabulary) -> "HMM":
        """Undo :meth:`arrays`."""
        emissions = tuple(arrays[field.name] for field in Field)
        return cls(vocabulary, arrays["start"], arrays["moves"], emissions)
