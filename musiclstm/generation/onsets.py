"""Choosing a whole onset at a time: several are drawn, and one of them is taken.

Notes of one onset are chosen one after the other, and none knows what its choice leaves to the
next: the last part of a chord may find nothing good to do. So each piece draws some *candidates* of
what happens at an onset, each from the same past, and takes one with a chance that grows with how
likely the model finds its notes (sampling importance resampling: Rubin, "The calculation of
posterior distributions by data augmentation: comment", JASA 82, 1987).

A candidate that would go on with a loop (:mod:`.loops`) is passed over where there is another; so
that there is one, they are drawn hotter then.

The pieces of a batch go from onset to onset together; candidates that are done wait for the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import MAX_MODEL_PARTS, Field, Kind
from musiclstm.errors import RequestError
from musiclstm.generation.loops import Past
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling, choose
from musiclstm.model import Bundle, DecoderState

EventArray = npt.NDArray[np.int32]
IndexArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]

MOST_CANDIDATES = 64
_NEVER = np.float32(-np.inf)  # as a log-probability
_PRIME = np.int64(1_000_003)  # for hashes, which overflow as they will
_HEAT = 3.0  # the temperature with which a loop is left
_DRAWS = 64  # rows for which random numbers are drawn at once


@dataclass(frozen=True)
class Resampling:
    """How one of an onset's candidates is taken.

    When the onset is and which parts strike is left to chance: the first candidate decides. Among
    those that agree with it one is taken, with p and d the sums of the log-probabilities of its
    pitches and durations as likely as exp(pitch_weight * p + duration_weight * d).

    Attributes:
        candidates: How many are drawn, 1-64; with 1 nothing is left to be taken.
        pitch_weight: How much their pitches count, 0-10.
        duration_weight: How much their durations count, 0-10.
    """

    candidates: int = 8
    pitch_weight: float = 1.0
    duration_weight: float = 0.5

    def __post_init__(self) -> None:
        if type(self.candidates) is not int or not 1 <= self.candidates <= MOST_CANDIDATES:
            raise RequestError(
                f"{self.candidates} candidates cannot be drawn; ask for 1 to {MOST_CANDIDATES}"
            )
        for name in ("pitch_weight", "duration_weight"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= 10:
                raise RequestError(f"{name} {value!r} is out of range; use 0 to 10")

    def as_dict(self) -> dict[str, Any]:
        """For the text event in a file, and a bundle's defaults."""
        return asdict(self)


class Draws:
    """Uniform random numbers, each piece's from its own source.

    Args:
        rngs: One for each piece.
        candidates: How many each piece draws.
    """

    def __init__(self, rngs: Sequence[np.random.Generator], candidates: int) -> None:
        self._rngs = list(rngs)
        # for each candidate those of a row; and a last one for the taking
        self._shape = (_DRAWS, candidates + 1, len(Field))
        self._block = np.empty((len(rngs), *self._shape))
        self._used = np.full(len(rngs), _DRAWS)

    def select(self, pieces: IndexArray) -> None:
        """Go on with these pieces."""
        self._rngs = [self._rngs[piece] for piece in pieces.tolist()]
        self._block, self._used = self._block[pieces], self._used[pieces]

    def rows(self, pieces: IndexArray) -> FloatArray:
        """The next numbers of these pieces, ``(pieces, candidates + 1, 5)``."""
        for piece in pieces[self._used[pieces] == _DRAWS].tolist():
            self._block[piece] = self._rngs[piece].random(self._shape)
            self._used[piece] = 0
        found: FloatArray = self._block[pieces, self._used[pieces]]
        self._used[pieces] += 1
        return found


@dataclass
class Onsets:
    """The pieces of a batch, each on the verge of its next onset.

    Attributes:
        bundle: The model.
        state: Of B pieces.
        rules: Of the same.
        draws: Of the same.
        sampling: How each field of a candidate is drawn.
        resampling: How one candidate is taken.
    """

    bundle: Bundle
    state: DecoderState
    rules: SoftRules
    draws: Draws
    sampling: Mapping[Field, Sampling]
    resampling: Resampling

    def __post_init__(self) -> None:
        r = self.resampling
        counts = (
            {Field.PITCH: r.pitch_weight, Field.DURATION: r.duration_weight}
            if r.candidates > 1
            else {}
        )
        self.past = [Past(self.bundle.vocabulary) for _ in range(len(self.state))]
        self.counts = {field: count for field, count in counts.items() if count > 0}

    def select(self, pieces: IndexArray) -> None:
        """Go on with these pieces."""
        self.state, self.rules = self.state.select(pieces), self.rules.select(pieces)
        self.draws.select(pieces)
        self.past = [self.past[piece] for piece in pieces.tolist()]

    def compose(self) -> list[EventArray]:
        """Choose what happens at the next onset, or that nothing more does.

        Returns:
            For each piece its rows ``(n, 5)``, at least one. A WAIT and END stand alone.
        """
        drawn = _Candidates(self)
        while drawn.which.size:
            drawn.draw_row()
        taken = drawn.take()
        self.state, self.rules = drawn.after(taken)
        rows = drawn.rows(taken)
        if self.resampling.candidates > 1:  # else nobody asks
            for past, onset in zip(self.past, rows, strict=True):
                past.add(onset)
        return rows


class _Candidates:
    """K candidates of each of B pieces; number b * K + k is the k-th of piece b.

    Attributes:
        which: Those that still go on.
    """

    def __init__(self, onsets: Onsets) -> None:
        self._of = onsets
        self._k, self._pieces = onsets.resampling.candidates, len(onsets.state)
        self.which = np.arange(self._pieces * self._k)
        self._state, self._rules = onsets.state, onsets.rules
        if self._k > 1:
            every = self.which // self._k
            self._state, self._rules = self._state.select(every), self._rules.select(every)
        self._drawn: list[tuple[IndexArray, EventArray]] = []
        self._done: list[tuple[IndexArray, DecoderState, SoftRules]] = []
        self._scores = np.zeros(len(self.which))
        self._shapes = np.zeros(len(self.which), np.int64)  # hashes of when and who
        self._hot = self._heat() if self._k > 1 else None
        self._last = np.zeros(self._pieces)  # of each piece the number that decides

    def draw_row(self) -> None:
        """Draw a row of each that goes on; those whose row would leave the onset are done."""
        v = self._of.bundle.vocabulary
        event = np.zeros((len(self.which), len(Field)), np.int32)
        uniforms = self._uniforms()
        # a piece has left the last onset for good; only at START there is none to be left
        barred = self._state.before.kind != Kind.START if not self._drawn else None
        shift = self._choose(Field.SHIFT, event, uniforms, barred)
        if self._drawn and np.count_nonzero(shift):
            stay = np.flatnonzero(shift == 0)
            self._finish(np.flatnonzero(shift))
            shift, uniforms, event = shift[stay], uniforms[stay], event[stay]
        if not len(event):
            return
        event[:, Field.SHIFT] = shift
        has_note = shift <= v.max_shift
        for field in list(Field)[1:] if np.count_nonzero(has_note) else ():
            event[:, field] = self._choose(field, event, uniforms) * has_note
        self._drawn.append((self.which, event))
        place = event[:, Field.SHIFT] * np.int64(MAX_MODEL_PARTS) + event[:, Field.PART] + 1
        self._shapes[self.which] = self._shapes[self.which] * _PRIME + place
        self._rules.advance(event)
        if min(shift.tolist()) < v.end:
            self._state = self._of.bundle.decoder.advance(self._state, event)
        if np.count_nonzero(has_note) < len(event):
            self._finish(np.flatnonzero(~has_note))

    def take(self) -> IndexArray:
        """One candidate of each piece, ``(B,)``; what its past warns of only for want of others."""
        past = self._of.past
        firsts = np.arange(self._pieces) * self._k
        if self._k == 1:
            return firsts
        shapes = self._shapes.reshape(self._pieces, self._k)
        agree = shapes == shapes[:, :1]
        for piece in [number for number, of_piece in enumerate(past) if of_piece.wary]:
            all_rows = self.rows(firsts[piece] + np.arange(self._k))
            fine = np.array([not past[piece].repeats(rows) for rows in all_rows])
            if fine.any():
                agree[piece] = agree[piece] & fine if (agree[piece] & fine).any() else fine
        scores = np.where(agree, self._scores.reshape(self._pieces, self._k), -np.inf)
        cumulated = np.cumsum(np.exp(scores - scores.max(axis=1, keepdims=True)), axis=1)
        goal = self._last * cumulated[:, -1]
        taken: IndexArray = firsts + (cumulated > goal[:, None]).argmax(axis=1)
        return taken

    def rows(self, candidates: IndexArray) -> list[EventArray]:
        """All rows of each of these candidates."""
        found: list[list[EventArray]] = [[] for _ in candidates]
        for which, events in self._drawn:
            for number, place in zip(*_places(which, candidates), strict=True):
                found[number].append(events[place])
        return [np.stack(rows) for rows in found]

    def after(self, candidates: IndexArray) -> tuple[DecoderState, SoftRules]:
        """The pieces after these candidates, one of each."""
        if len(self._done) == 1 and self._k == 1:
            return self._done[0][1:]
        done = [(*_places(which, candidates), s, r) for which, s, r in self._done]
        return (
            self._of.state.continued([(pieces, s, places) for pieces, places, s, _ in done]),
            self._of.rules.continued([(pieces, r, places) for pieces, places, _, r in done]),
        )

    def _uniforms(self) -> FloatArray:
        """Numbers for a row of each that goes on, ``(n, 5)``."""
        piece, candidate = np.divmod(self.which, self._k)
        pieces, each = np.unique(piece, return_inverse=True)
        numbers = self._of.draws.rows(pieces)
        self._last[pieces] = numbers[:, -1, 0]
        found: FloatArray = numbers[each, candidate]
        return found

    def _choose(
        self,
        field: Field,
        event: EventArray,
        uniforms: FloatArray,
        barred: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.int32]:
        """An id of each that goes on; where ``barred`` says so, not 0."""
        decoder, rows = self._of.bundle.decoder, len(event)
        asked = decoder.ask(self._state, field, event)
        allowed, wanted = asked.legal, self._rules.allowed(self._state, field, event)
        if barred is not None:
            allowed = allowed.copy()
            allowed[:, 0] &= ~barred
        if wanted is not None:
            both = allowed & wanted
            possible = np.logical_or.reduce(both, axis=1)
            if np.count_nonzero(possible) < rows:  # the rule gives way
                both = np.where(possible[:, None], both, allowed)
            allowed = both
        if np.count_nonzero(allowed) == rows:  # one id each: there is nothing to choose
            only: npt.NDArray[np.int32] = allowed.argmax(axis=1).astype(np.int32)
            return only
        logits = decoder.logits(asked)
        np.putmask(logits, ~allowed, _NEVER)
        drawn_from = logits
        if self._hot is not None:
            # a loop is left by whatever changes, a pitch by its part alone
            column = event[:, Field.PART] if field == Field.PITCH else np.int32(-1)
            heat = self._hot[self.which // self._k, column]
            drawn_from = logits / heat[:, None]
        chosen = choose(drawn_from, uniforms[:, field], self._of.sampling[field])
        if (count := self._of.counts.get(field)) is not None:
            self._scores[self.which] += count * _log_of(logits, chosen)
        return chosen

    def _heat(self) -> npt.NDArray[np.float32] | None:
        """Temperatures of each part's pitches, and in a last column of all else.

        Returns:
            float32 ``(B, parts + 1)``; None where all are 1.
        """
        wary = [piece for piece, past in enumerate(self._of.past) if past.wary]
        if not wary:
            return None
        heat = np.ones((self._pieces, len(self._of.bundle.vocabulary.parts) + 1), np.float32)
        for piece in wary:
            past = self._of.past[piece]
            heat[piece, slice(None) if past.loops else past.tired] = _HEAT
        return heat

    def _finish(self, done: IndexArray) -> None:
        """Set some of those that go on aside, by their places."""
        if len(done) == len(self.which):
            self._done.append((self.which, self._state, self._rules))
            self.which = self.which[:0]
            return
        self._done.append((self.which[done], self._state.select(done), self._rules.select(done)))
        rest = np.delete(np.arange(len(self.which)), done)
        self.which = self.which[rest]
        self._state, self._rules = self._state.select(rest), self._rules.select(rest)


def _places(which: IndexArray, wanted: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Of ``wanted`` those that are in ``which``, sorted: their places in the one and the other."""
    at = np.minimum(np.searchsorted(which, wanted), len(which) - 1)
    numbers = np.flatnonzero(which[at] == wanted)
    return numbers, at[numbers]


def _log_of(logits: npt.NDArray[np.float32], ids: npt.NDArray[np.int32]) -> FloatArray:
    """The log-probability of one id a row; ``-inf`` stands where there is none."""
    most = logits.max(axis=1)
    with np.errstate(under="ignore"):
        total = np.log(np.exp(logits - most[:, None]).sum(axis=1))
    found: FloatArray = logits[np.arange(len(ids)), ids] - most - total
    return found
