"""The contracts in pyproject.toml hold: who may import whom."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_imports_keep_to_the_layers(monkeypatch, capsys):
    cli = pytest.importorskip("importlinter.cli")
    monkeypatch.chdir(ROOT)
    status = cli.lint_imports(cache_dir=None)
    assert status == 0, capsys.readouterr().out
