"""What an n-gram looks at: small integers of every row, which contexts are made of.

Everything follows from the rows before and from the row's own earlier fields; -1 is *none*. Which
column may be asked for which field is what :data:`.viewpoints.VIEWPOINTS` keeps to: what speaks of
the onset for no field before the part, what speaks of the part for none before the pitch, and so
on.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Piece, Vocabulary, prepare
from musiclstm.encoding.recall import BUCKETS
from musiclstm.encoding.ruler import UNSPECIFIED_BARS, Ruler
from musiclstm.encoding.survey import Survey, survey
from musiclstm.evaluation.backoff import keys_of

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

_PITCHES, _CLASSES = 128, 12
# How well each pitch class, from the tonic up, fits a major and a minor key: ratings by listeners
# (C. L. Krumhansl and E. J. Kessler, Psychological Review 89, 1982).
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class View(NamedTuple):
    """A piece as an n-gram sees it; N is its number of rows.

    Attributes:
        columns: By name, int ``(N,)`` each.
        targets: The fields as they are to be predicted, int32 ``(N, 5)``.
        counts: Which fields a row has, bool ``(N, 5)``.
        legal: Legal ids, all fields side by side, bool ``(N, ids)``.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    targets: IntArray
    counts: BoolArray
    legal: BoolArray


def view(encoded: Encoded, vocabulary: Vocabulary) -> View:
    """Look at a piece.

    Args:
        encoded: Its rows.
        vocabulary: What the ids mean.
    """
    v = vocabulary
    piece = prepare(encoded, v)
    seen = survey(encoded.events, encoded.part_map, v)
    columns = _rhythm(encoded, seen, piece, v) | _parts(seen, piece) | _pitches(seen, v)
    columns |= _durations(seen, piece, columns) | _velocities(seen, piece)
    lean = {name: _lean(values) for name, values in columns.items()}
    return View(lean, piece.targets[1:], piece.counts[1:], piece.legal[1:])


def _earlier(values: npt.NDArray[Any], rows: int, none: int = -1) -> npt.NDArray[Any]:
    """Values of so many rows before."""
    rows = min(rows, len(values))
    return np.concatenate([np.full(rows, none, values.dtype), values[: len(values) - rows]])


def _lean(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same in two bytes each where that is enough: all training pieces are kept like that."""
    if values.size and values.min() >= -(2**15) and values.max() < 2**15:
        return values.astype(np.int16)
    return values


def _bits(flags: BoolArray) -> npt.NDArray[np.int64]:
    """Rows of flags as numbers."""
    return flags @ (1 << np.arange(flags.shape[1], dtype=np.int64))


def _rhythm(
    encoded: Encoded, seen: Survey, piece: Piece, v: Vocabulary
) -> dict[str, npt.NDArray[Any]]:
    """What the shift depends on, and when the row is."""
    before = seen.before.select(slice(1, -1))
    shift = piece.targets[1:, Field.SHIFT]
    ruler = Ruler.of((encoded.meter_map,), np.array([UNSPECIFIED_BARS]), v)
    # time passes where rows are apart: the last of these shifts
    passed = shift > 0
    nth: npt.NDArray[Any] = np.cumsum(passed) - passed  # how many there are before the row
    gaps = np.concatenate([np.full(3, -1), shift[passed]])
    struck = _bits(seen.onset.struck[1:])
    part = piece.targets[1:, Field.PART]
    return {
        "more": before.kind * 2 + before.more_now,
        "struck_by": _earlier(struck | (1 << part.astype(np.int64)), 1, 0),
        "part_before": before.part,
        "silent": _bits(before.left == 0),
        "next_end": before.next_end,
        "place_before": ruler.place(before.step),
        **{f"shift{k}": _earlier(shift, k) for k in range(1, 5)},
        **{f"gap{k}": gaps[nth + 3 - k] for k in range(1, 4)},
        "at_once": _earlier(passed.astype(np.int32), 1),
        "expected_shift": before.expected[:, 0],
        "expected_part": before.expected[:, 1],
        "match_rows": BUCKETS.take(before.expected[:, 4]),
        "now": (shift == 0).astype(np.int32),
        "shift_now": shift,
        "shift_as_expected": (shift == before.expected[:, 0]).astype(np.int32),
        "place": piece.context.place[1:],
        "bar": piece.context.bar[1:],
    }


def _parts(seen: Survey, piece: Piece) -> dict[str, npt.NDArray[Any]]:
    """Who sounds, and who is struck."""
    part = seen.voice.part[1:]
    struck = seen.onset.struck[1:]
    chord = struck[np.arange(len(part)), part] & (part >= 0)
    return {
        "part_before2": _earlier(piece.targets[1:, Field.PART], 2),
        "part_before3": _earlier(piece.targets[1:, Field.PART], 3),
        "struck": _bits(struck),
        "sounding": _bits(seen.onset.remaining[1:] > 0),
        "voice": 2 * part + chord,
        "left": keys_of(list(seen.onset.remaining[1:].T), len(part)).view(np.int64),
        "next_end_now": _least(seen.onset.remaining[1:]),
    }


def _least(remaining: IntArray) -> IntArray:
    """Steps until the first part falls silent, of those that sound; 0 for none."""
    none = np.int32(2**30)
    least = np.where(remaining > 0, remaining, none).min(axis=1)
    return np.where(least == none, np.int32(0), least)


def _pitches(seen: Survey, v: Vocabulary) -> dict[str, npt.NDArray[Any]]:
    """Melody, harmony and key."""
    voice, n = seen.voice, len(seen.shift) - 1
    part, recent = voice.part[1:], voice.recent[1:]
    pitch = seen.note.pitch[1:]
    reference = np.where(recent[:, 0] < 0, v.middles.take(part), recent[:, 0])
    steps = recent[:, :-1] - recent[:, 1:]
    steps = np.where(recent[:, 1:] < 0, 2 * _PITCHES, steps)
    now = seen.onset.now[1:]
    beside = np.where(np.arange(now.shape[1]) == part[:, None], -1, now)  # of the other parts
    struck = np.where(seen.onset.struck[1:], beside, -1)
    tonic, mode = _keys(seen.onset.shares[1:, -_CLASSES:])
    bass = np.where(now < 0, _PITCHES, now).min(axis=1)
    bass = np.where(bass == _PITCHES, -1, bass)
    tune = now.max(axis=1)
    from_reference = np.where(beside < 0, 2 * _PITCHES, beside - reference[:, None])
    classes = _class_set(seen.onset.sounding[1:] > 0, beside)
    found = {
        "reference": reference,
        "tonic": tonic,
        "mode": mode,
        "beside": struck.max(axis=1),
        "degree_reference": (reference - tonic) % _CLASSES + _CLASSES * mode,
        "bass": np.where(bass < 0, -1, (bass - reference) % _CLASSES),
        "bass_degree": np.where(bass < 0, -1, (bass - tonic) % _CLASSES),
        "tune_degree": np.where(tune < 0, -1, (tune - tonic) % _CLASSES),
        "classes": _turned(classes, reference),
        "classes_of_pitch": _turned(classes, pitch),
        "step_now": pitch - reference,
        "step_sign": np.sign(pitch - reference) + 3 * (np.abs(pitch - reference) > 2),
        "degree_now": (pitch - tonic) % _CLASSES + _CLASSES * mode,
        "pitch": pitch,
    }
    found["others_above"] = keys_of(list(_sorted_differences(struck).T), n).view(np.int64)
    # the other parts as seen from the reference: the first in row order, with the second, ...
    in_order = from_reference[:, list(v.row_order)]
    for k in range(1, 4):
        some = in_order[:, k - 1 : k] if k < 3 else in_order[:, 2:]
        found[f"others{k}"] = keys_of(list(some.T), n).view(np.int64)
    found |= {f"step{k + 1}": steps[:, k] for k in range(steps.shape[1])}
    matches = BUCKETS.take(voice.matches[1:])
    for k in range(matches.shape[1]):
        agree = (voice.pitches[1:, k] == voice.pitches[1:, k - 1]) & (voice.pitches[1:, k] >= 0)
        found[f"candidate{k}"] = voice.pitches[1:, k]
        found[f"match{k}"] = matches[:, k] * 2 + agree
        found[f"lasting{k}"] = np.where(pitch == voice.pitches[1:, k], voice.lasting[1:, k], -1)
    found["lasting_note"] = seen.note.lasting[1:]
    found["match_note"] = BUCKETS.take(seen.note.matches[1:])
    return found


def _sorted_differences(struck: IntArray) -> IntArray:
    """Distances between the pitches that were struck, from the highest down, octaves left out."""
    down = -np.sort(-struck, axis=1)
    apart = (down[:, :1] - down[:, 1:]) % _CLASSES
    return np.where(down[:, 1:] < 0, np.int32(_CLASSES), apart)


def _class_set(sounding: BoolArray, beside: IntArray) -> BoolArray:
    """Which pitch classes sound at an onset: those that are held, and those just struck."""
    found = np.zeros((len(sounding), _CLASSES), bool)
    for low in range(0, _PITCHES, _CLASSES):
        octave = sounding[:, low : low + _CLASSES]
        found[:, : octave.shape[1]] |= octave
    for pitches in beside.T:
        some = np.flatnonzero(pitches >= 0)
        found[some, pitches[some] % _CLASSES] = True
    return found


def _turned(classes: BoolArray, pitch: IntArray) -> npt.NDArray[np.int64]:
    """A set of pitch classes as seen from a pitch, as a number."""
    at = (np.arange(_CLASSES) + pitch[:, None]) % _CLASSES
    return _bits(np.take_along_axis(classes, at, axis=1))


def _keys(shares: npt.NDArray[np.float32]) -> tuple[IntArray, IntArray]:
    """The tonic and mode (0 major, 1 minor) that the past sounds most like; C major of nothing."""
    profiles = np.stack([np.roll(p, k) for p in (_MAJOR, _MINOR) for k in range(_CLASSES)])
    profiles -= profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    best = (shares @ profiles.T).argmax(axis=1).astype(np.int32)
    return best % _CLASSES, best // _CLASSES


def _durations(
    seen: Survey, piece: Piece, columns: Mapping[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Durations of the part's last notes, and of the notes that begin with this one."""
    duration, now = piece.targets[1:, Field.DURATION], columns["now"] > 0
    last = seen.voice.durations[1:]
    beside = np.where(now, _earlier(duration, 1), -1)
    return {
        **{f"last{k + 1}": last[:, k] for k in range(last.shape[1])},
        "duration_beside": beside,
        "duration_beside2": np.where(now & _earlier(now, 1, 0), _earlier(duration, 2), -1),
    }


def _velocities(seen: Survey, piece: Piece) -> dict[str, npt.NDArray[Any]]:
    """How loud the last rows were, and the part's own."""
    velocity, part = piece.targets[1:, Field.VELOCITY], seen.voice.part[1:]
    own = np.full((2, len(part)), -1, np.int32)
    for each in np.unique(part[part >= 0]):
        rows = np.flatnonzero(part == each)
        own[0, rows], own[1, rows] = _earlier(velocity[rows], 1), _earlier(velocity[rows], 2)
    notes = part >= 0
    # the last row that has a velocity, and the one before
    nth: npt.NDArray[Any] = np.cumsum(notes) - notes
    of_notes = np.concatenate([np.full(2, -1, np.int32), velocity[notes]])
    first, second = of_notes[nth + 1], of_notes[nth]
    return {
        "velocity1": first,
        "velocity_own": own[0],
        "velocity_own2": own[1],
        "change1": first - second,
        "change_own": own[0] - own[1],
    }
