"""Short trainings of the program's own network, in memory: learning curves, and no files.

The steps are those of :func:`musiclstm.training.train`: the same batches, optimiser and averaged
weights. What differs is what is looked at: nothing stops early, and pieces that are learned from
are scored as held-out ones are, without dropout and with all conditions unspecified.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from musiclstm.encoding import Encoded
from musiclstm.errors import TrainingError
from musiclstm.model.pieces import spread
from musiclstm.training.batches import BatchMaker, prefetch, windows_per_epoch
from musiclstm.training.config import TrainingConfig, preset
from musiclstm.training.corpus import TrainingSet
from musiclstm.training.scoring import scorer, some

if TYPE_CHECKING:
    from musiclstm.training.step import Trainer


@dataclass(frozen=True)
class ShortTraining:
    """How much is trained; what experiments that train have in common.

    Attributes:
        preset: Size of the network, and what is done against learning by heart.
        steps: Of each training.
        lanes: Pieces side by side.
        window: Rows of each that are played at a time.
        evaluations: Points of the curves.
        pieces: Most pieces to learn from: the fewer, the sooner they are known by heart.
        seed: Of the first training.
    """

    preset: str
    steps: int
    lanes: int
    window: int
    evaluations: int
    pieces: int
    seed: int = 0

    def begun(self, data: TrainingSet, what: str) -> tuple[TrainingSet, TrainingConfig]:
        """What is learned from, and how.

        Args:
            data: Pieces and split.
            what: Name of the experiment, for the message.

        Raises:
            TrainingError: If nothing is held out.
        """
        if not data.of("valid"):
            raise TrainingError(f"{what} needs pieces that are held out; this corpus is too small")
        config = preset(
            self.preset,
            steps=self.steps,
            lanes=self.lanes,
            window=self.window,
            evaluations=self.evaluations,
        )
        return fewer(data, self.pieces), config


@dataclass(frozen=True)
class Point:
    """A moment of a training.

    Attributes:
        step: Steps done.
        epoch: How often each piece has been played.
        train: Nats a note on pieces that are learned from, without dropout; NaN where not asked.
        held_out: Nats a note on the others.
    """

    step: int
    epoch: float
    train: float
    held_out: float


class Learner:
    """Trains the same network on the same pieces again and again.

    TensorFlow compiles the steps once, which takes as long as some dozen of them.

    Args:
        data: Pieces and split; some must be held out.
        config: Hyper-parameters; ``steps`` and ``evaluations`` say how long and how often.
        score_training: Whether pieces that are learned from are scored too; an even sample of about
            as many notes as are held out.
    """

    def __init__(
        self, data: TrainingSet, config: TrainingConfig, *, score_training: bool = False
    ) -> None:
        self._data, self._config = data, config
        held_out = some(data.of("valid"))
        self._held_out = scorer(held_out, data.vocabulary, config)
        sample = _like(data.of("train"), sum(piece.n_notes for piece in held_out))
        self._training = scorer(sample, data.vocabulary, config) if score_training else None
        self._trainer: Trainer | None = None

    def learn(self, seed: int, tell: Callable[[str], None], name: str) -> list[Point]:
        """Train from the beginning.

        Args:
            seed: Of weights, order, transposition, noise and dropout.
            tell: Is told every evaluation.
            name: What this training is called there.

        Returns:
            The curve, from before the first step to after the last.
        """
        c = replace(self._config, seed=seed)
        trainer = self._fresh(c)
        maker = BatchMaker(
            self._data.of("train"),
            self._data.vocabulary,
            c.lanes,
            c.window,
            augment=True,
            noise=c.network.noise,
            unconditioned=c.unconditioned,
        )
        every = max(1, math.ceil(c.steps / c.evaluations))
        an_epoch = windows_per_epoch(maker.lengths, c.window) / c.lanes
        curve = [self._looked_at(trainer, 0.0)]
        with closing(prefetch(maker.make, maker.training_schedule(seed))) as batches:
            while trainer.step < c.steps:
                trainer.train(next(batches))
                if trainer.step % every == 0 or trainer.step == c.steps:
                    curve.append(self._looked_at(trainer, trainer.step / an_epoch))
                    now = f"step {trainer.step} of {c.steps}"
                    tell(f"{name}: {now}, {curve[-1].held_out:.3f} nats a note held out")
        return curve

    def _fresh(self, config: TrainingConfig) -> "Trainer":
        """A trainer at the beginning, with what is compiled already."""
        from musiclstm.training.step import Trainer  # noqa: PLC0415 - imports TensorFlow

        fresh = Trainer(config, self._data.vocabulary)
        if self._trainer is None:
            self._trainer = fresh
        else:
            self._trainer.config = config
            self._trainer.restore(fresh.snapshot(), 0)
        return self._trainer

    def _looked_at(self, trainer: "Trainer", epoch: float) -> Point:
        train = math.nan
        if self._training is not None:
            train = float(trainer.evaluate(self._training).sum())
        held_out = float(trainer.evaluate(self._held_out).sum())
        return Point(trainer.step, round(epoch, 3), train, held_out)


def _like(pieces: list[Encoded], notes: int) -> list[Encoded]:
    """Pieces evenly spread over all, with at least so many notes where there are as many."""
    total = sum(piece.n_notes for piece in pieces)
    every = max(1, total // max(notes, 1))
    return pieces[::every]


def fewer(data: TrainingSet, most: int) -> TrainingSet:
    """The set with at most so many pieces to learn from, evenly spread; all held-out ones stay."""
    learned = [place for place, split in enumerate(data.splits) if split == "train"]
    chosen = {learned[n] for n in spread(len(learned), most)}
    kept = [p for p, split in enumerate(data.splits) if split == "valid" or p in chosen]
    return replace(
        data,
        pieces=tuple(data.pieces[place] for place in kept),
        splits=tuple(data.splits[place] for place in kept),
        hashes=tuple(data.hashes[place] for place in kept),
        keys_written=tuple(data.keys_written[place] for place in kept),
    )


def curves_of(curves: Mapping[Any, Sequence[Point]]) -> list[dict[str, Any]]:
    """Curves by what they are of, ready for JSON."""
    return [
        {
            "of": name,
            "steps": [point.step for point in curve],
            "epochs": [point.epoch for point in curve],
            "train": [None if math.isnan(point.train) else point.train for point in curve],
            "held_out": [point.held_out for point in curve],
        }
        for name, curve in curves.items()
    ]
