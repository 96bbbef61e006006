"""Plain recurrent note models as they learn, in Keras, side by side on the same batches."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiclstm.encoding import Field, Vocabulary
from musiclstm.errors import TrainingError
from musiclstm.lab.outcome import silent
from musiclstm.lab.plain import ILLEGAL, SPREAD, Music, PlainModel, PlainSettings
from musiclstm.model.architecture import begins
from musiclstm.training.batches import Batch, BatchMaker, prefetch

Array = npt.NDArray[Any]
Tell = Callable[[str], None]


class PlainNetwork:
    """A plain network while it learns. Making one imports TensorFlow.

    Args:
        settings: Of the network and its training.
        vocabulary: Sizes, and the unigram model from which the heads begin.
    """

    def __init__(self, settings: PlainSettings, vocabulary: Vocabulary) -> None:
        import keras  # noqa: PLC0415
        import tensorflow as tf  # noqa: PLC0415

        from musiclstm.model.lstm import FastLSTM  # noqa: PLC0415

        self.settings, self.vocabulary = settings, vocabulary
        s, v, layers = settings, vocabulary, keras.layers
        rng = np.random.default_rng([s.seed, 1])

        def normal(spread: float) -> Any:
            seed = int(rng.integers(2**31))
            return keras.initializers.RandomNormal(stddev=spread, seed=seed)

        def recurrent() -> dict[str, Any]:
            first, second = (int(n) for n in rng.integers(2**31, size=2))
            return {
                "kernel_initializer": keras.initializers.GlorotUniform(seed=first),
                "recurrent_initializer": keras.initializers.Orthogonal(seed=second),
            }

        self.table = layers.Embedding(sum(v.sizes) + len(Field), s.units, normal(SPREAD))
        self.cells = []
        for _ in range(s.layers):
            if s.kind == "rnn":
                cell = layers.SimpleRNN(
                    s.units, return_sequences=True, return_state=True, unroll=True, **recurrent()
                )
            else:
                cell = FastLSTM(s.units, unit_forget_bias=False)
                for name, initializer in recurrent().items():
                    setattr(cell.cell, name, initializer)
            self.cells.append(cell)
        glorot = keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))
        self.hear = layers.Dense(len(Field) * s.head_units, kernel_initializer=glorot)
        self.earlier = [
            layers.Embedding(sum(v.sizes[: each + 1]), s.head_units, normal(SPREAD))
            for each in range(len(Field) - 1)
        ]
        self.out = [layers.Dense(size, kernel_initializer=normal(0.02)) for size in v.sizes]
        self._build()
        width = s.units * (2 if s.kind == "lstm" else 1)
        self.state = tf.Variable(tf.zeros([s.layers, s.lanes, width]), trainable=False)
        optimizers = keras.optimizers
        self.optimizer = (
            optimizers.SGD(s.learning_rate)
            if s.descent
            else optimizers.Adam(s.learning_rate, beta_2=0.99)
        )
        self.variables = list(self.named.values())
        self.optimizer.build(self.variables)
        self._train = tf.function(self._train_step, autograph=False)
        self.history: list[tuple[float, float]] = []

    def _build(self) -> None:
        s, v = self.settings, self.vocabulary
        self.table.build((None,))
        self.hear.build((None, s.units))
        for cell in self.cells:
            cell.build((s.lanes, s.window, s.units))
        for table in self.earlier:
            table.build((None,))
        for each, out in zip(Field, self.out, strict=True):
            out.build((None, s.head_units))
            out.bias.assign(v.log_frequencies(each))
        named = {"table": self.table.embeddings}
        for layer, cell in enumerate(self.cells):
            inner = cell.cell
            named[f"cell.{layer}.kernel"] = inner.kernel
            named[f"cell.{layer}.recurrent_kernel"] = inner.recurrent_kernel
            named[f"cell.{layer}.bias"] = inner.bias
            if s.kind == "lstm":
                inner.bias.assign(np.repeat([0, s.forget_bias, 0, 0], s.units))
            elif s.radius is not None:
                matrix = np.array(inner.recurrent_kernel)
                largest = np.abs(np.linalg.eigvals(matrix)).max()
                inner.recurrent_kernel.assign(matrix * (s.radius / largest))
        named |= {"heads.kernel": self.hear.kernel, "heads.bias": self.hear.bias}
        for each, out in zip(Field, self.out, strict=True):
            name = each.name.lower()
            if each:
                named[f"{name}.table"] = self.earlier[each - 1].embeddings
            named |= {f"{name}.kernel": out.kernel, f"{name}.bias": out.bias}
        self.named = named

    def __call__(self, batch: Mapping[str, Any], state: Any) -> tuple[Any, Any]:
        """Read a batch and predict the row after each.

        Args:
            batch: Tensors ``inputs``, ``targets``, ``legal`` and ``counts`` of
                :class:`~musiclstm.training.batches.BatchMaker`.
            state: Before its first rows, ``(layers, B, U)``; of an LSTM h and c, ``(.., 2 U)``.

        Returns:
            Nats of each field, ``(B, T, 5)``, and the state after the last rows.
        """
        import tensorflow as tf  # noqa: PLC0415

        s, v = self.settings, self.vocabulary
        ids = batch["inputs"] + begins(tuple(size + 1 for size in v.sizes))
        x = tf.reduce_sum(self.table(ids), axis=-2)
        after = []
        for layer, cell in enumerate(self.cells):
            parts = tf.split(state[layer], 2 if s.kind == "lstm" else 1, axis=-1)
            x, *last = cell(x, initial_state=parts if s.kind == "lstm" else parts[0])
            after.append(tf.concat(last, axis=-1))
        heard = tf.split(self.hear(x), len(Field), axis=-1)
        nats = []
        for each in Field:
            hidden = heard[each]
            if each:
                earlier = batch["targets"][..., :each] + begins(v.sizes[:each])
                hidden += tf.reduce_sum(self.earlier[each - 1](earlier), axis=-2)
            logits = self.out[each](tf.nn.relu(hidden))
            logits = tf.where(batch["legal"][..., v.slices[each]], logits, ILLEGAL)
            found = tf.nn.sparse_softmax_cross_entropy_with_logits(
                batch["targets"][..., each], logits
            )
            nats.append(found * tf.cast(batch["counts"][..., each], tf.float32))
        return tf.stack(nats, axis=-1), tf.stack(after)

    def _train_step(self, batch: dict[str, Any]) -> tuple[Any, Any]:
        import tensorflow as tf  # noqa: PLC0415

        state = self.state * (1.0 - tf.cast(batch["fresh"], tf.float32)[None, :, None])
        with tf.GradientTape() as tape:
            nats, state = self(batch, state)
            rows = tf.reduce_sum(tf.cast(batch["counts"][..., 0], tf.float32))
            loss = tf.reduce_sum(nats) / tf.maximum(rows, 1.0)
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, self.variables)]
        norm = tf.linalg.global_norm(gradients)
        if self.settings.clip_norm is not None:
            share = tf.minimum(1.0, self.settings.clip_norm / tf.maximum(norm, 1e-12))
            gradients = [share * gradient for gradient in gradients]
        self.optimizer.apply(gradients, self.variables)
        self.state.assign(state)
        return loss, norm

    def learn(self, batch: Batch) -> bool:
        """Take a step of training; False where the loss is not finite, and nothing can be learned.

        Args:
            batch: Of the settings' lanes and window.
        """
        import tensorflow as tf  # noqa: PLC0415

        names = ("inputs", "targets", "legal", "counts", "fresh")
        loss, norm = self._train({name: tf.convert_to_tensor(batch[name]) for name in names})
        self.history.append((float(loss), float(norm)))
        return bool(np.isfinite(self.history[-1]).all())

    def model(self) -> PlainModel:
        """The network as it is now."""
        weights = {name: np.array(variable) for name, variable in self.named.items()}
        return PlainModel(
            self.settings, self.vocabulary, weights, np.array(self.history).reshape(-1, 2)
        )


class Trained(NamedTuple):
    """A plain network before and after training."""

    before: PlainModel
    after: PlainModel


def train_plain(
    music: Music, networks: Mapping[str, PlainSettings], tell: Tell = silent
) -> dict[str, Trained]:
    """Train plain networks side by side on the same batches.

    Args:
        music: Its ``train`` pieces are learned from, in all transpositions that fit.
        networks: By name. Those of one comparison have lanes, window, steps and seed in common.
        tell: Is told now and then how far it is.

    Returns:
        By the same names.

    Raises:
        TrainingError: If there is nothing to learn from, or the networks' batches differ.
    """
    pieces = list(music.of("train"))
    if not pieces:
        raise TrainingError("there are no pieces to learn from")
    shapes = {(s.lanes, s.window, s.steps, s.seed) for s in networks.values()}
    if len(shapes) != 1:
        raise TrainingError("networks that are compared need the same lanes, window, steps, seed")
    ((lanes, window, steps, seed),) = shapes
    maker = BatchMaker(pieces, music.vocabulary, lanes, window, augment=True, unconditioned=1.0)
    learning = {name: PlainNetwork(s, music.vocabulary) for name, s in networks.items()}
    before = {name: network.model() for name, network in learning.items()}
    going = dict(learning)
    batches = prefetch(maker.make, maker.training_schedule(seed))
    try:
        for step in range(1, steps + 1):
            batch = next(batches)
            going = {name: network for name, network in going.items() if network.learn(batch)}
            if step % max(1, steps // 5) == 0:
                tell(f"plain networks: step {step} of {steps}{_losses(learning, steps)}")
            if not going:
                break
    finally:
        batches.close()
    return {name: Trained(before[name], network.model()) for name, network in learning.items()}


def _losses(networks: Mapping[str, PlainNetwork], steps: int) -> str:
    """The latest losses, in words."""
    latest = max(1, steps // 20)
    said = (
        f"; {name} {np.mean([loss for loss, _ in network.history[-latest:]]):.3f}"
        for name, network in networks.items()
    )
    return "".join(said) + " nats a row"
