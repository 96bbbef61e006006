import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.ingest.packed import DamagedEntryError, pack, records, unpack
from musiclstm.ingest.problems import Repair
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo
from tests.strategies import scores

SCORE, _ = Score.build(
    [[0, 24, 60, 80, 0], [24, 24, 62, 90, 0], [0, 1, 36, 100, 1]],
    [Part(40, name="Flöte"), Part(is_drum=True)],
    tempos=(Tempo(0, 120.5), Tempo(48, 60.0)),
    meter_map=MeterMap((Meter(0, 3, 4),), 24),
    key=Key(9, "minor"),
    style="folk",
    source="folk/a.mid",
    performed=True,
)
REPORT = FileReport(
    "folk/a.mid",
    "ab" * 32,
    notes=3,
    remarks=("one", "two"),
    repairs=(Repair.HANGING.found("2"), Repair.RIFF.found()),
)
READINGS = (
    Reading(REPORT, SCORE, "ab" * 32),
    Reading(FileReport("folk/b.mid", "cd" * 32, reason="it holds no notes")),
    Reading(FileReport("folk/c.mid"), Score(np.zeros((0, 5), np.int32), (), source="folk/c.mid")),
)
PACKED = pack(READINGS)


def unpacked(data, **now):
    return tuple(unpack(data[r.at : r.at + r.size], **now) for r in records(data))


def test_readings_come_back_exactly():
    restored = unpacked(PACKED)
    assert restored == READINGS
    assert restored[0].score.source == "folk/a.mid"
    assert not restored[0].score.notes.flags.writeable


@given(scores())
def test_any_score_comes_back_exactly(score):
    reading = Reading(FileReport(score.source), score)
    assert unpacked(pack([reading])) == (reading,)


def test_reports_are_listed_without_the_scores():
    found = records(PACKED)
    assert [record.report for record in found] == [reading.report for reading in READINGS]
    assert [record.has_score for record in found] == [True, False, True]


def test_a_file_may_lie_elsewhere_now():
    data = pack([Reading(FileReport("old#2"), SCORE, piece="#2")])
    (record,) = records(data, source="new/x")
    assert record.report.source == "new/x#2"
    moved = unpack(data, source="new/x#2", style="new")
    assert moved.report.source == moved.score.source == "new/x#2"
    assert moved.score.style == "new"


@given(st.data())
def test_damaged_bytes_are_noticed(data):
    entry = bytearray(PACKED)
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedEntryError):
        records(bytes(entry))


@given(st.integers(0, len(PACKED) - 1))
def test_cut_bytes_are_noticed(length):
    with pytest.raises(DamagedEntryError):
        records(PACKED[:length])


def test_cut_between_two_records_is_noticed():
    with pytest.raises(DamagedEntryError, match="missing"):
        records(PACKED[: records(PACKED)[1].at])


def test_the_header_is_plain_json():
    size = int.from_bytes(PACKED[12:16], "little")
    assert json.loads(PACKED[20 : 20 + size])["report"]["source"] == "folk/a.mid"
