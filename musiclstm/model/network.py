"""The network in Keras, for training.

:mod:`.decoder` is the same network in NumPy; a test holds the two within 1e-4 of each other on
log-probabilities. Importing this module imports TensorFlow.

Letters in shapes: B lanes, T rows, L layers, U units.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from musiclstm.encoding import Field, Vocabulary, onset_sizes, voice_sizes
from musiclstm.model.architecture import (
    HEAD_FIELDS,
    N_PITCHES,
    PITCH_CLASSES,
    NetworkConfig,
    head_sizes,
    input_sizes,
    weight_shapes,
)
from musiclstm.model.lstm import FastLSTM
from musiclstm.model.ops import pick, read_and_coming, sum_of_embeddings, unpick

ILLEGAL = -1e9  # a logit that no softmax recovers from, and still finite in float32


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
            value = _initial(name, shape, vocabulary, rng)
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
        c = self.config
        drop = _LockedDropout(c.dropout, seed)
        onset = self._onset(batch["onset_ids"], batch["sounding"], batch["remaining"])
        voice = self._voice(batch["voice_ids"], batch["voice_sounding"])
        # at the input the context of the row that is read, in the heads that of the row to come
        onset_read, onset_coming = read_and_coming(onset)
        voice_read, voice_coming = read_and_coming(voice)
        x = drop(self._input(batch, onset_read, voice_read))
        states = []
        for layer, cell in enumerate(self.cells):
            y, h, cell_state = cell(x, initial_state=(state[layer, 0], state[layer, 1]))
            states.append(tf.stack([h, cell_state]))
            x += drop(y)
        nats = self._nats(x, drop(onset_coming), drop(voice_coming), batch)
        return nats, tf.stack(states)

    def _input(self, batch: Mapping[str, Any], onset: Any, voice: Any) -> Any:
        """What the first LSTM layer reads, ``(B, T, units)``."""
        w, c, sizes = self.named, self.config, input_sizes(self.vocabulary)
        table, kernel = w["input.table"], w["input.kernel"]
        of_row = len(Field) + 1  # columns that change from row to row; the rest are conditions
        end = sum(sizes[:of_row])
        ids = tf.concat([batch["inputs"], batch["after"][..., None]], axis=-1)
        x = sum_of_embeddings(table[:end], _rows(ids), sizes[:of_row])
        x += tf.matmul(_rows(onset), kernel[: c.onset_units])
        x += tf.matmul(_rows(voice), kernel[c.onset_units :])
        piece = sum_of_embeddings(table[end:], batch["conditions"], sizes[of_row:])
        return _like(batch["inputs"], x) + (piece + w["input.bias"])[:, None]

    def _onset(self, ids: Any, sounding: Any, remaining: Any) -> Any:
        """What sounds at an onset, ``(B, T + 1, onset_units)``."""
        w = self.named
        on = tf.cast(_rows(sounding) > 0, tf.float32)
        octaves = tf.pad(on, [[0, 0], [0, -N_PITCHES % PITCH_CLASSES]])
        classes = tf.reduce_max(
            tf.reshape(octaves, [-1, octaves.shape[-1] // PITCH_CLASSES, PITCH_CLASSES]), axis=1
        )
        features = [on, _as_lengths(sounding), classes]
        features += [tf.cast(_rows(remaining) > 0, tf.float32), _as_lengths(remaining)]
        known = sum_of_embeddings(w["onset.table"], _rows(ids), onset_sizes(self.vocabulary))
        known += tf.matmul(tf.concat(features, axis=-1), w["onset.kernel"]) + w["onset.bias"]
        return _like(ids, tf.nn.relu(known))

    def _voice(self, ids: Any, sounding: Any) -> Any:
        """A part's own past at an onset, ``(B, T + 1, voice_units)``."""
        w = self.named
        features = [tf.cast(_rows(sounding) > 0, tf.float32), _as_lengths(sounding)]
        known = sum_of_embeddings(w["voice.table"], _rows(ids), voice_sizes(self.vocabulary))
        known += tf.matmul(tf.concat(features, axis=-1), w["voice.kernel"]) + w["voice.bias"]
        return _like(ids, tf.nn.relu(known))

    def _nats(self, h: Any, onset: Any, voice: Any, batch: Mapping[str, Any]) -> Any:
        """Minus the log-probability of each target field, ``(B, T, 5)``.

        Padding is left out: only rows that count go through the heads.
        """
        counts = _rows(batch["counts"])
        places = tf.where(counts[:, Field.SHIFT])[:, 0]
        targets = tf.gather(_rows(batch["targets"]), places)
        legal = tf.gather(_rows(batch["legal"]), places)
        hidden = self._hidden([pick(_rows(known), places) for known in (h, onset, voice)])
        nats = []
        for field in Field:
            logits = self._head(field, hidden[field], targets)
            logits = tf.where(legal[:, self.vocabulary.slices[field]], logits, ILLEGAL)
            nats.append(tf.nn.sparse_softmax_cross_entropy_with_logits(targets[:, field], logits))
        found = tf.stack(nats, axis=-1) * tf.cast(tf.gather(counts, places), tf.float32)
        return _like(batch["counts"], unpick(found, places, tf.shape(counts)[0]))

    def _hidden(self, known: Sequence[Any]) -> list[Any]:
        """What h, onset and voice say to the hidden layer of each head, five of ``(n, H)``.

        The heads' kernels side by side: one product for each of the three, and no copy of them for
        every head.
        """
        hidden: list[Any] = [0.0] * len(Field)
        start = 0
        for n, values in enumerate(known):
            stop = start + values.shape[-1]
            readers = list(Field)[n:]  # onset is known from the part on, voice from the pitch on
            kernels = [self.named[f"head.{field.name.lower()}.kernel"] for field in readers]
            said = tf.matmul(values, tf.concat([kernel[start:stop] for kernel in kernels], axis=1))
            for field, part in zip(readers, tf.split(said, len(readers), axis=1), strict=True):
                hidden[field] += part
            start = stop
        return hidden

    def _head(self, field: Field, hidden: Any, targets: Any) -> Any:
        """The logits of a field, ``(n, size)``, from its hidden layer and the fields before it."""
        w, name = self.named, f"head.{field.name.lower()}"
        hidden += w[f"{name}.bias"]
        if HEAD_FIELDS[field]:
            earlier = tf.gather(targets, HEAD_FIELDS[field], axis=-1)
            hidden += sum_of_embeddings(
                w[f"{name}.table"], earlier, head_sizes(field, self.vocabulary)
            )
        return tf.matmul(tf.nn.relu(hidden), w[f"{name}.out_kernel"]) + w[f"{name}.out_bias"]


class _LockedDropout:
    """Dropout whose mask is the same for all rows of a lane (Gal & Ghahramani 2016).

    A mask that changed with each row would be noise that the recurrence averages away; a locked one
    takes units out of the whole sequence.
    """

    def __init__(self, rate: float, seed: Any) -> None:
        self.rate = rate
        self.seed = seed
        self.uses = 0

    def __call__(self, x: Any) -> Any:
        if self.seed is None or self.rate == 0:
            return x
        self.uses += 1  # another mask at each place, all from the one seed of the step
        seed = self.seed + tf.constant([0, 7919 * self.uses])
        shape = tf.shape(x)
        noise = tf.random.stateless_uniform([shape[0], 1, shape[2]], seed)
        return x * tf.where(noise >= self.rate, 1.0 / (1.0 - self.rate), 0.0)


def _rows(lanes: Any) -> Any:
    """The rows of all lanes one after the other: ``(B, T, width)`` as ``(B T, width)``.

    A product of two matrices is faster than that of a stack of them with one.
    """
    return tf.reshape(lanes, [-1, lanes.shape[-1]])


def _like(lanes: Any, rows: Any) -> Any:
    """Undo :func:`_rows`: as many lanes and rows as ``lanes`` has."""
    shape = tf.shape(lanes)
    return tf.reshape(rows, [shape[0], shape[1], rows.shape[-1]])


def _as_lengths(lengths: Any) -> Any:
    """Bytes as numbers up to 1, a whole note: ``(B, T, width)`` as ``(B T, width)``."""
    return tf.cast(_rows(lengths), tf.float32) / 255.0


def _initial(
    name: str, shape: tuple[int, ...], vocabulary: Vocabulary, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Initial weights: Glorot & Bengio 2010 for kernels, orthogonal where the state goes round."""
    kind = name.rsplit(".", 1)[1]
    if kind == "out_bias":
        field = Field[name.split(".")[1].upper()]
        return vocabulary.log_frequencies(field)
    if kind == "bias":
        bias = np.zeros(shape, np.float32)
        if name.startswith("lstm."):
            units = shape[0] // 4
            bias[units : 2 * units] = 1.0  # the forget gate starts open (Jozefowicz et al. 2015)
        return bias
    if kind == "table":
        return rng.normal(0, 0.1, shape).astype(np.float32)
    if kind == "recurrent_kernel":
        blocks = [np.linalg.qr(rng.normal(size=(shape[0], shape[0])))[0] for _ in range(4)]
        return np.concatenate(blocks, axis=1).astype(np.float32)
    limit = np.sqrt(6.0 / (shape[0] + shape[1]))
    if kind == "out_kernel":
        limit *= 0.1  # so that the first predictions are the unigram model's
    return rng.uniform(-limit, limit, shape).astype(np.float32)
