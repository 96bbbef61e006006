"""Composing: the decoder says what is likely, the rules what is allowed, chance decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, decode
from musiclstm.errors import RequestError
from musiclstm.generation.endings import Ending, begins_at, take
from musiclstm.generation.habits import Habits
from musiclstm.generation.manner import bundle_resampling, bundle_sampling
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.onsets import Onsets
from musiclstm.generation.resampling import Draws, Resampling
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.wishes import Plan, Wishes, check_wishes, plan_piece
from musiclstm.model import Bundle, DecoderState
from musiclstm.score import Score, Tempo

EventArray = npt.NDArray[np.int32]
Progress = Callable[[int, int], None]

MAX_BATCH = 64  # candidates of all pieces together, until their endings are drawn
# A safeguard, not a limit of taste: the densest piano music has about 100 notes a bar.
_MAX_ROWS_PER_BAR = 400
_STEPS_BETWEEN_REPORTS = 64
_NOTHING = np.zeros((0, len(Field)), np.int32)


@dataclass(frozen=True)
class Composition:
    """A new piece and how it came about.

    Attributes:
        score: The music.
        plan: What it was asked to be.
        index: Its number in the request, from 0.
        seed: Of the request; seed and index alone decide the piece.
        sampling: How each field was drawn.
        resampling: How one of several candidates of each onset was taken.
        copied: The longest run that it shares with a training piece; None where unknown.
        complete: Whether it came to its own end.
    """

    score: Score
    plan: Plan
    index: int
    seed: int
    sampling: Mapping[Field, Sampling]
    resampling: Resampling
    copied: Copied | None = None
    complete: bool = True


def generate(bundle: Bundle, count: int = 1, **wishes: Any) -> list[Score]:
    """Compose new pieces.

    Args:
        bundle: A trained model.
        count: How many, 1-10000.
        **wishes: See :func:`compose`: ``seed``, ``sampling``, ``bars``, ``key`` and so on.

    Returns:
        Scores; the same seed gives the same ones on the same machine and version.
    """
    return [piece.score for piece in compose(bundle, count, **wishes)]


def compose(
    bundle: Bundle,
    count: int = 1,
    *,
    seed: int = 0,
    sampling: Sampling | Mapping[Field, Sampling] | None = None,
    resampling: Resampling | None = None,
    progress: Progress | None = None,
    **wishes: Any,
) -> list[Composition]:
    """Compose new pieces, and say how.

    Args:
        bundle: A trained model.
        count: How many, 1-10000.
        seed: >= 0. Piece k depends on seed and k, not on ``count``.
        sampling: One for all fields or one for each; by default the bundle's own.
        resampling: By default the bundle's own.
        progress: Called with (bars done, bars in all) now and then.
        **wishes: Attributes of :class:`Wishes`.

    Raises:
        RequestError: If a wish cannot be met.
    """
    if not 1 <= count <= 10_000:
        raise RequestError(f"{count} pieces cannot be composed; ask for 1 to 10000")
    if seed < 0:
        raise RequestError(f"seed {seed} is negative; use 0 or more")
    asked = Wishes(**wishes)
    check_wishes(asked, bundle.vocabulary)
    drawing, taking = _sampling(bundle, sampling), resampling or bundle_resampling(bundle)
    check, habits = CopyCheck.of(bundle), Habits.of_bundle(bundle)
    all_rngs = [np.random.default_rng([seed, index]) for index in range(count)]
    all_plans = [plan_piece(bundle, asked, rng) for rng in all_rngs]
    total = sum(plan.conditions.bars or 0 for plan in all_plans)
    made: list[Composition] = []
    bars_before = 0
    batch = max(1, MAX_BATCH // taking.candidates)
    for first in range(0, count, batch):
        plans, rngs = all_plans[first : first + batch], all_rngs[first : first + batch]
        draws = Draws(rngs, taking.candidates)
        onsets = Onsets(bundle, *_begin(bundle, plans, habits), draws, drawing, taking)

        def report(done: int, before: int = bars_before) -> None:
            if progress is not None:
                progress(before + done, total)

        played = _play(onsets, plans, taking.endings, report)
        bars_before += sum(plan.conditions.bars or 0 for plan in plans)
        for index, (plan, endings) in enumerate(zip(plans, played, strict=True), first):
            lot = all_rngs[index].spawn(1)[0].random()
            rows, complete, _ = take(endings, plan.conditions.key, bundle.vocabulary, lot)
            encoded = Encoded(rows, plan.conditions, plan.part_map, plan.parts, plan.meter_map)
            score = decode(encoded, bundle.vocabulary)
            score = replace(score, tempos=(Tempo(0, plan.tempo),))
            copied = check.longest(encoded)
            made.append(Composition(score, plan, index, seed, drawing, taking, copied, complete))
    return made


def _begin(bundle: Bundle, plans: Sequence[Plan], habits: Habits) -> tuple[DecoderState, SoftRules]:
    """Pieces before their first onset."""
    meter_maps = [plan.meter_map for plan in plans]
    state = bundle.decoder.start(
        [plan.conditions for plan in plans],
        [plan.part_map for plan in plans],
        len(plans),
        meter_map=meter_maps,
    )
    bars = [plan.conditions.bars or 0 for plan in plans]
    keys = [plan.conditions.key for plan in plans]
    return state, SoftRules.start(
        bundle.vocabulary, meter_maps, bars, keys, habits.ranges, habits.silence
    )


def _sampling(
    bundle: Bundle, sampling: Sampling | Mapping[Field, Sampling] | None
) -> dict[Field, Sampling]:
    if isinstance(sampling, Sampling):
        return dict.fromkeys(Field, sampling)
    return {**bundle_sampling(bundle), **(sampling or {})}


def _play(
    onsets: Onsets, plans: Sequence[Plan], endings: int, report: Callable[[int], None]
) -> list[list[Ending]]:
    """Go on from row to row until every piece has ended, in as many ways as are asked for.

    Args:
        onsets: The pieces, before their first row.
        plans: What they are to be.
        endings: How many of each piece; of one that is too short for it, one.
        report: Called with the bars that have been composed so far.
    """
    v, q = onsets.vocabulary, onsets.vocabulary.steps_per_quarter
    found: list[list[Ending]] = [[] for _ in plans]
    bars = [plan.conditions.bars or 0 for plan in plans]
    forks = [begins_at(plan, v) if endings > 1 else None for plan in plans]
    pieces = list(range(len(plans)))  # of each that goes on, which it is
    rows: list[list[EventArray]] = [[] for _ in plans]
    steps = 0
    while pieces:
        ended = set()
        for number, chosen in onsets.step():
            rows[number].append(chosen)
            if chosen[-1, Field.SHIFT] == v.end:
                ended.add(number)
        steps += 1
        go_on = []
        for number, (piece, now) in enumerate(zip(pieces, onsets.now.tolist(), strict=True)):
            fork = forks[piece]
            if number in ended or steps > _MAX_ROWS_PER_BAR * bars[piece]:
                table = _closed(np.concatenate([_NOTHING, *rows[number]]), v)
                found[piece].append(Ending(table, number in ended, float(onsets.closing[number])))
            elif fork is not None and now >= fork:
                go_on += [number] * endings
                forks[piece] = None
            else:
                go_on.append(number)
        if len(go_on) != len(pieces) or ended:
            onsets.select(np.array(go_on, np.intp))
            rows, pieces = [list(rows[n]) for n in go_on], [pieces[n] for n in go_on]
        if steps % _STEPS_BETWEEN_REPORTS == 0 or not pieces:
            place = dict(zip(pieces, onsets.now.tolist(), strict=True))
            report(sum(_bars_done(plan, place.get(n), q) for n, plan in enumerate(plans)))
    return found


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


__all__ = [
    "Composition",
    "compose",
    "generate",
]
