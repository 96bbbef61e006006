"""Long lags: what has to be remembered over a hundred steps, and which networks learn to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musiclstm.lab.long_lags_shown import shown
from musiclstm.lab.one_layer import NETWORKS, Effort, Run, learn
from musiclstm.lab.outcome import Outcome, silent
from musiclstm.lab.tasks import Task, adding, copy, temporal_order

CLAIM = (
    "An LSTM learns to bridge lags of a hundred steps and more, where the error signal of a plain "
    "recurrent network has died away (Hochreiter & Schmidhuber, “Long Short-Term Memory”, Neural "
    "Computation 9(8), 1997, experiments 4 and 6a). Copying a long list over such a lag is beyond "
    "LSTMs as they are usually trained (Arjovsky, Shah & Bengio, “Unitary Evolution Recurrent "
    "Neural Networks”, ICML 2016)."
)

_AT_BASELINE = 0.95  # of the baseline's error: nothing to speak of has been learned
_WITHOUT_GATES = ("SimpleRNN",)


_EFFORT = Effort(
    units=32, batch=64, steps=3000, window=25, enough=0.012, rate=0.01, clip=1.0, test=2000
)
_COPY_EFFORT = replace(_EFFORT, units=64, rate=0.02, test=1000)


@dataclass(frozen=True)
class LongLagsSettings:
    """How long, how often and with which networks; the default is the full run.

    Attributes:
        adding: Lags T of the adding problem, in steps, 24 or more.
        order: Lags of temporal order, 20 or more.
        copy: Lags of the copy task; the first, a short one, shows that it can be learned at all.
        networks: Of :data:`~musiclstm.lab.one_layer.NETWORKS`, for adding and temporal order.
        copiers: The same for the copy task.
        seeds: How many runs of everything.
        seed: Of the first; the others count on from it.
        effort: Of adding and temporal order.
        copy_effort: Of the copy task, which gets more.
        plain_rate: Learning rate of a SimpleRNN. With ten times as much, which gates bear, it did
            worse where it learned anything.
    """

    adding: tuple[int, ...] = (100, 200)
    order: tuple[int, ...] = (100,)
    copy: tuple[int, ...] = (1, 200)
    networks: tuple[str, ...] = NETWORKS
    copiers: tuple[str, ...] = NETWORKS[:2]
    seeds: int = 3
    seed: int = 1
    effort: Effort = _EFFORT
    copy_effort: Effort = _COPY_EFFORT
    plain_rate: float = 0.001

    @classmethod
    def quick(cls) -> "LongLagsSettings":
        """Shorter lags and less time, with one seed: under two minutes."""
        few = replace(_EFFORT, steps=450, test=1000)
        some = replace(_COPY_EFFORT, steps=500, test=500)
        return cls(adding=(50,), order=(50,), copy=(1, 50), seeds=1, effort=few, copy_effort=some)


def long_lags(
    settings: LongLagsSettings = LongLagsSettings(),
    tell: Callable[[str], None] = silent,
) -> Outcome:
    """Let networks learn what needs a long memory: adding, temporal order, copying.

    All networks of a seed see the same sequences, never one twice. *LSTM* and *GRU* begin with
    memories of many lengths: a forget gate of bias ln(u), u uniform in [1, T - 1], keeps for about
    u steps (Tallec & Ollivier, "Can recurrent neural networks warp time?", ICLR 2018). *LSTM, bias
    1* is the usual beginning: with nothing read its forget gate stands at 0.73, and in 50 steps
    that leaves a ten-millionth. The LSTM of 1997 had no forget gate, and kept everything.

    Args:
        settings: How much.
        tell: Is told what is being learned, and with what end.

    Returns:
        Learning curves beside the baselines, and a table of all ends.
    """
    runs = []
    plan = list(_plan(settings))
    for number, (task, network, seed, effort) in enumerate(plan, start=1):
        tell(f"long lags {number}/{len(plan)}: {task.name}, T = {task.lag}, {network}, seed {seed}")
        rate = settings.plain_rate if network in _WITHOUT_GATES else effort.rate
        runs.append(
            Run(task, network, seed, learn(task, network, replace(effort, rate=rate), seed))
        )
        end = runs[-1].learned
        tell(f"  {end.steps} steps, error {end.error:.4f}, right {end.right:.1%}")
    return Outcome(
        name="lags",
        title="Long lags: who can remember for a hundred steps?",
        claim=CLAIM,
        found=words(runs),
        blocks=tuple(shown(runs)),
        numbers={"settings": settings, "runs": [_as_numbers(run) for run in runs]},
    )


def words(runs: list[Run]) -> str:
    """What the ends of all runs say, a paragraph a task."""
    paragraphs = []
    for (name, lag), same_task in _groups(runs, lambda run: (run.task.name, run.task.lag)):
        task = same_task[0].task
        said = [
            f"{network} {_standing(same)}"
            for network, same in _groups(same_task, lambda run: run.network)
        ]
        without = f"{task.baseline:.3f}"
        paragraphs.append(
            f"{str(name).capitalize()}, T = {lag} ({task.error} without memory: {without}): "
            + "; ".join(said)
            + "."
        )
    return "\n\n".join(paragraphs)


def _standing(runs: list[Run]) -> str:
    """How one network did at one task, over all seeds."""
    task, ends = runs[0].task, [run.learned for run in runs]
    solved = sum(run.solved for run in runs)
    error = float(np.median([end.error for end in ends]))
    steps = int(np.median([end.steps for end in ends]))
    right = float(np.median([end.right for end in ends]))
    measured = f"error {error:.4f}"
    if task.classes:
        measured += f", {right:.1%} right where guessing gives {task.chance:.1%}"
    if solved == len(runs):
        return f"solved it in {steps} steps of training ({measured})"
    if solved:
        return f"solved it with {solved} of {len(runs)} seeds ({measured})"
    if not np.isfinite([end.error for end in ends]).all():
        return "has diverged: its error is no number any more"
    if min(end.error for end in ends) > _AT_BASELINE * task.baseline:
        return f"stayed at the baseline for all {steps} steps of training ({measured})"
    return f"learned a part of it in {steps} steps of training, and did not solve it ({measured})"


def _groups(runs: list[Run], key: Callable[[Run], Any]) -> Iterator[tuple[Any, list[Run]]]:
    """The runs that have something in common, in the order of their first."""
    for shared in dict.fromkeys(map(key, runs)):
        yield shared, [run for run in runs if key(run) == shared]


def _plan(settings: LongLagsSettings) -> Iterator[tuple[Task, str, int, Effort]]:
    """All that is to be learned, the tasks one after the other."""
    s = settings
    kinds: list[tuple[Any, tuple[int, ...], tuple[str, ...], Effort]] = [
        (adding, s.adding, s.networks, s.effort),
        (temporal_order, s.order, s.networks, s.effort),
        (copy, s.copy, s.copiers, s.copy_effort),
    ]
    for make, lags, networks, effort in kinds:
        for lag in lags:
            for network in networks:
                for seed in range(s.seed, s.seed + s.seeds):
                    yield make(lag), network, seed, effort


def _as_numbers(run: Run) -> dict[str, Any]:
    task, learned = run.task, run.learned
    return {
        "task": task.name,
        "lag": task.lag,
        "baseline": task.baseline,
        "network": run.network,
        "seed": run.seed,
        "solved": run.solved,
        **learned._asdict(),
    }
