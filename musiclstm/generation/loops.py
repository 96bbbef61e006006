"""What a piece should not go on with: a loop for the fifth time, one note for the thirteenth.

A model that knows what its own past suggests can fall into a loop, and each time round makes the
next more likely.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary

LOOP_TIMES = 4  # what has come so often, without a break, is a loop
LONGEST_LOOP = 32  # onsets
MOST_REPEATS = 12  # of one pitch in a part; Bach's chorales have 8 at most

EventArray = npt.NDArray[np.int32]


class Past:
    """The last onsets of a piece.

    Args:
        vocabulary: Says which rows are notes, and which parts repeat themselves by nature.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._most_shift, self._drums = vocabulary.max_shift, vocabulary.drum_parts.tolist()
        self._onsets: deque[bytes] = deque(maxlen=LOOP_TIMES * LONGEST_LOOP)
        self._loops: set[bytes] = set()
        self._runs: dict[int, tuple[int, int]] = {}  # of each part its last pitch, and how often

    @property
    def loops(self) -> bool:
        """Whether something has come so often that it should not go on."""
        return bool(self._loops)

    @property
    def tired(self) -> list[int]:
        """Parts that should not go on with their pitch."""
        return [part for part, (_, often) in self._runs.items() if often >= MOST_REPEATS]

    @property
    def wary(self) -> bool:
        """Whether there is anything that it should not go on with."""
        return self.loops or bool(self.tired)

    def repeats(self, onset: EventArray) -> bool:
        """Whether an onset would go on with what it should not go on with."""
        return _music(onset) in self._loops or any(
            self._run(part, pitch) > MOST_REPEATS for part, pitch in self._melodies(onset)
        )

    def add(self, onset: EventArray) -> None:
        """Go on with an onset.

        Args:
            onset: Its rows, int32 ``(n, 5)``.
        """
        self._onsets.append(_music(onset))
        self._loops = going_round(list(self._onsets))
        runs = {part: (pitch, self._run(part, pitch)) for part, pitch in self._melodies(onset)}
        self._runs |= runs

    def _run(self, part: int, pitch: int) -> int:
        last, often = self._runs.get(part, (-1, 0))
        return often + 1 if pitch == last else 1

    def _melodies(self, onset: EventArray) -> list[tuple[int, int]]:
        """Part and pitch of the parts that are no drums; of a chord the highest."""
        if onset[0, Field.SHIFT] > self._most_shift:  # a wait, or the end
            return []
        rows = dict(onset[:, [Field.PART, Field.PITCH]].tolist())
        return [(part, pitch) for part, pitch in rows.items() if not self._drums[part]]


def going_round(onsets: list[bytes]) -> set[bytes]:
    """Onsets with which something would begin its fifth time, without a break; often none.

    >>> going_round([b"a", b"b"] * 4)
    {b'a'}
    >>> going_round([b"c", b"a", b"b", b"a", b"b"])
    set()
    """
    found = set()
    for length in range(1, len(onsets) // LOOP_TIMES + 1):
        if onsets[-1] == onsets[-1 - length]:
            span = onsets[-LOOP_TIMES * length :]
            if span[length:] == span[:-length]:
                found.add(onsets[-length])
    return found


def _music(onset: EventArray) -> bytes:
    """What makes two onsets the same: all but how loud they are."""
    return onset[:, : Field.VELOCITY].tobytes()
