import pytest

from tests.bundles import tiny_bundle


@pytest.fixture
def folder(tmp_path):
    return tiny_bundle(tmp_path / "model")
