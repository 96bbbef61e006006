"""Wishes, and what becomes of those that were not made.

What a musician leaves open is drawn from the corpus' joint distribution: a training piece that
agrees with the wishes lends its meter, pickup, tempo, key, length, parts and programs. So a waltz
gets a waltz's tempo, and no piece is asked for what the model has never met together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from musiclstm.encoding import Conditions, Vocabulary
from musiclstm.errors import RequestError
from musiclstm.model import Bundle
from musiclstm.score import Key, Meter, MeterMap, Part

MAX_BARS = 1000


@dataclass(frozen=True)
class Wishes:
    """What is asked of a piece; None leaves it to the corpus.

    Attributes:
        bars: Length without the pickup, 1-1000.
        key: Key.
        meter: As ``"3/4"``; one that the corpus uses.
        tempo: Quarter notes a minute, 1-1000.
        style: A style that the model knows.
        programs: General MIDI program by part name.
    """

    bars: int | None = None
    key: Key | None = None
    meter: str | None = None
    tempo: float | None = None
    style: str | None = None
    programs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a piece will be, before its first note.

    Attributes:
        conditions: All that the model is told.
        meter_map: Its meter and pickup.
        part_map: Model parts that take part.
        parts: Their names and programs, index-aligned with ``part_map``.
        tempo: Exact tempo, quarter notes a minute.
    """

    conditions: Conditions
    meter_map: MeterMap
    part_map: tuple[int, ...]
    parts: tuple[Part, ...]
    tempo: float


def check_wishes(wishes: Wishes, vocabulary: Vocabulary) -> None:
    """Refuse what the model cannot do.

    Raises:
        RequestError: Naming the wish, and what there is.
    """
    if wishes.bars is not None and not 1 <= wishes.bars <= MAX_BARS:
        raise RequestError(f"{wishes.bars} bars cannot be composed; ask for 1 to {MAX_BARS}")
    if wishes.tempo is not None and not 1 <= wishes.tempo <= 1000:
        raise RequestError(f"a tempo of {wishes.tempo:g} is out of range; use 1 to 1000")
    if wishes.style is not None and wishes.style not in vocabulary.style_names:
        known = ", ".join(vocabulary.style_names) or "none: it was trained without styles"
        raise RequestError(f"this model knows no style {wishes.style!r}; it knows: {known}")
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


def plan_piece(bundle: Bundle, wishes: Wishes, rng: np.random.Generator) -> Plan:
    """Draw what was left open.

    Args:
        bundle: Its corpus is drawn from.
        wishes: Checked with :func:`check_wishes`.
        rng: One draw decides.
    """
    v = bundle.vocabulary
    pieces = [piece for piece in bundle.corpus.get("pieces", []) if piece.get("split") == "train"]
    # a style and a meter that never met: the style's parts matter more than the meter's tempo
    model = _agreeing(pieces, wishes) or _agreeing(pieces, Wishes(style=wishes.style)) or pieces
    piece = model[int(rng.integers(len(model)))] if model else {}
    meter_map = _meter_map(piece, wishes, v)
    key = wishes.key or (Key.from_index(piece["key"]) if piece.get("key") is not None else None)
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
