"""The shape of the network: its hyper-parameters, and the name and shape of every weight.

Both implementations, :mod:`.network` in Keras for training and :mod:`.decoder` in NumPy for
composing, are built from this table, and :mod:`.bundle` holds a stranger's file against it.

```
row r ──embeddings──────────────┐
its context ─onset, voice layers┴─ Dense ── LSTM ─+─ LSTM ─+─ h
                                       └─residual─┘ └──────┘
h ───────────────────────────────► shift
h, onset ────────────────────────► part        each head also sees
h, onset, voice of the part ─────► pitch       the fields before it
h, onset, voice ─────────────────► duration
h, onset, voice ─────────────────► velocity
```
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from musiclstm.encoding import (
    MAX_MODEL_PARTS,
    Field,
    Vocabulary,
    after_size,
    condition_sizes,
    onset_sizes,
    voice_sizes,
)
from musiclstm.errors import BundleError

N_PITCHES = 128
PITCH_CLASSES = 12
# Of what sounds the onset layer sees which pitches, for how long, which pitch classes; then the
# same of the parts. The voice layer sees its own part's pitches.
ONSET_FEATURES = 2 * N_PITCHES + PITCH_CLASSES + 2 * MAX_MODEL_PARTS
VOICE_FEATURES = 2 * N_PITCHES

# Which fields a head sees (those already chosen), and whether it sees onset and voice.
HEAD_FIELDS: Mapping[Field, list[Field]] = {
    Field.SHIFT: [],
    Field.PART: [Field.SHIFT],
    Field.PITCH: [Field.SHIFT, Field.PART],
    Field.DURATION: [Field.SHIFT, Field.PART, Field.PITCH],
    Field.VELOCITY: [Field.SHIFT, Field.PART, Field.PITCH, Field.DURATION],
}


@dataclass(frozen=True)
class NetworkConfig:
    """Hyper-parameters of the network; the default is the *default model*.

    Attributes:
        units: Width of each LSTM layer, 1-4096.
        layers: Number of LSTM layers, 1-8.
        onset_units: Width of the layer that reads what sounds, 1-4096.
        voice_units: Width of the layer that reads the part's own past, 1-4096.
        head_units: Width of each head's hidden layer, 1-4096.
        dropout: Share of units that locked dropout silences, 0-0.9.
    """

    units: int = 256
    layers: int = 2
    onset_units: int = 192
    voice_units: int = 128
    head_units: int = 192
    dropout: float = 0.3

    def __post_init__(self) -> None:
        for name in ("units", "onset_units", "voice_units", "head_units"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 4096:  # True is no width
                raise BundleError(f"{name} is {value!r}; use 1 to 4096")
        if type(self.layers) is not int or not 1 <= self.layers <= 8:
            raise BundleError(f"layers is {self.layers!r}; use 1 to 8")
        if type(self.dropout) not in (int, float) or not 0 <= self.dropout <= 0.9:
            raise BundleError(f"dropout is {self.dropout!r}; use 0 to 0.9")

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
    """Number of ids of each column at the LSTM's input.

    The five fields (each with an id for *absent*), what follows from the row, the five conditions.
    """
    fields = tuple(size + 1 for size in vocabulary.sizes)
    return (*fields, after_size(vocabulary), *condition_sizes(vocabulary))


def head_sizes(field: Field, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Number of ids of each earlier field that a head sees."""
    return tuple(vocabulary.size(earlier) for earlier in HEAD_FIELDS[field])


def head_width(field: Field, config: NetworkConfig) -> int:
    """Width of what a head reads: the LSTM, then onset and voice as they become known."""
    onset = config.onset_units if field >= Field.PART else 0
    voice = config.voice_units if field >= Field.PITCH else 0
    return config.units + onset + voice


def weight_shapes(config: NetworkConfig, vocabulary: Vocabulary) -> dict[str, tuple[int, ...]]:
    """The stable name and the shape of every weight."""
    c, v = config, vocabulary
    shapes: dict[str, tuple[int, ...]] = {
        "onset.table": (sum(onset_sizes(v)), c.onset_units),
        "onset.kernel": (ONSET_FEATURES, c.onset_units),
        "onset.bias": (c.onset_units,),
        "voice.table": (sum(voice_sizes(v)), c.voice_units),
        "voice.kernel": (VOICE_FEATURES, c.voice_units),
        "voice.bias": (c.voice_units,),
        "input.table": (sum(input_sizes(v)), c.units),
        "input.kernel": (c.onset_units + c.voice_units, c.units),
        "input.bias": (c.units,),
    }
    for layer in range(c.layers):
        shapes[f"lstm.{layer}.kernel"] = (c.units, 4 * c.units)
        shapes[f"lstm.{layer}.recurrent_kernel"] = (c.units, 4 * c.units)
        shapes[f"lstm.{layer}.bias"] = (4 * c.units,)
    for field in Field:
        name = f"head.{field.name.lower()}"
        shapes[f"{name}.kernel"] = (head_width(field, c), c.head_units)
        shapes[f"{name}.bias"] = (c.head_units,)
        if HEAD_FIELDS[field]:
            shapes[f"{name}.table"] = (sum(head_sizes(field, v)), c.head_units)
        shapes[f"{name}.out_kernel"] = (c.head_units, v.size(field))
        shapes[f"{name}.out_bias"] = (v.size(field),)
    return shapes


def count_parameters(config: NetworkConfig, vocabulary: Vocabulary) -> int:
    """Number of weights."""
    total = 0
    for shape in weight_shapes(config, vocabulary).values():
        size = 1
        for extent in shape:
            size *= extent
        total += size
    return total
