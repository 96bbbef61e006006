"""Which bars and which parts of a piece are meant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.encoding.parts import normalised_name, part_number, part_tables
from musiclstm.errors import RequestError
from musiclstm.generation.frame import Region, ends_of, given_rows, most_at_once
from musiclstm.generation.primer import Primer
from musiclstm.generation.rules import bar_line
from musiclstm.score import Column, Score

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


def bars_of(primer: Primer) -> int:
    """Bars of a piece from the first full one to the last that sounds, at least one."""
    return max(primer.given.bars, 1)


def end_of(piece: Encoded, v: Vocabulary) -> int:
    """The step at which the last note of a piece ends; 0 where there is none."""
    rows, onset = given_rows(piece, v)
    return int(ends_of(rows, onset, v).max(initial=0))


def chords_of(piece: Encoded, v: Vocabulary) -> IntArray:
    """How many notes of each model part sound together in a piece at most, ``(parts,)``."""
    rows, onset = given_rows(piece, v)
    ends, found = ends_of(rows, onset, v), np.zeros(len(v.parts), np.int32)
    for number in range(len(v.parts)):
        own = rows[:, Field.PART] == number
        found[number] = most_at_once(onset[own], ends[own])
    return found


def stretch(primer: Primer, bars: tuple[int, int], v: Vocabulary) -> tuple[int, int]:
    """First step of some bars, and the step after the last.

    Args:
        primer: The piece.
        bars: First and last, inclusive; 1 is the first full bar, 0 the pickup.
        v: For the grid.

    Raises:
        RequestError: If the piece does not have them.
    """
    first, last = bars
    meter_map, q, count = primer.encoded.meter_map, v.steps_per_quarter, bars_of(primer)
    least = 0 if meter_map.pickup_steps else 1
    if not least <= first <= last <= count:
        words = f"{first}-{last}" if first != last else f"{first}"
        raise RequestError(f"bars {words} are not in the piece; it has bars {least}-{count}")
    start = bar_line(meter_map, first - 1, q) if first else 0
    return start, bar_line(meter_map, last, q)


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs, first and last of each.

    >>> runs([1, 2, 3, 7, 9, 10])
    [(1, 3), (7, 7), (9, 10)]
    """
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def inside(part: IntArray, onset: IntArray, regions: Sequence[Region]) -> BoolArray:
    """Which notes begin in a region, bool ``(n,)``."""
    found = np.zeros(len(part), bool)
    for region in regions:
        found |= (part == region.part) & (region.start <= onset) & (onset < region.end)
    return found


@dataclass(frozen=True)
class Chosen:
    """Which parts are meant.

    Attributes:
        model: Model parts, ascending.
        given: Parts of the piece that they stand for: one may be read as several are.
    """

    model: tuple[int, ...]
    given: frozenset[int]

    @classmethod
    def all_of(cls, primer: Primer) -> "Chosen":
        """All parts of a piece that the model can play."""
        heard = {n: goal for n, goal in enumerate(primer.goals) if goal is not None}
        return cls(tuple(sorted({*heard.values()})), frozenset(heard))


def named_parts(names: Sequence[str], primer: Primer, v: Vocabulary) -> Chosen:
    """Parts by the names, or numbers from 1, of the piece's parts, or the names of the model's.

    Args:
        names: By default all parts that the piece has.
        primer: The piece.
        v: Of the model.

    Raises:
        RequestError: If there is no such part.
    """
    if not names:
        return Chosen.all_of(primer)
    parts = enumerate(primer.given.parts, start=1)
    given = [normalised_name(part.name) or f"part {number}" for number, part in parts]
    model = [normalised_name(part.name) for part in v.parts]
    goals, places = set[int](), set[int]()
    for name in names:
        wanted, number = normalised_name(name), part_number(name, len(given))
        if wanted in given:
            found = [n for n, known in enumerate(given) if known == wanted]
        elif wanted in model:
            goals.add(model.index(wanted))
            places |= {n for n, goal in enumerate(primer.goals) if goal == model.index(wanted)}
            continue
        elif number is not None:
            found = [number]
        else:
            there = ", ".join(dict.fromkeys([*given, *model]))
            raise RequestError(f"no part is called {name[:80]!r}; there are: {there}")
        for place in found:
            goal = primer.goals[place]
            if goal is None:
                raise RequestError(f"the model cannot play {name[:80]!r}; choose another part")
            goals.add(goal)
            places.add(place)
    return Chosen(tuple(sorted(goals)), frozenset(places))


def melody_parts(melody: Score, names: Sequence[str], v: Vocabulary) -> tuple[str, ...]:
    """Of each given part the model part that it is to be; empty for those without notes.

    Args:
        melody: What is to be harmonised.
        names: Names of model parts, or numbers from 1, in the order of the given ones; by default
            the highest for one given part, and none, which lets them be fitted, for several.
        v: Of the model.

    Raises:
        RequestError: If they do not fit the given parts, or a part cannot play what is given.
    """
    drums = [part.is_drum for part in v.parts]
    heard = [
        number
        for number, (part, table) in enumerate(part_tables(melody))
        if len(table) and (not part.is_drum or any(drums))
    ]
    where = melody.source or "the melody"
    if not heard:
        raise RequestError(f"{where} has no notes that this model can play; hand in a melody")
    tables = [part_tables(melody)[number] for number in heard]
    model = [normalised_name(part.name) for part in v.parts]
    chosen = []
    for name in names:
        wanted, number = normalised_name(name), part_number(name, len(model))
        if wanted in model:
            number = model.index(wanted)
        if number is None:
            raise RequestError(f"this model has no part {name[:80]!r}; it has: {', '.join(model)}")
        chosen.append(number)
    if len(set(chosen)) < len(chosen):
        raise RequestError("a part can be given only once; name each part once")
    if not chosen and len(heard) == 1:
        pitched = [n for n, is_drum in enumerate(drums) if not is_drum] or [0]
        chosen = [max(pitched, key=lambda n: v.parts[n].median)]
    if chosen and len(chosen) != len(heard):
        theirs = ", ".join(part.name or f"part {n + 1}" for n, (part, _) in enumerate(tables))
        raise RequestError(
            f"{where} has {len(heard)} parts with notes ({theirs}) and {len(chosen)} were named; "
            "name one for each, or hand in fewer"
        )
    for (part, table), goal in zip(tables, chosen, strict=False):
        if v.parts[goal].is_drum != part.is_drum:
            raise RequestError(f"{v.parts[goal].name} cannot play {part.name!r}: one is drums")
        if v.parts[goal].monophonic:
            struck = np.unique(table[:, Column.ONSET], return_counts=True)[1]
            if struck.max() > 1:
                raise RequestError(
                    f"{where} strikes {int(struck.max())} notes at once, and the model's "
                    f"{v.parts[goal].name} plays one at a time; hand in a melody"
                )
    goals = dict(zip(heard, chosen, strict=False))
    return tuple(v.parts[goals[n]].name if n in goals else "" for n in range(len(melody.parts)))
