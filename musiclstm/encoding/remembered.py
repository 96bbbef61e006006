"""The last notes and rows of many streams, and their longest matches: bounded memory.

What :mod:`.recall` says of whole sequences, for their last places. Behind one another stand, for
each stream, the sequence of each part's notes and that of all rows: S sequences, counted through. A
note is one number, of pitch and duration id, and so is a row, of all fields but the velocity. Each
sequence has its last :data:`~.recall.REACH` items, the latest first, and for each of them for how
many items the sequence was, before it, like it is now: a row of the table from which the next one
follows.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.recall import LONGEST, REACH
from musiclstm.encoding.stages import IntArray
from musiclstm.encoding.vocabulary import N_PITCHES, Field, Vocabulary

Items = npt.NDArray[np.signedinteger[Any]]
Lengths = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
# The items and their onsets, -1 for none, (..., 2, REACH); for how many items what came before each
# is like now, (..., REACH).
Memory = tuple[Items, Lengths]

_ZERO, _ONE, _NOBODY = (np.array([n], np.int32) for n in (0, 1, -1))
_LONGEST = np.array([LONGEST], np.uint8)


def item_type(v: Vocabulary) -> np.dtype[Any]:
    """An integer type that holds all numbers by which rows are told apart."""
    most = v.size(Field.SHIFT) * len(v.parts) * N_PITCHES * (v.max_duration + 1)
    return np.min_scalar_type(-max(most, 2**16))


def remember(
    memory: Memory,
    rows: tuple[Indices, IntArray, IntArray],
    notes: tuple[Indices, IntArray, IntArray],
    v: Vocabulary,
) -> tuple[Items, Lengths, IntArray, IntArray]:
    """Add a row to each stream, and the notes that have begun with these rows.

    Args:
        memory: It stays as it is.
        rows: Their sequences, fields and onsets: ``(B,)``, ``(B, 5)``, ``(B,)``.
        notes: The same, ``(n,)``, ``(n, 5)``, ``(n,)``.
        v: What the ids mean.

    Returns:
        The memory; the row that is suggested to each stream, as in :class:`~.stages.Before`, int32
        ``(B, 5)``; and to each part that has a note more pitch, duration id and length of match,
        of no meaning where this is 0, and how many steps ago it was alike, int32 ``(n, 4)``.
    """
    n, parts = len(notes[0]), len(v.parts)
    as_number = _as_number(parts, v.max_duration + 1, memory[0].dtype.char)
    grown = _grow(
        memory,
        np.concatenate((notes[0], rows[0])),
        np.concatenate((notes[1][:, :4] @ as_number[1], rows[1][:, :4] @ as_number[0])),
        np.concatenate((notes[2], rows[2])),
    )
    rest, duration = np.divmod(grown.follows, v.max_duration + 1)
    rest, pitch = np.divmod(rest, N_PITCHES)
    shift, part = np.divmod(rest[n:], parts)
    length = grown.length
    back = notes[2] - grown.onset[:n]
    suggested = np.concatenate((pitch[:n], duration[:n], length[:n], back)).reshape(4, n)
    expected = np.concatenate((shift, part, pitch[n:], duration[n:], length[n:])).reshape(5, -1)
    if np.count_nonzero(length[n:]) < expected.shape[1]:
        expected[:4, length[n:] == _ZERO] = -1
    if max(shift.tolist()) > v.max_shift:  # WAIT has a shift only
        expected[1:4, shift > v.max_shift] = -1
    return grown.items, grown.alike, np.ascontiguousarray(expected.T, np.int32), suggested.T


def struck_at(items: Items, which: Indices, when: IntArray, nth: IntArray, v: Vocabulary) -> Items:
    """The nth note, from 0, that each of some sequences had at an onset.

    Args:
        items: As in :data:`Memory`.
        which: The sequences, ``(n,)``.
        when: The onsets, ``(n,)``.
        nth: Which note of those there, ``(n,)``.
        v: What the ids mean.

    Returns:
        Pitches and duration ids, ``(2, n)``; -1 where there were fewer.
    """
    sequences = items.reshape(-1, REACH)  # two for each: items, onsets
    own = which + which
    there = sequences.take(own + _ONE, axis=0) == when[:, None]
    index = np.add.reduce(there, axis=1, dtype=np.int32) - _ONE - nth
    known = index >= _ZERO
    place = own * REACH + (there.argmax(axis=1) + index) * known
    note = np.divmod(sequences.reshape(-1).take(place), v.max_duration + 1)
    found = np.concatenate(note).reshape(2, -1)
    if np.count_nonzero(known) < len(known):
        found[:, ~known] = -1
    return found


def most_alike(
    memory: Memory, which: Indices, pitch: IntArray, v: Vocabulary
) -> tuple[Items, IntArray]:
    """Of a part's notes of one pitch the one whose past is most like now.

    Args:
        memory: Of all sequences.
        which: The parts' sequences, ``(n,)``.
        pitch: The pitches, ``(n,)``.
        v: What the ids mean.

    Returns:
        Its duration id, and for how many items it is alike, itself included; 0 where there is none.
    """
    durations = v.max_duration + 1
    items = memory[0].reshape(-1, REACH).take(which + which, axis=0)
    # pitch and duration are one number: those with this pitch are a range
    least = (pitch * durations)[:, None]
    fits = items >= least
    fits &= items < least + durations
    lengths = memory[1].reshape(-1, REACH).take(which, axis=0)
    lengths += fits.view(np.uint8)  # itself included
    lengths *= fits.view(np.uint8)
    place = lengths.argmax(axis=1) + np.arange(0, lengths.size, REACH)
    length = lengths.reshape(-1).take(place)
    return items.reshape(-1).take(place) % durations, length.astype(np.int32)


class _Grown(NamedTuple):
    """Sequences of which some have one item more.

    Attributes:
        items: As in :data:`Memory`.
        alike: As in :data:`Memory`.
        length: For how many items the longest match of those that grew is, ``(n,)``; 0 for none.
        follows: The item after that match, ``(n,)``; of no meaning where there is none.
        onset: The onset of its last item, ``(n,)``.
    """

    items: Items
    alike: Lengths
    length: IntArray
    follows: Items
    onset: Items


def _grow(memory: Memory, which: Indices, new: Items, onset: IntArray) -> _Grown:
    """Add the items ``new``, 0 up, to the sequences ``which``, each at most once; ``(n,)``."""
    items, alike = memory[0].copy(), memory[1].copy()
    each, lengths = items.reshape(-1, 2, REACH), alike.reshape(-1, REACH)
    before, own = each.take(which, axis=0), lengths.take(which, axis=0)
    own += (own < _LONGEST).view(np.uint8)
    own *= (before[:, 0] == new[:, None]).view(np.uint8)
    after = np.empty_like(before)
    after.reshape(-1)[1:] = before.reshape(-1)[:-1]  # all one on; the first of each is new
    after[:, 0, 0] = new
    after[:, 1, 0] = onset
    each[which] = after
    lengths[which] = own
    row = np.arange(0, own.size, REACH)
    nearest = own.argmax(axis=1) + row
    length = own.reshape(-1).take(nearest).astype(np.int32)
    nearest += row  # where there are two rows for each
    follows = after.reshape(-1).take(nearest)
    nearest += REACH
    return _Grown(items, alike, length, follows, before.reshape(-1).take(nearest))


@cache
def _as_number(parts: int, durations: int, item_type: str) -> Items:
    """What makes one number of shift, part, pitch and duration id: of a row, and of a note."""
    row = [parts * N_PITCHES * durations, N_PITCHES * durations, durations, 1]
    return np.array([row, [0, 0, durations, 1]], item_type)
