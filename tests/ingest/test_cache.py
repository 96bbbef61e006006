import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.ingest.cache import Cache, DamagedEntryError, pack, unpack, with_hash
from musiclstm.ingest.report import FileReport, Reading
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo

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
READINGS = (
    Reading(FileReport("folk/a.mid", "ab" * 32, notes=3, remarks=("one", "two")), SCORE, "ab" * 32),
    Reading(FileReport("folk/b.mid", "cd" * 32, reason="it holds no notes")),
    Reading(FileReport("folk/c.mid"), Score(np.zeros((0, 5), np.int32), ())),
)


def test_readings_come_back_exactly():
    assert unpack(pack(READINGS)) == READINGS
    restored = unpack(pack(READINGS))[0].score
    assert restored.source == "folk/a.mid"
    assert not restored.notes.flags.writeable


def test_a_file_may_lie_elsewhere_now():
    piece = Reading(FileReport("old#2"), SCORE, piece="#2")
    (moved,) = unpack(pack([piece]), source="new/x", style="new")
    assert moved.report.source == moved.score.source == "new/x#2"
    assert moved.score.style == "new"


@given(st.data())
def test_damaged_bytes_are_noticed(data):
    entry = bytearray(pack(READINGS))
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedEntryError):
        unpack(bytes(entry))


@given(st.integers(0, len(pack(READINGS)) - 1))
def test_cut_bytes_are_noticed(length):
    with pytest.raises(DamagedEntryError):
        unpack(pack(READINGS)[:length])


def test_the_content_hash_is_the_files_unless_the_piece_has_its_own():
    assert with_hash(Reading(FileReport("a")), "ff").report.content_hash == "ff"
    own = with_hash(Reading(FileReport("a", "aa")), "ff")
    assert (own.report.content_hash, own.file_hash) == ("aa", "ff")


def test_what_is_stored_is_loaded(tmp_path):
    cache = Cache(IngestSettings(), tmp_path)
    key = "ab" * 32
    assert cache.load(key, ".mid", source="a", style="") is None
    cache.store(key, ".mid", pack(READINGS))
    assert cache.load(key, ".mid", source="a", style="")[0].score.notes.tolist() == (
        SCORE.notes.tolist()
    )
    assert cache.load(key, ".abc", source="a", style="") is None
    other = Cache(IngestSettings(pedal=False), tmp_path)
    assert other.load(key, ".mid", source="a", style="") is None
    assert not list(tmp_path.rglob("tmp*"))  # no temporary files stay


def test_a_folder_that_cannot_be_written_is_gone_without(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(IngestSettings(), tmp_path / "file")
    cache.store("ab" * 32, ".mid", pack(READINGS))
    assert cache.load("ab" * 32, ".mid", source="a", style="") is None


def test_the_header_is_plain_json():
    entry = pack(READINGS)
    size = int.from_bytes(entry[8:12], "little")
    assert [piece["report"]["source"] for piece in json.loads(entry[12 : 12 + size])] == [
        "folk/a.mid",
        "folk/b.mid",
        "folk/c.mid",
    ]
