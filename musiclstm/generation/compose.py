"""Composing: the decoder says what is likely, the rules what is allowed, chance decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, decode
from musiclstm.errors import RequestError
from musiclstm.generation.guard import Rescue
from musiclstm.generation.manner import bundle_resampling, bundle_sampling
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.play import Play, take_ending
from musiclstm.generation.primer import Primer, fit, new_rows, rows_of_piece
from musiclstm.generation.resampling import Resampling
from musiclstm.generation.sampling import Sampling
from musiclstm.generation.wishes import (
    Plan,
    Wishes,
    check_wishes,
    plan_after,
    plan_piece,
    ranges_of,
)
from musiclstm.generation.written import without_beginning, written_back
from musiclstm.model import Bundle
from musiclstm.score import Score, Tempo

EventArray = npt.NDArray[np.int32]
Progress = Callable[[int, int], None]

MAX_BATCH = 64  # candidates of all pieces together, until their endings are drawn
_STEPS_BETWEEN_REPORTS = 64


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
        rescues: What was done where it ran into trouble; one that did not help says that the model
            needs more training.
        reading: The piece as it is, and as the model reads it.
        new: Which of its notes were composed, bool ``(notes,)``.
    """

    score: Score
    reading: Primer = field(repr=False, compare=False)
    new: npt.NDArray[np.bool_] = field(repr=False, compare=False)
    plan: Plan
    index: int
    seed: int
    sampling: Mapping[Field, Sampling]
    resampling: Resampling
    copied: Copied | None = None
    complete: bool = True
    rescues: tuple[Rescue, ...] = ()


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
    indices: Sequence[int] | None = None,
    primer: Score | None = None,
    keep_primer: bool = True,
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
        indices: Compose only these of the ``count`` pieces, 0 up, and what stands in a batch with
            one of them, so that they are what they would be among all; by default all.
        primer: A piece to go on from; ``bars`` are then those to be added, 8 by default.
        keep_primer: Whether it stands at the beginning of the result.
        **wishes: Attributes of :class:`Wishes`.

    Raises:
        RequestError: If a wish cannot be met.
    """
    if not 1 <= count <= 10_000:
        raise RequestError(f"{count} pieces cannot be composed; ask for 1 to 10000")
    wanted = set(range(count) if indices is None else indices)
    if strangers := wanted.difference(range(count)):
        raise RequestError(f"no piece of {count} is number {min(strangers)}; use 0 to {count - 1}")
    asked = asked_of(bundle, seed, wishes)
    drawing, taking = sampling_of(bundle, sampling), resampling or bundle_resampling(bundle)
    check = CopyCheck.of(bundle)
    size = max(1, MAX_BATCH // taking.candidates)
    batches = [range(first, min(first + size, count)) for first in range(0, count, size)]
    batches = [batch for batch in batches if not wanted.isdisjoint(batch)]
    rngs = {n: np.random.default_rng([seed, n]) for batch in batches for n in batch}
    given = None
    if primer is None:
        all_plans = {n: plan_piece(bundle, asked, rng) for n, rng in rngs.items()}
    else:
        given = fit(primer, bundle.vocabulary, ranges_of(Wishes(), bundle))
        all_plans = dict.fromkeys(rngs, plan_after(given, asked, bundle))
    total = sum(plan.conditions.bars or 0 for plan in all_plans.values())
    made: list[Composition] = []
    bars_before = 0
    for batch in batches:
        plans = [all_plans[index] for index in batch]
        numbers = [rngs[index] for index in batch]
        play = Play(bundle, plans, numbers, drawing, taking, wishes=asked, given=given)
        done = steps = 0
        while play.ways:
            play.step()
            steps += 1
            if progress is not None and (steps % _STEPS_BETWEEN_REPORTS == 0 or not play.ways):
                done = max(done, play.bars_done())  # a piece may have gone back
                progress(bars_before + done, total)
        bars_before += sum(plan.conditions.bars or 0 for plan in plans)
        for index, plan, endings in zip(batch, plans, play.found, strict=True):
            if index not in wanted:
                continue
            taken, rescues = take_ending(endings, plan, bundle, rngs[index])
            reading, new = _reading(bundle, plan, taken.rows, given, keep_primer=keep_primer)
            copied = check.longest(reading.encoded)
            facts = (plan, index, seed, drawing, taking, copied, taken.complete, rescues)
            made.append(Composition(reading.given, reading, new, *facts))
    return made


def _reading(
    bundle: Bundle, plan: Plan, rows: EventArray, given: Primer | None, *, keep_primer: bool
) -> tuple[Primer, npt.NDArray[np.bool_]]:
    """What the rows of a piece say, with what was given; and which notes are new."""
    v = bundle.vocabulary
    if given is None:
        encoded = Encoded(rows, plan.conditions, plan.part_map, plan.parts, plan.meter_map)
        score = replace(decode(encoded, v), tempos=(Tempo(0, plan.tempo),))
        return Primer(score, encoded, 0, plan.part_map, ()), np.ones(len(score.notes), bool)
    own, onset = new_rows(rows, len(rows_of_piece(given.encoded, v)), v)
    heard = np.isin(own[:, Field.PART], [goal for goal in given.goals if goal is not None])
    nothing = np.zeros(len(given.given.notes), bool)
    reading, new = written_back(given, own[heard], onset[heard], v, nothing, {})
    if keep_primer:
        return reading, new
    reading = without_beginning(reading, new, plan.begins, v)
    return reading, np.ones(len(reading.given.notes), bool)


def asked_of(bundle: Bundle, seed: int, wishes: Mapping[str, Any]) -> Wishes:
    """What is asked of every piece, once it is known that it can be.

    Raises:
        RequestError: If a wish cannot be met.
    """
    if seed < 0:
        raise RequestError(f"seed {seed} is negative; use 0 or more")
    asked = Wishes(**wishes)
    check_wishes(asked, bundle.vocabulary)
    return asked


def sampling_of(
    bundle: Bundle, sampling: Sampling | Mapping[Field, Sampling] | None
) -> dict[Field, Sampling]:
    """How each field is drawn: what is asked for, before the bundle's own."""
    if isinstance(sampling, Sampling):
        return dict.fromkeys(Field, sampling)
    return {**bundle_sampling(bundle), **(sampling or {})}


__all__ = [
    "Composition",
    "compose",
    "generate",
]
