import pytest

from musiclstm.ingest.workers import Answered, Loss, run_tasks

MODULE = """
import os, threading

def work(task):
    if task.get("hang"):
        threading.Event().wait()
    if task.get("die"):
        os._exit(3)
    if task.get("fail"):
        raise KeyError("a bug of ours")
    print("noise on stdout")
    return f"{task['n']}".encode() * task.get("size", 1)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "worker_functions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return "worker_functions:work"


def answers(*args, **options):
    return sorted(run_tasks(*args, **options), key=lambda answered: answered.task)


def test_all_tasks_are_answered(work):
    tasks = [{"n": n % 10, "size": 70_000} for n in range(9)]
    found = answers(work, tasks, jobs=2, timeout_seconds=60)
    assert found == [Answered(n, b"%d" % n * 70_000) for n in range(9)]


def test_a_worker_that_dies_takes_only_its_task_with_it(work):
    tasks = [{"n": 0}, {"die": True}, {"n": 2}, {"n": 3}]
    found = answers(work, tasks, jobs=1, timeout_seconds=60)
    assert [answered.answer for answered in found] == [b"0", Loss.DIED, b"2", b"3"]


def test_a_task_that_hangs_is_given_up(work):
    tasks = [{"n": 0}, {"hang": True}, {"n": 2}]
    found = answers(work, tasks, jobs=1, timeout_seconds=2)
    assert [answered.answer for answered in found] == [b"0", Loss.TIMED_OUT, b"2"]


def test_our_own_faults_keep_their_traceback(work):
    with pytest.raises(RuntimeError, match="a bug of ours"):
        answers(work, [{"fail": True}], jobs=1, timeout_seconds=60)


def test_a_function_that_is_not_there_is_told():
    with pytest.raises(RuntimeError, match="no_such_module"):
        answers("no_such_module:f", [{}], jobs=1, timeout_seconds=60)


def test_a_caller_may_stop_in_the_middle(work):
    running = run_tasks(work, [{"n": 0}, {"hang": True}], jobs=2, timeout_seconds=3600)
    assert next(running) == Answered(0, b"0")
    running.close()  # ends the worker that hangs; else this test would not end


def test_no_tasks_are_no_answers():
    assert answers("nothing:f", [], jobs=4, timeout_seconds=1) == []
