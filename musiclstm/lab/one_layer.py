"""One recurrent layer learns one task, until it can do it or its time is up."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from musiclstm.lab.tasks import Task

NETWORKS = ("LSTM", "LSTM, bias 1", "GRU", "SimpleRNN")

CLOSE_ENOUGH = 0.08  # of a sum in the adding problem; 0.04 in the scale of Hochreiter & Schmidhuber
# what counts as solved; the first is the aim of later papers, for the unscaled sum
_SOLVED_ERROR = 0.01  # adding: mean square error
_SOLVED_RIGHT = 0.99  # classes: share of right answers
_TEST_BATCH = 250  # sequences: what fits into memory at any lag


@dataclass(frozen=True)
class Effort:
    """How a network is trained; the same for all.

    Attributes:
        units: Width of the recurrent layer.
        batch: Sequences a step of training, all of them new.
        steps: Steps of training at most.
        window: Steps of which the mean error is one point of the learning curve.
        enough: Training stops when a point lies below this part of the baseline.
        rate: Learning rate of Adam.
        clip: Greatest norm of the gradient of all weights together.
        test: New sequences by which a network is judged in the end.
    """

    units: int
    batch: int
    steps: int
    window: int
    enough: float
    rate: float
    clip: float
    test: int


class Learned(NamedTuple):
    """What became of one network.

    Attributes:
        curve: Mean error of every window of steps, before each step's update.
        steps: Steps that it was trained for.
        error: On new sequences, in the task's units.
        right: Share of right answers among them, 0 to 1.
        weights: How many there are.
    """

    curve: list[float]
    steps: int
    error: float
    right: float
    weights: int


class Run(NamedTuple):
    """One network at one task.

    Attributes:
        task: Which, with its lag.
        network: Which.
        seed: Of weights and sequences.
        learned: What became of it.
    """

    task: Task
    network: str
    seed: int
    learned: Learned

    @property
    def solved(self) -> bool:
        """Whether it can do it now."""
        if self.task.classes:
            return self.learned.right >= _SOLVED_RIGHT
        return self.learned.error < _SOLVED_ERROR


def learn(task: Task, network: str, effort: Effort, seed: int) -> Learned:
    """Train one layer and a linear answer on top of it.

    Args:
        task: What is to be learned.
        network: One of :data:`NETWORKS`.
        effort: How long and how.
        seed: Of weights and sequences. All networks with one seed see the same sequences.

    Returns:
        The learning curve, and how well it does in the end.
    """
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    variables, says = _network(network, task, effort.units, seed)
    optimizer = keras.optimizers.Adam(effort.rate, global_clipnorm=effort.clip)
    optimizer.build(variables)
    error_of = _errors(task, says)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(inputs: Any, asked: Any, answers: Any) -> Any:
        with tf.GradientTape() as tape:
            error, _ = error_of(inputs, asked, answers)
        optimizer.apply(tape.gradient(error, variables), variables)
        return error

    judge = tf.function(error_of, autograph=False)
    curve: list[float] = []
    rng = np.random.default_rng([seed, 1])
    taken = 0
    while taken < effort.steps and not (curve and curve[-1] < effort.enough * task.baseline):
        window = min(effort.window, effort.steps - taken)
        errors = [step(*task.draw(rng, effort.batch)) for _ in range(window)]
        curve.append(float(np.mean([float(error) for error in errors])))
        taken += window
    rng = np.random.default_rng([seed, 2])
    rounds = math.ceil(effort.test / _TEST_BATCH)
    found = [judge(*task.draw(rng, effort.test // rounds)) for _ in range(rounds)]
    error, right = (
        float(np.mean([float(each) for each in column])) for column in zip(*found, strict=True)
    )
    weights = int(sum(math.prod(variable.shape) for variable in variables))
    return Learned(curve, taken, error, right, weights)


def _network(
    network: str, task: Task, units: int, seed: int
) -> tuple[list[Any], Callable[[Any, Any], Any]]:
    """The weights of a recurrent layer and a linear one, and what they say where they are asked."""
    import keras  # noqa: PLC0415

    from musiclstm.model.lstm import FastLSTM  # noqa: PLC0415

    first: dict[str, Any] = {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=seed + 1),
    }
    layer: Any
    if network == "SimpleRNN":
        layer = keras.layers.SimpleRNN(units, return_sequences=True, **first)
    elif network == "GRU":
        layer = keras.layers.GRU(units, return_sequences=True, **first)
    else:  # Keras' own with faster passes
        layer = FastLSTM(units, **first)
    outputs = task.classes or 1
    head = keras.layers.Dense(
        outputs, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 2)
    )
    layer.build((None, None, task.width))
    head.build((None, None, units))
    spread = np.log(np.random.default_rng([seed, 0]).uniform(1, task.kept - 1, units))
    if network == "LSTM":  # blocks i, f, g, o
        layer.bias.assign(np.concatenate([-spread, spread, np.zeros(2 * units)]))
    elif network == "GRU":  # blocks z, r, candidate, for what is read and for the state
        bias = np.zeros((2, 3 * units))
        bias[0, :units] = spread
        layer.cell.bias.assign(bias)

    def says(inputs: Any, asked: Any) -> Any:
        import tensorflow as tf  # noqa: PLC0415

        states = layer(inputs)
        states = states[0] if isinstance(states, list | tuple) else states
        return head(tf.gather(states, asked, batch_dims=1))

    return [*layer.trainable_variables, *head.trainable_variables], says


def _errors(task: Task, says: Callable[[Any, Any], Any]) -> Callable[..., tuple[Any, Any]]:
    """A function that gives the mean error of a batch, and the share of right answers."""
    import tensorflow as tf  # noqa: PLC0415

    def of_sums(inputs: Any, asked: Any, answers: Any) -> tuple[Any, Any]:
        off = says(inputs, asked)[..., 0] - answers
        close = tf.cast(tf.abs(off) < CLOSE_ENOUGH, tf.float32)
        return tf.reduce_mean(off * off), tf.reduce_mean(close)

    def of_classes(inputs: Any, asked: Any, answers: Any) -> tuple[Any, Any]:
        logits = says(inputs, asked)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)
        same = tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32) == answers, tf.float32)
        error = tf.reduce_mean(tf.reduce_sum(nats, axis=1)) / task.counted
        return error, tf.reduce_mean(same[:, -task.counted :])

    return of_classes if task.classes else of_sums
