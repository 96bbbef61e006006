"""What is read of one MIDI track, and how much reading may take on."""

from array import array
from dataclasses import dataclass, field
from enum import IntEnum

MAX_METAS = 100_000  # tempos, meters, keys and names of a file: a tempo a quarter at the limit
# A search costs a millisecond, a look after a wrong value ten microseconds: two seconds a file.
MAX_SEARCHES = 64
MAX_BAD_VALUES = 50_000


class Kind(IntEnum):
    """What an event does; ``first`` and ``second`` are its data bytes."""

    OFF = 0  # pitch, velocity
    ON = 1  # pitch, velocity > 0
    PEDAL = 2  # 64, position
    PROGRAM = 3  # program, 0
    SILENCE = 4  # 0, 0: all notes of the bus off


@dataclass
class Limits:
    """What is left of what a file may have; used up while it is read.

    Attributes:
        tick: The last tick at which anything may happen.
        quarter: Length of a quarter in ticks, rounded up.
        notes: Note-ons.
        messages: Messages of all kinds.
        metas: Tempos, meters, keys, names and ports.
        searches: Damaged places after which is searched far and wide.
        bad_values: Damaged messages.
    """

    tick: int
    quarter: int
    notes: int
    messages: int
    metas: int = MAX_METAS
    searches: int = MAX_SEARCHES
    bad_values: int = MAX_BAD_VALUES


@dataclass(slots=True)
class Track:
    """One track as it is read.

    Attributes:
        number: Its place in the file, from 1.
        packed: Channel events, each as ``tick << 23 | channel << 19 | kind << 16 | first << 8 |
            second``, with the channel 0-15.
        metas: Tempos, meters and keys: tick, meta type, data.
        name: The track's name, else its instrument's.
        port: The MIDI port it plays on.
        end: The tick after which nothing of it sounds.
        notes: Number of note-ons.
        broken_at: The tick after which it could not be read; -1: it was read to its end.
        left: Bytes after its end-of-track event; -1: it has none.
    """

    number: int
    packed: "array[int]" = field(default_factory=lambda: array("q"))
    metas: list[tuple[int, int, bytes]] = field(default_factory=list)
    name: str = ""
    port: int = 0
    end: int = 0
    notes: int = 0
    broken_at: int = -1
    left: int = -1
