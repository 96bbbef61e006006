"""Musical events: what can be said of each note of a piece, yes or no, from the score alone.

They are what units are held against. Each is true of some notes and false of others in most pieces;
none looks at the model. Some look at what follows (a phrase ends where nothing new begins for a
while): that is allowed here, because nothing of it is fed to the network. A unit that tells such an
event has foreseen it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Vocabulary
from musiclstm.features.key import key_of_histogram
from musiclstm.insight.trace import Trace
from musiclstm.score import Key

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LONG = 2.0  # times the part's median duration
_PAUSE = 2.0  # times the piece's median gap between onsets
_LEAP = 5  # semitones: a fourth
_QUARTER = 0.25  # of a part's notes, that are called high or low
_NEW_CLASSES = 2  # pitch classes that did not sound before, where harmony changes


@dataclass(frozen=True)
class Event:
    """A kind of event.

    Attributes:
        words: Where or when it is, to stand after "at" or "on".
        definition: When a note is one, exactly.
    """

    words: str
    definition: str


EVENTS: Mapping[str, Event] = {
    "beat": Event("beats", "the note begins on a felt beat"),
    "downbeat": Event("barlines", "the note begins on a barline"),
    "phrase_end": Event(
        "phrase ends",
        "after the note's onset no part begins anything for at least a beat, and for twice the "
        "piece's median gap between onsets",
    ),
    "cadence": Event(
        "cadences",
        "what sounds lies within the tonic triad over the tonic, and the onset before had the "
        "leading tone and the fifth degree",
    ),
    "harmony_change": Event(
        "changes of harmony",
        "two or more pitch classes sound with the onset that did not sound at the onset before",
    ),
    "high": Event("high notes", "among the highest quarter of the part's notes in the piece"),
    "low": Event("low notes", "among the lowest quarter of the part's notes in the piece"),
    "leap": Event("leaps", "a fourth or more from the part's note before"),
    "step": Event("steps", "one or two semitones from the part's note before"),
    "repeat": Event("repeated notes", "the same pitch as the part's note before"),
    "rise": Event("rising melody", "higher than the part's note before"),
    "long": Event("long notes", "at least twice as long as the part's median note"),
    "short": Event("short notes", "at most half as long as the part's median note"),
    "after_rest": Event("entries after a rest", "the part was silent just before"),
    "first_of_onset": Event("first notes of an onset", "no other note of the onset was read yet"),
    "last_of_onset": Event("last notes of an onset", "all notes of the onset have been read"),
    "second_half": Event("the second half of the piece", "the note begins in its second half"),
    "minor": Event("pieces in minor", "the piece sounds like a minor key"),
}


def events_of(trace: Trace, vocabulary: Vocabulary) -> dict[str, BoolArray]:
    """Say of each note which events it is.

    Args:
        trace: Of a piece of ``n`` notes.
        vocabulary: Of its rows.

    Returns:
        By the names of :data:`EVENTS`, and ``part:NAME`` for each model part where there are
        several: bool ``(n,)``.
    """
    t, v = trace, vocabulary
    grid = v.steps_per_quarter
    places = t.encoded.meter_map.locate(t.onset, grid)
    onsets, which = np.unique(t.onset, return_inverse=True)
    gaps = np.diff(onsets, append=int((t.onset + t.duration).max()))
    usual_gap = float(np.median(gaps))
    beat = places.beat_steps
    drums = v.drum_parts[t.part]
    sounding = _sounding(t, onsets, drums)
    new = (sounding & ~np.roll(sounding, 1, axis=0)).sum(axis=1) >= _NEW_CLASSES
    new[0] = False
    interval, silent = _from_note_before(t)
    met = ~np.isnan(interval) & ~drums
    size = np.abs(np.nan_to_num(interval))
    usual = _by_part(t, t.duration, lambda values: np.full(len(values), np.median(values)))
    rank = _by_part(t, t.pitch, _ranks)
    first = np.append(True, np.diff(t.onset) != 0)
    found: dict[str, BoolArray] = {
        "beat": places.position % beat == 0,
        "downbeat": places.position == 0,
        "phrase_end": (gaps[which] >= beat) & (gaps[which] >= _PAUSE * usual_gap),
        "cadence": _cadences(t, sounding, onsets, drums)[which],
        "harmony_change": new[which],
        "high": (rank > 1 - _QUARTER) & ~drums,
        "low": (rank < _QUARTER) & ~drums,
        "leap": met & (size >= _LEAP),
        "step": met & (size >= 1) & (size <= 2),
        "repeat": met & (size == 0),
        "rise": met & (np.nan_to_num(interval) > 0),
        "long": t.duration >= _LONG * usual,
        "short": _LONG * t.duration <= usual,
        "after_rest": silent,
        "first_of_onset": first,
        "last_of_onset": np.append(first[1:], True),
        "second_half": 2 * t.onset >= t.onset[-1],
        "minor": np.full(len(t.onset), _in_minor(t, drums)),
    }
    if len(v.parts) > 1:
        found |= {f"part:{part.name}": t.part == number for number, part in enumerate(v.parts)}
    return found


def describe(name: str) -> Event:
    """The event of a name that :func:`events_of` gives."""
    if name in EVENTS:
        return EVENTS[name]
    part = name.partition(":")[2]
    return Event(f"notes of the {part}", f"the part that plays is the {part}")


def _sounding(t: Trace, onsets: IntArray, drums: BoolArray) -> BoolArray:
    """Which pitch classes sound once all of an onset has begun, ``(onsets, 12)``."""
    found = np.zeros((len(onsets), 12), bool)
    begin = np.searchsorted(onsets, t.onset)
    end = np.searchsorted(onsets, t.onset + t.duration)
    for first, last, pitch, is_drum in zip(begin, end, t.pitch, drums, strict=True):
        if not is_drum:
            found[first : max(last, first + 1), pitch % 12] = True
    return found


def _cadences(t: Trace, sounding: BoolArray, onsets: IntArray, drums: BoolArray) -> BoolArray:
    """The onsets at which the dominant has gone to the tonic."""
    key = _key(t, drums)
    if key is None:
        return np.zeros(len(onsets), bool)
    tonic = key.tonic
    third = (tonic + (4 if key.mode == "major" else 3)) % 12
    triad = np.zeros(12, bool)
    triad[[tonic, third, (tonic + 4) % 12, (tonic + 7) % 12]] = True  # minor may end in major
    lowest = np.full(len(onsets), 128)
    begin = np.searchsorted(onsets, t.onset)
    end = np.searchsorted(onsets, t.onset + t.duration)
    for first, last, pitch, is_drum in zip(begin, end, t.pitch, drums, strict=True):
        if not is_drum:
            here = slice(first, max(last, first + 1))
            lowest[here] = np.minimum(lowest[here], pitch)
    closed = ~(sounding & ~triad).any(axis=1) & sounding.any(axis=1) & (lowest % 12 == tonic)
    before = np.roll(sounding, 1, axis=0)
    dominant = before[:, (tonic + 11) % 12] & before[:, (tonic + 7) % 12]
    dominant[0] = False  # before the first there is nothing
    found: BoolArray = np.logical_and(closed, dominant)
    return found


def _key(t: Trace, drums: BoolArray) -> Key | None:
    """The key that the piece sounds most like."""
    histogram = np.bincount(t.pitch[~drums] % 12, weights=t.duration[~drums], minlength=12)
    return key_of_histogram(histogram / max(1.0, histogram.sum()))


def _in_minor(t: Trace, drums: BoolArray) -> bool:
    key = _key(t, drums)
    return key is not None and key.mode == "minor"


def _from_note_before(t: Trace) -> tuple[FloatArray, BoolArray]:
    """Semitones from the part's note before (NaN where there is none), and whether it rested."""
    interval = np.full(len(t.pitch), np.nan)
    silent = np.zeros(len(t.pitch), bool)
    for part in np.unique(t.part):
        own = np.flatnonzero(t.part == part)
        interval[own[1:]] = np.diff(t.pitch[own])
        ends = np.maximum.accumulate((t.onset + t.duration)[own])
        silent[own[1:]] = t.onset[own[1:]] > ends[:-1]
    return interval, silent


def _by_part(t: Trace, values: IntArray, of: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Something of the values of each part, in the notes' own order, ``(n,)``."""
    found = np.zeros(len(values))
    for part in np.unique(t.part):
        own = t.part == part
        found[own] = of(values[own])
    return found


def _ranks(values: IntArray) -> FloatArray:
    """Where each value stands among all, 0 to 1, equals in their middle."""
    below = (values[:, None] > values[None, :]).mean(axis=1)
    equal = (values[:, None] == values[None, :]).mean(axis=1)
    found: FloatArray = below + equal / 2
    return found
