"""The notes of a kind of chord: what stands after the root of a chord symbol.

A kind is a family (minor, diminished, ...), a number, and what is changed or added: ``m7``, ``^9``,
``7(b9,#11)``. A number above 7 brings all thirds up to it, as the theory books have it: a chord of
the thirteenth has its eleventh too. An alteration takes the place of what it alters; beside ``b13``
the fifth stays. What musicians read in two ways, as ``4``, is none here.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class _Family(NamedTuple):
    """Steps above the root, and the numbers that its symbols may have."""

    third: int
    fifth: int
    seventh: int
    numbers: set[str]


_FAMILIES = {
    "major": _Family(4, 7, 10, {"2", "5", "6", "69", "7", "7M", "9", "11", "13"}),
    "minor": _Family(3, 7, 10, {"6", "69", "7", "7M", "9", "11", "13"}),
    "diminished": _Family(3, 6, 9, {"7", "9"}),
    "half": _Family(3, 6, 10, {"7", "9", "11"}),
    "augmented": _Family(4, 8, 10, {"7", "9"}),
}
_OTHER_SIGNS = str.maketrans("∆△º°Ø∅−–", "ΔΔooøø--")
# one thing, and things in brackets or after a comma or stroke; brackets do not nest
_ITEM = r"[^(),/]+"
_FORM = re.compile(rf"(?:{_ITEM})?(?:[,/]?\({_ITEM}(?:[,/]{_ITEM})*\)(?:{_ITEM})?|[,/]{_ITEM})*")
_CHANGE = (
    r"(?:,?(?P<sign>[b#]|(?<=[\d,])[-+])(?P<degree>4|5|6|9|11|13)"
    r"|,?(?:add|Add|ADD)(?P<added>[b#]?(?:2|3|4|6|9|11|13))"
    r"|,?(?:sus|Sus|SUS)(?P<sus>24|42|2|4|(?!\d))"
    r"|,?(?:no|omit)(?P<without>[35])(?:rd|th)?"
    r"|,(?P<bare>6|9|11|13)"
    r"|,?(?P<alt>alt))"
)
_CHANGES = re.compile(_CHANGE)
_KIND = re.compile(
    r"(?:(?P<minor>min|Min|MIN|mi|Mi|MI|m|-)|(?P<diminished>dim|Dim|DIM|o)|(?P<half>ø|h)"
    r"|(?P<augmented>aug|Aug|AUG|\+)|dom(?=[791]))?"
    r"(?:,?(?P<large>maj|Maj|MAJ|ma|Ma|MA|M|Δ|\^|j|(?<=[mni\-,])\#(?=7)))?"
    r"(?P<number>69|7M|11|13|[25679])?(?P<raised>(?<=\d)\+(?!\d))?"
    rf"(?P<changes>{_CHANGE}*)"
)
_ALTERED = {"b5": 6, "#5": 8, "b6": 8, "b9": 1, "#9": 3, "#4": 6, "#11": 6, "b13": 8}
_NATURAL = {"2": 2, "4": 5, "6": 9, "9": 2, "11": 5, "13": 9}
_ADDED = {**_NATURAL, **{name: steps for name, steps in _ALTERED.items() if name[1] != "5"}, "3": 4}
_ALT = frozenset({0, 1, 3, 4, 6, 8, 10})  # every fifth and ninth but the natural ones
_SMALL: dict[str, dict[int, set[int]]] = {  # without a seventh; of 5 there is no third
    "": {},
    "5": {3: set()},
    "2": {9: {2}},
    "6": {6: {9}},
    "69": {6: {9}, 9: {2}},
}

# what is read in two ways, and both
_AMBIGUOUS = {
    "4": ("sus4", "add11"),
    "-5": ("m(b5)", "(b5)", "5"),
    "+5": ("aug",),
    "minor": ("m",),
    "major": ("",),
    "+11": ("(add#11)", "7#5#11"),
    "7,4": ("7sus4", "7add11"),
    "sus7": ("7sus4",),
    "sus9": ("9sus4", "sus2"),
    ",9": ("9", "add9"),
    "m,9": ("m9", "madd9"),
    ",b9": ("7b9", "addb9"),
    ",#9": ("7#9", "add#9"),
    ",#11": ("7#11", "maj7#11", "add#11"),
    ",b13": ("7b13", "addb13"),
}
_COMMON = (
    "m 6 m6 69 m69 7 m7 maj7 mMaj7 9 m9 maj9 11 m11 13 m13 maj13 dim dim7 m7b5 aug 7#5 7b5 maj7#5 "
    "maj7#11 7b9 7#9 7#11 13#11 13b9 7b13 7alt sus2 sus4 7sus4 9sus4 13sus4 7b9sus4 add9 add11 "
    "madd9 5"
)


def notes_of(kind: str) -> frozenset[int] | None:
    """The notes of a kind of chord, in semitones above its root, 0-11; None if it is none.

    >>> sorted(notes_of("7(b9,#11)"))
    [0, 1, 4, 6, 7, 10]
    >>> notes_of("4") is None
    True
    """
    match = _KIND.fullmatch(_plain(kind)) if _FORM.fullmatch(kind) else None
    chord = _unchanged(match) if match else None
    if match is None or chord is None:
        return None
    changes = [*_CHANGES.finditer(match.string, match.start("changes"))]
    if any(change["alt"] for change in changes):
        return _ALT if match[0] in ("alt", ",alt", "7alt", "7,alt") else None
    changed = _changed(chord, changes, match["number"] or "")
    return None if changed is None else frozenset[int]().union(*changed.values())


def likely(kind: str) -> tuple[str, ...]:
    """Kinds of chord that may be meant by what is none, at most three.

    >>> likely("4")
    ('sus4', 'add11')
    """
    plain = _plain(kind)
    return _AMBIGUOUS.get(plain) or tuple(get_close_matches(plain, _COMMON.split(), 3, 0.5))


def _plain(kind: str) -> str:
    """With one way to write a sign, and a comma for brackets and strokes."""
    return re.sub(r"[(),/]+", ",", kind.translate(_OTHER_SIGNS)).rstrip(",")


def _unchanged(match: re.Match[str]) -> dict[int, set[int]] | None:
    """The notes of a family and number by degree; None where these do not go together."""
    name = next((of for of in _FAMILIES if of != "major" and match[of]), "major")
    family, large, number = _FAMILIES[name], match["large"], match["number"] or ""
    if not number and (name == "half" or (large and large in "Δ^j")):
        number = "7"
    major = name == "major"
    if (
        (number and number not in family.numbers)
        or (large == "#" and name != "minor")
        or (large and name == "half")
        # a sixth is large anyway, and Cmaj a triad
        or (large and number not in {"7", "9", "11", "13", *(("", "6", "69") if major else ())})
        or (match["raised"] and not (major and number in ("7", "9")))
    ):
        return None
    chord = {1: {0}, 3: {family.third}, 5: {8 if match["raised"] else family.fifth}}
    if number in _SMALL:
        chord |= _SMALL[number]
        return {degree: notes for degree, notes in chord.items() if notes}
    thirds = {7: {11 if large or number == "7M" else family.seventh}, 9: {2}, 11: {5}, 13: {9}}
    highest = int(number.removesuffix("M"))
    return chord | {degree: notes for degree, notes in thirds.items() if degree <= highest}


def _changed(
    chord: dict[int, set[int]], changes: Iterable[re.Match[str]], number: str
) -> dict[int, set[int]] | None:
    """A chord, note by degree, with all that is changed in it; None where that makes no sense."""
    rich = 6 in chord or 7 in chord
    altered: dict[int, set[int]] = {}
    added, fourths, without = set[str](), set[str](), set[int]()
    for change in changes:
        if change["sign"]:
            written = ("#" if change["sign"] in "#+" else "b") + change["degree"]
            degree = 11 if change["degree"] == "4" else int(change["degree"])
            if (
                written not in _ALTERED
                or number in ("2", "5")
                or (degree == 5 and chord[5] != {7})  # it is altered already
                or (degree in (9, 11, 13) and not rich)  # added, or above a seventh?
                or (degree in chord and (degree == 6 or number.endswith(str(degree))))
            ):
                return None
            altered.setdefault(degree, set()).add(_ALTERED[written])
        elif change["added"]:
            added.add(change["added"])
        elif change["without"]:
            without.add(int(change["without"]))
        elif change["bare"]:
            if not rich:
                return None
            added.add(change["bare"])
        else:
            fourths |= {*(change["sus"] or "4")}
    if fourths:
        if chord.get(5) == {6} or (chord.get(3) == {3} and not rich) or number in ("2", "5"):
            return None
        del chord[3]
    if ("3" in added and not fourths) or not without <= {*chord}:
        return None
    own = {degree: notes for degree, notes in chord.items() if degree not in without}
    more = {_ADDED[name] for name in added} | {_NATURAL[name] for name in fourths}
    return own | altered | {0: more}
