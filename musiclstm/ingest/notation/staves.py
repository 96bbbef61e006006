"""A staff of music21 -> the part it is: its sound, and a name that no other staff of the piece has.

Two hands of one keyboard are called right and left; others that share a name are numbered.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from musiclstm.score import Part

Stream = Any  # music21 carries no usable types
_NO_NAME = "MusicXML Part"  # what programs write where nobody gave a name
# General MIDI: pianos, mallets, organs and accordions; the harp
_TWO_HANDED = frozenset({*range(24), 46})
_HANDS = ("right hand", "left hand")


def part_of(stream: Stream) -> Part:
    """What a staff says of its instrument."""
    instrument = stream.getInstrument(returnDefault=True)
    drum = "UnpitchedPercussion" in instrument.classes
    name = " ".join((stream.partName or instrument.partName or "").split())
    name = "" if name == _NO_NAME else name
    program = instrument.midiProgram
    if program is None and name and not drum:
        program = _program_of(name)
    legal = program is not None and 0 <= program <= 127
    return Part(program if legal and not drum else 0, drum, name)


def _program_of(name: str) -> int | None:
    """The General MIDI program, 0-127, of an instrument by its name in any common language."""
    from music21 import instrument  # noqa: PLC0415

    try:
        program: int | None = instrument.fromString(name).midiProgram
    except instrument.InstrumentException:
        return None
    return program


def told_apart(parts: Sequence[Part], hands: Sequence[bool]) -> list[Part]:
    """Give parts of one name different names.

    Args:
        parts: From the top of the page down.
        hands: For each, whether it is one of several staves of one instrument.

    Returns:
        The parts; those without a name stay without, unless they are hands.

    >>> pair = [Part(0, name="Piano"), Part(0, name="Piano"), Part(40, name="Violin")]
    >>> [part.name for part in told_apart(pair, [True, True, False])]
    ['Piano right hand', 'Piano left hand', 'Violin']
    """
    alike = Counter((part.name.lower(), part.is_drum) for part in parts)
    place: Counter[tuple[str, bool]] = Counter()
    result = []
    for part, hand in zip(parts, hands, strict=True):
        key = (part.name.lower(), part.is_drum)
        number, place[key] = place[key], place[key] + 1
        name = part.name
        if alike[key] == 2 and not part.is_drum and part.program in _TWO_HANDED and (hand or name):
            name = f"{name} {_HANDS[number]}".strip()
        elif alike[key] > 1 and name:
            name = f"{name} {number + 1}"
        result.append(Part(part.program, part.is_drum, name))
    return result
