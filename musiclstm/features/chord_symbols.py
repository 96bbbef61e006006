"""Chord symbols: what a musician types, as pitch classes laid along the bars of a piece.

Conventions: pitch classes are 0-11, C = 0. What stands after the root is read in
:mod:`.chord_kinds`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from musiclstm.errors import RequestError
from musiclstm.features.chord_kinds import likely, notes_of
from musiclstm.features.key import key_of_histogram
from musiclstm.score import Key, MeterMap

IntArray = npt.NDArray[np.int32]
Progression = tuple[tuple["ChordSymbol", ...], ...]

MOST_BARS = 1000
MOST_CHORDS_A_BAR = 16
_LONGEST = 24  # characters of a symbol
_NOTE = r"[A-G](?:##?|bb?)?"
_SYMBOL = re.compile(rf"(?P<root>{_NOTE})(?P<kind>.*?)(?:/(?P<bass>{_NOTE}))?")
_TWO_ROOTS = re.compile(r"[A-G](?:##|bb)(?:[569]|11|13)")  # Abb5: Abb with a 5, or Ab with a b5?
_LIKE = "write it like C, Am, F#m7, Bbmaj7 or C/E"
_NO_CHORD = frozenset({"n.c.", "nc", "n.c", "-"})


@dataclass(frozen=True)
class ChordSymbol:
    """A chord.

    Attributes:
        figure: As it was typed.
        pitch_classes: Its notes, 0-11; all twelve where no chord is asked for.
        root: Pitch class.
        bass: Pitch class that the lowest note is to have, written after a slash; None for any.
    """

    figure: str
    pitch_classes: frozenset[int]
    root: int
    bass: int | None


@dataclass(frozen=True)
class Spans:
    """Chords along a piece, one after the other without gaps.

    Attributes:
        start: First step of each, int32 ``(n,)``.
        end: The step after its last, ``(n,)``.
        chords: Which, ``n`` of them.
    """

    start: IntArray
    end: IntArray
    chords: tuple[ChordSymbol, ...]


@cache
def parse_chord(text: str) -> ChordSymbol:
    """Read a chord symbol.

    Raises:
        RequestError: If it is none.

    >>> sorted(parse_chord("Bb7").pitch_classes), parse_chord("C/E").bass
    ([2, 5, 8, 10], 4)
    """
    figure = text.strip()
    if figure.lower() in _NO_CHORD:
        return ChordSymbol(figure, frozenset(range(12)), 0, None)
    plain = figure.replace("♭", "b").replace("♯", "#")
    match = _SYMBOL.fullmatch(plain)
    readable = len(figure) <= _LONGEST and plain.isprintable()
    notes = notes_of(match["kind"]) if match and readable else None
    if match is None or notes is None or _TWO_ROOTS.match(plain):
        raise _unknown(figure, _meant(plain) if readable else [])
    root = _pitch_class(match["root"])
    bass = _pitch_class(match["bass"]) if match["bass"] else None
    found = {(root + step) % 12 for step in notes}
    return ChordSymbol(figure, frozenset(found if bass is None else found | {bass}), root, bass)


def parse_progression(text: str) -> Progression:
    """Read a progression: chords, with a bar between bars.

    Bars at its ends mean nothing; an empty bar, or ``%``, is the bar before once more.

    Raises:
        RequestError: If there is no chord in it, or one that nobody knows, or too many.

    >>> [[chord.figure for chord in bar] for bar in parse_progression("C | Am F | % | G7 |")]
    [['C'], ['Am', 'F'], ['Am', 'F'], ['G7']]
    """
    words = [bar.split() for bar in text.strip().removeprefix("|").removesuffix("|").split("|")]
    if not any(words):
        raise RequestError("there is no chord in the progression; write 'C | Am F | G7 | C'")
    if len(words) > MOST_BARS or max(map(len, words)) > MOST_CHORDS_A_BAR:
        raise RequestError(
            f"the progression is too long; use at most {MOST_BARS} bars "
            f"of at most {MOST_CHORDS_A_BAR} chords"
        )
    bars: list[tuple[ChordSymbol, ...]] = []
    for bar in words:
        if bar in ([], ["%"]):
            if not bars:
                raise RequestError("the progression begins with an empty bar; begin with a chord")
            bars.append(bars[-1])
        else:
            bars.append(tuple(parse_chord(word) for word in bar))
    return tuple(bars)


def chord_spans(
    progression: Progression,
    meter_map: MeterMap,
    bars: int,
    steps_per_quarter: int,
    first: int = 0,
) -> Spans:
    """Lay a progression along a piece.

    The chords of a bar share its beats, the earlier ones take those that are left over: two chords
    in 3/4 have two beats and one. The progression repeats, backwards too. A pickup has the last
    chord of a progression that begins with the first bar: it leads there.

    Args:
        progression: At least one bar.
        meter_map: Of the piece.
        bars: Its length, without the pickup.
        steps_per_quarter: The grid.
        first: The bar, from 0, with which the progression begins.
    """
    starts, chords = [], []
    stretches = meter_map.stretches(steps_per_quarter)
    step = int(stretches.start[0])
    if step:
        starts.append(0)
        chords.append(progression[(-1 - first) % len(progression)][-1])
    for bar in range(bars):
        which = int(np.searchsorted(stretches.bar, bar, side="right")) - 1
        begins = int(stretches.start[which])
        step = begins + (bar - int(stretches.bar[which])) * int(stretches.bar_steps[which])
        own = progression[(bar - first) % len(progression)]
        for place, chord in zip(
            _shares(len(own), int(stretches.bar_steps[which]), int(stretches.beat_steps[which])),
            own,
            strict=True,
        ):
            starts.append(step + place)
            chords.append(chord)
        step += int(stretches.bar_steps[which])
    start = np.array(starts, np.int32)
    return Spans(start, np.append(start[1:], step).astype(np.int32), tuple(chords))


def key_of_chords(progression: Progression) -> Key | None:
    """Find the key that a progression sounds most like; its first and last chord count twice.

    >>> key_of_chords(parse_progression("Am | Dm | E7 | Am")).name
    'A minor'
    """
    chords = [chord for bar in progression for chord in bar]
    histogram = np.zeros(12)
    for chord in (*chords, chords[0], chords[-1]):
        histogram[list(chord.pitch_classes)] += 1
        histogram[chord.root] += 1
    return key_of_histogram(histogram)


def _shares(chords: int, bar_steps: int, beat_steps: int) -> list[int]:
    """Where in a bar each of its chords begins."""
    beats = bar_steps // beat_steps
    if chords > beats:  # more chords than beats: they share the steps
        return [bar_steps * number // chords for number in range(chords)]
    return [-(-beats * number // chords) * beat_steps for number in range(chords)]


def _pitch_class(name: str) -> int:
    letter = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return (letter + name.count("#") - name[1:].count("b")) % 12


def _meant(plain: str) -> list[str]:
    """Symbols that may be meant by one that is none."""
    match, found = _SYMBOL.fullmatch(plain), list[str]()
    if _TWO_ROOTS.match(plain):
        found = [f"{plain[:2]}({plain[2:]})", f"{plain[:2]}7{plain[2:]}"]
    elif match:
        bass = f"/{match['bass']}" if match["bass"] else ""
        found = [f"{match['root']}{kind}{bass}" for kind in likely(match["kind"])]
    # am for Am, C/e for C/E, and the German H
    upper = re.sub(r"(?:^|(?<=/))[a-hH]", lambda note: note[0].upper().replace("H", "B"), plain)
    readable = (_SYMBOL.fullmatch(symbol) for symbol in [*found, upper])
    return [of[0] for of in readable if of and of[0] != plain and notes_of(of["kind"]) is not None]


def _unknown(figure: str, meant: Sequence[str]) -> RequestError:
    shown = figure[:_LONGEST].encode("unicode_escape").decode("ascii")
    like = f"it could be {' or '.join(meant)}" if meant else _LIKE
    return RequestError(f"{shown!r} is no chord symbol; {like}")


__all__: Sequence[str] = (
    "ChordSymbol",
    "Progression",
    "Spans",
    "chord_spans",
    "key_of_chords",
    "parse_chord",
    "parse_progression",
)
