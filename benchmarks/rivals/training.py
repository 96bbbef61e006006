"""Training a rival in PyTorch within a time: AdamW, warm-up and cosine, averaged weights.

The time is the processor's, of all threads together, so that what else the machine is doing takes
nothing away. The learning rate follows it, and ends where it does. What is kept is what ours keeps:
the averaged weights of the evaluation that liked the held-out pieces best. Evaluations take at most
a tenth of the time, and count as training. A run that was killed goes on from a checkpoint.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.rivals.corpora import Music
from benchmarks.rivals.judging import JudgedPieces, Nats
from musiclstm.encoding import Field
from musiclstm.training.batches import Batch, BatchMaker, prefetch
from musiclstm.training.config import FINAL_RATE, WARM_UP_STEPS
from musiclstm.training.scoring import some

MOST_EVALUATIONS = 20
EVALUATION_SHARE = 0.1  # of the time, at most
CHECKPOINT_SECONDS = 120.0
UNCONDITIONED = 0.3  # how often a piece is shown without any condition, as in our training
_KEEP_AVERAGE = 0.995  # of the averaged weights, each step; less at first, as in ours
_BETAS, _CLIP_NORM = (0.9, 0.99), 1.0


@dataclass(frozen=True)
class Choice:
    """What is chosen for a rival on the valid split.

    Attributes:
        dropout: 0-1.
        learning_rate: At its highest.
        noise: How often a remembered field is spoilt, 0-1; our own network's is 0.1.
        weight_decay: AdamW's, times the learning rate.
    """

    dropout: float
    learning_rate: float
    noise: float = 0.0
    weight_decay: float = 0.1


@dataclass(frozen=True)
class Shape:
    """How a rival takes its music.

    Attributes:
        lanes: Pieces side by side in training.
        window: Rows at a time.
        overlap: Rows read again when pieces are judged.
    """

    lanes: int = 32
    window: int = 128
    overlap: int = 0


@dataclass
class Progress:
    """How far a training has come; everything but arrays of a checkpoint.

    Attributes:
        seconds: Spent of the processor's time.
        step: Steps done.
        rows: Rows learned from, padding left out.
        best_nats: Valid nats a note of the best evaluation.
        best_step: Its step.
        history: Of each evaluation step, seconds, and train and valid nats a note.
    """

    seconds: float = 0.0
    step: int = 0
    rows: int = 0
    best_nats: float = math.inf
    best_step: int = 0
    history: list[list[float]] = field(default_factory=list)


def tensors(batch: Batch) -> dict[str, Tensor]:
    """A batch for PyTorch."""
    return {name: torch.from_numpy(values) for name, values in batch.items()}


def judge(model: nn.Module, pieces: JudgedPieces) -> Nats:
    """Nats a note of each field, float64 ``(5,)``."""
    model.eval()
    nats, state = np.zeros(len(Field)), None
    with torch.no_grad():
        for batch in pieces:
            found, state = model(tensors(batch), state)
            nats += found.sum(dim=(0, 1), dtype=torch.float64).numpy()
    return nats / max(pieces.notes, 1)


class Course:
    """A training in course.

    Args:
        build: Makes the model, given the dropout.
        music: To learn from and to be judged on.
        choice: Hyper-parameters.
        shape: Of batches.
        seconds: How long, evaluations included, of the processor's time.
        seed: Of all chance.
        folder: Where checkpoints lie; None for none.
    """

    def __init__(
        self,
        build: Callable[[float], nn.Module],
        music: Music,
        choice: Choice,
        shape: Shape,
        *,
        seconds: float,
        seed: int,
        folder: Path | None = None,
    ) -> None:
        self.choice, self.shape, self.allowed, self.seed = choice, shape, seconds, seed
        torch.manual_seed(seed)
        self.model = build(choice.dropout)
        self.average = {name: v.clone() for name, v in self.model.state_dict().items()}
        self.best: dict[str, Tensor] = {}
        decaying = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decaying, "weight_decay": choice.weight_decay},
                {"params": rest, "weight_decay": 0.0},
            ],
            lr=choice.learning_rate,
            betas=_BETAS,
        )
        self.state: Any = None
        self.progress = Progress()
        self.maker = BatchMaker(
            music.pieces["train"],
            music.vocabulary,
            shape.lanes,
            shape.window,
            augment=True,
            noise=choice.noise,
            unconditioned=UNCONDITIONED,
        )
        # on the way ours is judged on no more than these either
        self.held_out = JudgedPieces.of(
            some(music.pieces["valid"]), music.vocabulary, shape.lanes, shape.window, shape.overlap
        )
        self.file = None if folder is None else folder / "checkpoint.pt"
        self._nats, self._notes, self._evaluation_seconds = 0.0, 0, 0.0

    def run(self, tell: Callable[[str], None]) -> dict[str, Tensor]:
        """Train, from a checkpoint where there is one.

        Args:
            tell: Is told of each evaluation, in words.

        Returns:
            The averaged weights of the best evaluation.
        """
        if self.file is not None and self.file.exists():
            self._take_up(self.file)
        before, began = self.progress.seconds, time.process_time()

        def spent() -> float:
            return before + time.process_time() - began

        saved = judged = spent()
        batches = self._batches()
        try:
            while spent() < self.allowed - self._evaluation_seconds:
                if not self._step(next(batches), spent() / self.allowed):
                    tell(f"the loss is not finite at step {self.progress.step}")
                    break
                self.progress.seconds = spent()
                every = max(
                    self.allowed / MOST_EVALUATIONS, self._evaluation_seconds / EVALUATION_SHARE
                )
                if spent() - judged > every:
                    tell(self._evaluate(spent))
                    judged = spent()
                if spent() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = spent()
            if not self.progress.history or self.progress.history[-1][0] != self.progress.step:
                tell(self._evaluate(spent))
        finally:
            batches.close()
        return self.best or self.average

    def _batches(self) -> Any:
        schedule: Iterator[Any] = self.maker.training_schedule(self.seed)
        for _ in range(self.progress.step):
            next(schedule)
        return prefetch(self.maker.make, schedule)

    def _step(self, batch: Batch, done: float) -> bool:
        """Learn from one batch; False where the loss is not finite."""
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(done)
        nats, self.state = self.model(tensors(batch), self.state)
        rows = int(batch["counts"][..., Field.SHIFT].sum())
        loss = nats.sum() / max(rows, 1)
        value = float(loss.detach())
        if not math.isfinite(value):
            return False
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP_NORM)
        self.optimizer.step()
        keep = min(_KEEP_AVERAGE, (1 + self.progress.step) / (10 + self.progress.step))
        with torch.no_grad():
            for name, value_now in self.model.state_dict().items():
                self.average[name].lerp_(value_now, 1 - keep)
        self.progress.step += 1
        self.progress.rows += rows
        counted = batch["counts"][..., Field.VELOCITY]
        self._nats += value * rows
        self._notes += int((counted & ~batch["continues"]).sum())
        return True

    def _learning_rate(self, done: float) -> float:
        """Linear warm-up by steps, then a cosine over the time, as ours has over its steps."""
        warm = min(1.0, (self.progress.step + 1) / WARM_UP_STEPS)
        cosine = FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        return self.choice.learning_rate * warm * cosine

    def _evaluate(self, spent: Callable[[], float]) -> str:
        """Judge the averaged weights on held-out pieces, and keep them if they are the best."""
        began = time.process_time()
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        valid = float(judge(self.model, self.held_out).sum())
        self.model.load_state_dict(own)
        if valid < self.progress.best_nats:
            self.progress.best_nats, self.progress.best_step = valid, self.progress.step
            self.best = {name: value.clone() for name, value in self.average.items()}
        self._evaluation_seconds = max(self._evaluation_seconds, time.process_time() - began)
        train = self._nats / max(self._notes, 1)
        self._nats, self._notes = 0.0, 0
        self.progress.seconds = spent()
        self.progress.history.append([self.progress.step, round(spent(), 1), train, valid])
        return f"step {self.progress.step}, {spent():.0f} s: train {train:.4f}, valid {valid:.4f}"

    # --- checkpoints ------------------------------------------------------------------------

    def _save(self) -> None:
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "model": self.model.state_dict(),
            "average": self.average,
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "state": self.state,
            "progress": asdict(self.progress),
            "choice": asdict(self.choice),
        }
        save(kept, self.file)

    def _take_up(self, file: Path) -> None:
        kept = torch.load(file, weights_only=True)
        if kept["choice"] != asdict(self.choice):
            return
        self.model.load_state_dict(kept["model"])
        self.average, self.best = kept["average"], kept["best"]
        self.optimizer.load_state_dict(kept["optimizer"])
        self.state = kept["state"]
        self.progress = Progress(**kept["progress"])


def save(kept: Any, file: Path) -> None:
    """Write tensors whole or not at all; ``torch.load(file, weights_only=True)`` reads them."""
    temporary = file.with_name(file.name + ".tmp")
    torch.save(kept, temporary)
    os.replace(temporary, file)  # noqa: PTH105
