"""The bytes of one MIDI track -> its messages, each read by music21's ``MidiEvent``.

The one module that imports music21's MIDI layer when it is imported (half a second): import it
inside functions.

music21's own ``MidiTrack.read`` hands every event the whole rest of the track and copies it again
and again, so its time grows with the square of the track's length. Here each event is handed its
own few bytes: the same reader, three times as fast, in memory that does not grow.

Damage is passed over where it can be told what comes after it (:mod:`.realign`); else the track is
kept up to there. A running status outlives meta events and system exclusive: the standard ends it
there, but many programs go on with it, and nothing else could be meant.
"""

import codecs
import re

from music21.midi import (
    METAEVENT_MARKER,
    ChannelModeMessages,
    ChannelVoiceMessages,
    MetaEvents,
    MidiEvent,
    SysExEvents,
    getVariableLengthNumber,
)

from musiclstm.ingest.midi.realign import SEARCH_BYTES, after_bad_value, data_bytes, next_event
from musiclstm.ingest.midi.timing import KEY_META, METER_META, TEMPO_META, is_possible
from musiclstm.ingest.midi.track import Kind, Limits, Track
from musiclstm.ingest.problems import Findings, Problem, Repair

PEDAL_CONTROLLER = 64
MAX_NAME = 200  # signs; longer track names are texts in the wrong place
# How long a pedal may hold after a track's last event, whatever silence follows: four bars. None
# of 1,141 files of real music holds longer.
RING_QUARTERS = 16

_DROPPED = {TEMPO_META: Repair.TEMPO, METER_META: Repair.METER, KEY_META: Repair.KEY}
_NAME_METAS = (int(MetaEvents.SEQUENCE_TRACK_NAME), int(MetaEvents.INSTRUMENT_NAME))
_END_OF_TRACK = int(MetaEvents.END_OF_TRACK)
_READ_METAS = frozenset({*_DROPPED, *_NAME_METAS, int(MetaEvents.MIDI_PORT)})
_SYSTEM_EXCLUSIVE = frozenset({int(event) for event in SysExEvents})
_SILENCING = frozenset({ChannelModeMessages.ALL_SOUND_OFF, ChannelModeMessages.ALL_NOTES_OFF})
# data bytes of system messages, which have no place in files: time code, song position and number
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1}

# A track is read with two bytes behind it that are no data, so that what is cut off shows.
_GUARD = b"\x80\x80"
_NUMBER_BYTES = 4  # what MIDI allows for a number; longer ones are read with care
_BEGINNING_OF_NUMBER = re.compile(rb"[\x80-\xff]*")
_LONGEST_NUMBER = 8  # significant bytes; what is longer is absurd, and only that matters
_ABSURD = 1 << 62
_NEVER = 1 << 126  # more than all the pauses that fit into a file


def read_track(data: bytes, number: int, limits: Limits, found: Findings) -> Track:
    """Read one track, as far as it can be read.

    Args:
        data: Its bytes, without the chunk's header.
        number: Its place in the file, from 1.
        limits: What the file may still have; brought up to date.
        found: Takes what had to be put right.

    Raises:
        UnreadableFileError: If it has too many notes or messages, or a note too far off.
    """
    return _TrackReader(data, number, limits, found).read()


class _TrackReader:
    """Reads one track; see :func:`read_track`."""

    def __init__(self, data: bytes, number: int, limits: Limits, found: Findings) -> None:
        self.data = data + _GUARD
        self.end = len(data)
        self.limits = limits
        self.found = found
        self.track = Track(number)
        self.event = MidiEvent()  # one for all: it keeps nothing but what it has just read

    @property
    def place(self) -> str:
        return f"track {self.track.number}"

    def read(self) -> Track:  # noqa: PLR0912, PLR0915 - a call would cost as much as a message
        """One pass, with every name that the loop needs made local for speed."""
        note_on, note_off = ChannelVoiceMessages.NOTE_ON, ChannelVoiceMessages.NOTE_OFF
        on, off = int(Kind.ON) << 16, int(Kind.OFF) << 16
        event, track, data, end = self.event, self.track, self.data, self.end
        parse, append = event.parseChannelVoiceMessage, track.packed.append
        limit, room, problem = self.limits.tick, self.limits.notes, Problem.TOO_MANY_NOTES
        status = b""
        at = tick = notes = spent = 0
        for spent in range(self.limits.messages):  # noqa: B007 - used below
            if at >= end:
                break
            delta = data[at]
            if delta < 0x80:  # most delta times are one byte
                tick += delta
                at += 1
            else:
                delta, at = _number(data, at)
                tick += delta
            if tick > limit:  # the rest is harmless as long as no note begins in it
                limit, room, problem = _NEVER, notes, Problem.TOO_LONG
                append = _forget
            if at >= end:  # a last delta time with nothing after it is harmless
                break
            lead = data[at]
            if lead >= 0xF0:
                at = self._pass_over(at, tick, keep=append is not _forget)
                continue
            if lead < 0x80:  # running status: the byte before holds on
                if not status:
                    at = self._search(at)
                    continue
                body = data[at : at + 2]
                window = status + body
                at -= 1
            else:
                window = data[at : at + 3]
                body, status = window[1:], window[:1]
            if body.isascii():
                at += 3 - len(parse(window))
            else:  # a message of one data byte before a longer delta time, or damage
                at, window = self._put_right(window, at + 1)
                if not window:
                    continue
                parse(window)
            kind = event.type
            if kind is note_on or kind is note_off:
                code = off
                if kind is note_on and event.parameter2:
                    code = on
                    notes += 1
                    if notes > room:
                        raise problem.error()
                append(
                    tick << 23 | event.channel - 1 << 19 | code | event.parameter1 << 8
                    | event.parameter2
                )  # fmt: skip
            else:
                control = _control(event)
                if control:
                    append(tick << 23 | control)
        else:
            if at < end:
                raise Problem.TOO_MANY_MESSAGES.error()
        self.limits.messages -= spent
        self.limits.notes -= notes
        track.notes = notes
        self._close(at, tick)
        return track

    def _put_right(self, window: bytes, at: int) -> tuple[int, bytes]:
        """Look at a channel message that is damaged, or shorter than most.

        Args:
            window: Its status and the two bytes after it.
            at: Where its data bytes begin.

        Returns:
            Where the next event begins, and the message, put right; empty where it is left out.
        """
        data, end = self.data, self.end
        after = at + data_bytes(window[0])
        if data[at : min(after, end)].isascii():
            return (after, window) if after <= end else (end + 1, b"")
        self.limits.bad_values -= 1
        if self.limits.bad_values < 0:
            return end + 1, b""
        self.found.note(Repair.DATA_BYTES, self.place, count=1)
        realigned = after_bad_value(data, at, end, window[0])
        if realigned is None:
            return self._search(at), b""
        if realigned.whole and window[1] < 0x80:  # a velocity of 200 is a loud note
            return realigned.at, window[:2] + b"\x7f"
        return realigned.at, b""

    def _search(self, at: int) -> int:
        """Pass over bytes that belong to nothing; return the next event's place, or beyond."""
        self.limits.searches -= 1
        realigned = next_event(self.data, at, self.end) if self.limits.searches >= 0 else None
        if realigned is None:
            return self.end + 1
        self.found.note(Repair.STRAY_BYTES, self.place, count=realigned.at - at)
        return realigned.at

    def _pass_over(self, at: int, tick: int, *, keep: bool) -> int:
        """Read the meta or system event at ``at`` and return where the next event begins."""
        data, end, lead = self.data, self.end, self.data[at]
        is_meta = lead == METAEVENT_MARKER
        if not is_meta and lead not in _SYSTEM_EXCLUSIVE:
            after = at + 1
            while after < end and after - at <= _SYSTEM_DATA.get(lead, 0) and data[after] < 0x80:
                after += 1
            self.found.note(Repair.STRAY_BYTES, self.place, count=after - at)
            return after
        kind = data[at + 1]
        size, after = _number(data, at + (2 if is_meta else 1))
        after += size
        if is_meta and kind == _END_OF_TRACK and at + 1 < end:
            if at + 2 < end:
                self.track.left = max(0, end - after)
            return end
        if after > end:
            # the length lies: system exclusive ends with a byte of its own, all else must be found
            closing = -1 if is_meta else data.find(b"\xf7", at + 1, min(end, at + SEARCH_BYTES))
            return self._search(max(at, closing) + 1)
        if is_meta and keep and kind in _READ_METAS:
            self.limits.metas -= 1
            if self.limits.metas >= 0:
                self.event.read(data[at:after])
                self._keep_meta(kind, self.event.data, tick)
            elif kind in _DROPPED:
                self.found.note(_DROPPED[kind], self.place, count=1)
        return after

    def _keep_meta(self, kind: int, content: bytes, tick: int) -> None:
        """Keep a tempo, meter, key, name or port."""
        track = self.track
        if kind in _DROPPED:
            if is_possible(kind, content):
                track.metas.append((tick, kind, content))
            else:
                self.found.note(_DROPPED[kind], self.place, count=1)
        elif kind in _NAME_METAS:
            if kind == _NAME_METAS[0] or not track.name:
                track.name = decoded(content) or track.name
        elif content and not track.packed:
            track.port = content[0]

    def _close(self, at: int, tick: int) -> None:
        """Say where the track ends; silence after its last event is no part of it."""
        track, limits = self.track, self.limits
        last = track.packed[-1] >> 23 if track.packed else 0
        track.end = min(tick, last + RING_QUARTERS * limits.quarter)
        if at > self.end:
            track.broken_at = min(tick, limits.tick)


def _forget(_: int) -> None:
    """Keep nothing of what comes too late to matter."""


def _control(event: MidiEvent) -> int:
    """What is kept of a message that is no note, without its tick; 0: nothing."""
    if event.type is ChannelVoiceMessages.PROGRAM_CHANGE:
        kind, first, second = Kind.PROGRAM, event.data, 0
    elif event.type in _SILENCING:
        kind, first, second = Kind.SILENCE, 0, 0
    elif (
        event.type is ChannelVoiceMessages.CONTROLLER_CHANGE
        and event.parameter1 == PEDAL_CONTROLLER
    ):
        kind, first, second = Kind.PEDAL, PEDAL_CONTROLLER, event.parameter2
    else:
        return 0
    return int(event.channel - 1 << 19 | kind << 16 | first << 8 | second)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length from a guarded track.

    Returns:
        The number and where it ends, which is beyond the track's end where it is cut off.
    """
    window = data[at : at + _NUMBER_BYTES]
    try:
        value, rest = getVariableLengthNumber(window)
    except IndexError:  # longer than MIDI allows, or cut off
        match = _BEGINNING_OF_NUMBER.match(data, at)
        last = match.end() if match else at
        if last >= len(data) - len(_GUARD):
            return 0, len(data) - len(_GUARD) + 1
        significant = data[at : last + 1].lstrip(b"\x80")
        if len(significant) > _LONGEST_NUMBER:
            return _ABSURD, last + 1
        return int(getVariableLengthNumber(significant)[0]), last + 1
    return value, at + len(window) - len(rest)


def decoded(raw: bytes) -> str:
    r"""Read a name as UTF-8, else as Latin-1, without control characters around or inside it.

    >>> decoded(b"Fl\xf6te 1\x00 ")
    'Flöte 1'
    """
    raw = raw[: 4 * MAX_NAME]
    try:
        # a sign that the slice has cut in two is dropped
        text = codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(sign for sign in text if sign.isprintable()).strip()[:MAX_NAME]
