"""Which of several pieces is most like the corpus without being a copy of any of it.

A piece is held against what is usual (:mod:`.typical`) in three ways: how likely the model finds
it, its features, and the longest run that it shares with a training piece. Each is counted in
spreads from what is usual, so that a piece such as the corpus has gets about 1 in each; cut at
:data:`MOST`, beyond which worse is no longer told from worse; and the three are added in squares.

They weigh the same. That is what independent normal deviations call for, and none may be weighed
down without a kind of failure going to the front: features do not see wrong notes, of which the
likelihood speaks; a model may find a loop as likely as a corpus full of repetitions, which features
tell apart; and what is copied to the last note is usual in both. The squares let no piece make up
for a failure in one by being average in the others: it ranks behind one that is somewhat off in
all three.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiclstm.encoding import Encoded, decode
from musiclstm.generation.copied_runs import RUN
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.generation.typical import (
    FEATURES,
    Typical,
    beginning,
    count_notes,
    features_of,
    least_spread,
    nats_per_note,
    notes_copied,
)
from musiclstm.model import Bundle
from musiclstm.model.reading import printable

MOST = 4.0  # spreads; of normal values 1 in 16,000 is farther off
_NOTICED = 2.0  # spreads; of normal values 1 in 20 is farther off
_LONGEST_NAME = 80  # characters


@dataclass(frozen=True)
class Ranked:
    """A piece and how it stands to the corpus.

    Attributes:
        index: Its place among the pieces that were given, from 0.
        score: How far it is from what is typical, 0 to 7: the root of the sum of the squares of
            the three below. Less is better; the pieces of the corpus have between 1 and 2.
        nats: Spreads between its nats a note and the usual, -4 to 4; below 0 it is more predictable
            than the corpus. None where nobody knows what is usual.
        features: Root mean square of the deviations of its features in spreads, 0 to 4, or None.
        copied: By how many spreads its longest copied run is longer than those of held-out pieces,
            0 to 4; where those are not known, four times the share of its notes that is one copied
            run. None where the bundle has no copy check.
        why: The same in words, a line.
    """

    index: int
    score: float
    nats: float | None
    features: float | None
    copied: float | None
    why: str


def rank(bundle: Bundle, pieces: Sequence[Encoded], check: CopyCheck | None = None) -> list[Ranked]:
    """Put pieces in order, the most typical first.

    What a bundle does not know counts for nothing, and the line says so.

    Args:
        bundle: The model; it says what is usual.
        pieces: In its vocabulary, complete. What they were asked to be counts for nothing.
        check: The copy check of the bundle, where it is there already.

    Returns:
        One for each piece; equals in the order in which they were given.

    Raises:
        BundleError: If the arrays of the copy check are damaged.
    """
    usual, copies = Typical.of_bundle(bundle), check or CopyCheck.of(bundle)
    ranked = [
        _judged(index, piece, bundle, usual, copies.longest(piece))
        for index, piece in enumerate(pieces)
    ]
    return sorted(ranked, key=lambda one: one.score)


def _judged(
    index: int, piece: Encoded, bundle: Bundle, usual: Typical, run: Copied | None
) -> Ranked:
    v = bundle.vocabulary
    nats, by_likelihood = _likelihood(nats_per_note(bundle, piece), usual)
    features, by_features = _features(features_of(decode(beginning(piece, v), v)), usual)
    copied, by_copies = _copied(run, count_notes(piece, v), usual)
    known = [part for part in (nats, features, copied) if part is not None]
    return Ranked(
        index=index,
        score=float(np.sqrt(sum(part**2 for part in known))),
        nats=nats,
        features=features,
        copied=copied,
        why=", ".join((by_likelihood, by_features, by_copies)),
    )


def _likelihood(nats: float, usual: Typical) -> tuple[float | None, str]:
    """What the likelihood of a piece counts for, and in words."""
    if usual.nats is None:
        return None, f"{nats:.2f} nats a note (the model does not say what is usual)"
    middle, spread = usual.nats
    z = usual.nats.z(nats, MOST)
    how = "as likely as the corpus"
    if abs(z) > 1:
        much = "much " if abs(z) > _NOTICED else ""
        how = f"{much}{'less' if z > 0 else 'more'} predictable than the corpus"
    return z, f"{how} ({nats:.2f} nats a note, usual {middle:.2f} ± {spread:.2f})"


def _features(values: dict[str, float], usual: Typical) -> tuple[float | None, str]:
    """What the features of a piece count for, and in words."""
    if not usual.features:
        return None, "its features not compared"
    z = {name: own.z(values[name], MOST) for name, own in usual.features.items()}
    distance = float(np.sqrt(np.mean(np.square(list(z.values())))))
    # cut values are equals: of those the one that is farther off
    name = max(z, key=lambda name: abs(usual.features[name].z(values[name], np.inf)))
    if abs(z[name]) < _NOTICED:
        return distance, "like it in all that is measured"
    words, unit = FEATURES[name].words, FEATURES[name].unit
    scale, after = (100, "%") if unit == "%" else (1, f" {unit}".rstrip())
    value, (middle, spread) = values[name] * scale, usual.features[name]
    around = f" ± {_plain(spread * scale)}" if spread > least_spread(middle) else ""
    return distance, (
        f"most unlike it in {words} ({_plain(value)}{after}, usual {_plain(middle * scale)}{around}"
        f"{'%' * (unit == '%')})"
    )


def _copied(run: Copied | None, notes: int, usual: Typical) -> tuple[float | None, str]:
    """What the longest copied run of a piece counts for, and in words."""
    if run is None:
        return None, "copies not looked for (the model has no copy check)"
    found = (
        f"longest copied run {run.notes} notes" if run.notes else f"no copied run over {RUN} notes"
    )
    if usual.copied is None:
        cost = MOST * min(1.0, run.notes / max(notes, 1))
    else:
        cost = max(0.0, usual.copied.z(notes_copied(run), MOST))
    if run.notes and cost > _NOTICED:
        place = f"bar {run.bar}" if run.bar else "the pickup"
        found += f" from {place} of {printable(run.source, _LONGEST_NAME)}"
    if usual.copied is not None and run.notes:
        found += f" (usual {usual.copied.middle:.0f} ± {usual.copied.spread:.0f})"
    return cost, found


def _plain(value: float) -> str:
    """A number with two digits or all that it has before the point.

    >>> _plain(0.0314), _plain(2.5), _plain(3.0), _plain(93.6), _plain(1234.5)
    ('0.031', '2.5', '3', '94', '1234')
    """
    digits = 1 - int(np.floor(np.log10(max(abs(value), 1e-3))))
    return f"{value:.{max(digits, 0)}f}" if value % 1 else f"{value:.0f}"
