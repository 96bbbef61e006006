"""Musical context: what a musician knows at this moment and an LSTM would waste its memory on.

Where in bar and beat the new onset falls, how many bars are left, what sounds and for how long
still, over all parts and in the chosen one; how the other parts stand to it, its last notes, of
what pitch classes the past was made, and what followed when it was last like now. A deterministic
function of the stages (:mod:`.stages`), thus of the past alone; the network sees it in the heads
and, what concerns the onset, a row later at the LSTM's input.

Pitches are seen as such and as intervals, from the *reference*, the part's last pitch, and from the
chosen one; intervals between drums and other parts mean nothing, and are none. Ids are rows of the
layers' tables (:mod:`.layout`); durations of sounding notes are bytes, 0 for silence to 255 for a
whole note or more.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding.degrees import degree_ids
from musiclstm.encoding.histograms import turn
from musiclstm.encoding.intervals import (
    BEFORE,
    BESIDE,
    DIFFERENCES,
    INTERVAL_OF_DIFFERENCE,
    NOW,
    PITCH_STRIDE,
)
from musiclstm.encoding.layout import (
    SHOWN_INTERVALS,
    SHOWN_PITCHES,
    after_lengths,
    layout,
)
from musiclstm.encoding.motion import MOTION_IDS, motion_ids
from musiclstm.encoding.parts import MAX_MODEL_PARTS
from musiclstm.encoding.recall import BUCKETS
from musiclstm.encoding.ruler import Ruler
from musiclstm.encoding.sonority import SONORITIES, sonorities
from musiclstm.encoding.stages import (
    Before,
    BoolArray,
    FloatArray,
    IntArray,
    Kind,
    Note,
    Onset,
    Voice,
)
from musiclstm.encoding.vocabulary import Vocabulary

ByteArray = npt.NDArray[np.uint8]

MIDDLE_C = 60
_ZERO, _ONE, _NONE = np.zeros(1, np.int32), np.ones(1, np.int32), np.array([-1], np.int32)


class OnsetContext(NamedTuple):
    """What is known with the onset of N rows.

    Attributes:
        onset_ids: int32 ``(N, 5 + parts)``: position in the bar, position in the beat, kind of bar,
            bars left, steps to the next end, which parts sound.
        sounding: uint8 ``(N, 128)``: how long each pitch will still sound.
        remaining: uint8 ``(N, 16)``: how long each part will still sound.
        struck: uint8 ``(N, 16)``: 1 for parts that have been struck at this onset.
        place: Steps since the barline, int32 ``(N,)``.
        bar: Length of the bar in steps, int32 ``(N,)``; four quarters where no meter is specified.
    """

    onset_ids: IntArray
    sounding: ByteArray
    remaining: ByteArray
    struck: ByteArray
    place: IntArray
    bar: IntArray


class VoiceContext(NamedTuple):
    """What the part adds; where a row has none, ids are none and shares 0.

    Attributes:
        voice_ids: int32 ``(N, 21 + 6 parts)``: the part, its last three pitches, its last four
            durations, steps since its last onset, steps to its end; as intervals from the
            reference what each part sounds now, four ways, and sounded just before, two ways, and
            the candidates; the part's last four steps; the lengths of the candidates' matches; the
            scale degree of the reference.
        voice_sounding: uint8 ``(N, 128)``: how long each pitch will still sound in the part.
        voice_shares: float32 ``(N, 36)``: shares of pitch classes, from that of the reference up.
        reference: The part's last pitch, or the middle of its range, int32 ``(N,)``.
        pitch_candidates: What the part's own past, all rows and the leading part suggest; -1 for
            nothing. int32 ``(N, 3)``.
        pitch_matches: How long a match speaks for each, in classes 0-11, int32 ``(N, 3)``.
        motion_ids: What each other part does meanwhile (:mod:`.motion`); ``MOTION_IDS`` for none.
            int32 ``(N, parts)``.
        sonority_ids: What the others sound (:mod:`.sonority`); ``SONORITIES`` for none.
            int32 ``(N, 1)``.
        moves_from: From where motions are counted: the reference as it was, also where the past is
            remembered wrongly. int32 ``(N,)``.
    """

    voice_ids: IntArray
    voice_sounding: ByteArray
    voice_shares: FloatArray
    reference: IntArray
    pitch_candidates: IntArray
    pitch_matches: IntArray
    motion_ids: IntArray
    sonority_ids: IntArray
    moves_from: IntArray


class NoteContext(NamedTuple):
    """What the pitch adds; where a row has none, ids are none and shares 0.

    Attributes:
        note_ids: int32 ``(N, 12 + 2 parts)``: the part, the pitch; as intervals to it what each
            part sounds now, two ways, and the part's last pitch; the duration candidates and the
            lengths of their matches; and the pitch's scale degree.
        note_shares: float32 ``(N, 36)``: shares of pitch classes, from that of the pitch up.
        duration_candidates: Durations of those pitch candidates that were chosen, and the duration
            that the part gave this pitch last; -1 for none. int32 ``(N, 4)``.
        duration_matches: How long a match speaks for each, in classes 0-11, int32 ``(N, 4)``.
    """

    note_ids: IntArray
    note_shares: FloatArray
    duration_candidates: IntArray
    duration_matches: IntArray


@dataclass(frozen=True)
class Context:
    """The context of N rows: :class:`OnsetContext`, :class:`VoiceContext`, :class:`NoteContext`."""

    onset_ids: IntArray
    sounding: ByteArray
    remaining: ByteArray
    struck: ByteArray
    place: IntArray
    bar: IntArray
    voice_ids: IntArray
    voice_sounding: ByteArray
    voice_shares: FloatArray
    reference: IntArray
    pitch_candidates: IntArray
    pitch_matches: IntArray
    motion_ids: IntArray
    sonority_ids: IntArray
    moves_from: IntArray
    note_ids: IntArray
    note_shares: FloatArray
    duration_candidates: IntArray
    duration_matches: IntArray


def onset_context(onset: Onset, ruler: Ruler, vocabulary: Vocabulary) -> OnsetContext:
    """Context that is known with the onset.

    Args:
        onset: The stage.
        ruler: One for all rows, or one for each.
        vocabulary: For the grid.
    """
    v = vocabulary
    places, bars_left, place, bar = ruler.read(onset.step)
    # one less, unsigned: silence becomes the longest of all, and the least is what ends next
    soonest = np.minimum.reduce((onset.sounding - _ONE).view(np.uint32), axis=1).view(np.int32)
    next_end = np.minimum(soonest + _ONE, v.max_shift)
    sounds = _SOUNDS.take(onset.remaining, mode="clip")
    ids = np.concatenate((places, bars_left[:, None], next_end[:, None], sounds), axis=1)
    parts = onset.remaining.shape[1]
    remaining = np.zeros((len(ids), MAX_MODEL_PARTS), np.uint8)
    struck = np.zeros((len(ids), MAX_MODEL_PARTS), np.uint8)
    remaining[:, :parts] = as_bytes(onset.remaining, v)
    struck[:, :parts] = onset.struck
    return OnsetContext(
        onset_ids=layout(v).onset.rows_of(ids),
        sounding=as_bytes(onset.sounding, v),
        remaining=remaining,
        struck=struck,
        place=place,
        bar=bar,
    )


def voice_context(
    voice: Voice, onset: Onset, keys: IntArray, vocabulary: Vocabulary
) -> VoiceContext:
    """Context that is known with the part.

    Args:
        voice: The stage.
        onset: The one before it.
        keys: The key of each row, or of all, as the network may know it; see :mod:`.degrees`.
        vocabulary: What the ids mean.
    """
    v, part, recent, n = vocabulary, voice.part, voice.recent, len(voice.part)
    parts, matches = len(v.parts), BUCKETS.take(voice.matches)
    last = recent[:, 0]
    # part -1 is the last in the list, and means nothing
    reference = np.where(last < _ZERO, v.middles.take(part), last)
    now, before = _comparable((onset.now, onset.before), part, v)
    pitches = (now, before, voice.pitches, recent[:, :SHOWN_INTERVALS])
    places = np.concatenate(pitches, axis=1)
    places *= PITCH_STRIDE
    places[:, :-SHOWN_INTERVALS] += reference[:, None]
    places[:, -SHOWN_INTERVALS:] += recent[:, 1 : SHOWN_INTERVALS + 1]
    apart = DIFFERENCES.take(places)
    to_end = np.minimum(np.maximum.reduce(voice.sounding, axis=1), v.max_shift)
    ids = np.concatenate(
        (
            part[:, None],
            recent[:, :SHOWN_PITCHES],
            voice.durations,
            np.minimum(voice.since, v.max_duration)[:, None],
            to_end[:, None],
            NOW.take(apart[:, :parts] * 2 + onset.struck, axis=0).reshape(n, -1),
            BEFORE.take(apart[:, parts : 2 * parts], axis=0).reshape(n, -1),
            INTERVAL_OF_DIFFERENCE.take(apart[:, 2 * parts :]),
            matches,
            _degrees(keys, reference, part, v)[:, None],
        ),
        axis=1,
    )
    motions = motion_ids(apart[:, :parts], apart[:, parts : 2 * parts])
    motions[motions < _ZERO] = MOTION_IDS
    each = np.arange(n)
    motions[each, part] = MOTION_IDS  # a part makes no motion with itself
    others = now.copy()
    others[each, part] = _NONE
    chords = sonorities(others, voice.sounding)
    if v.has_drums:
        chords[v.drum_parts.take(part)] = SONORITIES
    columns = layout(v).voice
    rows, shares = columns.rows_of(ids), _shares_from(reference, onset, part, v)
    absent = part < _ZERO
    if np.count_nonzero(absent):
        rows[absent] = columns.rows
        motions[absent] = MOTION_IDS
        chords[absent] = SONORITIES
        reference[absent] = MIDDLE_C
        shares[absent] = 0
    return VoiceContext(
        voice_ids=rows,
        voice_sounding=as_bytes(voice.sounding, v),
        voice_shares=shares,
        reference=reference,
        pitch_candidates=voice.pitches,
        pitch_matches=matches,
        motion_ids=motions,
        sonority_ids=chords[:, None],
        moves_from=reference,
    )


def note_context(
    note: Note, voice: Voice, onset: Onset, keys: IntArray, vocabulary: Vocabulary
) -> NoteContext:
    """Context that is known with the pitch; the arguments are as in :func:`voice_context`."""
    v, part, n = vocabulary, voice.part, len(voice.part)
    parts, pitch = len(v.parts), note.pitch
    absent = part < _ZERO
    some_absent = np.count_nonzero(absent)
    if some_absent:
        pitch = np.where(absent, _ZERO, pitch)
    (now,) = _comparable((onset.now,), part, v)
    # the pitch against what sounds: the other way round than in the voice layer
    against = np.concatenate((now, voice.recent[:, :1]), axis=1)
    apart = DIFFERENCES.take(against + (pitch * PITCH_STRIDE)[:, None])
    chosen = voice.pitches == pitch[:, None]
    durations = np.concatenate(
        (np.where(chosen, voice.lasting, _NONE), note.lasting[:, None]), axis=1
    )
    matches = np.concatenate((voice.matches * chosen, note.matches[:, None]), axis=1)
    matches = BUCKETS.take(matches)
    ids = np.concatenate(
        (
            part[:, None],
            pitch[:, None],
            BESIDE.take(apart[:, :parts], axis=0).reshape(n, -1),
            INTERVAL_OF_DIFFERENCE.take(apart[:, parts:]),
            durations,
            matches,
            _degrees(keys, pitch, part, v)[:, None],
        ),
        axis=1,
    )
    columns = layout(v).note
    rows, shares = columns.rows_of(ids), _shares_from(pitch, onset, part, v)
    if some_absent:
        rows[absent] = columns.rows
        shares[absent] = 0
    return NoteContext(
        note_ids=rows,
        note_shares=shares,
        duration_candidates=durations,
        duration_matches=matches,
    )


def after_context(before: Before, ruler: Ruler, keys: IntArray, vocabulary: Vocabulary) -> IntArray:
    """What follows from the last row itself, for the next: ``after_ids`` of :class:`~.piece.Piece`.

    Returns:
        int32 ``(N, 6 + parts)``: steps until the next note ends, how long each part still sounds,
        position in the bar; what the rows' past suggests as shift and part, with the length of its
        match; and the scale degree of the last row.
    """
    v = vocabulary
    expected = before.expected
    degrees = _degrees(keys, before.pitch, before.part, v)
    if not before.kinds <= _NOTES:
        degrees[(before.kind != Kind.NOTE) & (before.kind != Kind.TIE)] = -1
    ids = np.concatenate(
        (
            np.minimum(before.next_end, v.max_shift)[:, None],
            after_lengths(v).take(before.left, mode="clip"),
            ruler.place(before.step)[:, None],
            expected[:, :2],
            BUCKETS.take(expected[:, 4:]),
            degrees[:, None],
        ),
        axis=1,
    )
    return layout(v).after.rows_of(ids)


def _degrees(keys: IntArray, pitch: IntArray, part: IntArray, v: Vocabulary) -> IntArray:
    """The scale degrees of a pitch a row, int32 ``(N,)``; none for drums."""
    found = degree_ids(keys, pitch)
    if v.has_drums:
        found[v.drum_parts.take(part)] = -1
    return found


def _comparable(
    pitches: tuple[IntArray, ...], part: IntArray, v: Vocabulary
) -> tuple[IntArray, ...]:
    """Pitches of parts ``(N, parts)``, without those of drums beside other parts."""
    if not v.has_drums:
        return pitches
    alike: BoolArray = v.drum_parts == v.drum_parts.take(part)[:, None]
    return tuple(np.where(alike, each, _NONE) for each in pitches)


def _shares_from(pitch: IntArray, onset: Onset, part: IntArray, v: Vocabulary) -> FloatArray:
    """The shares ``(N, 36)``, from the pitch class of ``pitch`` up; 0 for drums."""
    turned = turn(onset.shares, pitch)
    if v.has_drums:
        turned[v.drum_parts.take(part)] = 0
    return turned


_NOTES = frozenset((Kind.NOTE, Kind.TIE))
_SOUNDS = np.array([-1, 0], np.int32)  # for a part that is silent, and for one that is not


def as_bytes(steps: IntArray, v: Vocabulary) -> ByteArray:
    """How long things still sound, as bytes: 0 for silence to 255 for a whole note or more."""
    found: ByteArray = _bytes(v.max_shift).take(steps, mode="clip")
    return found


@cache
def _bytes(max_shift: int) -> ByteArray:
    """For each number of steps up to a whole note its byte."""
    return (-(-np.arange(max_shift + 1) * 255 // max_shift)).astype(np.uint8)
