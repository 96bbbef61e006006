"""Real processes, really killed. Each start loads TensorFlow, so there are two kills only;
``benchmarks/kills.py`` does twenty."""

import random

import numpy as np
import pytest

from benchmarks.kills import kill_training, make_music

pytest.importorskip("tensorflow")


def test_kills_leave_nothing_half_written_and_the_same_model(tmp_path):
    music = make_music(tmp_path / "music", 6, np.random.default_rng(0))
    outcome = kill_training(music, tmp_path, kills=2, rng=random.Random(3))  # noqa: S311
    assert outcome.faults == []
    assert outcome.kills == 2
    assert outcome.finished >= 1
