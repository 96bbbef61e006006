"""Contenders that take turns: each in a process of its own, one at work while the others wait.

A process is started with a hidden option that names what it does. It says first, as one line of
JSON, what a step is made of; then, for each number n that it reads, it takes n steps and answers
with the seconds and its peak memory. So whatever else the machine does meanwhile meets them all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any


def peak_mb(*, and_children: bool = False) -> float:
    """Most resident memory of this process, in MB; NaN where the system does not say.

    Args:
        and_children: Add that of its largest child.
    """
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return float("nan")
    who = [resource.RUSAGE_SELF] + [resource.RUSAGE_CHILDREN] * and_children
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(sum(resource.getrusage(each).ru_maxrss for each in who) / unit, 1)


def serve(step: Callable[[], Any], facts: dict[str, float]) -> None:
    """Be a contender: tell the facts, then take as many steps as is asked for, and time them."""
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(json.dumps([time.perf_counter() - began, peak_mb()]), flush=True)


class Worker:
    """A contender in its own process, silent until asked.

    Args:
        command: A script and its arguments; it ends in :func:`serve`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own scripts, with our own arguments)
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.facts: dict[str, float] = self._answer()
        self.peak_mb = 0.0

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended without an answer")
        return json.loads(answer)

    def seconds(self, n: int) -> float:
        """Take `n` steps; return the seconds of one."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        seconds, self.peak_mb = self._answer()
        return float(seconds) / n

    def close(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
