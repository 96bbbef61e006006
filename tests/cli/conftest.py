import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep what tests read out of the user's cache."""
    monkeypatch.setenv("MUSICLSTM_CACHE", str(tmp_path_factory.mktemp("cache")))
