"""Whose voice is whose: from the parts of many files to the few parts of a model.

Where a corpus names its tracks consistently, a model part is a name. Elsewhere it is a program
family (or the drums) and a rank of median pitch within it: many files carry no programs, and some
put a horn or an ornament staff first, so neither order nor program alone would do.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from musiclstm.errors import EncodingError
from musiclstm.score import Column, NoteArray, Part, Score

MAX_MODEL_PARTS = 16
# A name is consistent when a tenth of the files use it; a corpus is, when four fifths of its parts
# bear such a name: a few odd files must not throw everybody's names away.
_NAME_SHARE_OF_FILES = 0.1
_NAMED_SHARE_OF_PARTS = 0.8
# "monophonic in at least 99.5% of the corpus": the rest is divisi and sloppy releases
_MONOPHONIC_SHARE = 0.995
_FOREIGN_FAMILY_COST = 24.0  # two octaves: a flute is nearer to a violin than to a bass flute


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


@dataclass(frozen=True)
class FittedParts:
    """A score whose parts each have a model part of their own.

    Attributes:
        score: The score, with extra parts merged and impossible ones dropped.
        part_map: For each part of ``score`` the id of its model part.
        merged: Names of the parts that were merged into a neighbour.
        dropped: Names of the parts that no model part can play (drums in a model without drums).
    """

    score: Score
    part_map: tuple[int, ...]
    merged: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def normalised_name(name: str) -> str:
    """A track name without case and punctuation.

    >>> normalised_name("  Violin_1 "), normalised_name("Piano (right)")
    ('violin 1', 'piano right')
    """
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


def build_model_parts(scores: Sequence[Score]) -> tuple[ModelPart, ...]:
    """Find the parts of a corpus, in the order from high to low, drums last.

    Args:
        scores: The training pieces.

    Returns:
        1 to 16 parts.
    """
    by_name = _consistent_names(scores)
    members: dict[tuple[Any, ...], list[tuple[Part, NoteArray]]] = defaultdict(list)
    for score in scores:
        named: list[tuple[Part, NoteArray]] = []
        others: list[tuple[Part, NoteArray]] = []
        for part, table in _split(score):
            known = normalised_name(part.name) in by_name
            (named if known else others).append((part, table))
        for part, table in named:
            members[part.is_drum, normalised_name(part.name)].append((part, table))
        for key, member in zip(_rank_keys(others), others, strict=True):
            members[key].append(member)
    if not members:
        return (ModelPart("part"),)
    common = sorted(members, key=lambda key: -sum(len(t) for _, t in members[key]))
    kept = common[:MAX_MODEL_PARTS]
    parts = [_describe(key[0], members[key]) for key in kept]
    return _uniquely_named(sorted(parts, key=lambda part: (part.is_drum, -part.median)))


def fit_parts(score: Score, model_parts: Sequence[ModelPart]) -> FittedParts:
    """Give each part of a score the model part that is most like it.

    Parts are matched one to one: by name, then within a program family, then across families; in
    the latter two the higher of two parts gets the higher model part, so that a piece in a low key
    keeps its soprano. What is left over is merged into the nearest part, and drums are dropped
    where the model has none (and the reverse).

    Args:
        score: Any score.
        model_parts: The parts of a vocabulary.
    """
    tables = _split(score)
    costs = np.array(
        [[_unlikeness(part, table, model) for model in model_parts] for part, table in tables]
    ).reshape(len(tables), len(model_parts))
    chosen = _matched(tables, model_parts)
    merged, dropped = [], []
    owner = {column: row for row, column in chosen.items()}
    target: dict[int, int] = {row: row for row in chosen}
    for row, (part, table) in enumerate(tables):
        if row in chosen:
            continue
        if len(table) == 0 or not np.isfinite(costs[row]).any():
            dropped.append(part.name or f"part {row}")
            continue
        target[row] = owner[int(np.argmin(costs[row]))]
        merged.append(part.name or f"part {row}")
    if not merged and not dropped:
        return FittedParts(score, tuple(chosen[row] for row in range(len(tables))))
    kept = sorted(chosen)
    renumbered = np.full(len(tables), -1)
    for row, owning in target.items():
        renumbered[row] = kept.index(owning)
    notes = score.notes.copy()
    notes[:, Column.PART] = renumbered[notes[:, Column.PART]]
    fitted, _ = Score.build(
        notes[notes[:, Column.PART] >= 0],
        [score.parts[row] for row in kept],
        steps_per_quarter=score.steps_per_quarter,
        tempos=score.tempos,
        meter_map=score.meter_map,
        key=score.key,
        style=score.style,
        source=score.source,
        performed=score.performed,
    )
    return FittedParts(fitted, tuple(chosen[row] for row in kept), tuple(merged), tuple(dropped))


def _split(score: Score) -> list[tuple[Part, NoteArray]]:
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
        groups[part.is_drum, _family(part)].append(index)
    keys: dict[int, tuple[Any, ...]] = {}
    for group, indices in groups.items():
        ordered = sorted(indices, key=lambda index: -_median_pitch(tables[index][1]))
        keys.update({index: (*group, rank) for rank, index in enumerate(ordered)})
    return [keys[index] for index in range(len(tables))]


def _family(part: Part | ModelPart) -> int:
    """General MIDI groups its programs by eights; drums are a family of their own."""
    return -1 if part.is_drum else part.program // 8


def _is_drum(part: Part | ModelPart) -> int:
    return int(part.is_drum)


def _median_pitch(table: NoteArray) -> float:
    return float(np.median(table[:, Column.PITCH])) if len(table) else 60.0


def _matched(
    tables: Sequence[tuple[Part, NoteArray]], model_parts: Sequence[ModelPart]
) -> dict[int, int]:
    """The model part of each part, as far as there is one for each; see :func:`fit_parts`."""
    chosen: dict[int, int] = {}

    def free(rows: Sequence[int]) -> tuple[list[int], list[int]]:
        left = [row for row in rows if row not in chosen]
        return left, [goal for goal in range(len(model_parts)) if goal not in chosen.values()]

    # empty parts come last: the track of titles and tempos must not take the alto's place
    for heard in (True, False):
        rows = [row for row, (_, table) in enumerate(tables) if (len(table) > 0) == heard]
        for row in rows:
            part = tables[row][0]
            name = part.is_drum, normalised_name(part.name)
            for goal in free(rows)[1] if name[1] else []:
                model = model_parts[goal]
                if name == (model.is_drum, normalised_name(model.name)):
                    chosen[row] = goal
                    break
        # the family first, then drums with drums and anything pitched with anything pitched
        for group in (_family, _is_drum):
            left, goals = free(rows)
            for kind in sorted({group(tables[row][0]) for row in left}):
                of_kind = [row for row in left if group(tables[row][0]) == kind]
                to_kind = [goal for goal in goals if group(model_parts[goal]) == kind]
                heights = [_median_pitch(tables[row][1]) for row in of_kind]
                medians = [model_parts[goal].median for goal in to_kind]
                for place, model_place in _aligned(heights, medians):
                    chosen[of_kind[place]] = to_kind[model_place]
    return chosen


def _aligned(heights: Sequence[float], medians: Sequence[float]) -> list[tuple[int, int]]:
    """Pair as many as can be paired, higher with higher, with the least sum of differences.

    Source: alignment by dynamic programming (Needleman & Wunsch 1970).

    >>> _aligned([55, 67, 72], [70, 50])
    [(2, 0), (0, 1)]
    """
    down = sorted(range(len(heights)), key=lambda place: -heights[place])
    across = sorted(range(len(medians)), key=lambda place: -medians[place])
    # best[i][j]: of the i highest and the j highest, minus the pairs and the sum of differences
    best = [[(0, 0.0)] * (len(across) + 1) for _ in range(len(down) + 1)]
    for i, one in enumerate(down, 1):
        for j, other in enumerate(across, 1):
            pairs, cost = best[i - 1][j - 1]
            paired = (pairs - 1, cost + abs(heights[one] - medians[other]))
            best[i][j] = min(paired, best[i - 1][j], best[i][j - 1])
    found, i, j = [], len(down), len(across)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((down[i], across[j]))
    return found[::-1]


def _unlikeness(part: Part, table: NoteArray, model: ModelPart) -> float:
    """How little a part resembles a model part, in semitones; infinite: it cannot play it."""
    if part.is_drum != model.is_drum:
        return np.inf
    name = normalised_name(part.name)
    if name and name == normalised_name(model.name):
        return -1.0
    foreign = part.program // 8 != model.program // 8
    return abs(_median_pitch(table) - model.median) + _FOREIGN_FAMILY_COST * foreign


def _describe(is_drum: bool, members: Sequence[tuple[Part, NoteArray]]) -> ModelPart:
    pitches = np.concatenate([table[:, Column.PITCH] for _, table in members])
    programs = Counter(part.program for part, table in members for _ in range(max(1, len(table))))
    names = Counter(normalised_name(part.name) for part, _ in members)
    name, uses = names.most_common(1)[0]
    if not name or uses * 2 < len(members):
        name = "drums" if is_drum else "part"
    overlaps = sum(_overlaps(table) for _, table in members)
    struck = [np.unique(t[:, Column.ONSET], return_counts=True)[1] for _, t in members if len(t)]
    return ModelPart(
        name=name,
        program=programs.most_common(1)[0][0],
        is_drum=is_drum,
        low=int(pitches.min()) if pitches.size else 0,
        high=int(pitches.max()) if pitches.size else 127,
        median=float(median(pitches.tolist())) if pitches.size else 60.0,
        monophonic=pitches.size > 0 and overlaps <= (1 - _MONOPHONIC_SHARE) * pitches.size,
        chord=int(max((counts.max() for counts in struck), default=128)),
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


__all__ = ["MAX_MODEL_PARTS", "FittedParts", "ModelPart", "build_model_parts", "fit_parts"]
