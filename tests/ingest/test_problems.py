from pathlib import Path

import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest import IngestSettings
from musiclstm.ingest.kinds import KINDS
from musiclstm.ingest.problems import Problem, Repair

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_is_on_the_page_with_its_advice(problem):
    assert f"| {problem.reason} | {problem.fix} |" in PAGE


@pytest.mark.parametrize("repair", Repair)
def test_every_repair_is_on_the_page(repair):
    assert f"| {repair.words} |" in PAGE


def test_the_page_names_every_kind_and_every_limit():
    for suffix in KINDS:
        assert f"`{suffix}`" in PAGE
    settings = IngestSettings()
    for option, value in (
        ("bytes", settings.max_bytes),
        ("notes", settings.max_notes),
        ("memory", settings.max_memory),
    ):
        assert f"| `--max-{option}` | {value:,} |" in PAGE
    assert f"| `--timeout` | {settings.timeout_seconds:g} |" in PAGE


def test_an_error_carries_kind_and_advice():
    error = Problem.TOO_LARGE.error("12 bytes")
    assert isinstance(error, UnreadableFileError)
    assert str(error) == "it is larger than --max-bytes allows: 12 bytes"
    assert (error.kind, error.fix) == ("TOO_LARGE", Problem.TOO_LARGE.fix)
