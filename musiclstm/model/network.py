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
        w, c = self.named, self.config
        drop = _LockedDropout(c.dropout, seed)
        onset = self._onset(batch["onset_ids"], batch["sounding"], batch["remaining"])
        voice = self._voice(batch["voice_ids"], batch["voice_sounding"])
        # at the input the context of the row that is read, in the heads that of the row to come
        read = tf.concat([onset[:, :-1], voice[:, :-1]], axis=-1)
        rows = tf.shape(batch["inputs"])[1]
        conditions = tf.repeat(batch["conditions"][:, None], rows, axis=1)
        ids = tf.concat([batch["inputs"], batch["after"][..., None], conditions], axis=-1)
        x = _sum_of_embeddings(w["input.table"], ids, input_sizes(self.vocabulary))
        x += tf.matmul(read, w["input.kernel"]) + w["input.bias"]
        x = drop(x)
        states = []
        for layer, cell in enumerate(self.cells):
            y, h, cell_state = cell(x, initial_state=(state[layer, 0], state[layer, 1]))
            states.append(tf.stack([h, cell_state]))
            x += drop(y)
        nats = self._nats(x, drop(onset[:, 1:]), drop(voice[:, 1:]), batch)
        return nats, tf.stack(states)

    def _onset(self, ids: Any, sounding: Any, remaining: Any) -> Any:
        """What sounds at an onset, ``(B, T + 1, onset_units)``."""
        w = self.named
        length = tf.cast(sounding, tf.float32) / 255.0
        on = tf.cast(sounding > 0, tf.float32)
        part_length = tf.cast(remaining, tf.float32) / 255.0
        part_on = tf.cast(remaining > 0, tf.float32)
        octaves = tf.pad(on, [[0, 0], [0, 0], [0, -N_PITCHES % PITCH_CLASSES]])
        shape = tf.shape(on)
        octaves = tf.reshape(octaves, [shape[0], shape[1], -1, PITCH_CLASSES])
        classes = tf.reduce_max(octaves, axis=2)
        features = tf.concat([on, length, classes, part_on, part_length], axis=-1)
        embedded = _sum_of_embeddings(w["onset.table"], ids, onset_sizes(self.vocabulary))
        return tf.nn.relu(embedded + tf.matmul(features, w["onset.kernel"]) + w["onset.bias"])

    def _voice(self, ids: Any, sounding: Any) -> Any:
        """A part's own past at an onset, ``(B, T + 1, voice_units)``."""
        w = self.named
        features = tf.concat(
            [tf.cast(sounding > 0, tf.float32), tf.cast(sounding, tf.float32) / 255.0], axis=-1
        )
        embedded = _sum_of_embeddings(w["voice.table"], ids, voice_sizes(self.vocabulary))
        return tf.nn.relu(embedded + tf.matmul(features, w["voice.kernel"]) + w["voice.bias"])

    def _nats(self, h: Any, onset: Any, voice: Any, batch: Mapping[str, Any]) -> Any:
        """Minus the log-probability of each target field, ``(B, T, 5)``."""
        targets, legal = batch["targets"], batch["legal"]
        nats = []
        for field in Field:
            known = [h, onset, voice][: 1 + min(int(field), 2)]
            logits = self._head(field, tf.concat(known, axis=-1), targets)
            allowed = legal[..., self.vocabulary.slices[field]]
            logits = tf.where(allowed, logits, ILLEGAL)
            nats.append(tf.nn.sparse_softmax_cross_entropy_with_logits(targets[..., field], logits))
        return tf.stack(nats, axis=-1) * tf.cast(batch["counts"], tf.float32)

    def _head(self, field: Field, known: Any, targets: Any) -> Any:
        w, name = self.named, f"head.{field.name.lower()}"
        hidden = tf.matmul(known, w[f"{name}.kernel"]) + w[f"{name}.bias"]
        if HEAD_FIELDS[field]:
            earlier = tf.gather(targets, HEAD_FIELDS[field], axis=-1)
            hidden += _sum_of_embeddings(
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


def _sum_of_embeddings(table: Any, ids: Any, sizes: Sequence[int]) -> Any:
    """One embedding for each column of ``ids``, summed.

    Args:
        table: The columns' tables one under the other, ``(sum(sizes), width)``.
        ids: int32 ``(..., len(sizes))``.
        sizes: Number of ids of each column.
    """
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    return tf.reduce_sum(tf.gather(table, ids + offsets), axis=-2)


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
