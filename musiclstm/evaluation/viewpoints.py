"""Viewpoints: the chains of contexts by which an n-gram predicts each field.

A *viewpoint* is a chain that predicts one field, as its id or as something that the id implies: a
pitch as a step from the part's last pitch or as a degree of the scale, a duration as the place in
the bar where the note ends. Several viewpoints of one field are multiplied (:mod:`.weighing`).

Source: D. Conklin and I. H. Witten, "Multiple viewpoint systems for music prediction", Journal of
New Music Research 24 (1995).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field
from musiclstm.evaluation.backoff import KeyArray, keys_of

IntArray = npt.NDArray[np.int32]

_CLASSES = 12


class As(Enum):
    """As what a field is predicted."""

    ID = "its id"
    STEP = "the difference from a column"
    DEGREE = "the difference from a column, octaves left out"
    END = "the place in the bar where the note ends"
    SAME = "whether it is what a column says"


class Viewpoint(NamedTuple):
    """One chain.

    Attributes:
        kind: As what it predicts the field.
        contexts: Names of columns; the first context has those of the first entry, each other one
            those of its own entry besides.
        base: The column that differences are taken from.
    """

    kind: As
    contexts: tuple[str, ...]
    base: str = ""


# Columns are those of :func:`.columns.view`; several names in one entry are added together.
VIEWPOINTS: Mapping[Field, tuple[Viewpoint, ...]] = {
    Field.SHIFT: (
        Viewpoint(
            As.ID, ("", "more", "part_before silent", "struck_by", "next_end", "place_before")
        ),
        Viewpoint(As.ID, ("part_before at_once", "shift1", "shift2", "shift3", "shift4")),
        Viewpoint(As.ID, ("more part_before", "gap1 place_before", "gap2", "gap3")),
        Viewpoint(As.SAME, ("match_rows more", "expected_shift"), "expected_shift"),
    ),
    Field.PART: (
        Viewpoint(As.ID, ("", "now part_before", "struck", "sounding", "place shift_now")),
        Viewpoint(As.ID, ("now part_before at_once", "part_before2", "part_before3", "shift_now")),
        Viewpoint(As.SAME, ("match_rows now", "expected_part shift_as_expected"), "expected_part"),
    ),
    Field.PITCH: (
        Viewpoint(As.STEP, ("voice", "step1", "step2", "step3", "last1"), "reference"),
        Viewpoint(As.STEP, ("voice", "degree_reference", "step1", "step2", "mode"), "reference"),
        Viewpoint(As.STEP, ("voice", "others1", "others2", "others3"), "reference"),
        Viewpoint(As.STEP, ("voice", "bass", "classes", "step1"), "reference"),
        Viewpoint(As.DEGREE, ("voice mode", "place", "bass_degree", "tune_degree"), "tonic"),
        Viewpoint(As.DEGREE, ("voice", "struck", "others_above"), "beside"),
        Viewpoint(As.ID, ("voice",)),
        Viewpoint(As.SAME, ("match0 voice",), "candidate0"),
        Viewpoint(As.SAME, ("match1 voice",), "candidate1"),
        Viewpoint(As.SAME, ("match2 voice",), "candidate2"),
    ),
    Field.DURATION: (
        Viewpoint(As.ID, ("", "voice", "last1", "last2", "last3", "last4")),
        Viewpoint(As.ID, ("voice", "place bar", "next_end_now", "last1")),
        Viewpoint(As.ID, ("voice", "duration_beside", "duration_beside2 place")),
        Viewpoint(As.ID, ("voice", "left", "struck", "place")),
        Viewpoint(As.ID, ("voice", "step_now", "place", "step1 last1")),
        Viewpoint(As.ID, ("voice", "classes_of_pitch", "place", "degree_now")),
        Viewpoint(As.END, ("bar", "voice", "place")),
        Viewpoint(As.SAME, ("match0 voice",), "lasting0"),
        Viewpoint(As.SAME, ("match1 voice",), "lasting1"),
        Viewpoint(As.SAME, ("match_note voice",), "lasting_note"),
    ),
    Field.VELOCITY: (
        Viewpoint(As.ID, ("", "voice", "velocity1", "velocity_own")),
        Viewpoint(As.STEP, ("now voice", "part_before", "change1", "place"), "velocity1"),
        Viewpoint(As.STEP, ("now voice", "step_sign", "change_own"), "velocity_own"),
        Viewpoint(As.ID, ("voice", "velocity_own", "velocity_own2", "place")),
    ),
}


def contexts_of(point: Viewpoint, columns: Mapping[str, npt.NDArray[Any]]) -> list[KeyArray]:
    """The contexts of a viewpoint, the shortest first, ``(N,)`` each."""
    n = len(columns["place"])
    named: list[npt.NDArray[Any]] = []
    keys = []
    for names in point.contexts:
        named += [columns[name] for name in names.split()]
        keys.append(keys_of(named, n))
    return keys


def symbols(
    point: Viewpoint, ids: IntArray, columns: Mapping[str, npt.NDArray[Any]], size: int
) -> tuple[npt.NDArray[Any], int]:
    """What a viewpoint predicts where a field has certain ids.

    Args:
        point: The viewpoint.
        ids: Of the field, ``(N,)`` or ``(N, ids)``.
        columns: Of N rows.
        size: Number of ids of the field.

    Returns:
        Symbols of the shape of ``ids``, and how many there are.
    """

    def of(name: str) -> IntArray:
        column = columns[name].astype(np.int32)
        return column if ids.ndim == 1 else column[:, None]

    if point.kind is As.ID:
        return ids, size
    if point.kind is As.STEP:
        return ids - np.maximum(of(point.base), 0) + size - 1, 2 * size - 1
    if point.kind is As.DEGREE:
        return (ids - of(point.base)) % _CLASSES, _CLASSES
    if point.kind is As.SAME:
        return (ids == of(point.base)).astype(np.int32), 2
    # as `END`; places in very long bars share the last
    return np.minimum((of("place") + ids + 1) % of("bar"), size - 1), size
