"""Sampling from the LSTM under constraints: sequential Monte Carlo, through the batched decoder.

An LSTM sees the past alone. Were given notes forced upon it as they come, nothing before them would
have prepared them. So many ways to go on are drawn at once, the *particles*. Each chooses row after
row as the model would, under masks that keep what is given (:mod:`.constraints`). What a mask takes
away, and how unlikely a given note is where a particle has got to, counts as that particle's
weight: the logarithm of the mass that each mask keeps. Wherever all have come past the same given
onset or barline they are compared, and the likely ones go on, some of them several times, at the
expense of the others. In the end one is drawn by its weight.

With many particles that is a draw from what the model believes of the open notes, knowing the given
ones, those that follow included.

Source: N. J. Gordon, D. J. Salmond and A. F. M. Smith, "Novel approach to nonlinear/non-Gaussian
Bayesian state estimation", IEE Proceedings F 140 (1993); systematic resampling as in A. Doucet and
A. M. Johansen, "A tutorial on particle filtering and smoothing" (2009), section 3.4; for language
models A. K. Lew et al., "Sequential Monte Carlo Steering of Large Language Models" (2023).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Kind, Vocabulary
from musiclstm.errors import RequestError
from musiclstm.generation.constraints import Constraints
from musiclstm.generation.endings import OFF_TONIC
from musiclstm.generation.frame import Frame
from musiclstm.generation.habits import Habits
from musiclstm.generation.resampling import take_one
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling, choose
from musiclstm.generation.steering import Steering
from musiclstm.model import Decoder, DecoderState

EventArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]
Progress = Callable[[int, int, float], None]

_NEVER = np.float32(-np.inf)  # as a log-probability
_ENOUGH = 0.5  # with fewer effective particles than this share of all, the likely ones take over


class Link(NamedTuple):
    """The last row of a particle, and those before it: particles share what they have in common."""

    before: Optional["Link"]
    row: tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """What the particles have come to.

    Attributes:
        rows: Of the particle that was drawn, from the first open step on, int32 ``(n, 5)``.
        effective: How many effective particles there were at each comparison, ``(marks,)``.
        evidence: Estimated log-probability of what is given, and of the wishes, in nats.
    """

    rows: EventArray
    effective: FloatArray
    evidence: float


@dataclass
class Swarm:
    """N particles.

    Attributes:
        state: Of each the decoder's.
        rules: What the corpus never does.
        constraints: What is given.
        steering: What is wished for.
        weight: Log-weights, float64 ``(N,)``.
        last: The last row of each.
        ended: Which go no further, bool ``(N,)``: they have come to END, or are lost.
    """

    state: DecoderState
    rules: SoftRules
    constraints: Constraints
    steering: Steering
    weight: FloatArray
    last: list[Link | None]
    ended: BoolArray

    def __len__(self) -> int:
        return len(self.weight)

    def select(self, at: IndexArray) -> "Swarm":
        """These particles."""
        return replace(
            self,
            state=self.state.select(at),
            rules=self.rules.select(at),
            constraints=self.constraints.select(at),
            steering=self.steering.select(at),
            weight=self.weight[at],
            last=[self.last[particle] for particle in at.tolist()],
            ended=self.ended[at],
        )

    @classmethod
    def joined(cls, swarms: Sequence["Swarm"]) -> "Swarm":
        """All of them together."""
        if len(swarms) == 1:
            return swarms[0]
        return cls(
            state=DecoderState.joined([of.state for of in swarms]),
            rules=SoftRules.joined([of.rules for of in swarms]),
            constraints=Constraints.joined([of.constraints for of in swarms]),
            steering=Steering.joined([of.steering for of in swarms]),
            weight=np.concatenate([of.weight for of in swarms]),
            last=[link for of in swarms for link in of.last],
            ended=np.concatenate([of.ended for of in swarms]),
        )


class Particles:
    """Draws what is open of a frame.

    Args:
        decoder: The model.
        sampling: How each field is drawn; temperatures change the model, cuts only the drawing.
        habits: What counts against a particle at each onset; None for nothing.
        sharpness: Pitches and durations that are drawn count once more by this power of their
            probability, 0 up: 0 draws from what the model believes, more prefers what is likely.
        rng: For all chance.
        tonic: Pitch class on which the piece should end; None for any.
    """

    def __init__(
        self,
        decoder: Decoder,
        sampling: Mapping[Field, Sampling],
        habits: Habits | None,
        sharpness: Mapping[Field, float],
        rng: np.random.Generator,
        tonic: int | None = None,
    ) -> None:
        self._decoder, self._v, self._rng = decoder, decoder.vocabulary, rng
        # the temperature belongs to the model that is sampled from, and so to the weights
        self._heat = {field: np.float32(own.temperature) for field, own in sampling.items()}
        self._cuts = {field: replace(own, temperature=1.0) for field, own in sampling.items()}
        self._habits, self._sharpness, self._tonic = habits, dict(sharpness), tonic

    def draw(
        self,
        start: Swarm,
        particles: int,
        marks: Sequence[int],
        to_the_end: bool,
        progress: Progress | None = None,
    ) -> Found:
        """Draw what is open, once; the arguments are those of :meth:`run`."""
        swarm, effective, evidence = self.run(start, particles, marks, to_the_end, progress)
        chosen = take_one(swarm.weight, self._rng.random())
        return Found(rows_of(swarm.last[chosen]), effective, evidence)

    def run(
        self,
        start: Swarm,
        particles: int,
        marks: Sequence[int],
        to_the_end: bool,
        progress: Progress | None = None,
    ) -> tuple[Swarm, FloatArray, float]:
        """Let particles go from where something is open to where nothing is.

        Args:
            start: One particle, at the last row before anything is open.
            particles: How many are drawn, 1 up; 1 is plain forcing.
            marks: Steps at which they are compared, ascending.
            to_the_end: Whether they go on to END after the last mark.
            progress: Called with (marks passed, all marks, effective particles).

        Returns:
            The particles with their weights; how many effective ones there were at each comparison;
            and the estimated log-probability of what is given.

        Raises:
            RequestError: If all of them are lost before the end.
        """
        swarm = start.select(np.zeros(particles, np.intp))
        effective, evidence = [], 0.0
        for number, mark in enumerate(marks):
            swarm = self._forward(swarm, mark)
            count = effective_of(swarm.weight)
            effective.append(count)
            if number + 1 < len(marks) and count < _ENOUGH * particles:
                swarm, gained = self._resampled(swarm)
                evidence += gained
            if progress is not None:
                progress(number + 1, len(marks), count)
        if to_the_end:
            swarm = self._forward(swarm, None)
            effective.append(effective_of(swarm.weight))
        return swarm, np.array(effective), evidence + _log_mean(swarm.weight)

    def _forward(self, swarm: Swarm, mark: int | None) -> Swarm:
        """Let all go on until each has passed a mark, or has ended."""
        arrived: list[Swarm] = []
        while len(swarm):
            there = swarm.ended.copy()
            if mark is not None:
                there |= swarm.constraints.passed(mark, swarm.state)
            if there.all():
                arrived.append(swarm)
                break
            if there.any():
                arrived.append(swarm.select(np.flatnonzero(there)))
                swarm = swarm.select(np.flatnonzero(~there))
            self._step(swarm)
        swarm = Swarm.joined(arrived)
        if not np.isfinite(swarm.weight).any():
            raise RequestError(
                "no way through what is given was found; try another seed, or more particles"
            )
        return swarm

    def _resampled(self, swarm: Swarm) -> tuple[Swarm, float]:
        """As many particles, drawn by their weights, and what the weights were on average."""
        n = len(swarm)
        shares = np.exp(swarm.weight - swarm.weight.max())
        cumulated = np.cumsum(shares / shares.sum())
        places = (self._rng.random() + np.arange(n)) / n
        at = np.minimum(np.searchsorted(cumulated, places, side="right"), n - 1)
        gained = _log_mean(swarm.weight)
        swarm = swarm.select(at)
        swarm.weight = np.zeros(n)
        return swarm, gained

    # --- a row ------------------------------------------------------------------------------

    def _step(self, swarm: Swarm) -> None:
        """Choose a row of each."""
        v, n = self._v, len(swarm)
        uniforms = self._rng.random((len(Field), n))
        event = np.zeros((n, len(Field)), np.int32)
        shift = self._choose(swarm, Field.SHIFT, event, uniforms[Field.SHIFT], np.ones(n, bool))
        event[:, Field.SHIFT] = shift
        self._judge_onset(swarm, shift)
        has_note = shift <= v.max_shift
        if has_note.any():
            for field in list(Field)[Field.PART :]:
                chosen = self._choose(swarm, field, event, uniforms[field], has_note)
                event[:, field] = chosen * has_note
        swarm.rules.advance(event)
        swarm.steering.advance(swarm.state, event)
        swarm.weight += swarm.constraints.credit(swarm.state, event)
        swarm.constraints.advance(swarm.state, event)
        swarm.last = [
            Link(link, tuple(row)) for link, row in zip(swarm.last, event.tolist(), strict=True)
        ]
        swarm.ended = (shift == v.end) | ~np.isfinite(swarm.weight)
        swarm.state = self._decoder.advance(swarm.state, event)

    def _choose(
        self,
        swarm: Swarm,
        field: Field,
        event: EventArray,
        uniforms: FloatArray,
        counts: BoolArray,
    ) -> EventArray:
        """An id of each; the weights take note of what the masks keep.

        Where they keep nothing the particle is lost: its weight is nothing, its id of no meaning.

        Args:
            swarm: The particles.
            field: Which field.
            event: With the fields before it.
            uniforms: Random numbers, ``(N,)``.
            counts: Which rows have the field, ``(N,)``.
        """
        asked = self._decoder.ask(swarm.state, field, event)
        kept = swarm.constraints.allowed(field, swarm.state, swarm.rules, event)
        # a row without this field has no choice to make: any id will do
        allowed = asked.legal if kept is None else asked.legal & (kept | ~counts[:, None])
        soft = swarm.rules.allowed(swarm.state, field, event)
        if soft is not None:
            # what is given may do what the corpus never does
            both = allowed & soft
            allowed = np.where(np.logical_or.reduce(both, axis=1)[:, None], both, allowed)
        lost = ~np.logical_or.reduce(allowed, axis=1)
        if lost.any():
            swarm.weight[lost] = -np.inf
            allowed = np.where(lost[:, None], asked.legal, allowed)
        logits = self._decoder.logits(asked) / self._heat[field]
        target = np.where(allowed, logits, _NEVER)
        tilts = (
            swarm.steering.tilt(field, swarm.state, event),
            swarm.constraints.tilt(field, swarm.state, event),
        )
        for tilt in tilts:
            if tilt is not None:  # what is given is not wished otherwise
                target = target + tilt * ~swarm.constraints.met[:, None]
        total = _log_sum(target)
        if field != Field.VELOCITY:
            legal = np.where(asked.legal, logits, _NEVER)
            swarm.weight += (total - _log_sum(legal)) * counts
        chosen = choose(target, uniforms, self._cuts[field])
        power = self._sharpness.get(field, 0.0)
        if power:
            # beside what was to be expected: else those of few notes would have the upper hand
            logs = target - total[:, None]
            expected = (np.exp(logs) * np.where(np.isfinite(logs), logs, 0)).sum(axis=1)
            swarm.weight += power * (logs[np.arange(len(chosen)), chosen] - expected) * counts
        return chosen

    def _judge_onset(self, swarm: Swarm, shift: EventArray) -> None:
        """Count against those that leave an onset what the corpus hardly ever does there."""
        if self._habits is None:
            return
        leaves = (shift != 0) & (swarm.state.before.kind == Kind.NOTE)
        if leaves.any():
            here = swarm.state.tracker.at(swarm.state.tracker.now, self._v)
            drums = self._v.drum_parts
            before, now = (np.where(drums, -1, of) for of in (here.before, here.now))
            swarm.weight += self._habits.cost(before, now) * leaves
        ends = shift == self._v.end
        if self._tonic is not None and ends.any():
            sounding = swarm.state.tracker.ends[:, :-1][:, ~self._v.drum_parts]
            last = np.maximum.reduce(sounding, axis=1) > swarm.state.tracker.now[:, None]
            off = last.argmax(axis=1) % 12 != self._tonic
            swarm.weight += OFF_TONIC * (ends & off)


def begin(
    decoder: Decoder,
    state: DecoderState,
    rules: SoftRules,
    frame: Frame,
    steering: Steering,
    rows: EventArray,
) -> Swarm:
    """One particle that has come as far as where the first open step is.

    Args:
        decoder: The model.
        state: Of one stream, at its beginning.
        rules: Of the same.
        frame: What is given.
        steering: What is wished for, of one stream.
        rows: All rows of the piece before the first open step, int32 ``(n, 5)``.
    """
    for row in rows:
        event = row[None]
        rules.advance(event)
        steering.advance(state, event)
        state = decoder.advance(state, event)
    constraints = Constraints.start(frame, 1, decoder.vocabulary)
    return Swarm(state, rules, constraints, steering, np.zeros(1), [None], np.zeros(1, bool))


def rows_before(events: EventArray, step: int, v: Vocabulary) -> EventArray:
    """The rows of a piece whose notes begin before a step, without waits that lead past it."""
    onset = np.cumsum(v.steps_of(events[:, Field.SHIFT]))
    notes = np.flatnonzero((onset < step) & (events[:, Field.SHIFT] <= v.max_shift))
    return events[: notes[-1] + 1 if notes.size else 0].copy()


def effective_of(weights: FloatArray) -> float:
    """The effective number of particles: 1 / sum of squared shares (Kong, Liu & Wong 1994)."""
    shares = np.exp(weights - weights.max())
    shares /= shares.sum()
    return float(1 / (shares @ shares))


def _log_mean(weights: FloatArray) -> float:
    most = weights.max()
    return float(most + np.log(np.exp(weights - most).mean()))


def _log_sum(logits: npt.NDArray[np.float32]) -> FloatArray:
    """The logarithm of the sum of exponentials of each row."""
    most = np.maximum.reduce(logits, axis=1)
    with np.errstate(under="ignore"):
        found: FloatArray = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
    return found


def rows_of(last: Link | None) -> EventArray:
    """The rows of a particle, int32 ``(n, 5)``."""
    rows = []
    while last is not None:
        rows.append(last.row)
        last = last.before
    return np.array(rows[::-1], np.int32).reshape(-1, len(Field))
