"""Networks learn a small task, and words and pictures follow from what became of them."""

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.lab.long_lags import LongLagsSettings, long_lags, words
from musiclstm.lab.long_lags_shown import shown
from musiclstm.lab.one_layer import NETWORKS, Effort, Learned, Run, learn
from musiclstm.lab.tasks import adding, copy, temporal_order
from musiclstm.rendering.document import Picture, Table

TINY = Effort(units=4, batch=8, steps=6, window=4, enough=0.01, rate=0.01, clip=1.0, test=20)
SMALL = LongLagsSettings(
    adding=(24,),
    order=(),
    copy=(1,),
    networks=("LSTM", "SimpleRNN"),
    copiers=("GRU",),
    seeds=2,
    effort=TINY,
    copy_effort=TINY,
)


def run(task, network, error, right=0.0, seed=1, steps=100):
    return Run(task, network, seed, Learned([task.baseline, error], steps, error, right, 7))


@pytest.fixture(scope="module")
def outcome():
    return long_lags(SMALL)


def test_everything_that_was_asked_for_is_learned(outcome):
    found = [(r["task"], r["network"], r["seed"]) for r in outcome.numbers["runs"]]
    wanted = [("adding", network, seed) for network in SMALL.networks for seed in (1, 2)]
    assert found == [*wanted, ("copy", "GRU", 1), ("copy", "GRU", 2)]
    assert all(len(r["curve"]) == 2 and r["steps"] == 6 for r in outcome.numbers["runs"])
    assert len([block for block in outcome.blocks if isinstance(block, Picture)]) == 2
    assert outcome.numbers["settings"] is SMALL


def test_the_same_seed_learns_the_same_and_another_does_not(outcome):
    again = learn(adding(24), "LSTM", TINY, 1)
    first, other, *_ = outcome.numbers["runs"]
    assert again.curve == pytest.approx(first["curve"], rel=1e-5)
    assert other["curve"] != first["curve"]


def test_training_stops_when_it_is_good_enough():
    easy = replace(TINY, enough=1e6)
    assert learn(temporal_order(20), "SimpleRNN", easy, 1).steps == TINY.window


def test_an_lstm_that_starts_with_a_long_memory_learns_what_needs_one():
    effort = Effort(
        units=12, batch=32, steps=150, window=25, enough=0.02, rate=0.02, clip=1.0, test=200
    )
    assert learn(temporal_order(20), "LSTM", effort, 2).right > 0.9


def test_words_tell_solved_from_partly_from_not():
    task = adding(100)
    assert "LSTM solved it in 100 steps" in words([run(task, "LSTM", 0.009)])
    assert "stayed at the baseline" in words([run(task, "SimpleRNN", 0.165)])
    assert "a part of it" in words([run(task, "GRU", 0.08)])
    two = [run(task, "LSTM", 0.009), run(task, "LSTM", 0.02, seed=2)]
    assert "with 1 of 2 seeds" in words(two)
    assert "LSTM solved" not in words([run(task, "LSTM", 0.011)])


def test_classes_are_judged_by_what_is_right():
    task = copy(10)
    assert "solved it in" in words([run(task, "LSTM", 0.05, 0.995)])
    assert "a part of it" in words([run(task, "LSTM", 0.05, 0.985)])
    assert "12.6% right where guessing gives 12.5%" in words([run(task, "LSTM", 2.08, 0.126)])


def test_a_network_that_has_diverged_has_not_solved_anything():
    said = words([run(adding(100), "LSTM", float("nan"))])
    assert "solved it in" not in said
    assert "part of it" not in said


def test_the_picture_takes_seeds_that_ended_at_different_times():
    task = adding(100)
    runs = [run(task, network, 0.1, seed=seed) for network in NETWORKS for seed in (1, 2)]
    runs[0] = runs[0]._replace(learned=Learned([0.2, 0.1, 0.01], 150, 0.01, 1.0, 7))
    picture, table = shown(runs)
    assert isinstance(picture, Picture)
    assert "LSTM 0.055" in picture.alt
    assert isinstance(table, Table)
    assert len(table.rows) == 8


def test_the_quick_run_is_shorter_and_the_full_one_is_what_was_promised():
    full, quick = LongLagsSettings(), LongLagsSettings.quick()
    assert full.adding == (100, 200)
    assert full.order == (100,)
    assert full.seeds == 3
    assert max(quick.adding) < 100
    assert quick.effort.steps < full.effort.steps
    assert np.isclose(adding(100).baseline, 1 / 6)
