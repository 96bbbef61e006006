"""The bytes of one MIDI track -> its messages, each read by music21's ``MidiEvent``.

The one module that imports music21's MIDI layer when it is imported (half a second): import it
inside functions.

music21's own ``MidiTrack.read`` hands every event the whole rest of the track and copies it again
and again, so its time grows with the square of the track's length. Here each event is handed its
own few bytes: the same reader, three times as fast, in memory that does not grow.
"""

from dataclasses import dataclass, field

from music21.midi import (
    METAEVENT_MARKER,
    ChannelVoiceMessages,
    MetaEvents,
    MidiEvent,
    MidiException,
    MidiFile,
    SysExEvents,
    getVariableLengthNumber,
)

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.events import MAX_TICK, Kind

PEDAL_CONTROLLER = 64
_TIMING_METAS = frozenset(
    {int(MetaEvents.SET_TEMPO), int(MetaEvents.TIME_SIGNATURE), int(MetaEvents.KEY_SIGNATURE)}
)
_SYSTEM_EXCLUSIVE = frozenset({int(event) for event in SysExEvents})
_NUMBER_WINDOW = 12  # bytes that a length or a delta time may take; MIDI allows 4


@dataclass
class Track:
    """One track as it is read.

    Attributes:
        packed: Channel events, each as ``tick << 23 | channel << 19 | kind << 16 | first << 8 |
            second``, with the channel 0-15.
        metas: Tempos, meters and keys: tick, meta type, data.
        name: The track's name, else its instrument's.
        port: The MIDI port it plays on.
        end: Tick of its last event.
        notes: Number of note-ons.
    """

    packed: list[int] = field(default_factory=list)
    metas: list[tuple[int, int, bytes]] = field(default_factory=list)
    name: str = ""
    port: int = 0
    end: int = 0
    notes: int = 0


def ticks_per_quarter(header: bytes) -> int:
    """Read the grid from a file's first 14 bytes (whose length field says 6)."""
    file = MidiFile()
    file.readstr(header[:10] + b"\0\0" + header[12:14])  # a file of no tracks
    return int(file.ticksPerQuarterNote)


def read_track(data: bytes, number: int, room: int) -> Track:
    """Read one track.

    Args:
        data: Its bytes, without the chunk's header.
        number: Its place in the file, from 1, for messages.
        room: How many notes are still allowed.

    Raises:
        UnreadableFileError: If it is damaged, or has too many notes.
    """
    track = Track()
    try:
        _read_messages(data, track, room)
    except (MidiException, IndexError, ValueError) as error:
        raise UnreadableFileError(f"track {number} is damaged or cut off") from error
    if track.end > MAX_TICK:
        raise UnreadableFileError("it has a pause of more than a hundred years in it")
    return track


def _read_messages(data: bytes, track: Track, room: int) -> None:
    """Fill ``track``: one pass, with every name that the loop needs made local for speed."""
    note_on, note_off = ChannelVoiceMessages.NOTE_ON, ChannelVoiceMessages.NOTE_OFF
    on, off = int(Kind.ON) << 16, int(Kind.OFF) << 16
    event = MidiEvent()  # one for all: it carries nothing over but what it has just read
    parse, append = event.parseChannelVoiceMessage, track.packed.append
    status = b"\x90"  # what music21 assumes, should a track begin in running status
    at = tick = notes = 0
    end = len(data)
    while at < end:
        if data[at] < 0x80:  # most delta times are one byte
            tick += data[at]
            at += 1
        else:
            delta, size = _number(data, at)
            tick += delta
            at += size
        track.end = tick
        if at == end or tick > MAX_TICK:  # a last delta time with nothing after it is harmless
            break
        lead = data[at]
        if lead >= 0xF0:
            at = _read_meta(data, at, event, track)
            continue
        window = data[at : at + 3]
        if lead < 0x80:  # running status: the byte before holds on
            window = status + window[:2]
            at -= 1
        else:
            status = window[:1]
        at += len(window) - len(parse(window))
        kind = event.type
        if kind is note_on or kind is note_off:
            code = off
            if kind is note_on and event.parameter2:
                code = on
                notes += 1
                if notes > room:
                    raise UnreadableFileError("it holds more notes than max_notes allows")
            append(
                tick << 23 | event.channel - 1 << 19 | code | event.parameter1 << 8
                | event.parameter2
            )  # fmt: skip
        else:
            _keep_control(event, tick, track)
    track.notes = notes


def _keep_control(event: MidiEvent, tick: int, track: Track) -> None:
    """Keep a pedal movement or a program change; other messages do not matter to a Score."""
    if event.type is ChannelVoiceMessages.PROGRAM_CHANGE:
        kind, first, second = Kind.PROGRAM, event.data, 0
    elif (
        event.type is ChannelVoiceMessages.CONTROLLER_CHANGE
        and event.parameter1 == PEDAL_CONTROLLER
    ):
        kind, first, second = Kind.PEDAL, PEDAL_CONTROLLER, event.parameter2
    else:
        return
    track.packed.append(tick << 23 | event.channel - 1 << 19 | kind << 16 | first << 8 | second)


def _read_meta(data: bytes, at: int, event: MidiEvent, track: Track) -> int:
    """Read the meta or system event at ``at`` and return where the next one begins."""
    is_meta = data[at] == METAEVENT_MARKER
    if not is_meta and data[at] not in _SYSTEM_EXCLUSIVE:
        raise ValueError(f"{data[at]:#x} has no place in a file")
    size_at = at + (2 if is_meta else 1)
    size, size_bytes = _number(data, size_at)
    after = size_at + size_bytes + size
    if after > len(data):
        raise ValueError("a meta event is cut off")
    if not is_meta:
        return after
    event.read(data[at:after])
    kind, content = data[at + 1], event.data
    if kind in _TIMING_METAS:
        track.metas.append((track.end, kind, content))
    elif kind == MetaEvents.SEQUENCE_TRACK_NAME or (
        kind == MetaEvents.INSTRUMENT_NAME and not track.name
    ):
        track.name = decoded(content) or track.name
    elif kind == MetaEvents.MIDI_PORT and content and not track.packed:
        track.port = content[0]
    return len(data) if kind == MetaEvents.END_OF_TRACK else after


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length: the number, and how many bytes it took."""
    window = data[at : at + _NUMBER_WINDOW]
    value, rest = getVariableLengthNumber(window)
    return value, len(window) - len(rest)


def decoded(raw: bytes) -> str:
    r"""Read a name as UTF-8, else as Latin-1, without control characters around or inside it.

    >>> decoded(b"Fl\xf6te 1\x00 ")
    'Flöte 1'
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(sign for sign in text if sign.isprintable()).strip()
