"""A worker process from within: tasks come in on stdin, answers go out on stdout.

A task is a line of JSON; an answer is a kind, a length and bytes. What limits a worker lies outside
of it, in :mod:`musiclstm.ingest.worker`. Here is what still holds when nobody is there to look:
it ends with the process that started it, and on POSIX the system itself ends a task that uses up
far more than it may.
"""

import importlib
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import resource

Task = dict[str, Any]

ANSWER, TOO_BIG, FAULT = b"=", b"+", b"!"
HEAD = struct.Struct("<cQ")  # kind of answer, length of what follows
MAX_ANSWER = 256_000_000  # bytes, of which no more is taken; 200,000 notes are 4 MB
_GIVEN_UP = HEAD.pack(TOO_BIG, 0)  # made now: when it is needed, there is no memory for it

# The other side looks every 50 ms and does not get to it while its own Python is busy; these come
# into play only where it looks too late or not at all.
_SPARE_BYTES = 256_000_000
_SPARE_SECONDS = 10


def serve(name: str, seconds: float, memory: int) -> None:
    """Answer tasks until there are none; does not return.

    The first answer is empty, and says that the worker is ready.

    Args:
        name: ``"package.module:name"`` of a function from a task to bytes.
        seconds: What one task may take.
        memory: Bytes that one task may take.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    tasks, answers = _take_pipes()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, lines), daemon=True).start()
    if sys.platform != "win32":
        _limit(resource.RLIMIT_CORE, 0)  # a crash leaves no gigabyte in the user's folder
    try:
        module, _, attribute = name.partition(":")
        function: Callable[[Task], bytes] = getattr(importlib.import_module(module), attribute)
        answer = b""
        while True:
            _send(answers, ANSWER, answer)
            line = lines.get()
            _limit_task(seconds, memory)
            answer = function(json.loads(line))
    except MemoryError:
        os.write(answers.fileno(), _GIVEN_UP)
    except Exception:  # it is told, in full, in the process that asked
        _send(answers, FAULT, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(1)  # a clean end would wait for the thread that listens


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Move both pipes to where no library finds them: it may print, or ask the user."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return tasks, answers


def _listen(tasks: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    """Hand on tasks. They end when the other process does, and then so does this one, at once."""
    try:
        for line in tasks:
            lines.put(line)
    finally:
        os._exit(1)


def _send(answers: IO[bytes], kind: bytes, message: bytes) -> None:
    answers.write(HEAD.pack(kind, len(message)))
    answers.write(message)
    answers.flush()


def _limit_task(seconds: float, memory: int) -> None:
    """Let the system end a task that nobody ends.

    A task that keeps Python's lock, as a regular expression does, keeps :func:`_listen` from
    seeing that the other process is gone; it uses processor time, and that can be limited. Memory
    is limited as what may be written to (RLIMIT_DATA), so that one huge request is refused before
    the machine is out of memory. Address space (RLIMIT_AS) would count what libraries reserve and
    never use, four times as much.
    """
    if sys.platform == "win32":
        return
    _limit(resource.RLIMIT_CPU, time.process_time() + 2 * seconds + _SPARE_SECONDS)
    if sys.platform == "linux":
        with suppress(OSError), Path("/proc/self/statm").open() as file:
            pages = int(file.read().split()[5])
            _limit(resource.RLIMIT_DATA, pages * resource.getpagesize() + memory + _SPARE_BYTES)


def _limit(which: int, most: float) -> None:
    """Set the limit that can be raised again, below the one that cannot."""
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(which)
    soft = int(min(most, 2**62 if hard == resource.RLIM_INFINITY else hard))
    with suppress(ValueError, OSError):  # a system that has no such limit
        resource.setrlimit(which, (soft, hard))
