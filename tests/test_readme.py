"""What the README shows works."""

import re
from pathlib import Path

import pytest

from musiclstm.cli import SECTIONS
from musiclstm.score import Score

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {name for section in SECTIONS.values() for name in section}


def test_every_command_is_shown_and_every_shown_command_exists():
    shown = set(re.findall(r"musiclstm ([a-z]+)", "\n".join(re.findall(r"`+[^`]+`+", README))))
    assert shown == COMMANDS


def test_every_file_that_it_names_exists():
    links = re.findall(r"\]\(([^)]+)\)", README)
    named = re.findall(r"`((?:benchmarks|trained|docs)/[\w./]+\.\w+)`", README)
    scripts = re.findall(r"python (benchmarks/\w+\.py)", README)
    for path in [*links, *named, *scripts]:
        assert (ROOT / path).exists(), path


@pytest.mark.skipif(not (ROOT / "trained" / "chorales").is_dir(), reason="no trained/chorales here")
def test_the_python_example_runs(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code[1], "README.md", "exec"), names)  # noqa: S102 - our own README
    assert len(list(tmp_path.glob("*.mid"))) == 3
    assert isinstance(names["score"], Score)
