"""Tasks -> answers, in worker processes of which one can be killed without the others noticing.

A worker is a fresh Python that is told one function and then answers tasks over its pipes: a line
of JSON in, a length and bytes out. Unlike ``multiprocessing`` with *spawn*, it never imports the
user's ``__main__``, so a three-line script without ``if __name__ == "__main__"`` works; unlike
*fork*, it is safe after TensorFlow has started its threads; and it shares no locks or queues that a
killed worker could leave shut. Nothing is pickled.
"""

import importlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, Any

Task = dict[str, Any]
_LENGTH = struct.Struct("<cQ")  # kind of answer, length of what follows
_ANSWER, _FAULT = b"=", b"!"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from musiclstm.ingest.workers import serve; serve(sys.argv[2])"
)


class Loss(Enum):
    """Why a task has no answer."""

    TIMED_OUT = auto()
    DIED = auto()


@dataclass(frozen=True)
class Answered:
    """The fate of one task: ``answer`` is what the function returned, or why there is nothing."""

    task: int
    answer: bytes | Loss


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(
    function: str, tasks: Sequence[Task], *, jobs: int, timeout_seconds: float
) -> Iterator[Answered]:
    """Answer tasks in ``jobs`` processes, and yield the answers as they come.

    Args:
        function: ``"package.module:name"`` of a function from a task to bytes.
        tasks: What it is called with: plain values, as JSON knows them.
        jobs: Processes, >= 1; never more than there are tasks.
        timeout_seconds: A task that takes longer is given up, and its process killed.

    Raises:
        RuntimeError: If the function itself failed, with its traceback.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(tasks)):
        todo.put(index)
    done: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()
    workers = [_Worker(function, timeout_seconds) for _ in range(min(jobs, len(tasks)))]

    def attend(worker: _Worker) -> None:
        try:
            while not worker.closed:
                try:
                    index = todo.get_nowait()
                except queue.Empty:
                    return
                done.put(Answered(index, worker.ask(tasks[index])))
        except BaseException as error:  # raised in the caller's thread
            done.put(error)
        finally:
            worker.stop()

    threads = [threading.Thread(target=attend, args=(w,), daemon=True) for w in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in tasks:
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:  # also where the caller was interrupted, or wants no more
        for worker in workers:
            worker.close()
        for thread in threads:
            thread.join()


class _Worker:
    """One process, started when first asked and again after each loss."""

    def __init__(self, function: str, timeout_seconds: float) -> None:
        self.function = function
        self.timeout_seconds = timeout_seconds
        self.closed = False
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, task: Task) -> bytes | Loss:
        """Have one task done."""
        if self._process is None:
            self._start()  # not on the task's time: a first import can take long
        process = self._process
        assert process is not None  # noqa: S101 - for the type checker
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.timeout_seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            answer = _exchange(process, task)
        finally:
            timer.cancel()
        if answer is None:
            self.stop()
            return Loss.TIMED_OUT if late.is_set() else Loss.DIED
        return answer

    def _start(self) -> None:
        # -X utf8 and no -I: the child sees this interpreter's path, wherever we were found
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", _BOOT, json.dumps(sys.path), self.function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self.closed:
            self.stop()
            return
        assert self._process.stdout is not None  # noqa: S101
        if _receive(self._process.stdout) is None:
            self.stop()
            raise RuntimeError("a reading process did not start")

    def stop(self) -> None:
        """End the process, if there is one, and give back its pipes."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait()

    def close(self) -> None:
        """Make the thread that attends to this worker come to its end."""
        self.closed = True
        if (process := self._process) is not None:
            process.kill()


def _exchange(process: "subprocess.Popen[bytes]", task: Task) -> bytes | None:
    """Send a task and receive its answer; None where the process is gone."""
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        return None
    return _receive(process.stdout)


def _receive(pipe: IO[bytes]) -> bytes | None:
    """Receive one message; None at the end of the pipe."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    kind, length = _LENGTH.unpack(head)
    message = pipe.read(length)
    if len(message) < length:
        return None
    if kind == _FAULT:
        raise RuntimeError(f"a reading process failed:\n{message.decode()}")
    return message


def serve(name: str) -> None:
    """Be a worker: answer tasks from stdin on stdout until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers

    def send(kind: bytes, message: bytes) -> None:
        answers.write(_LENGTH.pack(kind, len(message)) + message)
        answers.flush()

    try:
        module, _, attribute = name.partition(":")
        function: Callable[[Task], bytes] = getattr(importlib.import_module(module), attribute)
        send(_ANSWER, b"")
        for line in sys.stdin.buffer:
            send(_ANSWER, function(json.loads(line)))
    except Exception:  # it is told, in full, in the process that asked
        send(_FAULT, traceback.format_exc().encode())
