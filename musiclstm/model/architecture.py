"""The shape of the network: its hyper-parameters, and the name and shape of every weight.

Both implementations, :mod:`.network` in Keras for training and :mod:`.decoder` in NumPy for
composing, are built from this table, and :mod:`.bundle` holds a stranger's file against it.

```
row r, what follows from it ──embeddings──┐
onset layer, at the row's onset ──────────┴─ Dense ── LSTM ─+─ LSTM ─+─ h
                                                  └─residual─┘ └──────┘
h ─────────────────────────────► shift
h, onset ──────────────────────► part         each head also sees
h, onset, voice of the part ───► pitch        the fields before it
h, onset, voice, note ─────────► duration
h, onset, voice, note ─────────► velocity
```

The onset layer reads what is known once the shift is, the voice layer what the part adds, the note
layer what the pitch adds. Two heads say more than one number for each id, and what they say adds
up: the pitch is seen as such and as an interval from the part's reference pitch, the duration as
such and by the place in the bar where the note would end. Both weigh candidates as well, what
followed when the past was last like now: a *gate* is what a candidate's logit gains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import (
    DURATION_CANDIDATES,
    INTERVALS,
    LONGEST_BAR_QUARTERS,
    MATCH_LENGTHS,
    MAX_MODEL_PARTS,
    MOTIONS,
    PITCH_CANDIDATES,
    REACH,
    SHARES,
    SONORITIES,
    Field,
    Vocabulary,
    after_rows,
    condition_sizes,
    note_rows,
    onset_rows,
    voice_rows,
)
from musiclstm.encoding.intervals import MAX_INTERVAL, NO_INTERVAL
from musiclstm.errors import BundleError

IntArray = npt.NDArray[np.int32]

N_PITCHES = 128
# What the tables of motions and sonorities say is multiplied by this. Adam moves a weight by about
# its learning rate a step, and decay holds it near 1: a rule that knows no exceptions needs more.
TABLE_SCALE = 4.0
PITCH_CLASSES = 12
# Beside ids the onset layer sees of what sounds which pitches, for how long and which pitch
# classes, of the parts for how long they sound and whether they have been struck; the voice layer
# its own part's pitches, for how long, and which pitch classes the past was made of; the note layer
# the last once more, seen from its pitch.
ONSET_FEATURES = 2 * N_PITCHES + PITCH_CLASSES + 2 * MAX_MODEL_PARTS
VOICE_FEATURES = 2 * N_PITCHES + SHARES
NOTE_FEATURES = SHARES

# Which fields a head sees (those already chosen).
HEAD_FIELDS: Mapping[Field, list[Field]] = {
    Field.SHIFT: [],
    Field.PART: [Field.SHIFT],
    Field.PITCH: [Field.SHIFT, Field.PART],
    Field.DURATION: [Field.SHIFT, Field.PART, Field.PITCH],
    Field.VELOCITY: [Field.SHIFT, Field.PART, Field.PITCH, Field.DURATION],
}
# How many candidates a head weighs: a pitch's are what the part's own past, all parts' rows and
# the leading part's past suggest; a duration's the same and what followed this very pitch.
CANDIDATES: Mapping[Field, int] = {
    Field.PITCH: PITCH_CANDIDATES,
    Field.DURATION: DURATION_CANDIDATES,
}


@dataclass(frozen=True)
class NetworkConfig:
    """Hyper-parameters of the network; the default is the *default model*.

    Attributes:
        units: Width of each LSTM layer, 1-4096.
        layers: Number of LSTM layers, 1-8.
        onset_units: Width of the layer that reads what sounds, 1-4096.
        voice_units: Width of the layer that reads the part's own past, 1-4096.
        note_units: Width of the layer that reads the chosen pitch against all that, 1-4096.
        head_units: Width of each head's hidden layer, 1-4096.
        dropout: In training, the share of units that locked dropout silences, 0-0.9.
        head_dropout: The same of the duration head's hidden layer, anew for each row, 0-0.9.
        feature_dropout: In training, how often a lane goes without a column of ids, 0-0.9.
        noise: In training, how often a remembered pitch or time is a wrong one, 0-0.9.
    """

    units: int = 256
    layers: int = 2
    onset_units: int = 192
    voice_units: int = 128
    note_units: int = 128
    head_units: int = 192
    dropout: float = 0.5
    head_dropout: float = 0.4
    feature_dropout: float = 0.12
    noise: float = 0.1

    def __post_init__(self) -> None:
        for name in ("units", "onset_units", "voice_units", "note_units", "head_units"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 4096:  # True is no width
                raise BundleError(f"{name} is {value!r}; use 1 to 4096")
        if type(self.layers) is not int or not 1 <= self.layers <= 8:
            raise BundleError(f"layers is {self.layers!r}; use 1 to 8")
        for name in ("dropout", "head_dropout", "feature_dropout", "noise"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= 0.9:
                raise BundleError(f"{name} is {value!r}; use 0 to 0.9")

    def as_dict(self) -> dict[str, Any]:
        """For ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "NetworkConfig":
        """Undo :meth:`as_dict`.

        Raises:
            BundleError: If a value is missing, unknown or out of range.
        """
        names = {field.name for field in fields(cls)}
        if missing := sorted(names - set(values)):
            raise BundleError(f"the network's settings lack {', '.join(missing)}")
        if unknown := sorted(set(values) - names):
            raise BundleError(f"the network's settings have an unknown entry {unknown[0]!r}")
        return cls(**values)


def input_sizes(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Number of ids of each column at the LSTM's input, before those of what follows from the row.

    They are the five fields, each with an id for *absent*.
    """
    return tuple(size + 1 for size in vocabulary.sizes)


def head_sizes(field: Field, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Number of ids of each earlier field that a head sees."""
    return tuple(vocabulary.size(earlier) for earlier in HEAD_FIELDS[field])


def known_widths(field: Field, config: NetworkConfig) -> tuple[int, ...]:
    """Widths of what a head reads: the LSTM, then onset, voice and note as they become known."""
    widths = (config.units, config.onset_units, config.voice_units, config.note_units)
    return widths[: field + 1]


def begins(sizes: Sequence[int]) -> IntArray:
    """Where each column's ids begin in a table that all columns share, int32 ``(columns,)``."""
    return (np.cumsum(sizes) - sizes).astype(np.int32)


def bar_places(vocabulary: Vocabulary) -> int:
    """Number of places in the longest bar at which a note may end."""
    return LONGEST_BAR_QUARTERS * vocabulary.steps_per_quarter


def steps_of_durations(vocabulary: Vocabulary) -> IntArray:
    """Steps that each duration id lasts, int32 ``(durations,)``; a tie as long as any note."""
    steps = np.arange(vocabulary.size(Field.DURATION), dtype=np.int32) + 1
    return np.minimum(steps, vocabulary.max_duration)


def interval_columns() -> IntArray:
    """For each reference pitch the interval id of each pitch, int32 ``(128, 128)``.

    Pitches out of reach, which the context counts with the widest interval, share the id of *none*
    here: that one is near is no reason for those beyond.
    """
    pitches = np.arange(N_PITCHES)
    away = pitches[None, :] - pitches[:, None]
    reached = np.abs(away) <= MAX_INTERVAL
    return np.where(reached, away + MAX_INTERVAL, NO_INTERVAL).astype(np.int32)


def motion_columns() -> IntArray:
    """For each pitch that a part moves from the place of each pitch in reach, ``(128, 128)``.

    From 0, an octave below; pitches out of reach have the place after the last.
    """
    pitches = np.arange(N_PITCHES)
    away = pitches[None, :] - pitches[:, None]
    return np.where(np.abs(away) <= REACH, away + REACH, 2 * REACH + 1).astype(np.int32)


def weight_shapes(config: NetworkConfig, vocabulary: Vocabulary) -> dict[str, tuple[int, ...]]:
    """The stable name and the shape of every weight.

    The last word of a name says what it is: a ``kernel`` that is multiplied with, a ``table`` that
    ids look up, a ``bias`` that is added (:func:`decays`).
    """
    c, v, hidden = config, vocabulary, config.head_units
    shapes: dict[str, tuple[int, ...]] = {}
    for name, rows, features, width in (
        ("onset", onset_rows(v), ONSET_FEATURES, c.onset_units),
        ("voice", voice_rows(v), VOICE_FEATURES, c.voice_units),
        ("note", note_rows(v), NOTE_FEATURES, c.note_units),
        ("input", sum(input_sizes(v)) + after_rows(v), c.onset_units, c.units),
    ):
        shapes[f"{name}.table"] = (rows, width)
        shapes[f"{name}.kernel"] = (features, width)
        shapes[f"{name}.bias"] = (width,)
    shapes["input.conditions_table"] = (sum(condition_sizes(v)), c.units)
    for layer in range(c.layers):
        shapes[f"lstm.{layer}.kernel"] = (c.units, 4 * c.units)
        shapes[f"lstm.{layer}.recurrent_kernel"] = (c.units, 4 * c.units)
        shapes[f"lstm.{layer}.bias"] = (4 * c.units,)
    for field in Field:
        name = f"head.{field.name.lower()}"
        shapes[f"{name}.kernel"] = (sum(known_widths(field, c)), hidden)
        shapes[f"{name}.bias"] = (hidden,)
        if HEAD_FIELDS[field]:
            shapes[f"{name}.table"] = (sum(head_sizes(field, v)), hidden)
        shapes[f"{name}.out_kernel"] = (hidden, v.size(field))
        shapes[f"{name}.out_bias"] = (v.size(field),)
        if field in CANDIDATES:
            shapes[f"{name}.gate_kernel"] = (hidden, CANDIDATES[field])
            shapes[f"{name}.gate_bias"] = (CANDIDATES[field], MATCH_LENGTHS)
    shapes["head.pitch.motion_table"] = (MOTIONS,)
    shapes["head.pitch.sonority_table"] = (SONORITIES,)
    for name, size in (("pitch.interval", INTERVALS), ("duration.ends", bar_places(v))):
        shapes[f"head.{name}_kernel"] = (hidden, size)
        shapes[f"head.{name}_bias"] = (size,)
    return shapes


def decays(name: str) -> bool:
    """Whether weight decay applies to a weight: to kernels and tables, not to biases.

    The gates' biases by length of match are biases too: how far a long match is to be trusted is
    no complexity to be paid for.

    >>> decays("voice.table"), decays("head.pitch.out_bias")
    (True, False)
    """
    return not name.endswith("bias")


def count_parameters(config: NetworkConfig, vocabulary: Vocabulary) -> int:
    """Number of weights."""
    total = 0
    for shape in weight_shapes(config, vocabulary).values():
        size = 1
        for extent in shape:
            size *= extent
        total += size
    return total
