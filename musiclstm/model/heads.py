"""The heads' last layers in NumPy: from a hidden layer to the logits of a field's ids.

Each head's kernels stand side by side, so that all it has to say is one product. Of the pitch head
that is a number for each pitch, for each interval from the reference pitch and for each candidate;
of the duration head a number for each duration, for each place in the bar where the note may end
and for each candidate. See :mod:`.architecture`.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    REACH,
    Field,
    Vocabulary,
    motions_in_reach,
    sonorities_by_class,
)
from musiclstm.encoding.intervals import MAX_INTERVAL
from musiclstm.model.architecture import (
    CANDIDATES,
    N_PITCHES,
    PITCH_CLASSES,
    TABLE_SCALE,
    bar_places,
    interval_columns,
    steps_of_durations,
)

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

_ZERO = np.zeros(1, np.float32)


class PitchHints(NamedTuple):
    """What the pitch head goes by beside its hidden layer, for N rows.

    Attributes:
        reference: Pitch that intervals are counted from, int32 ``(N,)``.
        candidates: Pitches to weigh, -1 for none, int32 ``(N, 3)``.
        matches: How long a match suggests each, as an id, int32 ``(N, 3)``.
        motions: What each other part does, as an id, int32 ``(N, parts)``.
        sonorities: What the others sound, as an id, int32 ``(N, 1)``.
    """

    reference: IntArray
    candidates: IntArray
    matches: IntArray
    motions: IntArray
    sonorities: IntArray


class DurationHints(NamedTuple):
    """What the duration head goes by beside its hidden layer, for N rows.

    Attributes:
        place: Steps since the barline, int32 ``(N,)``.
        bar: Length of the bar in steps, int32 ``(N,)``.
        candidates: Duration ids to weigh, -1 for none, int32 ``(N, 4)``.
        matches: How long a match suggests each, as an id, int32 ``(N, 4)``.
    """

    place: IntArray
    bar: IntArray
    candidates: IntArray
    matches: IntArray


Hints: TypeAlias = PitchHints | DurationHints


class Heads:
    """The last layers of all heads.

    Args:
        vocabulary: What the ids mean.
        weights: float32 arrays by the names of :func:`~.architecture.weight_shapes`.
    """

    def __init__(self, vocabulary: Vocabulary, weights: Mapping[str, FloatArray]) -> None:
        self._out = [_Out(weights, field) for field in Field]
        self._gates: dict[int, _Gates] = {field: _Gates(weights, field) for field in CANDIDATES}
        self._intervals = (N_PITCHES + interval_columns()).astype(np.intp)  # as columns of the head
        motions = TABLE_SCALE * weights["head.pitch.motion_table"].take(motions_in_reach())
        self._motions = np.concatenate([motions, np.zeros_like(motions[:1])])  # and of no part
        chords = TABLE_SCALE * weights["head.pitch.sonority_table"].take(sonorities_by_class())
        # indexing would lay the table out by columns, and each look into it then copy it whole
        chords = chords.take(np.arange(N_PITCHES) % PITCH_CLASSES, axis=1)
        self._sonorities = np.concatenate([chords, np.zeros_like(chords[:1])])
        first = N_PITCHES + MAX_INTERVAL - REACH
        self._in_reach = slice(first, first + 2 * REACH + 1)  # intervals, as columns of the head
        self._steps = steps_of_durations(vocabulary)
        self._last_place = np.array([bar_places(vocabulary) - 1])
        self._first_place = np.array([vocabulary.size(Field.DURATION)])

    def logits(self, field: int, sums: FloatArray, hints: Hints | None = None) -> FloatArray:
        """The logits of a field's ids, ``(N, size)``.

        Args:
            field: Which.
            sums: All that its head has read, ``(N, H)``.
            hints: What the heads of pitch and duration go by beside it.
        """
        out = self._out[field]
        said: FloatArray = np.maximum(sums, _ZERO) @ out.kernel
        said += out.bias
        if hints is None:
            return said
        begins = np.arange(0, said.size, said.shape[1])[:, None]
        self._gates[field].weigh(said, begins, hints)
        if isinstance(hints, PitchHints):
            said[:, :N_PITCHES] += self._sonorities.take(hints.sonorities[:, 0], axis=0)
            said[:, self._in_reach] += np.add.reduce(
                self._motions.take(hints.motions, axis=0), axis=1
            )
        columns = self._columns(hints)
        columns += begins
        logits = said.reshape(-1).take(columns)
        logits += said[:, : out.size]
        return logits

    def _columns(self, hints: Hints) -> npt.NDArray[np.intp]:
        """Where the interval of each pitch, or the end of each duration, stands in what is said."""
        if isinstance(hints, PitchHints):
            return self._intervals.take(hints.reference, axis=0)
        ends = (hints.place[:, None] + self._steps) % hints.bar[:, None]
        columns: npt.NDArray[np.intp] = np.minimum(ends, self._last_place)
        columns += self._first_place
        return columns


def log_softmax(logits: FloatArray, legal: npt.NDArray[np.bool_]) -> FloatArray:
    """Log-probabilities over the legal ids, ``(N, size)``; ``-inf`` elsewhere."""
    masked = np.where(legal, logits, -np.inf)
    masked -= masked.max(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        total = np.log(np.exp(masked).sum(axis=-1, keepdims=True))
    log_probs: FloatArray = (masked - total).astype(np.float32)
    return log_probs


class _Out:
    """Kernel and bias of all that a head says, side by side, beginning with its ``size`` ids."""

    def __init__(self, weights: Mapping[str, FloatArray], field: Field) -> None:
        name = f"head.{field.name.lower()}"
        kinds = [
            "out",
            *(kind for kind in ("interval", "ends") if f"{name}.{kind}_kernel" in weights),
        ]
        kernels = [weights[f"{name}.{kind}_kernel"] for kind in kinds]
        biases = [weights[f"{name}.{kind}_bias"] for kind in kinds]
        self.size = len(biases[0])
        if field in CANDIDATES:  # the gates' biases depend on the match
            kernels.append(weights[f"{name}.gate_kernel"])
            biases.append(np.zeros(CANDIDATES[field], np.float32))
        self.kernel = np.concatenate(kernels, axis=1)
        self.bias = np.concatenate(biases)


class _Gates:
    """How much a head gives for its candidates: what it says of each and how long the match is."""

    def __init__(self, weights: Mapping[str, FloatArray], field: Field) -> None:
        bias = weights[f"head.{field.name.lower()}.gate_bias"]
        self._n = len(bias)
        self._by_match = bias.reshape(-1)
        self._rows = np.arange(0, bias.size, bias.shape[1])

    def weigh(self, said: FloatArray, begins: npt.NDArray[np.intp], hints: Hints) -> None:
        """Add to the candidates' logits in ``said``; equal candidates are each added."""
        gains = self._by_match.take(hints.matches + self._rows)
        gains += said[:, -self._n :]
        # -1, none, falls on the last gate of the row before, which has been read and is done with
        np.add.at(said.reshape(-1), hints.candidates + begins, gains)
