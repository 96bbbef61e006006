"""Saving now and then, and going on where that fails: a full disk is no reason to lose hours."""

import time
from collections.abc import Callable

from musiclstm.files import UnwritableError

# What a crash may cost. A checkpoint of the default network (44 MB) takes a quarter of a second, of
# the large one (126 MB) under two: at most a seventieth of the time.
CHECKPOINT_SECONDS = 120.0


class Keeper:
    """Calls for saving, and knows whether it succeeded.

    Args:
        write: Saves everything that is not saved yet; raises UnwritableError where it cannot.
        say: Is told once when saving begins to fail, and once when it succeeds again.
        clock: Seconds.
    """

    def __init__(
        self,
        write: Callable[[], None],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._say = say
        self._clock = clock
        self._tried = clock()
        self.failing = False

    @property
    def due(self) -> bool:
        """Whether the last attempt is long enough ago."""
        return self._clock() - self._tried >= CHECKPOINT_SECONDS

    def keep(self) -> None:
        """Save; where that fails, say so and let training go on."""
        try:
            self._write()
        except UnwritableError as error:
            if not self.failing:
                self._say(
                    f"warning: {error.path} cannot be written ({error.reason}); training goes on, "
                    "what was saved before is whole, and every few minutes it is tried again"
                )
            self.failing = True
        else:
            if self.failing:
                self._say("saved: the disk takes files again")
            self.failing = False
        self._tried = self._clock()

    def insist(self) -> None:
        """Save what could not be saved so far.

        Raises:
            UnwritableError: If it still cannot.
        """
        if self.failing:
            self._write()
            self.failing = False
