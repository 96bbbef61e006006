"""Runs that go on: chains of neighbouring matches between a line of notes and the training set."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

# Chains followed at once; a run of repeated notes is everywhere. The oldest are kept, so that the
# longest is; a chain that begins among ten thousand others may be found without its beginning.
MOST_CHAINS = 10_000


class Chain(NamedTuple):
    """Neighbouring runs of a line that are neighbours in a training piece as well.

    Attributes:
        first: The first of them, counted from 0 in the line.
        last: The last of them, inclusive.
        entry: Which run of the training set the first is.
    """

    first: int
    last: int
    entry: int


def chains(places: IntArray, low: IntArray, high: IntArray) -> Iterator[Chain]:
    """Find the chains of a line, none within another.

    Up to each run of the line the oldest chain is known, and from one run to the next its beginning
    never goes back; so a chain lies within another exactly where the next run's begins with it.

    Args:
        places: Of all runs of the training set; neighbours are one apart.
        low: For each run of the line where in ``places`` those begin that are equal to it; there
            they ascend.
        high: Where they end, exclusive.

    Yields:
        In order; of all places of a chain the first that was followed.
    """
    # of each chain that goes on the entry of its first run, and which run of the line that is
    entry = since = none = np.zeros(0, np.int64)
    before: Chain | None = None
    for own, (begins, ends) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if begins == ends:  # as with most of what is new: no chain goes on, none begins
            entry = since = none
        else:
            here = places[begins:ends]
            wanted = places[entry] + (own - since)
            where = np.minimum(np.searchsorted(here, wanted), len(here) - 1)
            goes_on = here[where] == wanted
            entry, since, where = entry[goes_on], since[goes_on], where[goes_on]
            is_new = np.ones(min(len(here), MOST_CHAINS), bool)
            is_new[where[where < len(is_new)]] = False
            fresh = np.flatnonzero(is_new)[: MOST_CHAINS - len(entry)]
            entry = np.concatenate([entry, begins + fresh])
            since = np.concatenate([since, np.full(len(fresh), own)])
        oldest = Chain(int(since[0]), own, int(entry[0])) if len(since) else None
        if before and (oldest is None or oldest.first != before.first):
            yield before
        before = oldest
    if before:
        yield before


def outermost(found: Iterable[Chain], places: IntArray) -> list[Chain]:
    """Those chains of one line that lie within no other, in order; of equals that placed first."""
    kept: list[Chain] = []
    for chain in sorted(found, key=lambda chain: (chain.first, -chain.last, places[chain.entry])):
        if not kept or chain.last > kept[-1].last:
            kept.append(chain)
    return kept
