"""What `write_midi` writes, `read_score` reads: writer and reader agree on every convention."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from musiclstm.ingest import IngestSettings, read_score
from musiclstm.rendering import write_midi
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.strategies import scores

slow = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def there_and_back(score: Score, folder) -> Score:
    path = folder / "piece.mid"
    write_midi(score, path)
    return read_score(path, IngestSettings(steps_per_quarter=score.steps_per_quarter))


def sounding_parts(score: Score) -> list[Part]:
    """Parts without notes are no parts to the reader."""
    return [score.parts[number] for number in sorted(set(score.notes[:, 4].tolist()))]


@slow
@given(score=scores(min_notes=1, performed=False))
def test_notes_parts_tempos_and_key_come_back(score, tmp_path):
    back = there_and_back(score, tmp_path)
    assert back.notes[:, :4].tolist() == score.notes[:, :4].tolist()
    assert list(back.parts) == sounding_parts(score)
    names = [score.parts[part] for part in score.notes[:, 4]]
    assert [back.parts[part] for part in back.notes[:, 4]] == names
    assert back.key == score.key
    changes = [
        tempo
        for index, tempo in enumerate(score.tempos)
        if not index or round(tempo.bpm, 4) != round(score.tempos[index - 1].bpm, 4)
    ]
    assert [tempo.step for tempo in back.tempos] == [tempo.step for tempo in changes]
    for read, written in zip(back.tempos, changes, strict=True):
        assert read.bpm == pytest.approx(written.bpm, abs=1e-4)


@slow
@given(score=scores(min_notes=1, max_notes=5, performed=False))
def test_bar_lines_come_back(score, tmp_path):
    back = there_and_back(score, tmp_path)
    assert back.meter_map.specified == score.meter_map.specified
    steps = np.arange(2000)
    ours = score.meter_map.locate(steps, score.steps_per_quarter)
    theirs = back.meter_map.locate(steps, back.steps_per_quarter)
    assert np.diff(theirs.bar).tolist() == np.diff(ours.bar).tolist()


@pytest.mark.parametrize("pickup_steps", [6, 12, 24, 36, 72, 90])
def test_pickups_that_are_a_meter_come_back_as_pickups(pickup_steps, tmp_path):
    meter_map = MeterMap((Meter(0, 4, 4), Meter(pickup_steps + 192, 3, 4)), pickup_steps)
    score = Score([[0, 24, 60, 80, 0]], (Part(),), meter_map=meter_map)
    assert there_and_back(score, tmp_path).meter_map == meter_map
