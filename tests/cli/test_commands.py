"""What holds for every command, those to come included."""

import os
import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from musiclstm.cli import SECTIONS, main

HEAVY = ["tensorflow", "keras", "music21", "matplotlib", "pretty_midi", "numpy", "rich"]


def walk(command, path=("musiclstm",)):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*path, name))


def names():
    return [name for commands in SECTIONS.values() for name in commands]


def command_of(name):
    return main.get_command(click.Context(main), name)


def examples(command, path):
    """Yield the words of each example line of a command."""
    lines = (command.help or "").partition("Example:")[2].splitlines()
    for line in lines:
        if line.strip().startswith(" ".join(path)):
            yield shlex.split(line.partition(" > ")[0].partition(" | ")[0])


def run_python(code, *arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSICLSTM_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


@pytest.mark.parametrize("name", names())
def test_every_command_has_help_with_an_example(name):
    for path, command in walk(command_of(name), ("musiclstm", name)):
        short, long = (
            CliRunner().invoke(main, [*path[1:], option], prog_name="musiclstm")
            for option in ("-h", "--help")
        )
        assert short.exit_code == 0, path
        assert short.output == long.output
        assert short.output.startswith(f"Usage: {' '.join(path)} ")
        first = command.help.strip().splitlines()[0]
        assert len(first) > 15, path
        if not isinstance(command, click.Group):
            assert list(examples(command, path)), f"{path} has no example"
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, (path, option.opts)


@pytest.mark.parametrize("name", names())
def test_examples_use_options_that_exist(name):
    for path, command in walk(command_of(name), ("musiclstm", name)):
        known = {text for param in command.params for text in (*param.opts, *param.secondary_opts)}
        for words in examples(command, path):
            for word in words[len(path) :]:
                if re.match(r"--?[A-Za-z]", word):
                    assert word.partition("=")[0] in known, (words, word)


def test_main_help_names_every_command_in_its_section():
    output = CliRunner().invoke(main, ["--help"]).output
    for heading, commands in SECTIONS.items():
        assert f"\n{heading}:\n" in output
        for name, lazy in commands.items():
            assert re.search(rf"(?m)^  {name} +{re.escape(lazy.summary)}$", output)


def test_help_loads_no_heavy_module():
    code = (
        "import sys\n"
        "from musiclstm.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules])\n"
        "print('commands:', [n for n in sys.modules if n.startswith('musiclstm.')])\n"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert "loaded: []" in result.stdout
    expected = ["musiclstm.cli", "musiclstm.cli.group", "musiclstm.errors"]
    loaded = result.stdout.partition("commands: ")[2]
    assert sorted(eval(loaded)) == expected  # noqa: S307 - a list that we printed


def test_help_of_a_command_loads_no_heavy_module():
    code = (
        "import sys\n"
        "from musiclstm.cli import SECTIONS, main\n"
        "for commands in SECTIONS.values():\n"
        "    for name in commands:\n"
        "        main([name, '--help'], standalone_mode=False)\n"
        f"        loaded = [heavy for heavy in {HEAVY} if heavy in sys.modules]\n"
        "        assert not loaded, (name, loaded)\n"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
