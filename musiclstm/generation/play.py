"""Pieces that are being composed, from row to row, until each has come to an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.generation.endings import Ending, begins_at, take
from musiclstm.generation.guard import Guard, Rescue, all_rescues
from musiclstm.generation.habits import Habits
from musiclstm.generation.loops import onsets_of
from musiclstm.generation.onsets import Onsets
from musiclstm.generation.primer import Primer, rows_of_piece
from musiclstm.generation.resampling import Draws, Resampling
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.steering import Steering
from musiclstm.generation.stretches import chords_of
from musiclstm.generation.wishes import Plan, Wishes, ranges_of, sheet_of
from musiclstm.model import Bundle

EventArray = npt.NDArray[np.int32]

# A safeguard, not a limit of taste: the densest piano music has about 100 notes a bar.
_MAX_ROWS_PER_BAR = 400
_NOTHING = np.zeros((0, len(Field)), np.int32)


@dataclass
class Way:
    """One way in which a piece goes on.

    Attributes:
        piece: Which.
        guard: What watches over it.
        rows: Of what is over: all rows of an onset each, or a WAIT or END.
        length: How many rows it has, those of the onset that it is at too.
    """

    piece: int
    guard: Guard
    rows: list[EventArray] = field(default_factory=list)
    length: int = 0

    def fork(self) -> "Way":
        """The same, to come to an ending of its own."""
        return Way(self.piece, self.guard.copy(), list(self.rows), self.length)


class Play:
    """Pieces that go on from row to row until each has ended, in as many ways as are asked for.

    Args:
        bundle: The model.
        plans: What the pieces are to be.
        rngs: One for each.
        sampling: How each field of a candidate is drawn.
        resampling: How one is taken, and how many endings there are of each piece; of one that is
            too short for it, one.
        wishes: What is wished for beside the plans.
        given: A piece that all of them go on from.
        goes_back: Whether a piece that is in trouble may go back; if not, what is over is for good.

    Attributes:
        ways: Those that go on; of one piece they stand side by side.
        found: Of each piece the endings that it has come to.
    """

    def __init__(
        self,
        bundle: Bundle,
        plans: Sequence[Plan],
        rngs: Sequence[np.random.Generator],
        sampling: Mapping[Field, Sampling],
        resampling: Resampling,
        *,
        wishes: Wishes = Wishes(),  # noqa: B008 (immutable)
        given: Primer | None = None,
        goes_back: bool = True,
    ) -> None:
        self._v, self._plans, self._endings = bundle.vocabulary, plans, resampling.endings
        self._wishes = wishes
        habits, draws = Habits.of_bundle(bundle), Draws(rngs, resampling.candidates)
        self._onsets = _begin(bundle, plans, wishes, given, draws, sampling, resampling)
        self._forks = [begins_at(p, self._v) if self._endings > 1 else None for p in plans]
        guards = [Guard(habits, p.meter_map, self._v, goes_back=goes_back) for p in plans]
        self.ways = [Way(piece, guard) for piece, guard in enumerate(guards)]
        opening = () if given is None else onsets_of(rows_of_piece(given.encoded, self._v))
        for number, way in enumerate(self.ways):
            for onset in opening:
                way.guard.hear(onset)
                way.rows.append(onset)
            now = int(self._onsets.now[number])
            way.guard.keep(now, len(way.rows), self._onsets, number)
        self.found: list[list[Ending]] = [[] for _ in plans]

    def step(self) -> None:
        """Go on by a row."""
        onsets, ended = self._onsets, self._go_on()
        go_on: list[int] = []
        ways: list[Way] = []
        for number, (way, now) in enumerate(zip(self.ways, onsets.now.tolist(), strict=True)):
            fork, bars = self._forks[way.piece], self._plans[way.piece].conditions.bars or 0
            if number in ended or way.length > _MAX_ROWS_PER_BAR * bars:
                way.guard.settle(helped=False)
                table = _closed(np.concatenate([_NOTHING, *way.rows]), self._v)
                likely, rescues = float(onsets.closing[number]), way.guard.rescues
                self.found[way.piece].append(Ending(table, number in ended, likely, rescues))
                continue
            way.guard.keep(now, len(way.rows), onsets, number)
            if fork is not None and now >= fork:
                go_on += [number] * self._endings
                ways += [way.fork() for _ in range(self._endings)]
                self._forks[way.piece] = None
            else:
                go_on.append(number)
                ways.append(way)
        if len(go_on) != len(self.ways) or ended:
            onsets.select(np.array(go_on, np.intp))
            self.ways = ways

    def _go_on(self) -> set[int]:
        """Choose a row of every way; those that have ended with it."""
        onsets, ended, put_back = self._onsets, set(), set()
        over = onsets.step()
        for way in self.ways:
            way.length += 1
        for number, chosen in over:
            if number in put_back:  # what came after the trouble
                continue
            way = self.ways[number]
            way.rows.append(chosen)
            there = way.guard.look(chosen, onsets.trouble(number))
            onsets.warm(number, way.guard.heat)
            if there is not None:
                put_back.add(number)
                onsets.put_back(number, there.standing)
                del way.rows[there.rows :]
                way.length = sum(map(len, way.rows)) + len(there.standing.rows)
            elif chosen[-1, Field.SHIFT] == self._v.end:
                ended.add(number)
        return ended

    def bars_done(self) -> int:
        """How many bars there are so far of all pieces together."""
        pieces, q = [way.piece for way in self.ways], self._v.steps_per_quarter
        place = dict(zip(pieces, self._onsets.now.tolist(), strict=True))
        return sum(_bars_done(plan, place.get(n), q) for n, plan in enumerate(self._plans))


def take_ending(
    endings: Sequence[Ending], plan: Plan, bundle: Bundle, rng: np.random.Generator
) -> tuple[Ending, tuple[Rescue, ...]]:
    """One of a piece's endings, and what has been done for the piece."""
    lot = rng.spawn(1)[0].random()
    taken = take(endings, plan.conditions.key, bundle.vocabulary, lot)
    others = [ending.rescues for ending in endings if ending is not taken]
    return taken, all_rescues(taken.rescues, others)


def _bars_done(plan: Plan, now: int | None, q: int) -> int:
    """Bars of a piece that are done at a step; all of them where it has ended."""
    if now is None:
        return plan.conditions.bars or 0
    return max(0, int(plan.meter_map.locate(np.int32(now), q).bar))


def _closed(rows: EventArray, v: Vocabulary) -> EventArray:
    """The rows with END; what a cut leaves dangling, a wait or an open tie, goes first."""
    if len(rows) and rows[-1, Field.SHIFT] == v.end:
        return rows.copy()
    dangling = (rows[:, Field.SHIFT] == v.wait) | (rows[:, Field.DURATION] == v.tie)
    whole = np.flatnonzero(~dangling)
    closing = np.zeros((1, len(Field)), np.int32)
    closing[0, Field.SHIFT] = v.end
    return np.concatenate([rows[: whole[-1] + 1 if whole.size else 0], closing])


def _begin(
    bundle: Bundle,
    plans: Sequence[Plan],
    wishes: Wishes,
    given: Primer | None,
    draws: Draws,
    sampling: Mapping[Field, Sampling],
    resampling: Resampling,
) -> Onsets:
    """Pieces before their first onset, or their first new one."""
    v, semitones = bundle.vocabulary, 0 if given is None else given.semitones
    meter_maps = [plan.meter_map for plan in plans]
    conditions = [plan.conditions for plan in plans]
    bars, keys = [of.bars or 0 for of in conditions], [of.key for of in conditions]
    maps = [plan.part_map for plan in plans]
    state = bundle.decoder.start(conditions, maps, len(plans), meter_map=meter_maps)
    ranges, silence = ranges_of(wishes, bundle, semitones), Habits.of_bundle(bundle).silence
    rules = SoftRules.start(v, meter_maps, bars, keys, ranges, silence)
    sheets = [
        sheet_of(
            wishes,
            v,
            plan.meter_map,
            plan.conditions.bars or 1,
            plan.conditions.key,
            semitones=semitones,
            begins=plan.begins,
            heard=() if given is None else given.encoded.part_map,
        )
        for plan in plans
    ]
    steering = Steering.start(sheets, v)
    if given is not None:
        rules.first[:] = plans[0].begins
        rules.abilities = rules.abilities.widened(chords_of(given.encoded, v))
    onsets = Onsets(bundle, state, rules, draws, sampling, resampling, steering)
    if given is not None:
        onsets.hear(rows_of_piece(given.encoded, v))
    return onsets
