import os
import time

from musiclstm.ingest.cache import Cache
from musiclstm.ingest.settings import IngestSettings

KEY = "ab" * 32


def test_what_is_stored_is_loaded(tmp_path):
    cache = Cache(IngestSettings(), tmp_path)
    assert cache.load(KEY, ".mid") is None
    assert cache.store(KEY, ".mid", b"entry")
    assert cache.load(KEY, ".mid") == cache.path(KEY, ".mid").read_bytes() == b"entry"
    assert cache.load(KEY, ".abc") is None


def test_settings_that_change_readings_have_entries_of_their_own(tmp_path):
    Cache(IngestSettings(), tmp_path).store(KEY, ".mid", b"entry")
    for other in (
        IngestSettings(pedal=False),
        IngestSettings(steps_per_quarter=4),
        IngestSettings(max_notes=7),
    ):
        assert Cache(other, tmp_path).load(KEY, ".mid") is None
    patient = IngestSettings(timeout_seconds=99, max_memory=10**10)
    assert Cache(patient, tmp_path).load(KEY, ".mid") == b"entry"


def test_a_folder_that_cannot_be_written_is_gone_without(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(IngestSettings(), tmp_path / "file")
    assert not cache.store(KEY, ".mid", b"entry")
    assert cache.load(KEY, ".mid") is None


def test_what_a_killed_run_left_is_swept_and_what_another_writes_is_not(tmp_path):
    cache = Cache(IngestSettings(), tmp_path)
    cache.store(KEY, ".mid", b"entry")
    unfinished = cache.folder / "unfinished"
    assert not list(unfinished.iterdir())
    old, new = unfinished / "old", unfinished / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    Cache(IngestSettings(), tmp_path)
    assert [path.name for path in unfinished.iterdir()] == ["new"]
