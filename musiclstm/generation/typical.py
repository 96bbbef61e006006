"""What is usual of the music that a model learned from, so that a piece can be held against it.

Three things are measured: how likely the model itself finds a piece, a dozen features of its notes,
and the longest run that it shares with a training piece. Of each a bundle keeps what most pieces
have: a middle and a spread. Both are quantiles, since a corpus nearly always holds a few pieces of
another kind, and those would widen a standard deviation until nothing were unusual any more.

Likelihood is measured with every condition unspecified, as all published likelihoods are. A
composed piece was asked for in a key and a length, a held-out one has had them read off its last
note; given to the model they would be knowledge of two different kinds.

What the training pieces themselves say of likelihood and of copies is worth little: they are what
the model knows best, and each is a copy of itself. So both are measured on held-out pieces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from musiclstm.encoding import Encoded, Field, Vocabulary, decode
from musiclstm.features.catalogue import CATALOGUE, Feature
from musiclstm.generation.copied_runs import RUN
from musiclstm.generation.novelty import Copied, CopyCheck
from musiclstm.model import Bundle
from musiclstm.model.pieces import spread
from musiclstm.score import Score

# Of each piece its beginning is measured: four minutes of a chorale, and memory has a bound.
MOST_ROWS = 1024
_MOST_PIECES = 200
# A thousand rows take about a second; of the longest pieces eight are scored.
_MOST_ROWS_SCORED = 8 * MOST_ROWS
_MOST_ROWS_MEASURED = 128 * MOST_ROWS
_MOST_NOTES_COMPARED = 10_000_000  # of the training set: what is searched lies in memory, 500 MB
_FEWEST = 5  # pieces: of fewer nobody can say what is usual
_INNER = (0.1587, 0.8413)  # of a normal distribution one standard deviation around its middle
_LEAST_NATS, _LEAST_NOTES, _LEAST_SHARE = 0.05, 1.0, 0.001  # of spreads


# None of them asks for a number of parts, for a meter or for harmony, and transposing changes none.
FEATURES: Mapping[str, Feature] = {
    name: CATALOGUE[name]
    for name in (
        "pitch_class_entropy",
        "scale_consistency",
        "pitch_range",
        "polyphony",
        "note_density",
        "note_length",
        "melodic_motion",
        "groove_consistency",
        "empty_beats",
        "harmonic_changes",
        "chordal_share",
        "longest_repeat",
    )
}


class Usual(NamedTuple):
    """What most pieces have.

    Attributes:
        middle: Their median.
        spread: Half the width of the range that holds the inner 68% of them, above 0: where they
            are normally distributed, their standard deviation.
    """

    middle: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float], least: float) -> "Usual":
        """What is usual of some values.

        Args:
            values: Finite, at least one.
            least: The spread where they have less.
        """
        (low, high), middle = np.quantile(values, _INNER), float(np.median(values))
        # where most are equal, the others say how far one may go, the odd ones not by their squares
        spread = (high - low) / 2 or np.abs(np.subtract(values, middle)).mean()
        return cls(_short(middle), _short(max(float(spread), least)))

    def z(self, value: float, most: float) -> float:
        """How many spreads above the middle a value lies, cut to ``-most`` to ``most``."""
        return float(np.clip((value - self.middle) / self.spread, -most, most))


@dataclass(frozen=True)
class Typical:
    """What is usual of a corpus; what is not known is None, or not there.

    Attributes:
        nats: Nats a note under the model, nothing known of the whole piece.
        copied: Notes of the longest run that is shared with a training piece.
        features: Of :data:`FEATURES`, by name.
    """

    nats: Usual | None
    copied: Usual | None
    features: Mapping[str, Usual]

    @classmethod
    def of_pieces(
        cls, bundle: Bundle, training: Sequence[Encoded], held_out: Sequence[Encoded]
    ) -> "Typical":
        """Measure pieces; of many, evenly chosen ones. Takes some seconds.

        Where fewer than five pieces are held out, what is usual to copy is not known, and the
        spread of likelihood is that of training pieces; where none is, its middle is too. Those it
        finds likelier than any others, so that is better than nothing, and no more.

        Args:
            bundle: With its final weights, and its copy check.
            training: What it learned from; rows may lie on disk, and few of them are read.
            held_out: What it did not learn from; may be empty.
        """
        v = bundle.vocabulary
        own = _finite(nats_per_note(bundle, piece) for piece in _sample(held_out))
        spreading = own
        if len(own) < _FEWEST:
            spreading = _finite(nats_per_note(bundle, piece) for piece in _sample(training))
        nats = None
        if len(spreading) >= _FEWEST:
            nats = Usual.of(spreading, _LEAST_NATS)
            nats = nats._replace(middle=_short(float(np.median(own or spreading))))
        measured = [
            features_of(decode(beginning(piece, v), v))
            for piece in _sample(training, _MOST_ROWS_MEASURED)
        ]
        features = {}
        for name in FEATURES if len(measured) >= _FEWEST else ():
            values = [values[name] for values in measured]
            features[name] = Usual.of(values, least_spread(float(np.median(values))))
        return cls(nats, _usually_copied(bundle, training, held_out), features)

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> "Typical":
        """What a bundle says; features that this program does not know are left out."""
        values = bundle.corpus.get("typical", {})
        features = values.get("features", {})
        return cls(
            nats=Usual(*values["nats"]) if values.get("nats") else None,
            copied=Usual(*values["copied"]) if values.get("copied") else None,
            features={name: Usual(*features[name]) for name in FEATURES if name in features},
        )

    def as_dict(self) -> dict[str, Any]:
        """For ``corpus.json``: of each middle and spread."""
        return {
            "nats": None if self.nats is None else list(self.nats),
            "copied": None if self.copied is None else list(self.copied),
            "features": {name: list(usual) for name, usual in self.features.items()},
        }


def beginning(encoded: Encoded, vocabulary: Vocabulary, most_rows: int = MOST_ROWS) -> Encoded:
    """A piece as far as it is measured: its first rows, and END.

    A wait or an open tie before the cut is cut off too. A shorter piece stays whole.

    Args:
        encoded: Its rows may lie on disk.
        vocabulary: Of the rows.
        most_rows: How many are kept.
    """
    rows = encoded.events[:most_rows].astype(np.int32)  # on disk they are shorter
    if len(encoded.events) <= most_rows:
        return replace(encoded, events=rows)
    dangling = (rows[:, Field.SHIFT] == vocabulary.wait) | (
        rows[:, Field.DURATION] == vocabulary.tie
    )
    rows[np.flatnonzero(~dangling[:-1]).max(initial=-1) + 1] = [vocabulary.end, 0, 0, 0, 0]
    end = int(np.argmax(rows[:, Field.SHIFT] == vocabulary.end))
    return replace(encoded, events=rows[: end + 1])


def nats_per_note(bundle: Bundle, encoded: Encoded) -> float:
    """What a piece's notes cost under the model, waits and the end included.

    Args:
        bundle: The model.
        encoded: The piece; :func:`beginning` is what counts of it.
    """
    piece = beginning(encoded, bundle.vocabulary)
    nats = bundle.decoder.score(piece)
    if len(encoded.events) > MOST_ROWS:
        nats = nats[:-1]  # it did not end there
    return float(nats.sum(dtype=np.float64)) / max(count_notes(piece, bundle.vocabulary), 1)


def count_notes(encoded: Encoded, vocabulary: Vocabulary) -> int:
    """The notes among a piece's rows: neither waits nor END nor what continues a tie."""
    rows = encoded.events
    ends = (rows[:, Field.SHIFT] <= vocabulary.max_shift) & (
        rows[:, Field.DURATION] != vocabulary.tie
    )
    return int(np.count_nonzero(ends))


def features_of(score: Score) -> dict[str, float]:
    """All :data:`FEATURES` of a score."""
    return {name: float(feature.measure(score)) for name, feature in FEATURES.items()}


def least_spread(middle: float) -> float:
    """The least that a feature's spread may be; a feature that has it is the same in all pieces."""
    return _LEAST_SHARE * max(1.0, abs(middle))


def notes_copied(copied: Copied) -> int:
    """Notes of a run; where it is too short to be noticed, the most that may go unnoticed."""
    return max(copied.notes, RUN)


def _usually_copied(
    bundle: Bundle, training: Sequence[Encoded], held_out: Sequence[Encoded]
) -> Usual | None:
    known = sum(piece.n_notes for piece in training)
    if len(held_out) < _FEWEST or known > _MOST_NOTES_COMPARED:
        return None
    check = CopyCheck.of(bundle)
    runs = [check.longest(piece) for piece in _sample(held_out, _MOST_ROWS_MEASURED)]
    notes = [notes_copied(run) for run in runs if run is not None]
    return Usual.of(notes, _LEAST_NOTES) if len(notes) >= _FEWEST else None


def _sample(pieces: Sequence[Encoded], most_rows: int = _MOST_ROWS_SCORED) -> list[Encoded]:
    """Evenly chosen pieces, with about as many rows as may be, of each as many as count."""
    pieces = [piece for piece in pieces if len(piece.events) > 1]  # the END of nothing is no music
    count = min(len(pieces), _MOST_PIECES)
    rows = np.array([min(len(piece.events), MOST_ROWS) for piece in pieces])
    if count and rows.mean() * count > most_rows:
        count = max(1, int(most_rows / rows.mean()))
    return [pieces[index] for index in spread(len(pieces), count)]


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]


def _short(value: float) -> float:
    """As it is kept: six digits, so that the file is the same wherever the last bits differ."""
    return float(f"{value:.6g}")
