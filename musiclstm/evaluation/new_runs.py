"""How much of a piece is new: the share of its runs of notes that no training piece has.

Runs of two notes are nearly all known, runs of twelve nearly all new, in any music; how the share
rises from one to the other, beside pieces of the same kind that were not learned from, says whether
a model puts known words into new sentences, or quotes.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Vocabulary
from musiclstm.generation.copied_runs import any_part, part_by_part, run_hashes, texture_of

LENGTHS = tuple(range(2, 17))  # notes of a run


def new_shares(
    training: Sequence[Encoded],
    sets: Mapping[str, Sequence[Encoded]],
    vocabulary: Vocabulary,
    lengths: Sequence[int] = LENGTHS,
) -> dict[str, list[float]]:
    """The share of new runs, by their length.

    A run is notes of one part with their rhythm, in any key; which part it was in the training
    piece does not count.

    Args:
        training: What was learned from; read again for each length, so that memory has the runs of
            one length at a time.
        sets: Pieces to be measured, by a name for each set.
        vocabulary: Of all rows.
        lengths: Notes of a run, each >= 2.

    Returns:
        For each set and length a share, 0 to 1; NaN where no piece has so long a run.
    """
    shares: dict[str, list[float]] = {name: [] for name in sets}
    for notes in lengths:
        known = np.unique(_runs(training, vocabulary, notes))
        for name, pieces in sets.items():
            own = _runs(pieces, vocabulary, notes)
            place = np.minimum(np.searchsorted(known, own), max(len(known) - 1, 0))
            new = known[place] != own if len(known) else np.ones(len(own), bool)
            shares[name].append(float(new.mean()) if len(own) else float("nan"))
    return shares


def _runs(pieces: Iterable[Encoded], vocabulary: Vocabulary, notes: int) -> npt.NDArray[np.uint64]:
    """Hashes of all runs of so many notes within a part."""
    found = [np.zeros(0, np.uint64)]
    for piece in pieces:
        line = part_by_part(texture_of(piece, vocabulary))
        hashes = run_hashes(line, vocabulary, any_part(vocabulary)[line.part], notes - 1)
        found.append(hashes[line.part[: len(hashes)] == line.part[notes - 1 :]])
    return np.concatenate(found)
