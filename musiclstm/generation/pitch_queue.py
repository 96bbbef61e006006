"""The pitches that a part's notes must take, and when each of them may come."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

FAR = 2**30  # later than any step of a piece


@dataclass(frozen=True)
class Queue:
    """The pitches that a part's notes must take, one after the other.

    Attributes:
        pitch: int32 ``(n,)``.
        since: The step from which on each may come, ascending, ``(n,)``.
        latest: The step by which it must have come, ascending, ``(n,)``. Pitches that came one
            after the other have different ones, so that all of them find a place.
        came: The step at which each came in the given piece, ``(n,)``.
        nats: How much each surprised the model there, float32 ``(n,)``. All ways through take the
            same pitches, some sooner, some later; so that those who have put off the most are not
            preferred, each is credited with what its next pitch is going to cost.
    """

    pitch: IntArray
    since: IntArray
    latest: IntArray
    came: IntArray
    nats: FloatArray

    @classmethod
    def of(
        cls,
        pitch: IntArray,
        came: IntArray,
        nats: FloatArray,
        within: tuple[int, int, int],
        given: IntArray,
    ) -> "Queue":
        """The queue of a stretch.

        The time by which a note may drift shrinks towards the stretch's beginning where it would
        come sooner, and towards its end where it would come later: nothing piles up there.

        Args:
            pitch: In the order in which they came, ``(n,)``.
            came: At which step, ``(n,)``.
            nats: How much each surprised the model, ``(n,)``.
            within: First step of the stretch, the step after its last, and by how many steps a
                note may drift at most.
            given: When each pitch is next given to the part, :data:`FAR` for never, ``(n,)``.
        """
        start, end, drift = within
        length = max(end - start, 1)
        early = came - drift * (came - start) // length
        late = came + drift * (end - came) // length
        after = len(np.unique(came)) - np.searchsorted(np.unique(came), came, side="right")
        late = np.minimum(np.minimum(late, end - 1 - after), given - 1)
        for number in range(len(late) - 2, -1, -1):
            apart = int(came[number + 1] != came[number])
            late[number] = min(late[number], late[number + 1] - apart)
        pitch, early, late = (of.astype(np.int32) for of in (pitch, early, late))
        return cls(pitch, early, late, came, nats)

    def followed_by(self, other: "Queue") -> "Queue":
        """With the pitches of a later stretch behind its own."""
        names = [field.name for field in fields(Queue)]
        return Queue(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))

    def behind(self, taken: IntArray, step: IntArray) -> IntArray:
        """By how many notes fewer than the given piece has had by a step it has taken, ``(N,)``."""
        found: IntArray = (np.searchsorted(self.came, step, side="right") - taken).astype(np.int32)
        return found

    @cached_property
    def again(self) -> IntArray:
        """By when the same pitch must have come once more; :data:`FAR` for never, ``(n,)``."""
        following: dict[int, int] = {}
        found = np.full(len(self.pitch), FAR, np.int32)
        for number in range(len(self.pitch) - 1, -1, -1):
            pitch = int(self.pitch[number])
            found[number] = following.get(pitch, FAR)
            following[pitch] = int(self.latest[number])
        return found
