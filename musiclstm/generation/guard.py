"""The guard: a piece that has run into trouble goes back to before it and tries again, hotter.

Trouble is what hardly any piece of the corpus does (:mod:`.habits`): a passage that comes once more
than it may, one note too often in a row, silence, or more notes than anybody writes. Candidates
that would go on with a loop have been passed over by then (:mod:`.onsets`); the guard is for what
is left, and for pieces that have one candidate.

At every barline it notes where the piece stands. From trouble it goes back to the last barline
before that began, and on with higher temperatures, until it is where the trouble was found and has
met with none. It tries a few times, then lets the piece be: whatever the model, every piece ends.
"""

from collections import deque
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.encoding.stages import NEVER
from musiclstm.generation.habits import Habits
from musiclstm.generation.loops import Trouble
from musiclstm.generation.onsets import Onsets, Standing
from musiclstm.generation.rules import OPEN_END, bar_line
from musiclstm.score import MeterMap

EventArray = npt.NDArray[np.int32]

HOTTER = 1.15  # how many times the temperature, with every try
TRIES = 3  # with one trouble
MANY = 3  # troubles that a model which has learned enough does not run into in one piece
MOST_TRIES = 8  # with one piece
_BARLINES = 8  # that can be gone back to
_SILENT_QUARTERS = 4  # where nobody has counted for how long a corpus is silent


@dataclass(frozen=True)
class Rescue:
    """A trouble that a piece ran into, and what became of it.

    Attributes:
        bar: Where it was found, from 1; a pickup belongs to the first.
        what: "loop", "one note", "silence" or "density".
        tries: How often the piece went back, 0 up: the tries of a piece are numbered.
        helped: Whether it got past it; otherwise it went on as it was.
    """

    bar: int
    what: str
    tries: int
    helped: bool


class _Place(NamedTuple):
    """How far a piece has come.

    Attributes:
        onsets: How many are over.
        step: Of the last one.
        silent: The step at which all that has been struck falls silent.
        struck: The onsets of the last whole note: step and number of notes.
    """

    onsets: int = 0
    step: int = 0
    silent: int = 0
    struck: tuple[tuple[int, int], ...] = ()

    def after(self, onset: EventArray, v: Vocabulary) -> "_Place":
        """Go on by an onset, or a WAIT; END leads nowhere."""
        rows = onset.tolist()
        shift = rows[0][Field.SHIFT]
        if shift > v.max_shift:
            return self._replace(step=self.step + (v.max_shift if shift == v.wait else 0))
        step, silent, notes, ends, tied = self.step + shift, self.silent, 0, 0, False
        for row in rows:
            ends = (ends if tied else step) + min(row[Field.DURATION] + 1, v.max_duration)
            notes += not tied
            tied = row[Field.DURATION] == v.tie
            silent = max(silent, ends)
        struck = (*(at for at in self.struck if at[0] > step - v.max_shift), (step, notes))
        return _Place(self.onsets + 1, step, silent, struck)


class Snapshot(NamedTuple):
    """A piece at a barline.

    Attributes:
        place: How far it had come.
        line: The barline after it.
        rows: How many tables of rows it had: onsets, and WAITs.
        standing: Where it stood.
    """

    place: _Place
    line: int
    rows: int
    standing: Standing


class _Open(NamedTuple):
    """A trouble that the piece is not past.

    Attributes:
        what: Which.
        bar: Where it was found first.
        step: Where the piece must get to.
        tries: So far.
    """

    what: str
    bar: int
    step: int
    tries: int


class Guard:
    """Watches over one piece.

    Args:
        habits: What hardly any piece does.
        meter_map: Of the piece.
        vocabulary: What its rows mean.
        goes_back: Whether the piece can be put back; if not, it goes on hotter from where it is.

    Attributes:
        heat: How many times its temperatures the piece is drawn with now.
        rescues: What has been done, and is over.
    """

    def __init__(
        self,
        habits: Habits,
        meter_map: MeterMap,
        vocabulary: Vocabulary,
        *,
        goes_back: bool = True,
    ) -> None:
        self._v, self._meter_map, self._density = vocabulary, meter_map, habits.density
        self._silence = habits.silence
        if self._silence >= NEVER:
            self._silence = _SILENT_QUARTERS * vocabulary.steps_per_quarter
        self._place = _Place()
        self._line = 0 if goes_back else OPEN_END  # where to note next how the piece stands
        self._kept = deque[Snapshot](maxlen=_BARLINES)
        self._open: _Open | None = None
        self._spent = 0
        self._let_be: frozenset[str] = frozenset()
        self.heat = 1.0
        self.rescues: tuple[Rescue, ...] = ()

    def copy(self) -> "Guard":
        """The same, for an ending of its own: it goes back no further than to where that begins."""
        other = copy(self)
        other._kept = deque(list(self._kept)[-1:], _BARLINES)
        return other

    def hear(self, onset: EventArray) -> None:
        """Take note of an onset that was given, int32 ``(n, 5)``; whatever it is, it is right."""
        self._place = self._place.after(onset, self._v)

    def keep(self, now: int, rows: int, onsets: Onsets, piece: int) -> None:
        """Note where the piece stands, at the first row of a bar.

        Args:
            now: The step at which the piece is.
            rows: How many tables of rows it has: onsets, and WAITs.
            onsets: All pieces.
            piece: Which of them.
        """
        if now < self._line:
            return
        bar = int(self._meter_map.locate(now, self._v.steps_per_quarter).bar)
        self._line = bar_line(self._meter_map, bar + 1, self._v.steps_per_quarter)
        self._kept.append(Snapshot(self._place, self._line, rows, onsets.standing(piece)))

    def look(self, onset: EventArray, loop: Trouble | None) -> Snapshot | None:
        """Take note of what the piece has come to, and say where to put it back.

        Args:
            onset: All rows of an onset, or a WAIT or END alone, int32 ``(n, 5)``.
            loop: What its past says of it.

        Returns:
            None if the piece goes on from where it is. The heat may have changed in either case.
        """
        v, before = self._v, self._place
        here = self._place = before.after(onset, v)
        if onset[0, Field.SHIFT] == v.end:
            self.settle(helped=True)
        if onset[0, Field.SHIFT] > v.max_shift:
            return None
        found = self._found(before, here, loop)
        if found is None or found.what in self._let_be:
            if self._open and here.step > self._open.step:
                self.settle(helped=True)
            return None
        now = self._open or _Open(found.what, self._bar(here.step), here.step, 0)
        self._open = now._replace(step=max(now.step, here.step))
        if now.tries == TRIES or self._spent == MOST_TRIES:
            self._let_be |= {now.what, found.what}
            self.settle(helped=False)
            return None
        self._spent += 1
        self._open = self._open._replace(tries=now.tries + 1)
        self.heat = HOTTER ** (now.tries + 1)
        if not self._kept:
            return None
        # of the onset at a barline a row has been chosen, thus it must be before the trouble
        while len(self._kept) > 1 and self._kept[-1].place.onsets >= here.onsets - found.onsets:
            self._kept.pop()
        there = self._kept[-1]
        self._place, self._line = there.place, there.line
        return there

    def settle(self, *, helped: bool) -> None:
        """Be done with the trouble, if there is any."""
        if self._open is not None:
            self.rescues += (Rescue(self._open.bar, self._open.what, self._open.tries, helped),)
        self._open, self.heat = None, 1.0

    def _found(self, before: _Place, here: _Place, loop: Trouble | None) -> Trouble | None:
        """What the last onset has run into."""
        if loop is not None:
            return loop
        if sum(notes for _, notes in here.struck) > self._density:
            return Trouble("density", len(here.struck))
        return Trouble("silence", 1) if here.step - before.silent > self._silence else None

    def _bar(self, step: int) -> int:
        return max(1, 1 + int(self._meter_map.locate(step, self._v.steps_per_quarter).bar))


def all_rescues(own: Sequence[Rescue], others: Sequence[Sequence[Rescue]]) -> tuple[Rescue, ...]:
    """What was done for a piece of which several endings were drawn.

    Args:
        own: Of the ending that was taken.
        others: Of those that were not: a trouble that one of them has kept the piece is past.
    """
    more = [rescue for rescues in others for rescue in rescues if rescue not in own]
    return tuple(dict.fromkeys([*own, *(replace(rescue, helped=True) for rescue in more)]))


_TROUBLES = {
    "loop": "a loop",
    "one note": "a note that would not stop",
    "silence": "a long silence",
    "density": "too many notes",
}


def told(rescues: Sequence[Rescue]) -> tuple[str, ...]:
    """What was done for a piece, in one line, or none."""
    past, kept = (
        dict.fromkeys(
            f"{_TROUBLES[of.what]} in bar {of.bar}" for of in rescues if of.helped == helped
        )
        for helped in (True, False)
    )
    said = [f"went back from {' and '.join(past)}"] if past else []
    said += [f"could not get past {' and '.join(kept)}"] if kept else []
    needs_more = bool(kept) or len(rescues) >= MANY
    words = ", but ".join(said) + (": the model needs more training" if needs_more else "")
    return (words,) if said else ()
