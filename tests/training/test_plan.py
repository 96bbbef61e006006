"""How many steps fit into the minutes that were asked for."""

import itertools
from types import SimpleNamespace

import pytest

from musiclstm.training.brief import Brief
from musiclstm.training.config import WARM_UP_STEPS, TrainingConfig
from musiclstm.training.run import Run

COMPILING, A_STEP = 10.0, 0.7  # seconds


class Clock:
    """A clock that a step moves on."""

    now = 0.0

    def monotonic(self):
        return self.now


def planned(monkeypatch, minutes, slower):
    """A plan, and how many steps were measured for it.

    Args:
        minutes: As asked for.
        slower: By how much each step after the first takes longer, as the machine has other work.
    """
    clock = Clock()
    monkeypatch.setattr("musiclstm.training.run.time", clock)
    run = Run.__new__(Run)
    run.brief = Brief(TrainingConfig(), minutes=minutes)
    run.trainer = SimpleNamespace(step=0, config=run.brief.config)
    run.scorer, run.seconds_before, run._began = None, 0.0, 0.0
    run.keeper = SimpleNamespace(keep=lambda: None)

    def step(batch):
        clock.now += A_STEP * slower(batch) if batch else COMPILING
        run.trainer.step += 1

    run._step = step
    run.plan(itertools.count())
    return run.config, run.trainer.step


@pytest.mark.parametrize("minutes", [1, 5, 30, 600])
def test_the_minutes_are_used(monkeypatch, minutes):
    config, measured = planned(monkeypatch, minutes, lambda _: 1)
    assert config.steps * A_STEP == pytest.approx(60 * minutes - COMPILING, rel=0.1, abs=20)
    assert measured <= WARM_UP_STEPS, "later steps depend on how many there will be"


def test_a_machine_that_is_busy_at_first_does_not_decide_it_all(monkeypatch):
    quiet, _ = planned(monkeypatch, 30, lambda _: 1)
    busy, _ = planned(monkeypatch, 30, lambda step: 2 if step < 14 else 1)
    assert busy.steps > 0.95 * quiet.steps


def test_few_minutes_are_not_all_spent_on_measuring(monkeypatch):
    _, measured = planned(monkeypatch, 0.1, lambda _: 1)
    assert measured == 7
