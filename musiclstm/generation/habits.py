"""What the pieces that a model learned from never do, or hardly ever.

A network learns what is likely, note by note; what hardly ever happens is a small part of that, and
goes wrong first where its own notes lead it to places that no piece ever came to. These habits are
counted in the training pieces and kept in the bundle: how often a passage comes in a row, how often
a part repeats a pitch, for how long nothing sounds, how many notes are struck within a whole note,
how far each part goes, how two parts move together, and how neighbours stand to each other. Nothing
here is a rule of any style: of Bach's chorales it says that fifths are not parallel and voices do
not cross, of a piano's hands that they may well be and do.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Encoded, Field, Vocabulary
from musiclstm.encoding.stages import NEVER
from musiclstm.generation.loops import (
    LONGEST_LOOP,
    LONGEST_PAST,
    longest_run,
    melody_notes,
    music_of,
    onsets_of,
    times_in_a_row,
)
from musiclstm.generation.moves import (
    CLASSES,
    intervals_of_moves,
    longest_silence,
    moves_of,
    similar_cells,
    spaced,
)
from musiclstm.model import Bundle

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]

# Where nobody has counted: twice what there is in a bar of the densest piano music.
_DENSE = 200
# Of the pieces that are gone through: as many as have so many rows, evenly chosen.
_MOST_ROWS = 400_000
_NEARLY_ALL = 0.99  # of the pieces
_NEARLY_ALL_NOTES = 0.999
_LEAST = 2  # of anything in a row; what comes once is no repetition


@dataclass(frozen=True)
class Habits:
    """The habits of a corpus.

    Attributes:
        loops: For a passage of 1, 2, ... onsets how often it comes in a row at most.
        repeats: How often a part strikes one pitch in a row at most.
        silence: For how many steps nothing sounds between notes at most.
        density: How many notes are struck within a whole note at most, by all parts.
        ranges: Lowest and highest pitch of each model part, inclusive.
        motions: By how much less often than at random two parts move in the same direction from an
            interval to another: the logarithm of the ratio where it is below 0, else 0; float64
            ``(12, 12)``, intervals as semitones without octaves, from the later part up to the
            earlier.
        spacings: The same of neighbouring parts that cross, and that are more than an octave apart;
            float64 ``(parts - 1, 2)``.
    """

    loops: tuple[int, ...]
    repeats: int
    silence: int
    density: int
    ranges: tuple[tuple[int, int], ...]
    motions: FloatArray
    spacings: FloatArray

    @classmethod
    def of_pieces(cls, pieces: Sequence[Encoded], vocabulary: Vocabulary) -> "Habits":
        """Count the habits of some pieces."""
        v = vocabulary
        every = max(1, -(-sum(len(piece.events) for piece in pieces) // _MOST_ROWS))
        loops, repeats, silences, densities = [], [], [], []
        similar, together = np.zeros((CLASSES, CLASSES)), np.zeros((2, CLASSES))
        gaps, where = np.zeros((len(v.parts) - 1, 255)), np.zeros((len(v.parts) - 1, 2, 128))
        pitches = np.zeros((len(v.parts), 128))
        for index in range(0, len(pieces), every):
            rows = pieces[index].events[:-1].astype(np.int32)  # without END
            notes = rows[rows[:, Field.SHIFT] <= v.max_shift]
            if not len(notes):
                continue
            onsets = onsets_of(rows)
            loops.append(times_in_a_row([music_of(onset) for onset in onsets]))
            melodies = defaultdict[int, list[int]](list)
            for onset in onsets:
                for part, pitch in melody_notes(onset, v):
                    melodies[part].append(pitch)
            repeats += [longest_run(np.array(melody)) for melody in melodies.values()]
            np.add.at(pitches, (notes[:, Field.PART], notes[:, Field.PITCH]), 1)
            silences.append(longest_silence(rows, v))
            densities.append(most_struck(rows, v))
            before, now = moves_of(rows, v)
            cells = np.bincount(similar_cells(before, now) + 1, minlength=similar.size + 1)
            similar += cells[1:].reshape(similar.shape)
            together += intervals_of_moves(before, now)
            _add_gaps(gaps, where, now)
        return cls(
            loops=tuple(
                min(_most(times), max(LONGEST_PAST // length, _LEAST))
                for length, times in enumerate(zip(*loops, strict=True), start=1)
            )
            or (_LEAST,),
            repeats=_most(repeats),
            silence=_most(silences, least=0),
            density=_most(densities),
            ranges=tuple(_range(counts) for counts in pitches),
            motions=_avoidance(similar, together),
            spacings=_spacings(gaps, where),
        )

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> "Habits":
        """The habits that a bundle has; where it has none, those that nobody objects to."""
        values = bundle.corpus.get("habits")
        if values is None:
            ranges = tuple((part.low, part.high) for part in bundle.vocabulary.parts)
            nothing = np.zeros((CLASSES, CLASSES)), np.zeros((len(ranges) - 1, 2))
            return cls((4,) * LONGEST_LOOP, 12, int(NEVER), _DENSE, ranges, *nothing)
        return cls(
            loops=tuple(values["loops"]),
            repeats=values["repeats"],
            silence=values["silence"],
            density=values.get("density", _DENSE),
            ranges=tuple((low, high) for low, high in values["ranges"]),
            motions=np.array(values["motions"], float),
            spacings=np.array(values["spacings"], float).reshape(-1, 2),
        )

    def as_dict(self) -> dict[str, Any]:
        """For ``corpus.json``."""
        return {
            "loops": list(self.loops),
            "repeats": self.repeats,
            "silence": self.silence,
            "density": self.density,
            "ranges": [list(pair) for pair in self.ranges],
            "motions": self.motions.round(2).tolist(),
            "spacings": self.spacings.round(2).tolist(),
        }

    def cost(self, before: IntArray, now: IntArray) -> FloatArray:
        """How unusual it is that parts move together, and then stand, as they do.

        Args:
            before: Pitches of the parts before an onset, -1 for none, ``(N, parts)``.
            now: Their pitches at it, ``(N, parts)``.

        Returns:
            float64 ``(N,)``: sums of :attr:`motions` and :attr:`spacings`, 0 or less.
        """
        cells = similar_cells(before, now).reshape(len(now), -1)
        costs = np.append(self.motions.reshape(-1), 0.0)  # the last is of -1
        crossed, wide = spaced(now)
        found: FloatArray = costs.take(cells, mode="wrap").sum(axis=1)
        return found + crossed @ self.spacings[:, 0] + wide @ self.spacings[:, 1]


def most_struck(rows: IntArray, v: Vocabulary) -> int:
    """How many notes are struck within a whole note, at most.

    Args:
        rows: Of a piece from its beginning, int32 ``(n, 5)``.
        v: What they mean.
    """
    struck = rows[:, Field.SHIFT] <= v.max_shift
    tied = struck & (rows[:, Field.DURATION] == v.tie)
    struck[1:] &= ~tied[:-1]
    onsets = np.cumsum(v.steps_of(rows[:, Field.SHIFT]))[struck]
    earlier = np.searchsorted(onsets, onsets - v.max_shift, side="right")
    return int((np.arange(1, len(onsets) + 1) - earlier).max(initial=0))


def _add_gaps(gaps: FloatArray, where: FloatArray, now: IntArray) -> None:
    """Count how neighbours stand to each other, and each by itself.

    Args:
        gaps: For each pair from -127 to 127 semitones how often, ``(parts - 1, 255)``.
        where: Of its two parts each pitch, ``(parts - 1, 2, 128)``.
        now: Pitches at onsets, -1 for none, ``(N, parts)``.
    """
    for pair in range(len(gaps)):
        both = now[(now[:, pair] >= 0) & (now[:, pair + 1] >= 0), pair : pair + 2]
        gaps[pair] += np.bincount(both[:, 0] - both[:, 1] + 127, minlength=255)
        for part in range(2):
            where[pair, part] += np.bincount(both[:, part], minlength=128)


def _spacings(gaps: FloatArray, where: FloatArray) -> FloatArray:
    """The logarithms of how much less often neighbours cross, or are wide, than at random."""
    found = np.zeros((len(gaps), 2))
    for pair, (counts, (upper, lower)) in enumerate(zip(gaps, where, strict=True)):
        random = np.convolve(upper, lower[::-1]) / max(counts.sum(), 1)
        for number, gap in enumerate((slice(0, 127), slice(128 + CLASSES, None))):
            found[pair, number] = min(0, np.log((counts[gap].sum() + 1) / (random[gap].sum() + 1)))
    return found


def _avoidance(similar: FloatArray, together: FloatArray) -> FloatArray:
    """The logarithms of how much less often than at random; one event more on either side."""
    shares = together / np.maximum(together.sum(axis=1, keepdims=True), 1)
    random = similar.sum() * shares[0][:, None] * shares[1]
    found: FloatArray = np.minimum(np.log((similar + 1) / (random + 1)), 0)
    return found


def _range(counts: FloatArray) -> tuple[int, int]:
    """The pitches between which nearly all of a part's notes lie."""
    if not counts.sum():
        return 0, 127
    shares = np.cumsum(counts) / counts.sum()
    rest = (1 - _NEARLY_ALL_NOTES) / 2
    return int((shares > rest).argmax()), int((shares >= 1 - rest).argmax())


def _most(values: Sequence[int], least: int = _LEAST) -> int:
    """What nearly all pieces do no more often than."""
    often = int(np.quantile(values, _NEARLY_ALL, method="higher")) if len(values) else 0
    return max(often, least)
