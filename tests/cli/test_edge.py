"""The edge of the program: exit codes, streams, errors in one line."""

import errno
import json
import os
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import musiclstm
from musiclstm.cli import console, main
from musiclstm.cli.group import Lazy, LazyGroup
from musiclstm.errors import MusicLSTMError, RequestError


def raising(error):
    """A group with one command, which fails."""

    @click.command()
    def fail():
        raise error

    class Group(LazyGroup):
        def get_command(self, ctx, cmd_name):
            return fail

    return Group("group", sections={"All": {"fail": Lazy("none:none", "Fail.")}})


def test_version():
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"musiclstm, version {musiclstm.__version__}\n"


def test_a_bare_call_prints_help_and_is_wrong_usage():
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Learn from music:" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["nope"], ["--nope"], ["ingest"], ["ingest", "a", "b"]])
def test_wrong_usage_exits_2(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


def test_what_a_user_can_put_right_is_one_line():
    result = CliRunner().invoke(raising(RequestError("no bars\nat all; ask for 1")), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "Error: no bars at all; ask for 1\n"
    assert result.stdout == ""


def test_our_own_faults_keep_their_traceback():
    result = CliRunner().invoke(raising(ValueError("a bug")), ["fail"])
    assert isinstance(result.exception, ValueError)


def test_what_the_machine_refuses_is_one_line():
    error = OSError(errno.ENOSPC, "No space left on device", "out/a.mid")
    result = CliRunner().invoke(raising(error), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "Error: out/a.mid: No space left on device; choose another place\n"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "no", "ours"), OSError(errno.EACCES, "no")]
)
def test_other_trouble_with_files_keeps_its_traceback(error):
    result = CliRunner().invoke(raising(error), ["fail"])
    assert result.exception is error


def test_control_c_is_one_line_and_130():
    result = CliRunner().invoke(raising(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr == "\nInterrupted.\n"
    assert result.stdout == ""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_control_c_from_outside():
    code = (
        "import os, signal, click\n"
        "from musiclstm.cli import main\n"
        # where the tests run in the background of a shell, it is ignored from the start
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "@click.command()\n"
        "def wait():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    signal.pause()\n"
        "main.get_command = lambda ctx, name: wait\n"
        "main(['wait'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 128 + signal.SIGINT
    assert result.stderr.strip() == "Interrupted."


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "musiclstm", "--help"],
            check=False,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert result.stderr == ""


def test_options_come_from_the_environment_and_typed_ones_win(tmp_path):
    environment = {"MUSICLSTM_INGEST_STEPS_PER_QUARTER": "0"}
    from_environment = CliRunner().invoke(main, ["ingest", str(tmp_path)], env=environment)
    assert from_environment.exit_code == 2
    typed = CliRunner().invoke(
        main, ["ingest", str(tmp_path), "--steps-per-quarter", "12"], env=environment
    )
    assert typed.exit_code == 1
    assert "holds no music" in typed.stderr


def test_python_m_musiclstm():
    result = subprocess.run(
        [sys.executable, "-m", "musiclstm", "-h"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.startswith("Usage: musiclstm ")


def test_json_is_text_even_where_file_names_are_not(capsys):
    console.print_json({"file": "caf\udce9.mid"})
    assert json.loads(capsys.readouterr().out) == {"file": "caf\udce9.mid"}


def test_progress_in_a_log_is_ten_lines_on_stderr(capsys):
    with console.progress("Reading") as show:
        for done in range(1, 1001):
            show(done, 1000)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert len(lines) == 10
    assert lines[0] == "Reading: 100 of 1000"
    assert lines[-1] == "Reading: 1000 of 1000"


def test_quiet_progress_says_nothing(capsys):
    with console.progress("Reading", quiet=True) as show:
        show(1, 1)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


def test_progress_on_a_terminal_is_a_bar_that_goes(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress("Reading") as show:
        show(3, 7)
        show(7, 7)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "7/7" in captured.err
    assert captured.err.endswith("\x1b[2K")  # the line is wiped


def test_every_error_of_ours_is_a_musiclstm_error():
    assert issubclass(RequestError, MusicLSTMError)
