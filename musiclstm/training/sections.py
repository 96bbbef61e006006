"""Sections of a long piece, so that it need not be made ready for the network as a whole.

A row that is ready takes about two kilobytes, and more while it is made: 200,000 rows in each of 32
lanes would be 13 GB. So a piece is made ready :data:`SECTION_ROWS` at a time. What came before a
section still matters to it (what sounds, each part's last notes, the rows among which a match is
sought), and of that only what matters is kept: the section is the canonical table of the same piece
without the notes that are forgotten, which sound on in the histograms alone. Nothing that the
network sees or is asked differs, but for the rounding of the histograms; a property test holds
that.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    MATCH_NOTES,
    MATCH_ROWS,
    Context,
    Encoded,
    Faded,
    Field,
    Piece,
    Vocabulary,
    fade,
)

# 3 to 4 MB ready, and 30 MB on the way with four parts, 80 with sixteen, for what is remembered has
# to be gone through again. Chorales and songs have fewer rows.
SECTION_ROWS = 2048


class Section(NamedTuple):
    """A section of a piece.

    Attributes:
        piece: Its rows, int32, behind those that it remembers.
        place: Where its first entry stands in ``piece``.
        faded: What the histograms have of the notes that are forgotten.
    """

    piece: Encoded
    place: int
    faded: Faded


def section(encoded: Encoded, first: int, stop: int, vocabulary: Vocabulary) -> Section:
    """Cut out of a piece what its entries ``first`` to ``stop`` depend on.

    Entries are those of :class:`musiclstm.encoding.Piece`: 0 is START, and entry r is event row
    r - 1.

    Args:
        encoded: The piece.
        first: The first entry, 0 up.
        stop: The last entry, inclusive; at most the number of rows.
        vocabulary: What the ids mean.

    Returns:
        The section. From its place on all that :func:`musiclstm.encoding.prepare` says of it, up
        to entry ``stop``, it says of the whole piece too (but for ``after_ids`` of ``stop`` itself,
        which look one row ahead).
    """
    rows = encoded.events[:stop].astype(np.int32)
    is_note = rows[:, Field.SHIFT] <= vocabulary.max_shift
    # The cut goes behind a note, which fixes the step; waits after it are part of the section.
    notes = np.flatnonzero(is_note[: max(first - 1, 0)])
    cut = int(notes[-1]) + 1 if notes.size else 0
    kept = _kept(rows[:cut], is_note[:cut], encoded.part_map, vocabulary)
    past = _table(rows[:cut], kept, vocabulary)
    return Section(
        piece=replace(encoded, events=np.concatenate([past, rows[cut:]])),
        place=first + len(past) - cut,
        faded=fade(rows[:cut], is_note[:cut] & ~kept, vocabulary),
    )


def without_past(piece: Piece, place: int) -> Piece:
    """What was made ready from an entry on; the entries before it, and their memory, are let go."""
    if not place:
        return piece
    context = {name: values[place:].copy() for name, values in vars(piece.context).items()}
    own: dict[str, Any] = {
        name: values[place:].copy()
        for name, values in vars(piece).items()
        if isinstance(values, np.ndarray)
    }
    return replace(piece, context=Context(**context), **own)


def _kept(
    rows: npt.NDArray[np.int32],
    is_note: npt.NDArray[np.bool_],
    part_map: tuple[int, ...],
    v: Vocabulary,
) -> npt.NDArray[np.bool_]:
    """Which rows of a past that ends with a note are of notes that still matter."""
    if not len(rows):
        return is_note
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    head = is_note & ~np.concatenate([[False], tied[:-1]])
    starts = np.flatnonzero(head)
    length = np.where(tied, v.max_duration, rows[:, Field.DURATION] + 1) * is_note
    matters = step[starts] + np.add.reduceat(length, starts) > step[-1]  # it still sounds
    part = rows[starts, Field.PART]
    for own in part_map:
        matters[np.flatnonzero(part == own)[-MATCH_NOTES:]] = True
    # All of the latest rows, and a note before them, so that the waits among them and their shifts
    # come back as they were.
    note = np.maximum(np.cumsum(head) - 1, 0)
    matters[note[max(len(rows) - MATCH_ROWS - 1, 0)] :] = True
    kept: npt.NDArray[np.bool_] = is_note & matters[note]
    return kept


def _table(
    rows: npt.NDArray[np.int32], kept: npt.NDArray[np.bool_], v: Vocabulary
) -> npt.NDArray[np.int32]:
    """The canonical table of some of a past's notes."""
    if not len(rows):
        return rows
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))[kept]
    gaps = np.diff(step, prepend=0)
    waits = np.maximum(-(-gaps // v.max_shift) - 1, 0)
    places = np.cumsum(waits + 1) - 1
    table = np.zeros((int(places[-1]) + 1, len(Field)), np.int32)
    table[:, Field.SHIFT] = v.wait
    table[places] = rows[kept]
    table[places, Field.SHIFT] = gaps - waits * v.max_shift
    return table
