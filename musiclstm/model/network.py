"""The network in Keras, for training.

:mod:`.decoder` is the same network in NumPy; a test holds the two within 1e-4 of each other on
log-probabilities. Importing this module imports TensorFlow.

Letters in shapes: B lanes, T rows, L layers, U units, H head units; n the rows that count.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from musiclstm.encoding import (
    Field,
    Vocabulary,
    condition_sizes,
    motions_in_reach,
    sonorities_by_class,
)
from musiclstm.model.architecture import (
    CANDIDATES,
    HEAD_FIELDS,
    N_PITCHES,
    PITCH_CLASSES,
    TABLE_SCALE,
    NetworkConfig,
    bar_places,
    begins,
    head_sizes,
    input_sizes,
    interval_columns,
    known_widths,
    motion_columns,
    steps_of_durations,
    weight_shapes,
)
from musiclstm.model.dropout import Dropout
from musiclstm.model.initial import initial_weight
from musiclstm.model.lstm import FastLSTM
from musiclstm.model.ops import look_up, pick, put, read_and_coming, sum_of_rows, unpick

ILLEGAL = -1e9  # a logit that no softmax recovers from, and still finite in float32
# What of the context the heads look at, and the layers that only they read.
_FOR_HEADS = (
    "voice_ids",
    "voice_sounding",
    "voice_shares",
    "note_ids",
    "note_shares",
    "reference",
    "pitch_candidates",
    "pitch_matches",
    "motion_ids",
    "sonority_ids",
    "moves_from",
    "duration_candidates",
    "duration_matches",
    "place",
    "bar",
)


class Network(keras.Model):  # type: ignore[misc]
    """Event rows and their context in; nats of each field of the next row out.

    Args:
        config: Widths, depth and dropout.
        vocabulary: Sizes, and the unigram model that the heads' biases start from.
        seed: For the initial weights.
    """

    def __init__(self, config: NetworkConfig, vocabulary: Vocabulary, seed: int = 0) -> None:
        super().__init__(name="musiclstm")
        self.config = config
        self.vocabulary = vocabulary
        rng = np.random.default_rng([seed, 1])
        self.cells = [FastLSTM(config.units, name=f"lstm_{n}") for n in range(config.layers)]
        for cell in self.cells:
            cell.build((None, None, config.units))
        self.named: dict[str, Any] = {}
        for name, shape in weight_shapes(config, vocabulary).items():
            value = initial_weight(name, shape, vocabulary, rng)
            if name.startswith("lstm."):
                _, layer, attribute = name.split(".")
                self.named[name] = getattr(self.cells[int(layer)], attribute)
                self.named[name].assign(value)
            else:
                self.named[name] = self.add_weight(
                    shape=shape,
                    name=name.replace(".", "_"),
                    initializer=lambda *_, v=value, **__: v,
                )
        self.built = True

    def numpy_weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """A copy of every weight under its stable name."""
        return {name: np.array(variable) for name, variable in self.named.items()}

    def assign(self, weights: Mapping[str, npt.NDArray[np.floating[Any]]]) -> None:
        """Set every weight; names and shapes must be those of :func:`weight_shapes`."""
        for name, variable in self.named.items():
            variable.assign(weights[name])

    def call(self, batch: Mapping[str, Any], state: Any, seed: Any = None) -> tuple[Any, Any]:
        """Read T rows and predict the one after each.

        Args:
            batch: Arrays of :class:`musiclstm.training.batches.Batch`, by name.
            state: float32 ``(L, 2, B, U)``: h and c of every layer before the first row.
            seed: int32 ``(2,)`` for dropout; None turns it off.

        Returns:
            Nats of each field, float32 ``(B, T, 5)``, 0 for fields that a row does not have; and
            the state after the last row.
        """
        rate = self.config.dropout
        drop = Dropout(seed, tf.shape(batch["inputs"])[0])
        # at the input the onset of the row that is read, in the heads that of the row to come
        onset_read, onset_coming = read_and_coming(self._onset(batch, drop))
        x = drop.locked(self._input(batch, onset_read, drop), rate)
        states = []
        for layer, cell in enumerate(self.cells):
            y, h, cell_state = cell(x, initial_state=(state[layer, 0], state[layer, 1]))
            states.append(tf.stack([h, cell_state]))
            x += drop.locked(y, rate)
        return self._nats(x, onset_coming, batch, drop), tf.stack(states)

    # --- what is read -----------------------------------------------------------------------

    def _layer(self, name: str, ids: Any, features: Sequence[Any]) -> Any:
        """A hidden layer over ids ``(N, columns)`` and features, ``(N, units)``."""
        w = self.named
        known = sum_of_rows(w[f"{name}.table"], ids)
        known += tf.matmul(tf.concat(features, axis=-1), w[f"{name}.kernel"]) + w[f"{name}.bias"]
        return tf.nn.relu(known)

    def _onset(self, batch: Mapping[str, Any], drop: Dropout) -> Any:
        """What is known at an onset, ``(B, T + 1, onset_units)``."""
        none = self.named["onset.table"].shape[0]
        ids = drop.columns(batch["onset_ids"], none, self.config.feature_dropout)
        sounding = _rows(batch["sounding"])
        on = _where_any(sounding)
        octaves = tf.pad(on, [[0, 0], [0, -N_PITCHES % PITCH_CLASSES]])
        classes = tf.reduce_max(
            tf.reshape(octaves, [-1, octaves.shape[-1] // PITCH_CLASSES, PITCH_CLASSES]), axis=1
        )
        features = [on, _as_lengths(sounding), classes]
        features += [_as_lengths(_rows(batch["remaining"])), _where_any(_rows(batch["struck"]))]
        return _like(batch["onset_ids"], self._layer("onset", _rows(ids), features))

    def _input(self, batch: Mapping[str, Any], onset: Any, drop: Dropout) -> Any:
        """What the first LSTM layer reads, ``(B, T, units)``."""
        w, v = self.named, self.vocabulary
        sizes, none = input_sizes(v), w["input.table"].shape[0]
        ids = [batch["inputs"] + begins(sizes), batch["after_ids"] + sum(sizes)]
        ids = drop.columns(tf.concat(ids, axis=-1), none, self.config.feature_dropout)
        x = sum_of_rows(w["input.table"], _rows(ids))
        x += tf.matmul(_rows(onset), w["input.kernel"])
        conditions = batch["conditions"] + begins(condition_sizes(v))
        piece = sum_of_rows(w["input.conditions_table"], conditions) + w["input.bias"]
        return _like(batch["inputs"], x) + piece[:, None]

    # --- what is said -----------------------------------------------------------------------

    def _nats(self, h: Any, onset: Any, batch: Mapping[str, Any], drop: Dropout) -> Any:
        """Minus the log-probability of each target field, ``(B, T, 5)``.

        Padding is left out: only rows that count go through the heads, and only theirs through the
        layers that nothing else reads.
        """
        c, counts = self.config, _rows(batch["counts"])
        places = tf.where(counts[:, Field.SHIFT])[:, 0]
        lane = places // tf.shape(h, tf.int64)[1]
        coming = {name: tf.gather(_rows(batch[name]), places) for name in ("targets", "legal")}
        # a lane has one row more of the context, the first of which has been read already
        coming |= {name: tf.gather(_rows(batch[name]), places + lane + 1) for name in _FOR_HEADS}
        ids = {
            name: drop.columns(
                coming[f"{name}_ids"], self.named[f"{name}.table"].shape[0], c.feature_dropout, lane
            )
            for name in ("voice", "note")
        }
        own = coming["voice_sounding"]
        features = [_where_any(own), _as_lengths(own), coming["voice_shares"]]
        known = [
            pick(_rows(h), places),
            pick(_rows(onset), places),
            self._layer("voice", ids["voice"], features),
            self._layer("note", ids["note"], [coming["note_shares"]]),
        ]
        known[1:] = [drop.locked(values, c.dropout, lane) for values in known[1:]]
        heard = self._heard(known)
        nats = []
        for field in Field:
            logits = self._logits(field, heard[field], coming, drop)
            logits = tf.where(coming["legal"][:, self.vocabulary.slices[field]], logits, ILLEGAL)
            nats.append(
                tf.nn.sparse_softmax_cross_entropy_with_logits(coming["targets"][:, field], logits)
            )
        found = tf.stack(nats, axis=-1) * tf.cast(tf.gather(counts, places), tf.float32)
        return _like(batch["counts"], unpick(found, places, tf.shape(counts)[0]))

    def _heard(self, known: Sequence[Any]) -> list[list[Any]]:
        """What h, onset, voice and note say to each head that knows them, each ``(n, H)``.

        The heads' kernels side by side: one product for each of the four, and no copy of them for
        every head. The biases of the hidden layers are in what h says.
        """
        heads = [f"head.{field.name.lower()}" for field in Field]
        bias = tf.concat([self.named[f"{name}.bias"] for name in heads], axis=0)
        kernels = [
            tf.split(self.named[f"{heads[field]}.kernel"], known_widths(field, self.config))
            for field in Field
        ]
        heard: list[list[Any]] = [[] for _ in Field]
        for n, values in enumerate(known):
            readers = list(Field)[n:]  # with each field chosen, one more of the four is known
            said = tf.matmul(values, tf.concat([kernels[field][n] for field in readers], axis=1))
            said = said if n else said + bias
            for field, part in zip(readers, tf.split(said, len(readers), axis=1), strict=True):
                heard[field].append(part)
        return heard

    def _logits(
        self, field: Field, heard: list[Any], coming: Mapping[str, Any], drop: Dropout
    ) -> Any:
        """The logits of a field, ``(n, size)``, from what its head has heard and earlier fields."""
        w, v, name = self.named, self.vocabulary, f"head.{field.name.lower()}"
        if HEAD_FIELDS[field]:
            earlier = tf.gather(coming["targets"], HEAD_FIELDS[field], axis=-1)
            earlier += begins(head_sizes(field, v))
            heard = [*heard, sum_of_rows(w[f"{name}.table"], earlier)]
        hidden = tf.add_n(heard)
        hidden = tf.nn.relu(hidden)
        if field == Field.DURATION:
            hidden = drop.plain(hidden, self.config.head_dropout)

        def say(what: str) -> Any:
            return tf.matmul(hidden, w[f"{name}.{what}_kernel"]) + w[f"{name}.{what}_bias"]

        logits = say("out")
        if field == Field.PITCH:
            columns = tf.gather(tf.constant(interval_columns()), coming["reference"])
            logits += look_up(say("interval"), columns)
            motions = sum_of_rows(self._scaled("motion", motions_in_reach()), coming["motion_ids"])
            columns = tf.gather(tf.constant(motion_columns()), coming["moves_from"])
            logits += look_up(tf.pad(motions, [[0, 0], [0, 1]]), columns)
            chords = self._scaled("sonority", sonorities_by_class())
            chords = tf.gather(chords, np.arange(N_PITCHES) % PITCH_CLASSES, axis=1)
            logits += sum_of_rows(chords, coming["sonority_ids"])
        if field == Field.DURATION:
            ends = coming["place"][:, None] + tf.constant(steps_of_durations(v))
            ends = tf.minimum(ends % coming["bar"][:, None], bar_places(v) - 1)
            logits += look_up(say("ends"), ends)
        if field in CANDIDATES:
            candidates = coming[f"{field.name.lower()}_candidates"]
            bias = w[f"{name}.gate_bias"]
            lengths = bias.shape[1] * np.arange(bias.shape[0], dtype=np.int32)
            lengths += coming[f"{field.name.lower()}_matches"]
            gates = tf.matmul(hidden, w[f"{name}.gate_kernel"])
            gates += tf.gather(tf.reshape(bias, [-1]), lengths)
            logits += put(gates, candidates, v.size(field))
        return logits

    def _scaled(self, name: str, cells: npt.NDArray[np.int32]) -> Any:
        """A table of the pitch head laid out for its ids: what stands in each of ``cells``."""
        table = TABLE_SCALE * self.named[f"head.pitch.{name}_table"]
        return tf.reshape(sum_of_rows(table[:, None], cells.reshape(-1, 1)), cells.shape)


def _rows(lanes: Any) -> Any:
    """The rows of all lanes one after the other: ``(B, T, ...)`` as ``(B T, ...)``.

    A product of two matrices is faster than that of a stack of them with one.
    """
    return tf.reshape(lanes, [-1, *lanes.shape[2:]])


def _like(lanes: Any, rows: Any) -> Any:
    """Undo :func:`_rows`: as many lanes and rows as ``lanes`` has."""
    shape = tf.shape(lanes)
    return tf.reshape(rows, [shape[0], shape[1], rows.shape[-1]])


def _where_any(lengths: Any) -> Any:
    """1 where a byte is not 0, else 0: float32."""
    return tf.cast(lengths > 0, tf.float32)


def _as_lengths(lengths: Any) -> Any:
    """Bytes as numbers up to 1, a whole note: float32."""
    return tf.cast(lengths, tf.float32) / 255.0
