"""Whose voice is whose: from the parts of many files to the few parts of a model.

Where a corpus names its tracks consistently, a model part is a name. Elsewhere it is a program
family (or the drums) and a rank of median pitch within it: many files carry no programs, and some
put a horn or an ornament staff first, so neither order nor program alone would do.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.errors import EncodingError
from musiclstm.score import Column, NoteArray, Part, Score

MAX_MODEL_PARTS = 16
# A name is consistent when a tenth of the files use it; a corpus is, when four fifths of its parts
# bear such a name: a few odd files must not throw everybody's names away.
_NAME_SHARE_OF_FILES = 0.1
_NAMED_SHARE_OF_PARTS = 0.8
# "monophonic in at least 99.5% of the corpus": the rest is divisi and sloppy releases
_MONOPHONIC_SHARE = 0.995

_LONGEST_NUMBER = 4  # digits: no piece has ten thousand parts


@dataclass(frozen=True)
class ModelPart:
    """One of the at most 16 parts that a model knows.

    Attributes:
        name: Unique, in lower case; what users type.
        program: The commonest program of the parts that became this one, 0-127.
        is_drum: Whether pitches are drums.
        low: Lowest pitch in the corpus, 0-127.
        high: Highest pitch in the corpus, inclusive.
        median: Median pitch, for finding the part's likeness in a strange file.
        monophonic: Whether at least 99.5% of its notes begin when the part is silent.
        chord: Most notes that it strikes at once, 1-128.
    """

    name: str
    program: int = 0
    is_drum: bool = False
    low: int = 0
    high: int = 127
    median: float = 60.0
    monophonic: bool = False
    chord: int = 128

    def __post_init__(self) -> None:
        if not (0 <= self.program <= 127 and 0 <= self.low <= self.high <= 127):
            raise EncodingError(f"part {self.name!r} has a program or pitch outside 0 to 127")
        if not math.isfinite(self.median):
            raise EncodingError(f"part {self.name!r} has the median pitch {self.median}")
        if not 1 <= self.chord <= 128:
            raise EncodingError(f"part {self.name!r} strikes {self.chord} notes at once; use 1-128")

    def as_dict(self) -> dict[str, Any]:
        """For ``vocabulary.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelPart":
        """Undo :meth:`as_dict`."""
        return cls(
            name=str(values["name"]),
            program=int(values["program"]),
            is_drum=bool(values["is_drum"]),
            low=int(values["low"]),
            high=int(values["high"]),
            median=float(values["median"]),
            monophonic=bool(values["monophonic"]),
            chord=int(values["chord"]),
        )


def part_number(word: str, parts: int) -> int | None:
    """A part's place, from 0, of what a musician types: a number from 1.

    >>> part_number("2", 4), part_number("0", 4), part_number("bass", 4)
    (1, None, None)
    """
    if not (word.isascii() and word.isdecimal()) or len(word) > _LONGEST_NUMBER:
        return None
    return int(word) - 1 if 1 <= int(word) <= parts else None


def normalised_name(name: str) -> str:
    """A track name without case and punctuation.

    >>> normalised_name("  Violin_1 "), normalised_name("Piano (right)")
    ('violin 1', 'piano right')
    """
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


def build_model_parts(scores: Sequence[Score]) -> tuple[ModelPart, ...]:
    """Find the parts of a corpus, in the order from high to low, drums last.

    Args:
        scores: The training pieces. They are gone through twice and not kept, so that they may lie
            on disk.

    Returns:
        1 to 16 parts.
    """
    by_name = _consistent_names(scores)
    members: dict[tuple[Any, ...], Habits] = defaultdict(Habits)
    for score in scores:
        named: list[tuple[Part, NoteArray]] = []
        others: list[tuple[Part, NoteArray]] = []
        for part, table in part_tables(score):
            known = normalised_name(part.name) in by_name
            (named if known else others).append((part, table))
        for part, table in named:
            members[part.is_drum, normalised_name(part.name)].add(part, table)
        for key, (part, table) in zip(_rank_keys(others), others, strict=True):
            members[key].add(part, table)
    if not members:
        return (ModelPart("part"),)
    common = sorted(members, key=lambda key: -members[key].notes)
    kept = common[:MAX_MODEL_PARTS]
    parts = [describe(key[0], members[key]) for key in kept]
    return _uniquely_named(sorted(parts, key=lambda part: (part.is_drum, -part.median)))


def part_tables(score: Score) -> list[tuple[Part, NoteArray]]:
    """Each part with its own notes, ``(n, 5)``."""
    column = score.notes[:, Column.PART]
    return [(part, score.notes[column == index]) for index, part in enumerate(score.parts)]


def _consistent_names(scores: Sequence[Score]) -> set[str]:
    """The names that tell this corpus' parts apart, or nothing where they do not."""
    files: Counter[str] = Counter()
    n_parts = 0
    for score in scores:
        names = [normalised_name(part.name) for part in score.parts]
        n_parts += len(names)
        files.update(name for name in set(names) if name and names.count(name) == 1)
    threshold = max(min(2, len(scores)), _NAME_SHARE_OF_FILES * len(scores))
    common = {name: count for name, count in files.items() if count >= threshold}
    if len(common) > MAX_MODEL_PARTS or sum(common.values()) < _NAMED_SHARE_OF_PARTS * n_parts:
        return set()
    return set(common)


def _rank_keys(tables: Sequence[tuple[Part, NoteArray]]) -> list[tuple[Any, ...]]:
    """(is_drum, family, rank of median pitch within it) of each part."""
    groups: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for index, (part, _) in enumerate(tables):
        groups[part.is_drum, program_family(part)].append(index)
    keys: dict[int, tuple[Any, ...]] = {}
    for group, indices in groups.items():
        ordered = sorted(indices, key=lambda index: -median_pitch(tables[index][1]))
        keys.update({index: (*group, rank) for rank, index in enumerate(ordered)})
    return [keys[index] for index in range(len(tables))]


def program_family(part: Part | ModelPart) -> int:
    """General MIDI groups its programs by eights; drums are a family of their own."""
    return -1 if part.is_drum else part.program // 8


def median_pitch(table: NoteArray) -> float:
    """Median pitch of a note table; middle C where it is empty."""
    return float(np.median(table[:, Column.PITCH])) if len(table) else 60.0


@dataclass
class Habits:
    """What the parts that become one model part have in common, gathered part by part.

    Attributes:
        parts: How many there are.
        pitches: How often each pitch is struck, int64 ``(128,)``.
        programs: Notes of each program, at least one a part.
        names: Parts of each name.
        overlaps: Notes that begin before everything earlier in their part has ended.
        chord: Most notes struck at once; 0 while there are none.
    """

    parts: int = 0
    pitches: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(128, np.int64))
    programs: Counter[int] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    overlaps: int = 0
    chord: int = 0

    @property
    def notes(self) -> int:
        """How many notes there are."""
        return int(self.pitches.sum())

    def add(self, part: Part, table: NoteArray) -> None:
        """Look at one more part, with its own notes ``(n, 5)``."""
        self.parts += 1
        self.programs[part.program] += max(1, len(table))
        self.names[normalised_name(part.name)] += 1
        if len(table):
            self.pitches += np.bincount(table[:, Column.PITCH], minlength=128)
            self.overlaps += _overlaps(table)
            struck = np.unique(table[:, Column.ONSET], return_counts=True)[1]
            self.chord = max(self.chord, int(struck.max()))


def describe(is_drum: bool, habits: Habits) -> ModelPart:
    """The model part that parts become which have these habits."""
    notes = habits.notes
    name, uses = habits.names.most_common(1)[0]
    if not name or uses * 2 < habits.parts:
        name = "drums" if is_drum else "part"
    used = np.flatnonzero(habits.pitches)
    # the middle note, or the mean of the middle two
    middle = np.searchsorted(np.cumsum(habits.pitches), [(notes - 1) // 2, notes // 2], "right")
    return ModelPart(
        name=name,
        program=habits.programs.most_common(1)[0][0],
        is_drum=is_drum,
        low=int(used[0]) if notes else 0,
        high=int(used[-1]) if notes else 127,
        median=float(middle.mean()) if notes else 60.0,
        monophonic=notes > 0 and habits.overlaps <= (1 - _MONOPHONIC_SHARE) * notes,
        chord=habits.chord or 128,
    )


def _overlaps(table: NoteArray) -> int:
    """Notes that begin before everything earlier in the part has ended."""
    if len(table) < 2:
        return 0
    ends = np.maximum.accumulate(table[:, Column.ONSET] + table[:, Column.DURATION])
    return int(np.count_nonzero(table[1:, Column.ONSET] < ends[:-1]))


def _uniquely_named(parts: Sequence[ModelPart]) -> tuple[ModelPart, ...]:
    """Number the parts of one name, from 1, past numbers that the corpus' own names have."""
    uses = Counter(part.name for part in parts)
    taken = {name for name, count in uses.items() if count == 1}
    named = []
    for part in parts:
        name = part.name
        if uses[name] > 1:
            numbers = (f"{part.name} {number}" for number in range(1, len(parts) + 2))
            name = next(numbered for numbered in numbers if numbered not in taken)
            taken.add(name)
        named.append(replace(part, name=name))
    return tuple(named)
