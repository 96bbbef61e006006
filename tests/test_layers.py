"""The contracts in pyproject.toml hold: who may import whom."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
)


def test_imports_keep_to_the_layers():
    pytest.importorskip("importlinter")
    # in a Python of its own: import-linter takes over stdout and stderr for good
    found = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout
