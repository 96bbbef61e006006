"""Musical events: what can be said of each note of a piece, yes or no, from the score alone.

They are what units are held against. Each is true of some notes and false of others in most pieces;
none looks at the model. Some look at what follows (a phrase ends where nothing new begins for a
while): the network has not read that yet, but it has read how long the note is, which may give it
away. In folk tunes length alone tells phrase ends with an AUC of 0.99, in chorales with 0.85. A
unit that tells what is just before an event has foreseen more: those have names that begin with
``before:``.

Phrase ends were chosen among 49 definitions on 22 of Bach's chorales, by the fermatas that he
wrote. On 21 others two in three of the onsets that are called so bear a fermata (0.66), and four in
five fermatas are found (0.82); longer notes alone, twice the median gap, had 0.41 and 0.94.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Vocabulary
from musiclstm.features.key import key_of_histogram
from musiclstm.insight.trace import Notes
from musiclstm.score import Key

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LONG = 2.0  # times the part's median duration
_PAUSE = 1.75  # times the mean gap between the onsets around it
_AROUND = 4  # quarters before and after, in which those lie
_LEAP = 5  # semitones: a fourth
_QUARTER = 0.25  # of a part's notes, that are called high or low
_NEW_CLASSES = 2  # pitch classes that did not sound before, where harmony changes


@dataclass(frozen=True)
class Event:
    """A kind of event.

    Attributes:
        words: What it is, in the plural, to stand after "at" or "just before".
        definition: When a note is one, exactly.
        ahead: Whether it is the next onset, or note, that is one.
    """

    words: str
    definition: str
    ahead: bool = False

    @property
    def where(self) -> str:
        """Where a note is that is one: "at beats", "just before beats"."""
        return f"just before {self.words}" if self.ahead else f"at {self.words}"


EVENTS: Mapping[str, Event] = {
    "beat": Event("beats", "the note begins on a felt beat"),
    "downbeat": Event("barlines", "the note begins on a barline"),
    "phrase_end": Event(
        "phrase ends",
        "after the note's onset no part begins anything for at least a beat, and for 1.75 times "
        "the mean gap between the onsets around it, a whole note to either side",
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
}
# told of the next onset, and of the next note
_ONSETS_AHEAD = ("beat", "downbeat", "phrase_end", "cadence", "harmony_change")
_NOTES_AHEAD = ("leap", "repeat", "after_rest")
_BEFORE = "before:"


def events_of(notes: Notes, vocabulary: Vocabulary) -> dict[str, BoolArray]:
    """Say of each note which events it is.

    Args:
        notes: All ``n`` of a piece.
        vocabulary: Of its rows.

    Returns:
        By the names of :data:`EVENTS`, ``part:NAME`` for each model part where there are several,
        and ``before:NAME`` for what is foreseen: bool ``(n,)``.
    """
    t, v = notes, vocabulary
    grid = v.steps_per_quarter
    places = t.encoded.meter_map.locate(t.onset, grid)
    onsets, which = np.unique(t.onset, return_inverse=True)
    gaps = np.diff(onsets, append=int((t.onset + t.duration).max()))
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
        "phrase_end": (gaps[which] >= beat) & _pauses(onsets, gaps, _AROUND * grid)[which],
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
    }
    if len(v.parts) > 1:
        found |= {f"part:{part.name}": t.part == number for number, part in enumerate(v.parts)}
    ends = np.searchsorted(t.onset, t.onset, side="right")  # where the next onset begins
    for name in _ONSETS_AHEAD:
        found[_BEFORE + name] = np.append(found[name], False)[ends]
    for name in _NOTES_AHEAD:
        found[_BEFORE + name] = np.append(found[name][1:], False)
    return found


def describe(name: str) -> Event:
    """The event of a name that :func:`events_of` gives."""
    if name in EVENTS:
        return EVENTS[name]
    if name.startswith(_BEFORE):
        of = name.removeprefix(_BEFORE)
        what = "onset" if of in _ONSETS_AHEAD else "note"
        then = EVENTS[of]
        return Event(then.words, f"of the next {what}: {then.definition}", ahead=True)
    part = name.partition(":")[2]
    return Event(f"notes of the {part}", f"the part that plays is the {part}")


def _pauses(onsets: IntArray, gaps: IntArray, around: int) -> BoolArray:
    """Which onsets are followed by a longer gap than those around have, ``(onsets,)``."""
    first = np.searchsorted(onsets, onsets - around)
    last = np.searchsorted(onsets, onsets + gaps + around)
    sums = np.append(0, np.cumsum(gaps))
    others = last - first - 1
    mean = (sums[last] - sums[first] - gaps) / np.maximum(others, 1)
    found: BoolArray = gaps >= _PAUSE * mean
    return found


def _sounding(t: Notes, onsets: IntArray, drums: BoolArray) -> BoolArray:
    """Which pitch classes sound once all of an onset has begun, ``(onsets, 12)``."""
    found = np.zeros((len(onsets), 12), bool)
    for here, pitch in _held(t, onsets, drums):
        found[here, pitch % 12] = True
    return found


def _held(t: Notes, onsets: IntArray, drums: BoolArray) -> Iterator[tuple[slice, int]]:
    """Each pitched note: the onsets at which it sounds, and its pitch."""
    begin = np.searchsorted(onsets, t.onset)
    end = np.maximum(np.searchsorted(onsets, t.onset + t.duration), begin + 1)
    pitched = ~drums
    for first, last, pitch in zip(
        begin[pitched].tolist(), end[pitched].tolist(), t.pitch[pitched].tolist(), strict=True
    ):
        yield slice(first, last), pitch


def _cadences(t: Notes, sounding: BoolArray, onsets: IntArray, drums: BoolArray) -> BoolArray:
    """The onsets at which the dominant has gone to the tonic."""
    key = _key(t, drums)
    if key is None:
        return np.zeros(len(onsets), bool)
    tonic = key.tonic
    third = (tonic + (4 if key.mode == "major" else 3)) % 12
    triad = np.zeros(12, bool)
    triad[[tonic, third, (tonic + 4) % 12, (tonic + 7) % 12]] = True  # minor may end in major
    lowest = np.full(len(onsets), 128)
    for here, pitch in _held(t, onsets, drums):
        lowest[here] = np.minimum(lowest[here], pitch)
    closed = ~(sounding & ~triad).any(axis=1) & sounding.any(axis=1) & (lowest % 12 == tonic)
    before = np.roll(sounding, 1, axis=0)
    dominant = before[:, (tonic + 11) % 12] & before[:, (tonic + 7) % 12]
    dominant[0] = False  # before the first there is nothing
    found: BoolArray = np.logical_and(closed, dominant)
    return found


def _key(t: Notes, drums: BoolArray) -> Key | None:
    """The key that the piece sounds most like."""
    histogram = np.bincount(t.pitch[~drums] % 12, weights=t.duration[~drums], minlength=12)
    return key_of_histogram(histogram / max(1.0, histogram.sum()))


def _from_note_before(t: Notes) -> tuple[FloatArray, BoolArray]:
    """Semitones from the part's note before (NaN where there is none), and whether it rested."""
    interval = np.full(len(t.pitch), np.nan)
    silent = np.zeros(len(t.pitch), bool)
    for part in np.unique(t.part):
        own = np.flatnonzero(t.part == part)
        interval[own[1:]] = np.diff(t.pitch[own])
        ends = np.maximum.accumulate((t.onset + t.duration)[own])
        silent[own[1:]] = t.onset[own[1:]] > ends[:-1]
    return interval, silent


def _by_part(t: Notes, values: IntArray, of: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Something of the values of each part, in the notes' own order, ``(n,)``."""
    found = np.zeros(len(values))
    for part in np.unique(t.part):
        own = t.part == part
        found[own] = of(values[own])
    return found


def _ranks(values: IntArray) -> FloatArray:
    """Where each value stands among all, 0 to 1, equals in their middle."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values)
    found: FloatArray = (below + np.searchsorted(ordered, values, side="right")) / (2 * len(values))
    return found
