"""What a piece should not go on with: a passage, or one note, more often than in any it is like.

A model that knows what its own past suggests can fall into a loop, and each time round makes the
next more likely. How often is too often the training pieces say (:mod:`.habits`).
"""

from collections import deque
from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary

LONGEST_LOOP = 64  # onsets
LONGEST_PAST = 4096  # onsets that are remembered at most

EventArray = npt.NDArray[np.int32]


class Trouble(NamedTuple):
    """What a piece has run into.

    Attributes:
        what: "loop", "one note", "silence" or "density".
        onsets: How many of its last onsets are part of it, 1 up.
    """

    what: str
    onsets: int


class Past:
    """The last onsets of a piece.

    Args:
        vocabulary: Says which rows are notes, and which parts repeat themselves by nature.
        loops: How often a passage of 1, 2, ... onsets may come in a row, 2 up.
        repeats: How often a part may strike one pitch in a row.

    Attributes:
        closed: Onsets with which a passage would come once more than it may.
        tired: Parts that should not go on with their pitch.
        trouble: What the piece has fallen into with the last onset: a passage that has come once
            more than it may, from beginning to end, or one pitch, half as often again as it may.
    """

    def __init__(self, vocabulary: Vocabulary, loops: Sequence[int], repeats: int) -> None:
        self._v, self._times, self._most = vocabulary, tuple(loops), repeats
        self._onsets: deque[bytes] = deque(
            maxlen=max((times + 1) * length for length, times in enumerate(loops, start=1))
        )
        self._runs: dict[int, tuple[int, int]] = {}  # of each part its last pitch, and how often
        self.closed: set[bytes] = set()
        self.tired: list[int] = []
        self.trouble: Trouble | None = None

    def copy(self) -> "Past":
        """The same past, to go on from in another way."""
        other = copy(self)
        other._onsets, other._runs = self._onsets.copy(), self._runs.copy()
        return other

    @property
    def wary(self) -> bool:
        """Whether there is anything that it should not go on with."""
        return bool(self.closed or self.tired)

    def goes_round(self, onset: EventArray) -> bool:
        """Whether an onset would go on with what it should not go on with."""
        return music_of(onset) in self.closed or any(
            self._run(part, pitch) > self._most for part, pitch in melody_notes(onset, self._v)
        )

    def add(self, onset: EventArray) -> None:
        """Go on with an onset.

        Args:
            onset: Its rows, int32 ``(n, 5)``.
        """
        music = music_of(onset)
        self._onsets.append(music)
        onsets = list(self._onsets)
        again = music in self.closed
        self.closed = going_round(onsets, self._times)
        notes = melody_notes(onset, self._v)
        self._runs |= {part: (pitch, self._run(part, pitch)) for part, pitch in notes}
        self.tired = [part for part, (_, often) in self._runs.items() if often >= self._most]
        longest = max((self._runs[part][1] for part, _ in notes), default=0)
        self.trouble = None
        if longest > self._most * 3 // 2:
            self.trouble = Trouble("one note", longest)
        elif again and (length := length_of_loop(onsets, self._times)):
            self.trouble = Trouble("loop", length)

    def _run(self, part: int, pitch: int) -> int:
        last, often = self._runs.get(part, (-1, 0))
        return often + 1 if pitch == last else 1


def onsets_of(rows: EventArray) -> list[EventArray]:
    """Rows cut into onsets, ``(n, 5)`` each; a WAIT stands alone."""
    return np.split(rows, np.flatnonzero(rows[1:, Field.SHIFT]) + 1)


def melody_notes(onset: EventArray, v: Vocabulary) -> list[tuple[int, int]]:
    """Part and pitch of what the parts strike that are no drums; of a chord the highest.

    Args:
        onset: Its rows, int32 ``(n, 5)``.
        v: What they mean.
    """
    if onset[0, Field.SHIFT] > v.max_shift:  # a wait, or the end
        return []
    highest = dict(onset[:, [Field.PART, Field.PITCH]].tolist())
    return [(part, pitch) for part, pitch in highest.items() if not v.parts[part].is_drum]


def going_round(onsets: Sequence[bytes], most: Sequence[int]) -> set[bytes]:
    """Onsets with which a passage would begin once more than it may.

    >>> going_round([b"a", b"b"] * 4, [4] * 8)
    {b'a'}
    >>> going_round([b"c", b"a", b"b", b"a", b"b"], [4] * 8)
    set()

    Args:
        onsets: What came, one after the other.
        most: How often a passage of 1, 2, ... onsets may come in a row, 2 up.
    """
    found = set()
    for length, times in enumerate(most[: len(onsets)], start=1):
        if len(onsets) >= times * length and onsets[-1] == onsets[-1 - length]:
            span = onsets[-times * length :]
            if span[length:] == span[:-length]:
                found.add(onsets[-length])
    return found


def length_of_loop(onsets: Sequence[bytes], most: Sequence[int]) -> int:
    """For how many onsets, from its second time on, a passage comes more often than it may.

    >>> length_of_loop([b"c", *[b"a", b"b"] * 5], [4] * 8)
    8
    >>> length_of_loop([b"c", *[b"a", b"b"] * 4, b"a"], [4] * 8)
    0

    Args:
        onsets: What came, one after the other.
        most: How often a passage of 1, 2, ... onsets may come in a row, 2 up.

    Returns:
        0 if none does that has ended just now.
    """
    for length, times in enumerate(most, start=1):
        pairs = zip(reversed(onsets), reversed(onsets[:-length]), strict=False)
        alike = next((n for n, (now, then) in enumerate(pairs) if now != then), None)
        alike = max(len(onsets) - length, 0) if alike is None else alike
        if alike >= times * length:
            return alike
    return 0


def times_in_a_row(onsets: Sequence[bytes]) -> list[int]:
    """How often a passage of 1, 2, ... :data:`LONGEST_LOOP` onsets comes in a row at most.

    >>> times_in_a_row([b"c", b"a", b"b", b"a", b"b", b"a"])[:3]
    [1, 2, 1]
    """
    ids = {onset: number for number, onset in enumerate(onsets)}
    numbers = np.array([ids[onset] for onset in onsets])
    return [
        1 + longest_run(numbers[length:] == numbers[:-length], True) // length
        for length in range(1, LONGEST_LOOP + 1)
    ]


def longest_run(values: npt.NDArray[Any], of: Any = None) -> int:
    """How often one value, or the value ``of``, comes in a row at most.

    >>> longest_run(np.array([1, 2, 2, 1, 1, 1])), longest_run(np.array([1, 2, 2]), of=1)
    (3, 1)
    """
    if not len(values):
        return 0
    begins = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    lengths = np.diff(begins, append=len(values))
    return int(lengths[values[begins] == of].max(initial=0) if of is not None else lengths.max())


def music_of(onset: EventArray) -> bytes:
    """What makes two onsets the same: all but how loud they are."""
    return onset[:, : Field.VELOCITY].tobytes()
