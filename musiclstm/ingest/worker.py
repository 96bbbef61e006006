"""One worker process from outside: a task goes in; an answer comes out, or why there is none.

What it may take is checked by :meth:`Worker.look`, which somebody calls again and again; the one
who waits in :meth:`Worker.ask` then sees the pipe end.
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from enum import Enum, auto

from musiclstm.ingest.serving import ANSWER, FAULT, HEAD, MAX_ANSWER, TOO_BIG, Task

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from musiclstm.ingest.serving import serve; "
    "serve(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))"
)
# there are as many workers as cores: threads of NumPy's own would only cost 40 MB each
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START_SECONDS = 120.0  # half a second is usual; a first start under a virus scanner is slow
_SWOLLEN_BYTES = 200_000_000  # music21 takes 40 MB when first used, and keeps them rightly


class Loss(Enum):
    """Why a task has no answer."""

    TIMED_OUT = auto()
    TOO_BIG = auto()
    DIED = auto()


class Worker:
    """A process that answers tasks, one after the other.

    Args:
        function: ``"package.module:name"`` of a function from a task to bytes.
        seconds: What one task may take.
        memory: Bytes by which it may grow during one task.
    """

    def __init__(self, function: str, seconds: float, memory: int) -> None:
        import psutil  # noqa: PLC0415 - 10 ms that no worker and no ``--help`` need

        self._seconds, self._memory = seconds, memory
        # no -I: the child sees this interpreter's path, wherever we were found
        options = [json.dumps(sys.path), function, str(seconds), str(memory)]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", _BOOT, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        self._measured, self._no_measure = psutil.Process(self._process.pid), psutil.Error
        self._ready_bytes = 0
        self._loss: Loss | None = None
        # who ends a task, the worker or the one who looks, is decided under this lock
        self._deciding = threading.Lock()
        self._seconds_left: float | None = None  # None between tasks
        self._most_bytes = 0.0

    def is_ready(self) -> bool:
        """Wait for its first answer, which says so."""
        ready = self._exchange(b"", _START_SECONDS, float("inf")) == b""
        self._ready_bytes = self._resident()
        return ready

    @property
    def is_fit(self) -> bool:
        """Whether to give it another task: it lives, and has not kept too much of the last."""
        if self._loss is not None or self._process.poll() is not None:
            return False
        return self._resident() <= 2 * self._ready_bytes + _SWOLLEN_BYTES

    def ask(self, task: Task) -> bytes | Loss:
        """Have one task done.

        Raises:
            RuntimeError: If the function itself failed, with its traceback.
        """
        line = json.dumps(task).encode() + b"\n"
        return self._exchange(line, self._seconds, self._resident() + self._memory)

    def look(self, seconds: float) -> None:
        """Kill it where it has taken too long or too much.

        Args:
            seconds: Since the last look.
        """
        with self._deciding:
            if self._seconds_left is None:
                return
            self._seconds_left -= seconds
            if self._seconds_left < 0:
                self._loss = Loss.TIMED_OUT
            elif self._resident() > self._most_bytes:
                self._loss = Loss.TOO_BIG
            else:
                return
            self._seconds_left = None
            self.kill()

    def kill(self) -> None:
        """Make it end, whatever it does."""
        self._process.kill()

    def stop(self) -> None:
        """Make it end, wait until it has, and give back its pipes."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _exchange(self, line: bytes, seconds: float, most_bytes: float) -> bytes | Loss:
        """Send a line and receive an answer, within limits."""
        with self._deciding:
            self._seconds_left, self._most_bytes = seconds, most_bytes
        answer = self._send_and_receive(line)
        with self._deciding:
            self._seconds_left = None
            if isinstance(answer, Loss):
                self._loss = answer = self._loss or answer
        return answer

    def _send_and_receive(self, line: bytes) -> bytes | Loss:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101
        with suppress(OSError):  # it is gone, and may have said why
            self._process.stdin.write(line)
            self._process.stdin.flush()
        head = self._process.stdout.read(HEAD.size)
        if len(head) < HEAD.size:
            return Loss.DIED
        kind, length = HEAD.unpack(head)
        if kind == TOO_BIG or length > MAX_ANSWER:
            return Loss.TOO_BIG
        message = self._process.stdout.read(length)
        if len(message) < length or kind not in {ANSWER, FAULT}:
            return Loss.DIED
        if kind == FAULT:
            raise RuntimeError(f"a reading process failed:\n{message.decode()}")
        return message

    def _resident(self) -> int:
        """Bytes of memory that it holds now; 0 where that cannot be known."""
        try:
            return int(self._measured.memory_info().rss)
        except self._no_measure:  # it has just ended
            return 0
