import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest

from musiclstm.ingest import worker
from musiclstm.ingest.workers import Answered, Loss, run_tasks

MEGABYTE = 1_000_000
posix = pytest.mark.skipif(os.name != "posix", reason="signals")

MODULE = """
import os, signal, sys, threading
import numpy
kept = []

def work(task):
    if path := task.get("pid_to"):
        with open(path, "w") as file:
            file.write(f"{os.getpid()}\\n")
    if number := task.get("signal"):
        os.kill(os.getpid(), number)
    if task.get("ask the user"):
        return repr(sys.stdin.read()).encode()
    if size := task.get("keep"):  # written to, so that it is really taken
        kept.extend(b"x" * 1_000_000 for _ in range(size))
    if size := task.get("one array"):  # never written to
        kept.append(numpy.empty(size, numpy.uint8))
    while task.get("grow for ever"):
        kept.append(b"x" * 1_000_000)
    if task.get("hang"):
        threading.Event().wait()
    if task.get("die"):
        os._exit(3)
    if task.get("fail"):
        raise KeyError("a bug of ours")
    print("noise on stdout")
    if task.get("who"):
        return str(os.getpid()).encode()
    return f"{task['n']}".encode() * task.get("size", 1)
"""

run = partial(run_tasks, timeout_seconds=60, max_memory=1000 * MEGABYTE)


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "worker_functions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return "worker_functions:work"


def answers(*args, **options):
    found = sorted(run(*args, **options), key=lambda answered: answered.task)
    assert [answered.task for answered in found] == list(range(len(found)))
    return [answered.answer for answered in found]


def test_all_tasks_are_answered(work):
    tasks = [{"n": n % 10, "size": 70_000} for n in range(9)]
    assert answers(work, tasks, jobs=2) == [b"%d" % n * 70_000 for n in range(9)]


def test_no_tasks_are_no_answers():
    assert answers("nothing:f", [], jobs=4) == []


def test_more_workers_than_tasks_are_not_started():
    """Each that is started would fail."""
    running = run("no_such_module:f", iter(()), jobs=4)
    assert list(running) == []


def test_a_worker_that_dies_takes_only_its_task_with_it(work):
    tasks = [{"n": 0}, {"die": True}, {"n": 2}, {"n": 3}]
    assert answers(work, tasks, jobs=1) == [b"0", Loss.DIED, b"2", b"3"]


@posix
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_is_killed_takes_only_its_task_with_it(work, name):
    tasks = [{"n": 0}, {"signal": int(getattr(signal, name))}, {"n": 2}]
    assert answers(work, tasks, jobs=1) == [b"0", Loss.DIED, b"2"]


def test_a_worker_that_is_killed_between_tasks_takes_none_with_it(work):
    killed = threading.Event()

    def tasks():
        yield {"who": True}
        killed.wait(60)
        yield {"n": 1}

    running = run(work, tasks(), jobs=1)
    process = psutil.Process(int(next(running).answer))
    process.kill()
    process.wait(60)
    killed.set()
    assert [answered.answer for answered in running] == [b"1"]


def test_a_task_that_hangs_is_given_up(work):
    tasks = [{"n": 0}, {"hang": True}, {"n": 2}]
    assert answers(work, tasks, jobs=1, timeout_seconds=2) == [b"0", Loss.TIMED_OUT, b"2"]


def test_our_own_faults_keep_their_traceback(work):
    with pytest.raises(RuntimeError, match="a bug of ours"):
        answers(work, [{"fail": True}], jobs=1)


def test_a_function_that_is_not_there_is_told():
    with pytest.raises(RuntimeError, match="no_such_module"):
        answers("no_such_module:f", [{}], jobs=1)


def test_a_python_that_does_not_start_is_told(work, monkeypatch):
    monkeypatch.setattr(worker, "_BOOT", "raise SystemExit(1)")
    with pytest.raises(RuntimeError, match="did not start"):
        answers(work, [{"n": 0}], jobs=1)


def test_a_fault_among_the_tasks_is_raised(work):
    def tasks():
        yield {"n": 0}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answers(work, tasks(), jobs=2)


# memory


def test_a_task_that_grows_is_given_up(work):
    """300 MB are below what the system was told to allow: it is the look from outside that ends it.

    Without it, the task would hang until its time is over.
    """
    tasks = [{"n": 0}, {"keep": 300, "hang": True}, {"n": 2}]
    found = answers(work, tasks, jobs=1, max_memory=100 * MEGABYTE)
    assert found == [b"0", Loss.TOO_BIG, b"2"]


def test_a_task_that_grows_for_ever_is_given_up(work):
    tasks = [{"grow for ever": True}, {"n": 1}]
    assert answers(work, tasks, jobs=2, max_memory=100 * MEGABYTE) == [Loss.TOO_BIG, b"1"]


def test_only_growth_counts(work):
    """What a worker kept of earlier tasks is not held against the next."""
    tasks = [{"n": n, "keep": 60} for n in range(3)]
    found = answers(work, tasks, jobs=1, max_memory=100 * MEGABYTE)
    assert found == [b"0", b"1", b"2"]


def test_more_memory_than_there_is_is_too_big(work):
    tasks = [{"n": 0}, {"one array": 2**60}, {"n": 2}]
    assert answers(work, tasks, jobs=1) == [b"0", Loss.TOO_BIG, b"2"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, only memory in use is limited")
def test_one_huge_request_is_refused_by_the_system(work):
    tasks = [{"n": 0, "one array": 1000 * MEGABYTE}, {"n": 1, "one array": 100 * MEGABYTE}]
    assert answers(work, tasks, jobs=1, max_memory=200 * MEGABYTE) == [Loss.TOO_BIG, b"1"]


def test_a_swollen_worker_is_replaced(work, monkeypatch):
    monkeypatch.setattr(worker, "_SWOLLEN_BYTES", 0)
    tasks = [{"who": True}, {"who": True, "keep": 200}, {"who": True}]
    first, second, third = answers(work, tasks, jobs=1)
    assert first == second != third


def test_huge_answers_are_not_taken(work, monkeypatch):
    monkeypatch.setattr(worker, "MAX_ANSWER", 1000)
    tasks = [{"n": 0, "size": 1000}, {"n": 1, "size": 1001}, {"n": 2}]
    assert answers(work, tasks, jobs=1) == [b"0" * 1000, Loss.TOO_BIG, b"2"]


# who goes first


def test_a_caller_may_stop_in_the_middle(work):
    running = run(work, [{"n": 0}, {"hang": True}], jobs=2, timeout_seconds=3600)
    assert next(running) == Answered(0, b"0")
    running.close()  # ends the worker that hangs; else this test would not end


def test_tasks_wait_for_a_slow_caller(work):
    taken = []

    def tasks():
        for n in range(1000):
            taken.append(n)
            yield {"n": n % 10}

    slow = run(work, tasks(), jobs=1)
    assert next(slow) == Answered(0, b"0")
    # long enough for a worker to be started, and for hundreds of tasks
    assert len(answers(work, [{"n": 0}] * 500, jobs=1)) == 500
    assert len(taken) <= 3
    slow.close()  # with answers that nobody asked for


def test_a_worker_cannot_ask_the_user(work):
    """What it finds on stdin is the end of it, not the next task."""
    assert answers(work, [{"ask the user": True}, {"n": 1}], jobs=1) == [b"''", b"1"]


@posix
def test_ctrl_c_is_not_for_workers(work):
    """The whole process group gets it; what becomes of workers is for the main process to say."""
    assert answers(work, [{"n": 0, "signal": int(signal.SIGINT)}], jobs=1) == [b"0"]


CALLER = """
import sys
sys.path[:0] = [{here!r}, {functions!r}]
from musiclstm.ingest.workers import run_tasks
tasks = [dict(pid_to={pid_to!r}, hang=True)]
list(run_tasks("worker_functions:work", tasks, jobs=1, timeout_seconds=3600, max_memory=10**9))
"""


@posix
def test_a_worker_ends_with_the_process_that_started_it(work, tmp_path):
    """Even where that is killed, and while a task hangs."""
    here, pipe = str(Path(__file__).parents[2]), str(tmp_path / "pid")
    os.mkfifo(pipe)
    code = CALLER.format(here=here, functions=str(tmp_path), pid_to=pipe)
    caller = subprocess.Popen([sys.executable, "-c", code])
    try:
        with open(pipe) as file:  # noqa: PTH123 - waits until the task has begun
            process = psutil.Process(int(file.read()))
        assert process.is_running()
    finally:
        caller.kill()
        caller.wait()
    psutil.wait_procs([process], timeout=60)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@posix
def test_a_task_that_nobody_ends_is_ended_by_the_system():
    """A task that keeps Python's lock cannot see that the other process is gone."""
    code = (
        "from musiclstm.ingest import serving; serving._SPARE_SECONDS = 0; "
        "serving._limit_task(0.5, 10**9); 3 ** 10 ** 10"
    )
    here = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", code], cwd=here, check=False, timeout=60)
    assert ended.returncode == -signal.SIGXCPU
