"""What the README and the guides show works: commands, options, files, and the Python examples."""

import doctest
import re
import shlex
from pathlib import Path

import click
import pytest

from musiclstm.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown():
    """Every line of every block of code that calls the program, with the page."""
    for page in PAGES:
        blocks = re.findall(r"```(?:sh)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
            if line.startswith("musiclstm "):
                yield pytest.param(line, id=f"{page.name}: {line[:50]}")


def command_of(words):
    """The command that words call, and what is left of them."""
    command, context = main, click.Context(main)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("line", shown())
def test_commands_that_are_shown_are_understood(line):
    command, words = command_of(shlex.split(line, comments=True)[1:])
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    known |= {"-h", "--help", "--version"}
    used = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    for link in links:
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


@pytest.mark.skipif(not (ROOT / "trained" / "chorales").is_dir(), reason="no trained/chorales here")
def test_the_examples_of_the_api_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").replace("\n```", "\n")
    test = doctest.DocTestParser().get_doctest(text, {}, "api.md", "api.md", 0)
    assert len(test.examples) > 30
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)
