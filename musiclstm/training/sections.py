"""Sections of a long piece, so that it need not be made ready for the network as a whole.

A row that is ready takes about a kilobyte, and five while it is made: 200,000 rows in each of 32
lanes would be 5 GB. So a piece is made ready :data:`SECTION_ROWS` at a time. What came before a
section still matters to it (what sounds, each part's last notes), and of that only what matters is
kept: the section is the canonical table of the same piece without the notes that are forgotten.
Nothing that the network sees or is asked differs by a bit, so nobody can tell by the weights or the
likelihood where a section began; a property test holds that.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.encoding.stages import N_RECENT

SECTION_ROWS = 2048  # about 2 MB ready and 10 MB on the way; chorales and songs have fewer rows


def section(encoded: Encoded, first: int, stop: int, vocabulary: Vocabulary) -> tuple[Encoded, int]:
    """Cut out of a piece what its entries ``first`` to ``stop`` depend on.

    Entries are those of :class:`musiclstm.encoding.Piece`: 0 is START, and entry r is event row
    r - 1.

    Args:
        encoded: The piece.
        first: The first entry, 0 up.
        stop: The last entry, inclusive; at most the number of rows.
        vocabulary: What the ids mean.

    Returns:
        A piece with int32 rows, and the place of entry ``first`` in it. From there on all that
        :func:`musiclstm.encoding.prepare` says of it, up to entry ``stop``, it says of the whole
        piece too (but for ``after`` of ``stop`` itself, which looks one row ahead).
    """
    rows = encoded.events[:stop].astype(np.int32)
    is_note = rows[:, Field.SHIFT] <= vocabulary.max_shift
    # The cut goes behind a note, which fixes the step; waits after it are part of the section.
    notes = np.flatnonzero(is_note[: max(first - 1, 0)])
    cut = int(notes[-1]) + 1 if notes.size else 0
    past = _remembered(rows[:cut], is_note[:cut], encoded.part_map, vocabulary)
    events = np.concatenate([past, rows[cut:]])
    return replace(encoded, events=events), first + len(past) - cut


def _remembered(
    rows: npt.NDArray[np.int32],
    is_note: npt.NDArray[np.bool_],
    part_map: tuple[int, ...],
    v: Vocabulary,
) -> npt.NDArray[np.int32]:
    """The rows of a past that ends with a note, without the notes that no longer matter."""
    if not len(rows):
        return rows
    step = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))
    tied = is_note & (rows[:, Field.DURATION] == v.tie)
    head = is_note & ~np.concatenate([[False], tied[:-1]])
    starts = np.flatnonzero(head)
    length = np.where(tied, v.max_duration, rows[:, Field.DURATION] + 1) * is_note
    matters = step[starts] + np.add.reduceat(length, starts) > step[-1]  # it still sounds
    part = rows[starts, Field.PART]
    for own in part_map:
        matters[np.flatnonzero(part == own)[-N_RECENT:]] = True
    kept = np.flatnonzero(is_note & matters[np.cumsum(head) - 1])
    gaps = np.diff(step[kept], prepend=0)
    waits = np.maximum(-(-gaps // v.max_shift) - 1, 0)
    places = np.cumsum(waits + 1) - 1
    table = np.zeros((int(places[-1]) + 1, len(Field)), np.int32)
    table[:, Field.SHIFT] = v.wait
    table[places] = rows[kept]
    table[places, Field.SHIFT] = gaps - waits * v.max_shift
    return table
