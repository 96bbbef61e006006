"""Around what is given: harmonise a melody, write a stretch anew, vary a piece.

Each says which stretches of a piece are open; :mod:`.rewriting` draws them.
"""

from collections.abc import Sequence

import numpy as np

from musiclstm.encoding import Field
from musiclstm.errors import RequestError
from musiclstm.generation.frame import Region, given_rows
from musiclstm.generation.primer import fit
from musiclstm.generation.rewriting import NO_WISHES, USUAL, Manner, Rewriting, rewrite
from musiclstm.generation.stretches import (
    bars_of,
    end_of,
    melody_parts,
    named_parts,
    runs,
    stretch,
)
from musiclstm.generation.wishes import Wishes, ranges_of
from musiclstm.model import Bundle
from musiclstm.score import Score


def harmonize(
    bundle: Bundle,
    melody: Score,
    parts: Sequence[str] = (),
    manner: Manner = USUAL,
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Add the other parts of a model to a melody, or to several.

    Args:
        bundle: A trained model of at least two parts.
        melody: The given parts; all that has notes is kept.
        parts: Model parts that they are to be, in order; by default the highest one for a single
            part, and the likest for several.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If there is no melody, or it is none that this part can play.
    """
    v = bundle.vocabulary
    if len(v.parts) < 2:
        raise RequestError(f"{bundle.name} has one part only, {v.parts[0].name}; nothing to add")
    names = melody_parts(melody, parts, v)
    primer = fit(melody, v, ranges_of(wishes, bundle), names)
    end = end_of(primer.encoded, v)
    held = set(given_rows(primer.encoded, v)[0][:, Field.PART].tolist())
    regions = [Region(part, 0, end) for part in range(len(v.parts)) if part not in held]
    if not regions:
        raise RequestError(f"all parts of {bundle.name} are given; nothing is left to add")
    return rewrite(bundle, primer, regions, manner, wishes)


def infill(
    bundle: Bundle,
    piece: Score,
    bars: tuple[int, int],
    parts: Sequence[str] = (),
    manner: Manner = USUAL,
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Write a stretch of a piece anew, so that it joins at both ends.

    Args:
        bundle: A trained model.
        piece: Any piece.
        bars: First and last bar, inclusive; 1 is the first full bar, 0 the pickup.
        parts: Names of parts, of the piece or of the model, or numbers of the piece's from 1; by
            default all that the piece has. Others that the model reads as one with them stay.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If the bars or parts are not in the piece.
    """
    v = bundle.vocabulary
    primer = fit(piece, v, ranges_of(wishes, bundle))
    start, end = stretch(primer, bars, v)
    sounds_until = end_of(primer.encoded, v)
    if sounds_until <= start:
        raise RequestError(
            f"what the model hears of the piece ends before bar {bars[0]}; go on from there with "
            "'continue', or choose other bars"
        )
    chosen = named_parts(parts, primer, v)
    regions = [Region(part, start, min(end, sounds_until)) for part in chosen.model]
    return rewrite(bundle, primer, regions, manner, wishes, chosen)


def vary(
    bundle: Bundle,
    piece: Score,
    keep: str,
    amount: float = 1.0,
    parts: Sequence[str] = (),
    manner: Manner = USUAL,
    wishes: Wishes = NO_WISHES,
) -> Rewriting:
    """Keep the rhythm of a piece and draw new pitches, or keep its pitches and draw a new rhythm.

    Args:
        bundle: A trained model.
        piece: Any piece.
        keep: ``"rhythm"`` or ``"pitch"``. With the latter each part's pitches are a queue that its
            next note must take from. None is lost, and none comes more than a bar sooner or later.
        amount: Share of the bars that is rewritten, above 0 to 1; which ones chance decides.
        parts: As for :func:`infill`.
        manner: Seed, particles and so on.
        wishes: What is wished for; the meter and the length are the piece's own.

    Raises:
        RequestError: If the amount or a part is none.
    """
    if keep not in ("rhythm", "pitch"):
        raise RequestError(f"{keep!r} cannot be kept; keep 'rhythm' or 'pitch'")
    if not 0 < amount <= 1:
        raise RequestError(f"an amount of {amount:g} is out of range; use more than 0, at most 1")
    v = bundle.vocabulary
    primer = fit(piece, v, ranges_of(wishes, bundle))
    end, chosen = end_of(primer.encoded, v), named_parts(parts, primer, v)
    first = 0 if primer.encoded.meter_map.pickup_steps else 1
    bars = range(first, bars_of(primer) + 1)
    numbers = [bar for bar in bars if stretch(primer, (bar, bar), v)[0] < end]
    rng = np.random.default_rng([manner.seed, manner.index, 1])
    count = max(1, round(amount * len(numbers)))
    drawn = np.sort(rng.permutation(numbers)[:count]).tolist()
    regions = []
    for begins, ends in runs(drawn):
        start, stop = stretch(primer, (begins, ends), v)
        bar_begins, bar_ends = stretch(primer, (ends, ends), v)
        stop = min(stop, end)
        drift = min(bar_ends - bar_begins, (stop - start) // 2)
        regions += [Region(part, start, stop, keep, drift) for part in chosen.model]
    return rewrite(bundle, primer, regions, manner, wishes, chosen)
