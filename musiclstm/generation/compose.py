"""Composing: the decoder says what is likely, the rules what is allowed, chance decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary, decode
from musiclstm.errors import RequestError
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.rules import SoftRules
from musiclstm.generation.sampling import Sampling, choose
from musiclstm.generation.wishes import Plan, Wishes, check_wishes, plan_piece
from musiclstm.model import Bundle, DecoderState
from musiclstm.model.finding import CONFIG
from musiclstm.model.reading import damaged
from musiclstm.score import Score, Tempo

EventArray = npt.NDArray[np.int32]
Progress = Callable[[int, int], None]

# What trained/chorales sounded best with, by the measurements in its card; a bundle may say other.
DEFAULT_SAMPLING: Mapping[Field, Sampling] = {
    field: Sampling(temperature=1.0, top_p=0.97) for field in Field
}
MAX_BATCH = 64
# A safeguard, not a limit of taste: the densest piano music has about 100 notes a bar.
_MAX_ROWS_PER_BAR = 400
_ROWS_BETWEEN_REPORTS = 32
_DRAWS = 64  # rows for which random numbers are drawn at once
_FIRST_ROWS = 1024  # room for the rows of a piece; it is doubled as often as needed
_NEVER = np.float32(-np.inf)  # as a log-probability


@dataclass(frozen=True)
class Composition:
    """A new piece and how it came about.

    Attributes:
        score: The music.
        plan: What it was asked to be.
        index: Its number in the request, from 0.
        seed: Of the request; seed and index alone decide the piece.
        sampling: How each field was chosen.
        copied: The longest run that it shares with a training piece; None where unknown.
        complete: Whether it came to its own end.
    """

    score: Score
    plan: Plan
    index: int
    seed: int
    sampling: Mapping[Field, Sampling]
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
    progress: Progress | None = None,
    **wishes: Any,
) -> list[Composition]:
    """Compose new pieces, and say how.

    Args:
        bundle: A trained model.
        count: How many, 1-10000.
        seed: >= 0. Piece k depends on seed and k, not on ``count``.
        sampling: One for all fields or one for each; by default the bundle's own.
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
    chosen = _sampling(bundle, sampling)
    check = CopyCheck.of(bundle)
    all_rngs = [np.random.default_rng([seed, index]) for index in range(count)]
    all_plans = [plan_piece(bundle, asked, rng) for rng in all_rngs]
    total = sum(plan.conditions.bars or 0 for plan in all_plans)
    made: list[Composition] = []
    bars_before = 0
    for first in range(0, count, MAX_BATCH):
        plans, rngs = all_plans[first : first + MAX_BATCH], all_rngs[first : first + MAX_BATCH]

        def report(done: int, before: int = bars_before) -> None:
            if progress is not None:
                progress(before + done, total)

        tables = _play(bundle, plans, rngs, chosen, report)
        bars_before += sum(plan.conditions.bars or 0 for plan in plans)
        for index, (plan, (rows, complete)) in enumerate(zip(plans, tables, strict=True), first):
            encoded = Encoded(rows, plan.conditions, plan.part_map, plan.parts, plan.meter_map)
            score = decode(encoded, bundle.vocabulary)
            score = replace(score, tempos=(Tempo(0, plan.tempo),))
            copied = check.longest(encoded)
            made.append(Composition(score, plan, index, seed, chosen, copied, complete))
    return made


def _sampling(
    bundle: Bundle, sampling: Sampling | Mapping[Field, Sampling] | None
) -> dict[Field, Sampling]:
    if isinstance(sampling, Sampling):
        return dict.fromkeys(Field, sampling)
    return {**bundle_sampling(bundle), **(sampling or {})}


def bundle_sampling(bundle: Bundle) -> dict[Field, Sampling]:
    """The bundle's own defaults, field by field.

    Raises:
        BundleError: If they are no such thing, or out of range.
    """
    stored = bundle.config.get("sampling")
    chosen = dict(DEFAULT_SAMPLING)
    for name, values in stored.items() if isinstance(stored, dict) else ():
        try:
            chosen[Field[name.upper()]] = Sampling(**values)
        except (KeyError, TypeError, RequestError) as error:
            raise damaged(bundle.path / CONFIG, f"its sampling of {name}: {error}") from error
    return chosen


def _play(
    bundle: Bundle,
    plans: list[Plan],
    rngs: list[np.random.Generator],
    sampling: Mapping[Field, Sampling],
    report: Callable[[int], None],
) -> list[tuple[EventArray, bool]]:
    """Choose rows until every stream has ended: event tables, and whether each ended by itself.

    ``report`` is called with the bars that have been composed so far.
    """
    v, decoder = bundle.vocabulary, bundle.decoder
    bars = [plan.conditions.bars or 0 for plan in plans]
    state = decoder.start(
        [plan.conditions for plan in plans],
        [plan.part_map for plan in plans],
        len(plans),
        meter_map=[plan.meter_map for plan in plans],
    )
    rules = SoftRules.start(v, [plan.meter_map for plan in plans], bars)
    tables = np.empty((len(plans), _FIRST_ROWS, len(Field)), np.int32)
    lengths, ended = np.zeros(len(plans), np.intp), np.zeros(len(plans), bool)
    most = _MAX_ROWS_PER_BAR * np.array(bars)
    alive = np.arange(len(plans))
    rounds = 0
    while alive.size:
        if rounds % _DRAWS == 0:
            uniforms = np.stack([rngs[stream].random((_DRAWS, len(Field))) for stream in alive])
        event = choose_row(bundle, state, rules, uniforms[:, rounds % _DRAWS], sampling)
        if rounds == tables.shape[1]:
            tables = np.concatenate([tables, np.empty_like(tables)], axis=1)
        tables[alive, rounds] = event
        rounds += 1
        finished = event[:, Field.SHIFT] == v.end
        leaves = finished | (rounds > most[alive])
        rules.advance(event)
        leaving = np.count_nonzero(leaves)
        if leaving < alive.size:
            state = decoder.advance(state, event)
        if leaving:
            lengths[alive[leaves]], ended[alive[finished]] = rounds, True
            stay = np.flatnonzero(~leaves)
            state, rules = state.select(stay), rules.select(stay)
            alive, uniforms = alive[stay], uniforms[stay]
        if rounds % _ROWS_BETWEEN_REPORTS == 0 or not alive.size:
            report(_bars_done(state, alive, bars, v.steps_per_quarter))
    return [
        (_closed(rows[:length], v), bool(done))
        for rows, length, done in zip(tables, lengths, ended, strict=True)
    ]


def choose_row(
    bundle: Bundle,
    state: DecoderState,
    rules: SoftRules,
    uniforms: npt.NDArray[np.float64],
    sampling: Mapping[Field, Sampling],
) -> EventArray:
    """One row of each stream, field by field; ``uniforms`` are ``(B, 5)``."""
    v, decoder = bundle.vocabulary, bundle.decoder
    event = np.zeros((len(uniforms), len(Field)), np.int32)
    has_note = None
    for field in Field:
        asked = decoder.ask(state, field, event)
        allowed, wanted = asked.legal, rules.allowed(state, field, event)
        if wanted is not None:
            both = allowed & wanted
            possible = np.logical_or.reduce(both, axis=1)
            if np.count_nonzero(possible) < len(event):  # the rule gives way
                both = np.where(possible[:, None], both, allowed)
            allowed = both
        if np.count_nonzero(allowed) == len(event):  # one id each: there is nothing to choose
            chosen = allowed.argmax(axis=1)
        else:
            logits = decoder.logits(asked)
            np.putmask(logits, ~allowed, _NEVER)
            chosen = choose(logits, uniforms[:, field], sampling[field])
        event[:, field] = chosen if has_note is None else chosen * has_note
        if field == Field.SHIFT:
            has_note = chosen <= v.max_shift
            notes = np.count_nonzero(has_note)
            if not notes:
                break  # nothing but WAIT and END
            if notes == len(event):
                has_note = None
    return event


def _closed(rows: EventArray, v: Vocabulary) -> EventArray:
    """The rows with END; what a cut leaves dangling, a wait or an open tie, goes first."""
    if len(rows) and rows[-1, Field.SHIFT] == v.end:
        return rows.copy()
    dangling = (rows[:, Field.SHIFT] == v.wait) | (rows[:, Field.DURATION] == v.tie)
    whole = np.flatnonzero(~dangling)
    closing = np.zeros((1, len(Field)), np.int32)
    closing[0, Field.SHIFT] = v.end
    return np.concatenate([rows[: whole[-1] + 1 if whole.size else 0], closing])


def _bars_done(state: DecoderState, alive: npt.NDArray[np.intp], bars: list[int], q: int) -> int:
    """Bars composed so far over all streams, the ended ones whole."""
    done: int = sum(bars) - sum(bars[stream] for stream in alive.tolist())
    maps = state.meter_maps * (len(alive) if len(state.meter_maps) == 1 else 1)
    for meter_map, now in zip(maps, state.tracker.now, strict=True):
        done += max(0, int(meter_map.locate(now, q).bar))
    return done


__all__ = ["DEFAULT_SAMPLING", "Composition", "bundle_sampling", "compose", "generate"]
