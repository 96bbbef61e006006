"""Which id of the context is which row of a layer's table.

A layer of the network that reads ids has one table for all columns. Here every column gets its
rows in it; columns that mean the same of different parts may share theirs. The number of rows is
an id too: *none*, a row of zeros that the network appends.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from musiclstm.encoding.degrees import DEGREES
from musiclstm.encoding.histograms import PITCH_CLASSES
from musiclstm.encoding.intervals import INTERVALS
from musiclstm.encoding.recall import MATCH_LENGTHS
from musiclstm.encoding.ruler import BAR_LENGTHS, LONGEST_BAR_QUARTERS, MOST_BARS_LEFT
from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import DURATION_QUARTERS, N_PITCHES, SHIFT_QUARTERS, Vocabulary

PITCH_CANDIDATES = (
    3  # what the part's own past, all parts' rows and the leading part's past suggest
)
DURATION_CANDIDATES = 4  # the same, and what followed this very pitch
SHOWN_PITCHES, SHOWN_DURATIONS, SHOWN_INTERVALS = 3, 4, 4  # of a part's last notes
_MOST_LENGTHS = 96  # into how many lengths a whole note is divided where a table is wide


class Columns(NamedTuple):
    """The columns of one layer.

    Attributes:
        begins: The row of each column's first id, int32 ``(columns,)``.
        rows: Number of rows of the table; as an id it is *none*.
        places: Where the row of each column's first id stands in ``found``, int32 ``(columns,)``.
        found: The rows of all columns one behind the other, int32. Before each column's first
            stands *none*: an id of -1 finds it.
    """

    begins: IntArray
    rows: int
    places: IntArray
    found: IntArray

    def rows_of(self, ids: IntArray) -> IntArray:
        """The rows of ids ``(N, columns)``; -1 is none."""
        found: IntArray = self.found.take(ids + self.places)
        return found


class Layout(NamedTuple):
    """The columns of the four layers, in the order in which :mod:`.context` writes them."""

    onset: Columns
    voice: Columns
    note: Columns
    after: Columns


def layout(vocabulary: Vocabulary) -> Layout:
    """The layout of a vocabulary's context."""
    return _layout(len(vocabulary.parts), vocabulary.steps_per_quarter)


def onset_rows(vocabulary: Vocabulary) -> int:
    """Number of rows of the onset layer's table."""
    return layout(vocabulary).onset.rows


def voice_rows(vocabulary: Vocabulary) -> int:
    """Number of rows of the voice layer's table."""
    return layout(vocabulary).voice.rows


def note_rows(vocabulary: Vocabulary) -> int:
    """Number of rows of the note layer's table."""
    return layout(vocabulary).note.rows


def after_rows(vocabulary: Vocabulary) -> int:
    """Number of rows of the table of what follows from a row."""
    return layout(vocabulary).after.rows


def onset_columns(vocabulary: Vocabulary) -> int:
    """Number of columns of ``onset_ids``."""
    return len(layout(vocabulary).onset.begins)


def voice_columns(vocabulary: Vocabulary) -> int:
    """Number of columns of ``voice_ids``."""
    return len(layout(vocabulary).voice.begins)


def note_columns(vocabulary: Vocabulary) -> int:
    """Number of columns of ``note_ids``."""
    return len(layout(vocabulary).note.begins)


def after_columns(vocabulary: Vocabulary) -> int:
    """Number of columns of ``after_ids``."""
    return len(layout(vocabulary).after.begins)


def after_lengths(vocabulary: Vocabulary) -> IntArray:
    """For each number of steps up to a whole note the id of that length, after a row."""
    return _lengths(vocabulary.max_shift)


@cache
def _lengths(max_shift: int) -> IntArray:
    """Each length for itself, or as many classes of them as the table may have; 0 stays 0."""
    classes = min(max_shift, _MOST_LENGTHS)
    return (-(-np.arange(max_shift + 1) * classes // max_shift)).astype(np.int32)


class _Own(NamedTuple):
    """Columns with a table of ``size`` rows each."""

    size: int
    columns: int = 1


class _ByPart(NamedTuple):
    """Columns that come once for each part, side by side: sizes of own tables, and of shared."""

    own: tuple[int, ...]
    shared: tuple[int, ...]


@cache
def _layout(parts: int, q: int) -> Layout:
    max_shift, max_duration = SHIFT_QUARTERS * q, DURATION_QUARTERS * q
    place, durations = (LONGEST_BAR_QUARTERS + 4) * q, max_duration + 1
    onset: list[_Own | _ByPart] = [
        _Own(place),
        _Own(5 * q),  # position in the beat
        _Own(1 + 2 * BAR_LENGTHS),
        _Own(MOST_BARS_LEFT + 3),
        _Own(max_shift + 1),  # steps to the next end
        _Own(1, parts),  # the parts that sound
    ]
    voice: list[_Own | _ByPart] = [
        _Own(parts),
        _Own(N_PITCHES, SHOWN_PITCHES),
        _Own(durations, SHOWN_DURATIONS),
        _Own(max_duration + 1),  # steps since the part's last onset
        _Own(max_shift + 1),  # steps until it falls silent
        # now: struck or held, as the part's own; struck; held; pitch class
        _ByPart((2 * INTERVALS,), (INTERVALS, INTERVALS, PITCH_CLASSES)),
        _ByPart((INTERVALS,), (INTERVALS,)),  # just before
        _Own(INTERVALS, PITCH_CANDIDATES),
        _Own(INTERVALS, SHOWN_INTERVALS),
        _Own(MATCH_LENGTHS, PITCH_CANDIDATES),
        _Own(DEGREES),  # of the reference
    ]
    note: list[_Own | _ByPart] = [
        _Own(parts),
        _Own(N_PITCHES),
        _ByPart((INTERVALS,), (PITCH_CLASSES,)),  # now
        _Own(INTERVALS),  # from the part's last pitch
        _Own(durations, DURATION_CANDIDATES),
        _Own(MATCH_LENGTHS, DURATION_CANDIDATES),
        _Own(DEGREES),
    ]
    after: list[_Own | _ByPart] = [
        _Own(max_shift + 1),  # steps to the next end
        _Own(min(max_shift, _MOST_LENGTHS) + 1, parts),  # how long each part still sounds
        _Own(place),
        _Own(max_shift + 3),  # what the rows' past suggests: the shift,
        _Own(parts),  # the part,
        _Own(MATCH_LENGTHS),  # and how much speaks for it
        _Own(DEGREES),  # of the last note
    ]
    return Layout(*(_columns(blocks, parts) for blocks in (onset, voice, note, after)))


def _columns(blocks: Sequence[_Own | _ByPart], parts: int) -> Columns:
    begins: list[int] = []
    sizes: list[int] = []
    rows = 0
    for block in blocks:
        if isinstance(block, _Own):
            begins += range(rows, rows + block.size * block.columns, block.size)
            sizes += [block.size] * block.columns
            rows += block.size * block.columns
            continue
        first_shared = rows + parts * sum(block.own)
        for part in range(parts):
            first = rows + part * sum(block.own)
            begins += _follow(first, block.own) + _follow(first_shared, block.shared)
            sizes += block.own + block.shared
        rows = first_shared + sum(block.shared)
    places = np.cumsum([size + 1 for size in sizes]) - sizes
    found = [
        np.array([rows, *range(begin, begin + size)])
        for begin, size in zip(begins, sizes, strict=True)
    ]
    return Columns(
        begins=np.array(begins, np.int32),
        rows=rows,
        places=places.astype(np.int32),
        found=np.concatenate(found).astype(np.int32),
    )


def _follow(first: int, sizes: Sequence[int]) -> list[int]:
    """Where tables of these sizes begin, one behind the other."""
    return [first + sum(sizes[:index]) for index in range(len(sizes))]
