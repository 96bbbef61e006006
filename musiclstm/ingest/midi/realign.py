"""Where a damaged track goes on.

The bytes of a track bear no marks: where a byte is missing, too many or wrong, everything after it
can be misread. What tells sense from nonsense is what follows: from the right place a row of whole
events can be read, with bytes of status, in range, and of plausible lengths.
"""

from dataclasses import dataclass

LOOKAHEAD = 4  # events that must be whole; by chance, one place in some thousands has as many
SEARCH_BYTES = 1024  # how far events are searched for
_DELTA_BYTES = 3  # 2,097,151 ticks: longer pauses there are, but seldom right after damage
_NUMBER_BYTES = 4  # what a length may take
# meta events whose length is fixed: channel, port, end, tempo, SMPTE offset, meter, key
_META_SIZES = {0x20: 1, 0x21: 1, 0x2F: 0, 0x51: 3, 0x54: 5, 0x58: 4, 0x59: 2}
_TEXT_METAS = frozenset({*range(10), 0x7F})  # and the sequencer's own
_END_OF_TRACK = 0x2F


def data_bytes(status: int) -> int:
    """How many data bytes follow a channel message's status, 1 or 2."""
    return 1 if 0xC0 <= status < 0xE0 else 2


@dataclass(frozen=True)
class Realigned:
    """Where to read on.

    Attributes:
        at: Place of the next delta time.
        whole: Whether the damaged message has its full length, so that only its values are wrong.
    """

    at: int
    whole: bool = False


def after_bad_value(data: bytes, at: int, end: int, status: int) -> Realigned | None:
    """Find what follows a channel message with a data byte above 127, from near to far.

    Either the value is wrong (a pitch of 200), or bytes are missing or too many.

    Args:
        data: A track.
        at: Where the message's data bytes begin.
        end: Where the track ends.
        status: The message's.
    """
    after = at + data_bytes(status)
    # such a value seldom comes alone: where each event has its status, their values may be wrong
    if _goes_on(data, after, end, 0, all_written=True, any_value=True):
        return Realigned(after, whole=True)
    for place in range(at, after):
        if _goes_on(data, place, end, 0, all_written=True):
            return Realigned(place)
    if _goes_on(data, after, end, status):
        return Realigned(after, whole=True)
    return None


def next_event(data: bytes, at: int, end: int) -> Realigned | None:
    """Search for the first place at or after ``at`` from which events can be read."""
    for place in range(at, min(end, at + SEARCH_BYTES)):
        if _goes_on(data, place, end, 0):
            return Realigned(place)
    return None


def _goes_on(
    data: bytes,
    at: int,
    end: int,
    status: int,
    *,
    all_written: bool = False,
    any_value: bool = False,
) -> bool:
    """Whether events can be read from ``at`` on.

    Args:
        data: A track.
        at: Where a delta time should begin.
        end: Where the track ends.
        status: What holds in running status; 0: the first event must bring its own.
        all_written: Whether every event must.
        any_value: Whether data bytes may be above 127.
    """
    for seen in range(LOOKAHEAD):
        if at == end:  # one event alone proves nothing
            return seen > 1
        delta, at = _short_number(data, at, end, _DELTA_BYTES)
        if delta < 0 or at >= end:
            return False
        lead = data[at]
        if lead >= 0xF0:
            kind = data[at + 1] if lead == 0xFF and at + 1 < end else -1
            at = _after_system_event(data, at, end, kind)
            if kind == _END_OF_TRACK and at >= 0:
                return True
        else:
            if lead >= 0x80:
                status, at = lead, at + 1
            after = at + data_bytes(status)
            if not status or after > end or not (any_value or data[at:after].isascii()):
                return False
            at, status = after, 0 if all_written else status
        if at < 0:
            return False
    return True


def _after_system_event(data: bytes, at: int, end: int, kind: int) -> int:
    """Where a meta event (of this kind) or system exclusive (-1) ends; -1 where it is none."""
    if kind < 0 and data[at] not in (0xF0, 0xF7):
        return -1
    size, after = _short_number(data, at + (2 if kind >= 0 else 1), end, _NUMBER_BYTES)
    right_size = kind < 0 or kind in _TEXT_METAS or _META_SIZES.get(kind) == size
    return after + size if right_size and 0 <= size <= end - after else -1


def _short_number(data: bytes, at: int, end: int, longest: int) -> tuple[int, int]:
    """A number of at most ``longest`` bytes and where it ends; -1 where there is none."""
    value = 0
    for place in range(at, min(end, at + longest)):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return -1, at
