"""Choosing a whole onset at a time: several are drawn, and one of them is taken.

Notes of one onset are chosen one after the other, and none knows what its choice leaves to the
next: the last part of a chord may find nothing good to do. So each piece draws some *candidates* of
what happens at an onset, each from the same past, and takes one with a chance that grows with how
likely the model finds its notes (sampling importance resampling: Rubin, "The calculation of
posterior distributions by data augmentation: comment", JASA 82, 1987).

When the onset is and which parts strike is left to chance: the first candidate, the *leader*,
decides, and the others strike the same parts with pitches and durations of their own. Were all
weighed together, few notes would win over many, and no piece would ever end.

What the pieces of the corpus hardly ever do (:mod:`.habits`) counts against a candidate. One that
would go on with a loop (:mod:`.loops`) is passed over where there is another; so that there is one,
pitches are drawn hotter then. One that cannot do what the leader does (its part has no free pitch
left) becomes a copy of it.

The pieces of a batch go from row to row together, each at an onset of its own. Each can be put back
to where it has stood before, and be drawn hotter for a while (:mod:`.guard`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.generation.habits import Habits
from musiclstm.generation.loops import Past, Trouble, onsets_of
from musiclstm.generation.resampling import AGAIN, Draws, Resampling, take_one
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling, choose
from musiclstm.generation.steering import Steering
from musiclstm.model import Asked, Bundle, DecoderState
from musiclstm.model.heads import log_softmax

EventArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int32]
IndexArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Heats = npt.NDArray[np.float32]

_NEVER = np.float32(-np.inf)  # as a log-probability
_HEAT = 3.0  # the temperature with which a loop is left


class Standing(NamedTuple):
    """Where a piece stands, with all its candidates; it is never changed.

    Attributes:
        state: Of K candidates.
        rules: Of the same.
        steering: Of the same.
        scores: Of the same, ``(K,)``.
        past: Its last onsets.
        rows: Those of the onset that it is at, int32 ``(K, 5)`` each.
    """

    state: DecoderState
    rules: SoftRules
    steering: Steering
    scores: FloatArray
    past: Past
    rows: tuple[EventArray, ...]


class Onsets:
    """B pieces that are being composed, with K candidates of what happens at an onset of each.

    Number b * K + k is the k-th candidate of piece b; k = 0 leads.

    Args:
        bundle: The model, and its habits.
        state: Of B pieces.
        rules: Of the same.
        draws: Of the same.
        sampling: How each field of a candidate is drawn.
        resampling: How one candidate is taken.
        steering: What is wished for, of B pieces; by default nothing.

    Attributes:
        vocabulary: Of the model.
        state: Of all candidates.
        rules: Of the same.
        steering: Of the same.
        closing: Of each piece that has just come to its end the log-probability of END.
    """

    def __init__(
        self,
        bundle: Bundle,
        state: DecoderState,
        rules: SoftRules,
        draws: Draws,
        sampling: Mapping[Field, Sampling],
        resampling: Resampling,
        steering: Steering | None = None,
    ) -> None:
        self.vocabulary, self._decoder = bundle.vocabulary, bundle.decoder
        self._k, self._draws, self._sampling = resampling.candidates, draws, sampling
        self.state, self.rules = state, rules
        self.steering = steering or Steering.start([None] * len(state), bundle.vocabulary)
        if self._k > 1:
            every = np.arange(len(state)).repeat(self._k)
            self.state, self.rules = state.select(every), rules.select(every)
            self.steering = self.steering.select(every)
        self._weights = {
            Field.PITCH: resampling.pitch_weight,
            Field.DURATION: resampling.duration_weight,
        }
        self._scores = np.zeros(len(state) * self._k)
        self.closing = np.zeros(len(state))
        self._habits = habits = Habits.of_bundle(bundle)
        self._past = [
            Past(bundle.vocabulary, habits.loops, habits.repeats) for _ in range(len(state))
        ]
        self._heats = np.ones(len(state), np.float32)  # beside the sampling's temperatures
        # of each piece the rows of the onset that it is at, (K, 5) each; none where it has left it
        self._rows: list[list[EventArray]] = [[] for _ in range(len(state))]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def now(self) -> IntArray:
        """The step at which each piece is, ``(B,)``."""
        return self.state.tracker.now[:: self._k]

    def so_far(self, piece: int, candidate: int = 0) -> EventArray:
        """The rows of the onset that a piece is at, ``(n, 5)``; by default its leader's."""
        rows = [of_all[candidate] for of_all in self._rows[piece]]
        return np.array(rows, np.int32).reshape(-1, len(Field))

    def select(self, pieces: IndexArray) -> None:
        """Go on with these pieces; copies of one stand side by side, and go on each its own way."""
        self._pick((pieces[:, None] * self._k + np.arange(self._k)).reshape(-1))
        self._draws.select(pieces)
        copied = [number and piece == pieces[number - 1] for number, piece in enumerate(pieces)]
        every = list(zip(pieces.tolist(), copied, strict=True))
        self._past = [self._past[n].copy() if copy else self._past[n] for n, copy in every]
        self._rows = [[rows.copy() for rows in self._rows[piece]] for piece in pieces.tolist()]
        self.closing, self._heats = self.closing[pieces], self._heats[pieces]

    def hear(self, rows: EventArray) -> None:
        """Let all pieces begin with the same rows, int32 ``(n, 5)``, before anything is chosen."""
        for row in rows:
            event = np.repeat(row[None], len(self.state), axis=0)
            self.rules.advance(event)
            self.steering.advance(self.state, event)
            self.state = self._decoder.advance(self.state, event)
        for onset in onsets_of(rows) if len(rows) else ():
            for past in self._past:
                past.add(onset)

    def trouble(self, piece: int) -> Trouble | None:
        """What the last onset of a piece went on with although it should not have."""
        return self._past[piece].trouble

    def standing(self, piece: int) -> Standing:
        """Where a piece stands, to be put back there."""
        own = np.arange(piece * self._k, (piece + 1) * self._k)
        return Standing(
            self.state.select(own),
            self.rules.select(own),
            self.steering.select(own),
            self._scores[own],
            self._past[piece].copy(),
            tuple(self._rows[piece]),
        )

    def put_back(self, piece: int, standing: Standing) -> None:
        """Let a piece go on from where it stood before, with other random numbers."""
        own, at = slice(piece * self._k, (piece + 1) * self._k), np.arange(len(self.state))
        at[own] = len(at) + np.arange(self._k)
        self.state = DecoderState.joined([self.state, standing.state]).select(at)
        self.rules = SoftRules.joined([self.rules, standing.rules]).select(at)
        self.steering = Steering.joined([self.steering, standing.steering]).select(at)
        self._scores[own] = standing.scores
        self._past[piece] = standing.past.copy()
        self._rows[piece] = [rows.copy() for rows in standing.rows]

    def warm(self, piece: int, heat: float) -> None:
        """Draw when, who, what and for how long of a piece at so many times its temperatures."""
        self._heats[piece] = heat

    def step(self) -> list[tuple[int, EventArray]]:
        """Choose a row of each piece.

        Returns:
            What is over with it, in any order: the piece, and all rows of an onset, ``(n, 5)``. A
            WAIT and END stand alone.
        """
        v, k = self.vocabulary, self._k
        numbers = self._draws.row()
        own = numbers[:, :-1].reshape(-1, numbers.shape[2])
        event = np.zeros((len(own), len(Field)), np.int32)
        shift, over = self._shifts(event, numbers)
        event[:, Field.SHIFT] = shift.repeat(k)
        has_note = shift <= v.max_shift
        if np.count_nonzero(has_note):
            of_notes = has_note.repeat(k)
            self._follow(event, own[::k, Field.PART], of_notes)
            for field in list(Field)[Field.PITCH :]:
                chosen = self._draw(field, event, own[:, field], of_notes)
                event[:, field] = chosen * of_notes
        for piece, rows in enumerate(event.reshape(-1, k, len(Field))):
            if has_note[piece]:
                self._rows[piece].append(rows)
            else:
                over.append((piece, rows[:1]))
        self.rules.advance(event)
        self.steering.advance(self.state, event)
        if min(shift.tolist()) < v.end:
            self.state = self._decoder.advance(self.state, event)
        return over

    # --- when and who -----------------------------------------------------------------------

    def _shifts(
        self, event: EventArray, numbers: FloatArray
    ) -> tuple[IntArray, list[tuple[int, EventArray]]]:
        """The shift of each piece, ``(B,)``; and the onsets that are left with it."""
        k = self._k
        asked, allowed = self._ask(Field.SHIFT, event)
        leaders = self._leaders(asked)
        tilt = self.steering.tilt(Field.SHIFT, self.state, event)
        wish = None if tilt is None else tilt[::k]
        shift = self._choose(leaders, allowed[::k], numbers[:, 0, Field.SHIFT], self._heats, wish)
        stays = np.array([bool(rows) for rows in self._rows]) & (shift == 0)
        leaves = np.array([piece for piece, rows in enumerate(self._rows) if rows and shift[piece]])
        if np.count_nonzero(stays) and k > 1:
            self._copy_leaders(stays.repeat(k) & ~allowed[:, 0])
        if not leaves.size or k == 1:
            self._close(leaders, shift, np.arange(len(self)))
        if not leaves.size:
            return shift, []
        can = np.logical_or.reduce(allowed[:, 1:], axis=1).reshape(-1, k)
        if k > 1:
            here = self.state.tracker.at(self.state.tracker.now, self.vocabulary)
            drums = self.vocabulary.drum_parts
            before, now = (np.where(drums, -1, pitches) for pitches in (here.before, here.now))
            cost = self._habits.cost(before, now)
            self._scores.reshape(-1, k)[leaves] += cost.reshape(-1, k)[leaves]
        taken = [self._take(piece, can[piece], numbers[piece, -1, 0]) for piece in leaves.tolist()]
        over = []
        for piece, candidate in zip(leaves.tolist(), taken, strict=True):
            rows = self.so_far(piece, candidate)
            over.append((piece, rows))
            self._past[piece].add(rows)
            self._rows[piece] = []
        if k == 1:
            return shift, over
        at = np.arange(len(event)).reshape(-1, k)
        at[leaves] = (leaves * k + taken)[:, None]
        self._pick(at.reshape(-1))
        self._scores.reshape(-1, k)[leaves] = 0
        # from where the taken one stands, and not at the onset that has been left
        asked, allowed = self._ask(Field.SHIFT, event)
        allowed = allowed[::k][leaves]
        allowed[:, 0] = False
        leaders = self._leaders(asked, leaves * k)
        tilt = self.steering.tilt(Field.SHIFT, self.state, event)
        wish = None if tilt is None else tilt[leaves * k]
        heats = self._heats[leaves]
        again = self._choose(leaders, allowed, numbers[leaves, 0, AGAIN], heats, wish)
        self._close(leaders, again, leaves)
        shift[leaves] = again
        return shift, over

    def _close(self, leaders: Asked, shift: IntArray, pieces: IndexArray) -> None:
        """Note how likely it was that those pieces would end which do."""
        ends = np.flatnonzero(shift == self.vocabulary.end)
        if ends.size:
            legal = leaders.legal[ends]
            legal[:, 0] = False  # the onset is over
            logs = log_softmax(self._decoder.logits(leaders)[ends], legal)
            self.closing[pieces[ends]] = logs[:, self.vocabulary.end]

    def _follow(self, event: EventArray, uniforms: FloatArray, of_notes: BoolArray) -> None:
        """Let each leader choose a part, and the others follow."""
        k = self._k
        asked, allowed = self._ask(Field.PART, event)
        part = self._choose(self._leaders(asked), allowed[::k], uniforms, self._heats).repeat(k)
        event[:, Field.PART] = part * of_notes
        if k > 1:
            able = allowed.reshape(-1).take(part + np.arange(0, allowed.size, allowed.shape[1]))
            self._copy_leaders(of_notes & ~able)

    def _leaders(self, asked: Asked, which: IndexArray | slice | None = None) -> Asked:
        """What the leaders, or some of them, are asked; of a field without hints."""
        at = slice(None, None, self._k) if which is None else which
        return asked._replace(legal=asked.legal[at], sums=asked.sums[at])

    def _copy_leaders(self, unable: BoolArray) -> None:
        """Those that cannot do what their leader does become what it is."""
        which = np.flatnonzero(unable)
        if not which.size:
            return
        at, leaders = np.arange(len(unable)), which - which % self._k
        at[which] = leaders
        self._pick(at)
        for candidate in which.tolist():
            piece, number = divmod(candidate, self._k)
            for rows in self._rows[piece]:
                rows[number] = rows[0]

    # --- which ------------------------------------------------------------------------------

    def _take(self, piece: int, can: BoolArray, uniform: float) -> int:
        """One of a piece's candidates, by its score; what it is warned of only for want of others.

        Args:
            piece: Which.
            can: The candidates that can go on from here, ``(K,)``.
            uniform: A random number.
        """
        if self._k == 1:
            return 0
        past = self._past[piece]
        if past.wary:
            all_rows = np.stack(self._rows[piece], axis=1)
            fine = can & ~np.array([past.goes_round(rows) for rows in all_rows])
            can = fine if fine.any() else can
        scores = np.where(can, self._scores[piece * self._k : (piece + 1) * self._k], -np.inf)
        return take_one(scores, uniform)

    def _pick(self, at: IndexArray) -> None:
        """Go on with these candidates."""
        self.state, self.rules = self.state.select(at), self.rules.select(at)
        self.steering, self._scores = self.steering.select(at), self._scores[at]

    # --- choosing ids -----------------------------------------------------------------------

    def _ask(self, field: Field, event: EventArray) -> tuple[Asked, BoolArray]:
        """What a head needs to know, and which ids the rules allow: bool ``(B K, size)``."""
        asked = self._decoder.ask(self.state, field, event)
        wanted = self.rules.allowed(self.state, field, event)
        if wanted is None:
            return asked, asked.legal
        both = asked.legal & wanted
        possible = np.logical_or.reduce(both, axis=1)
        if np.count_nonzero(possible) < len(both):  # the rule gives way
            both = np.where(possible[:, None], both, asked.legal)
        return asked, both

    def _draw(
        self, field: Field, event: EventArray, uniforms: FloatArray, of_notes: BoolArray
    ) -> IntArray:
        """An id of each candidate, of its own; of no meaning where the row has no note."""
        asked, allowed = self._ask(field, event)
        if _nothing_to_choose(allowed):
            return _first(allowed)
        logits = self._logits(asked, allowed)
        tilt = self.steering.tilt(field, self.state, event)
        if tilt is not None:
            logits += tilt
        heat = self._heat(field, event[:, Field.PART])
        drawn_from = logits if heat is None else logits / heat[:, None]
        chosen = choose(drawn_from, uniforms, self._sampling[field])
        if self._k > 1 and (weight := self._weights.get(field)):
            self._scores += weight * _log_of(logits, chosen) * of_notes
        return chosen

    def _choose(
        self,
        asked: Asked,
        allowed: BoolArray,
        uniforms: FloatArray,
        heats: Heats,
        tilt: npt.NDArray[np.float32] | None = None,
    ) -> IntArray:
        """An id of each of some leaders.

        Args:
            asked: What the head needs to know of them.
            allowed: The ids, ``(n, size)``.
            uniforms: Random numbers, ``(n,)``.
            heats: Of their pieces, ``(n,)``.
            tilt: What is wished for, ``(n, size)``.
        """
        if _nothing_to_choose(allowed):
            return _first(allowed)
        logits = self._logits(asked, allowed)
        if tilt is not None:
            logits += tilt
        if _some(heats):
            logits /= heats[:, None]
        return choose(logits, uniforms, self._sampling[Field(asked.field)])

    def _logits(self, asked: Asked, allowed: BoolArray) -> npt.NDArray[np.float32]:
        """Logits in which all that is not allowed is impossible."""
        logits = self._decoder.logits(asked)
        np.putmask(logits, ~allowed, _NEVER)
        return logits

    def _heat(self, field: Field, part: IntArray) -> Heats | None:
        """Temperatures of a field of all candidates, ``(B K,)``; None where all are 1.

        A loop is left by other pitches: when notes come, and in which part, nobody weighs again.
        """
        warm = field != Field.VELOCITY and _some(self._heats)
        wary = []
        if field == Field.PITCH and self._k > 1:
            wary = [piece for piece, past in enumerate(self._past) if past.wary]
        if not wary and not warm:
            return None
        heat = np.ones((len(self), self._k), np.float32)
        parts = part.reshape(heat.shape)
        for piece in wary:
            past = self._past[piece]
            heat[piece][np.isin(parts[piece], past.tired) | bool(past.closed)] = _HEAT
        return (heat * self._heats[:, None] if warm else heat).reshape(-1)


def _some(heats: Heats) -> bool:
    """Whether any is not 1."""
    return bool(max(heats.tolist()) != 1)


def _nothing_to_choose(allowed: BoolArray) -> bool:
    """Whether each row has one id."""
    return bool(np.count_nonzero(allowed) == len(allowed))


def _first(allowed: BoolArray) -> IntArray:
    """The first id of each row."""
    ids: IntArray = allowed.argmax(axis=1).astype(np.int32)
    return ids


def _log_of(logits: npt.NDArray[np.float32], ids: IntArray) -> FloatArray:
    """The log-probability of one id a row; ``-inf`` stands where there is none."""
    most = np.maximum.reduce(logits, axis=1)
    with np.errstate(under="ignore"):
        total = np.log(np.add.reduce(np.exp(logits - most[:, None]), axis=1))
    found: FloatArray = logits[np.arange(len(ids)), ids] - most - total
    return found
