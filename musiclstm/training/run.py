"""A training in course: steps, evaluations, checkpoints.

From the first evaluation on, the model folder is a usable bundle, replaced file by file whenever
the held-out score gets better. With every evaluation, and every couple of minutes between, goes a
checkpoint; it holds all that the next step depends on, so that a resumed run takes the very steps
that an unbroken one would have taken.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from musiclstm.errors import TrainingError
from musiclstm.files import UnwritableError
from musiclstm.model.bundle import HISTORY
from musiclstm.training.batches import Batch, BatchMaker, prefetch, windows_per_epoch
from musiclstm.training.brief import Brief
from musiclstm.training.checkpoint import Checkpoint, save_checkpoint
from musiclstm.training.config import WARM_UP_STEPS, TrainingConfig
from musiclstm.training.corpus import TrainingSet
from musiclstm.training.folder import write_best
from musiclstm.training.history import write_history
from musiclstm.training.keeping import Keeper
from musiclstm.training.report import Evaluation, Progress, Reporter
from musiclstm.training.sample import write_sample
from musiclstm.training.scoring import scorer, some

if TYPE_CHECKING:
    from musiclstm.training.step import Trainer

_FEWEST_MEASURED = 6  # steps by which minutes become steps; the warm-up is the most
_MEASURING_SHARE = 0.02  # of the time: a few seconds of other work must not decide it all
_EVALUATION_SHARE = 0.1  # of the time, at most, unless that makes too few
_FEWEST_EVALUATIONS = 4
_SCORING_SPEED = 1.2  # scoring against training, rows a second, with the copying of weights
_LEAST_GAIN = 0.002  # nats a note: less is no progress for early stopping
_SMOOTHING = 0.05  # of the training loss that is shown


@dataclass
class Run:
    """A training in course.

    Attributes:
        data: Pieces and split.
        brief: What was asked for.
        out: The model folder.
        reporter: Is told how it goes.
        trainer: The network while it learns.
        history: One row an evaluation.
        best: Averaged weights of the best evaluation.
        best_nats: Its held-out nats a note; without held-out pieces minus the step.
        best_step: Its step.
        stale: Evaluations since there was progress.
        seconds_before: What earlier runs took.
    """

    data: TrainingSet
    brief: Brief
    out: Path
    reporter: Reporter
    trainer: "Trainer"
    history: list[Evaluation] = field(default_factory=list)
    best: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    best_nats: float = math.inf
    best_step: int = 0
    stale: int = 0
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        c, vocabulary = self.config, self.data.vocabulary
        training, held_out = self.data.of("train"), self.data.of("valid")
        self.maker = BatchMaker(
            training,
            vocabulary,
            c.lanes,
            c.window,
            augment=True,
            noise=c.network.noise,
            unconditioned=c.unconditioned,
        )
        self.scorer = scorer(some(held_out), vocabulary, c) if held_out else None
        self._began = self._mark = time.monotonic()
        self._nats, self._notes = 0.0, 0  # since the last evaluation
        self._shown = math.nan
        self._goal = math.inf  # what the next evaluation must be below to count as progress
        self.between_steps: Callable[[], None] = lambda: None  # where Ctrl-C may come
        self.keeper = Keeper(self._write, self.reporter.said)
        self.within_step = False  # a step that was broken off must not be saved
        self._row_unwritten = self._best_unwritten = self._provisional = False

    @property
    def config(self) -> TrainingConfig:
        """Hyper-parameters; ``steps`` is 0 until it is planned."""
        return self.brief.config

    @property
    def seconds(self) -> float:
        """Time spent, over all runs."""
        return self.seconds_before + time.monotonic() - self._began

    @property
    def steps_per_epoch(self) -> float:
        """Steps in which every piece is played once."""
        return windows_per_epoch(self.maker.lengths, self.config.window) / self.config.lanes

    def batches(self) -> Generator[Batch]:
        """The batches from the present step on, made ahead in a thread; close it in the end."""
        schedule = self.maker.training_schedule(self.config.seed)
        for _ in range(self.trainer.step):
            next(schedule)
        return prefetch(self.maker.make, schedule)

    # --- steps ------------------------------------------------------------------------------

    def plan(self, batches: Iterator[Batch]) -> None:
        """Turn epochs or minutes into steps; minutes by doing, and timing, the first few.

        Where time is short there will be fewer evaluations.
        """
        minutes = self.brief.minutes
        if minutes is None:
            steps = round((self.brief.epochs or 1.0) * max(1.0, self.steps_per_epoch))
            self._settle(max(1, steps), self.config.evaluations)
            return
        c, times = self.config, list[float]()
        # within the warm-up, where the plan has no say, also when a run goes on that had none yet
        while len(times) <= _FEWEST_MEASURED or (
            self.trainer.step < WARM_UP_STEPS and sum(times[1:]) < _MEASURING_SHARE * 60 * minutes
        ):
            batch = next(batches)
            began = time.monotonic()
            self._step(batch)
            times.append(time.monotonic() - began)
        # the first compiles; what else the machine does can only slow a step
        a_step = float(np.quantile(times[1:], 0.25))
        scored = windows_per_epoch(self.scorer.lengths, c.window) if self.scorer else 0
        evaluation = scored / c.lanes * a_step / _SCORING_SPEED + 0.5
        affordable = int(_EVALUATION_SHARE * minutes * 60 / evaluation)
        evaluations = max(1, min(c.evaluations, max(affordable, _FEWEST_EVALUATIONS)))
        # scoring is compiled too, in about half the time
        left = minutes * 60 - self.seconds - evaluations * evaluation - times[0] / 2
        steps = max(self.trainer.step + 1, int(left / a_step))
        self._settle(steps, evaluations)

    def _settle(self, steps: int, evaluations: int) -> None:
        config = replace(self.config, steps=steps, evaluations=evaluations)
        self.brief, self.trainer.config = replace(self.brief, config=config), config
        self.keeper.keep()  # a resumed run keeps to this plan

    def loop(self, batches: Iterator[Batch]) -> None:
        """Train to the last step, or until the held-out pieces no longer get better."""
        c, trainer = self.config, self.trainer
        every = max(1, math.ceil(c.steps / c.evaluations))
        sampled = {round(c.evaluations * (k + 1) / (c.samples + 1)) for k in range(c.samples)}
        while trainer.step < c.steps:
            if self.stale >= c.patience:
                self.reporter.said(
                    f"the held-out pieces have not got better since step {self.best_step}: "
                    "stopping, before the model learns its pieces by heart"
                )
                return
            self._step(next(batches))
            if trainer.step == c.steps:
                self.evaluate()
            elif trainer.step % every == 0:
                self.evaluate()
                if trainer.step // every in sampled:
                    write_sample(self)
            elif self.keeper.due:
                self.keeper.keep()

    def _step(self, batch: Batch) -> None:
        self.within_step = True
        nats, notes = self.trainer.train(batch)
        self.within_step = False
        if not math.isfinite(nats):
            raise TrainingError(
                f"the loss is not finite at step {self.trainer.step}; lower the learning rate"
            )
        self._nats += nats
        self._notes += notes
        if notes and math.isfinite(self._shown):
            self._shown += _SMOOTHING * (nats / notes - self._shown)
        elif notes:
            self._shown = nats / notes
        elapsed = max(time.monotonic() - self._mark, 1e-9)
        done = self.trainer.step - (self.history[-1].step if self.history else 0)
        left = self.config.steps - self.trainer.step
        self.reporter.stepped(
            Progress(
                step=self.trainer.step,
                steps=self.config.steps,
                train_nats=self._shown,
                notes_per_second=self._notes / elapsed,
                seconds_left=left * elapsed / max(done, 1) if left > 0 else math.nan,
            )
        )
        self.between_steps()

    # --- evaluations ------------------------------------------------------------------------

    def evaluate(self, *, provisional: bool = False) -> None:
        """Score the held-out pieces; keep the weights if they are the best; save everything.

        Args:
            provisional: Leave the checkpoint as it is: a resumed run knows nothing of this.
        """
        self._provisional, trainer = provisional, self.trainer
        elapsed = max(time.monotonic() - self._mark, 1e-9)
        fields = trainer.evaluate(self.scorer) if self.scorer else np.full(5, math.nan)
        valid_nats = float(fields.sum())
        row = Evaluation(
            step=trainer.step,
            epoch=round(trainer.step / self.steps_per_epoch, 3),
            seconds=round(self.seconds, 2),
            learning_rate=self.config.learning_rate_at(max(trainer.step - 1, 0)),
            train_nats=round(self._nats / max(self._notes, 1), 5),
            valid_nats=round(valid_nats, 5),
            valid_fields=tuple(round(float(value), 5) for value in fields),
            notes_per_second=round(self._notes / elapsed, 1),
        )
        self.history.append(row)
        # without held-out pieces the last weights are the best that can be had
        judged = valid_nats if self.scorer else -float(trainer.step)
        gained = judged < self._goal
        self.stale = 0 if gained else self.stale + 1
        if gained:  # steady small gains add up: only a gain that counts moves the goal
            self._goal = judged - _LEAST_GAIN
        best = judged < self.best_nats
        if best:
            self.best_nats, self.best_step = judged, trainer.step
            self.best, self._best_unwritten = trainer.averaged_weights(), True
        self._nats, self._notes, self._mark = 0.0, 0, time.monotonic()
        self._row_unwritten = True
        self.keeper.keep()
        self.reporter.evaluated(row, best)

    # --- checkpoints ------------------------------------------------------------------------

    def _write(self) -> None:
        """Save all that is not saved yet, each as far as it goes.

        Raises:
            UnwritableError: The first that was met.
        """
        errors = []
        for write in (self._write_history, self._write_best, self._write_checkpoint):
            try:
                write()
            except UnwritableError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _write_history(self) -> None:
        if self._row_unwritten:
            write_history(self.out / HISTORY, self.history)
            self._row_unwritten = False

    def _write_best(self) -> None:
        if self._best_unwritten:
            write_best(self, "unfinished")
            self._best_unwritten = False

    def _write_checkpoint(self) -> None:
        if self._provisional:
            return
        arrays = self.trainer.snapshot() | {f"best.{name}": v for name, v in self.best.items()}
        progress = {
            **self.brief.as_dict(),
            "step": self.trainer.step,
            "history": [row.as_dict() for row in self.history],
            "best_nats": self.best_nats,
            "best_step": self.best_step,
            "stale": self.stale,
            "goal": self._goal,
            "nats": self._nats,
            "notes": self._notes,
            "since_evaluation": time.monotonic() - self._mark,
            "seconds": self.seconds,
        }
        save_checkpoint(self.out, Checkpoint(arrays, progress))

    def take_up(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was made."""
        progress = checkpoint.progress
        step = int(progress["step"])
        if "state" in checkpoint.arrays:  # else it is the one from before the network was made
            self.trainer.restore(checkpoint.arrays, step)
            self.history = [Evaluation.from_dict(row) for row in progress["history"]]
            self.best = {
                name.removeprefix("best."): value
                for name, value in checkpoint.arrays.items()
                if name.startswith("best.")
            }
            self.best_nats = float(progress["best_nats"])
            self.best_step, self.stale = int(progress["best_step"]), int(progress["stale"])
            self._nats, self._notes = float(progress["nats"]), int(progress["notes"])
            self._goal = float(progress["goal"])
            self._mark = time.monotonic() - float(progress["since_evaluation"])
            self.seconds_before = float(progress["seconds"])
            # what lies on disk may be of a later moment, or lost in a power cut
            self._row_unwritten, self._best_unwritten = bool(self.history), bool(self.best)
        self.reporter.said(f"going on at step {step} of {self.config.steps or 'those to come'}")
