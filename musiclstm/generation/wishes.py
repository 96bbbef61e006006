"""Wishes, and what becomes of those that were not made.

What a musician leaves open is drawn from the corpus' joint distribution: a training piece that
agrees with the wishes lends its meter, pickup, tempo, key, length, parts and programs. So a waltz
gets a waltz's tempo, and no piece is asked for what the model has never met together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from musiclstm.encoding import Conditions, Vocabulary, style_shares
from musiclstm.errors import RequestError
from musiclstm.features.chord_symbols import chord_spans, key_of_chords, parse_progression
from musiclstm.features.harmony import middle
from musiclstm.generation.habits import Habits
from musiclstm.generation.primer import MAX_BARS, Primer
from musiclstm.generation.rules import bar_line
from musiclstm.generation.steering import Cadence, Sheet, lowest_part
from musiclstm.model import Bundle
from musiclstm.score import Key, Meter, MeterMap, Part

_MOST_NOTES_PER_BAR = 400
_BARS_TO_ADD = 8


@dataclass(frozen=True)
class Wishes:
    """What is asked of a piece; None leaves it to the corpus.

    Attributes:
        bars: Length without the pickup, 1-1000.
        key: Key.
        meter: As ``"3/4"``; one that the corpus uses.
        tempo: Quarter notes a minute, 1-1000.
        style: A style that the model knows, or several with their shares: ``"A:0.7,B:0.3"``.
        programs: General MIDI program by part name.
        chords: A progression, a bar between bars: ``"C | Am F | G7 | C"``; it repeats.
        ranges: Lowest and highest pitch by part name, inclusive.
        density: Notes a bar, all parts together, above 0.
        end: ``"cadence"``: on a tonic chord, on a strong beat.
    """

    bars: int | None = None
    key: Key | None = None
    meter: str | None = None
    tempo: float | None = None
    style: str | None = None
    programs: Mapping[str, int] = field(default_factory=dict)
    chords: str | None = None
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    density: float | None = None
    end: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a piece will be, before its first note.

    Attributes:
        conditions: All that the model is told.
        meter_map: Its meter and pickup.
        part_map: Model parts that take part.
        parts: Their names and programs, index-aligned with ``part_map``.
        tempo: Exact tempo, quarter notes a minute.
        begins: The step at which what is composed begins.
    """

    conditions: Conditions
    meter_map: MeterMap
    part_map: tuple[int, ...]
    parts: tuple[Part, ...]
    tempo: float
    begins: int = 0


def check_wishes(wishes: Wishes, vocabulary: Vocabulary) -> None:
    """Refuse what the model cannot do.

    Raises:
        RequestError: Naming the wish, and what there is.
    """
    if wishes.bars is not None and not 1 <= wishes.bars <= MAX_BARS:
        raise RequestError(f"{wishes.bars} bars cannot be composed; ask for 1 to {MAX_BARS}")
    if wishes.tempo is not None and not 1 <= wishes.tempo <= 1000:
        raise RequestError(f"a tempo of {wishes.tempo:g} is out of range; use 1 to 1000")
    for style in style_shares(wishes.style, vocabulary.styles):
        if style is not None and style not in vocabulary.style_names:
            known = ", ".join(vocabulary.style_names) or "none: it was trained without styles"
            raise RequestError(f"this model knows no style {style!r}; it knows: {known}")
    if wishes.meter is not None:
        name = Meter.parse(wishes.meter).name
        if name not in vocabulary.meters:
            known = ", ".join(vocabulary.meters) or "none: its corpus had no meters"
            raise RequestError(f"this model knows no meter {name}; it knows: {known}")
    names = [part.name for part in vocabulary.parts]
    for name, program in wishes.programs.items():
        if name not in names:
            raise RequestError(f"this model has no part {name!r}; it has: {', '.join(names)}")
        if not 0 <= program <= 127:
            raise RequestError(f"program {program} is outside 0 to 127")
    if wishes.density is not None and not 0 < wishes.density <= _MOST_NOTES_PER_BAR:
        raise RequestError(
            f"a density of {wishes.density:g} notes a bar is out of range; "
            f"use more than 0, at most {_MOST_NOTES_PER_BAR}"
        )
    if wishes.end not in (None, "cadence"):
        raise RequestError(f"a piece cannot end with {wishes.end!r}; it can with 'cadence'")
    _check_ranges(wishes, vocabulary)


def _check_ranges(wishes: Wishes, v: Vocabulary) -> None:
    names = [part.name for part in v.parts]
    chords = (
        [chord for bar in parse_progression(wishes.chords) for chord in bar]
        if (wishes.chords is not None)
        else []
    )
    for name, (low, high) in wishes.ranges.items():
        if name not in names:
            raise RequestError(f"this model has no part {name!r}; it has: {', '.join(names)}")
        if not 0 <= low <= high <= 127:
            raise RequestError(f"{name} cannot range from {low} to {high}; use 0 to 127, low first")
        for chord in chords:
            if not any(pitch % 12 in chord.pitch_classes for pitch in range(low, high + 1)):
                raise RequestError(
                    f"{name} from {low} to {high} has no note of {chord.figure}; "
                    "widen the range, or take another chord"
                )


def ranges_of(wishes: Wishes, bundle: Bundle, semitones: int = 0) -> list[tuple[int, int]]:
    """Lowest and highest pitch of each model part, as far as the wishes say; else the habit.

    Args:
        wishes: Checked with :func:`check_wishes`.
        bundle: Whose habits count.
        semitones: By how much the model reads the music higher than it is written.
    """
    habits = Habits.of_bundle(bundle)
    found = []
    for part, habit in zip(bundle.vocabulary.parts, habits.ranges, strict=True):
        low, high = wishes.ranges.get(part.name, habit)
        if part.name in wishes.ranges and not part.is_drum:
            low, high = low + semitones, high + semitones
        found.append((min(max(low, 0), 127), min(max(high, 0), 127)))
    return found


def sheet_of(
    wishes: Wishes,
    v: Vocabulary,
    meter_map: MeterMap,
    bars: int,
    key: Key | None,
    *,
    semitones: int = 0,
    begins: int = 0,
    end: int | None = None,
    heard: Sequence[int] = (),
) -> Sheet | None:
    """The wishes that steer, laid out along a piece; None where there are none.

    Args:
        wishes: Checked with :func:`check_wishes`.
        v: For the grid.
        meter_map: Of the piece.
        bars: Its length.
        key: Its key as the model reads it.
        semitones: By how much that is higher than it is written.
        begins: The step at which what is composed begins.
        end: The step at which the piece ends; by default after its last bar.
        heard: The model parts that are written; by default all.

    Raises:
        RequestError: If a cadence is asked for where there is no key.
    """
    if wishes.chords is None and wishes.density is None and wishes.end is None:
        return None
    q = v.steps_per_quarter
    spans = None
    if wishes.chords is not None:
        progression = parse_progression(wishes.chords)
        spans = chord_spans(progression, meter_map, bars, q, first_bar(meter_map, begins, q))
    last = bar_line(meter_map, bars - 1, q)
    place = meter_map.locate(last, q)
    bar_steps = int(place.bar_steps)
    cadence = None
    if wishes.end == "cadence":
        if key is None:
            raise RequestError("a cadence needs a key; say which with --key")
        half = middle(place)
        strong = [last] if half is None else [last, last + half]
        lowest = lowest_part(v, heard or range(len(v.parts)))
        ends = end or bar_line(meter_map, bars, q)
        cadence = Cadence(key, last, tuple(strong), ends, lowest)
    pace = wishes.density / bar_steps if wishes.density else None
    return Sheet.of(
        spans, semitones=semitones, pace=pace, bar_steps=bar_steps, begins=begins, cadence=cadence
    )


def plan_piece(bundle: Bundle, wishes: Wishes, rng: np.random.Generator) -> Plan:
    """Draw what was left open.

    Args:
        bundle: Its corpus is drawn from.
        wishes: Checked with :func:`check_wishes`.
        rng: One draw decides.
    """
    v = bundle.vocabulary
    pieces = [piece for piece in bundle.corpus.get("pieces", []) if piece.get("split") == "train"]
    shares = style_shares(wishes.style, v.styles)
    main = max(shares, key=lambda name: shares[name])  # lends what cannot be mixed
    # a style and a meter that never met: the style's parts matter more than the meter's tempo
    alike = _agreeing(pieces, replace(wishes, style=main))
    model = alike or _agreeing(pieces, Wishes(style=main)) or pieces
    piece = model[int(rng.integers(len(model)))] if model else {}
    meter_map = _meter_map(piece, wishes, v)
    key = wishes.key or (Key.from_index(piece["key"]) if piece.get("key") is not None else None)
    if wishes.key is None and wishes.chords is not None:
        key = key_of_chords(parse_progression(wishes.chords))
    tempo = wishes.tempo or piece.get("tempo")
    conditions = Conditions(
        style=wishes.style or piece.get("style") or None,
        key=key,
        meter=meter_map.meters[0].name if meter_map.meters else None,
        tempo=tempo,
        bars=wishes.bars or min(piece.get("bars") or 32, MAX_BARS),
    )
    part_map = tuple(piece.get("parts") or range(len(v.parts)))
    programs = piece.get("programs") or [v.parts[part].program for part in part_map]
    parts = tuple(
        Part(
            program=wishes.programs.get(v.parts[part].name, program),
            is_drum=v.parts[part].is_drum,
            name=v.parts[part].name,
        )
        for part, program in zip(part_map, programs, strict=True)
    )
    return Plan(conditions, meter_map, part_map, parts, float(tempo or 100.0))


def first_bar(meter_map: MeterMap, begins: int, steps_per_quarter: int) -> int:
    """The bar with which what is composed begins, 0 up; a pickup, or a rest of a bar, is before it.

    Args:
        meter_map: Of the piece.
        begins: The step at which it begins.
        steps_per_quarter: The grid.
    """
    place = meter_map.locate(begins, steps_per_quarter)
    return max(0, int(place.bar) + (int(place.position) > 0))


def plan_after(given: Primer, wishes: Wishes, bundle: Bundle) -> Plan:
    """What a piece will be that goes on from another: what that is, but for the wishes.

    What is new begins where the last given note ends, and goes on to the end of as many bars as are
    wished for; where it begins within a bar, that is not counted. All parts take part that training
    pieces have together with the given ones: a voice that has learned to go with others goes astray
    without them.

    Args:
        given: The piece.
        wishes: Checked with :func:`check_wishes`.
        bundle: The model.

    Raises:
        RequestError: If another meter is wished for.
    """
    if wishes.meter is not None:
        raise RequestError("the piece has its own meter; leave it to it")
    v = bundle.vocabulary
    piece, q = given.encoded, v.steps_per_quarter
    begins = -(-given.given.end * q // given.given.steps_per_quarter)
    bar = first_bar(piece.meter_map, begins, q)
    known = piece.conditions
    key = wishes.key.transposed(given.semitones) if wishes.key else known.key
    bars = bar + (wishes.bars or _BARS_TO_ADD)
    tempo = wishes.tempo or known.tempo
    conditions = replace(known, style=wishes.style, key=key, tempo=tempo, bars=bars)
    part_map = _together(bundle, piece.part_map)
    parts = tuple(Part(v.parts[n].program, v.parts[n].is_drum, v.parts[n].name) for n in part_map)
    bpm = float(tempo or given.given.bpm)
    return Plan(conditions, piece.meter_map, part_map, parts, bpm, begins)


def _together(bundle: Bundle, parts: Sequence[int]) -> tuple[int, ...]:
    """The parts that most training pieces have which have these; these alone where none has."""
    every = range(len(bundle.vocabulary.parts))
    known = Counter(
        tuple(sorted(of.get("parts") or every)) for of in bundle.corpus.get("pieces", [])
    )
    fit = {those: count for those, count in known.items() if set(parts) <= set(those)}
    return max(fit, key=lambda those: fit[those]) if fit else tuple(parts)


def _agreeing(pieces: Sequence[Mapping[str, Any]], wishes: Wishes) -> list[Mapping[str, Any]]:
    """Pieces with the style and meter that were wished for, and the mode where any has it."""
    found = [
        piece
        for piece in pieces
        if (wishes.style is None or piece.get("style") == wishes.style)
        and (wishes.meter is None or _meter_name(piece) == Meter.parse(wishes.meter).name)
    ]
    if wishes.key is not None:
        mode = [p for p in found if p.get("key") is not None and _mode(p) == wishes.key.mode]
        return mode or found
    return found


def _mode(piece: Mapping[str, Any]) -> str:
    return Key.from_index(piece["key"]).mode


def _meter_name(piece: Mapping[str, Any]) -> str | None:
    meters = piece.get("meters") or []
    return Meter(*meters[0]).name if meters else None


def _meter_map(piece: Mapping[str, Any], wishes: Wishes, v: Vocabulary) -> MeterMap:
    """The first meter of the piece, kept to its end, or the meter wished for."""
    if wishes.meter is not None and _meter_name(piece) != Meter.parse(wishes.meter).name:
        return MeterMap((Meter.parse(wishes.meter),))
    meters = piece.get("meters") or []
    if not meters:
        return MeterMap()
    meter = Meter(0, *meters[0][1:])
    pickup = min(int(piece.get("pickup") or 0), meter.bar_steps(v.steps_per_quarter) - 1)
    return MeterMap((meter,), max(pickup, 0))
