"""One step of training: forward, backward, clipped AdamW, averaged weights. Imports TensorFlow."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from musiclstm.encoding import Vocabulary
from musiclstm.model.architecture import decays
from musiclstm.model.network import Network
from musiclstm.training.batches import Batch, BatchMaker
from musiclstm.training.config import TrainingConfig

FloatArray = npt.NDArray[np.float32]


class Trainer:
    """The network while it learns.

    Args:
        config: Everything that the training depends on.
        vocabulary: Of the network.
        weights: Where to begin (fine-tuning); None begins at random weights from the seed.
    """

    def __init__(
        self,
        config: TrainingConfig,
        vocabulary: Vocabulary,
        weights: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
    ) -> None:
        self.config = config
        self.network = Network(config.network, vocabulary, seed=config.seed)
        if weights is not None:
            self.network.assign(weights)
        self.variables = list(self.network.named.values())
        self.optimizer = keras.optimizers.Adam(
            learning_rate=config.learning_rate, beta_2=0.99, global_clipnorm=config.clip_norm
        )
        self.optimizer.build(self.variables)
        self.decaying = [v for name, v in self.network.named.items() if decays(name)]
        self.averaged = [tf.Variable(variable, trainable=False) for variable in self.variables]
        n_layers, units = config.network.layers, config.network.units
        self.state = tf.Variable(tf.zeros([n_layers, 2, config.lanes, units]), trainable=False)
        self.step = 0
        self.traces = 0
        # An ordinary graph: the LSTM layer compiles its own loops, and TensorFlow spreads the rest
        # over the cores. Compiled by XLA as a whole, everything but matrix products runs on one.
        # No autograph: there are no Python branches to translate, and a killed process would leave
        # its translations in the system's temporary folder.
        self._train = tf.function(self._train_step, autograph=False)
        self._score = tf.function(self._score_step, autograph=False)

    def train(self, batch: Batch) -> tuple[float, int]:
        """Learn from one batch; returns its nats (with dropout) and its notes."""
        c = self.config
        self.optimizer.learning_rate.assign(c.learning_rate_at(self.step))
        # early on the average must follow quickly, or it would average random weights
        momentum = min(c.average, (1 + self.step) / (10 + self.step))
        seed = tf.constant([c.seed, self.step], tf.int32)
        nats = self._train(_tensors(batch), seed, tf.constant(momentum, tf.float32))
        self.step += 1
        return float(nats), _notes(batch)

    def _train_step(self, batch: dict[str, Any], seed: Any, momentum: Any) -> Any:
        self.traces += 1  # runs when TensorFlow traces, so it counts the traces
        state = self.state * _keep(batch["fresh"])
        with tf.GradientTape() as tape:
            nats, state = self.network(batch, state, seed=seed)
            total = tf.reduce_sum(nats)
            rows = tf.reduce_sum(tf.cast(batch["counts"][..., 0], tf.float32))
            loss = total / tf.maximum(rows, 1.0)
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, self.variables)]
        # AdamW's decay by ourselves: Keras' takes names, or variables that it then does not find
        share = self.optimizer.learning_rate * self.config.weight_decay
        for variable in self.decaying:
            variable.assign_sub(share * variable)
        self.optimizer.apply(gradients, self.variables)
        for average, variable in zip(self.averaged, self.variables, strict=True):
            average.assign(momentum * average + (1 - momentum) * variable)
        self.state.assign(state)
        return total

    def evaluate(self, maker: BatchMaker) -> FloatArray:
        """Held-out nats a note with the averaged weights.

        Args:
            maker: Of the pieces to score; not augmented.

        Returns:
            float32 ``(5,)``: nats a note of each field; their sum is the loss.
        """
        own = self.network.numpy_weights()
        self.network.assign(self.averaged_weights())
        try:
            return self._nats_per_note(maker)
        finally:
            self.network.assign(own)

    def _nats_per_note(self, maker: BatchMaker) -> FloatArray:
        c = self.config.network
        state = tf.zeros([c.layers, 2, maker.lanes, c.units])
        nats, notes = np.zeros(5), 0
        for windows in maker.single_pass():
            batch = maker.make(windows)
            found, state = self._score(_tensors(batch), state)
            nats += found.numpy()
            notes += _notes(batch)
        return (nats / max(notes, 1)).astype(np.float32)

    def _score_step(self, batch: dict[str, Any], state: Any) -> tuple[Any, Any]:
        nats, state = self.network(batch, state * _keep(batch["fresh"]))
        return tf.reduce_sum(nats, axis=[0, 1]), state

    def averaged_weights(self) -> dict[str, FloatArray]:
        """The averaged weights by name: what is judged and kept."""
        return {
            name: np.array(average)
            for name, average in zip(self.network.named, self.averaged, strict=True)
        }

    # --- for checkpoints --------------------------------------------------------------------

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that the next step depends on, by name."""
        arrays = {f"weights.{name}": np.array(v) for name, v in self.network.named.items()}
        arrays |= {f"average.{name}": value for name, value in self.averaged_weights().items()}
        arrays |= {
            f"optimizer.{index}": np.array(variable)
            for index, variable in enumerate(self.optimizer.variables)
        }
        arrays["state"] = self.state.numpy()
        return arrays

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], step: int) -> None:
        """Undo :meth:`snapshot`; ``step`` is the number of steps done."""
        for name, variable in self.network.named.items():
            variable.assign(arrays[f"weights.{name}"])
        for name, average in zip(self.network.named, self.averaged, strict=True):
            average.assign(arrays[f"average.{name}"])
        for index, variable in enumerate(self.optimizer.variables):
            variable.assign(arrays[f"optimizer.{index}"])
        self.state.assign(arrays["state"])
        self.step = step


def _tensors(batch: Batch) -> dict[str, Any]:
    return {name: tf.convert_to_tensor(values) for name, values in batch.items()}


def _keep(fresh: Any) -> Any:
    """0 for lanes that begin a piece, else 1: ``(1, 1, B, 1)``."""
    return 1.0 - tf.cast(fresh, tf.float32)[None, None, :, None]


def _notes(batch: Batch) -> int:
    """Notes among the targets of a batch: rows with all fields, continuations of ties left out."""
    counted = batch["counts"][..., 4]
    return int(np.count_nonzero(counted)) - int(np.count_nonzero(batch["continues"] & counted))
