"""Tasks -> answers, in worker processes of which one can be killed without the others noticing.

A worker is a fresh Python that is told one function and then answers tasks over its own two pipes
(see :mod:`musiclstm.ingest.serving`). Unlike ``multiprocessing`` with *spawn*, it never imports the
user's ``__main__``, so a three-line script without ``if __name__ == "__main__"`` works; unlike
*fork*, it is safe after TensorFlow has started its threads; and it shares no locks or queues that a
killed worker could leave shut. Nothing is pickled.

Each worker has a thread here that feeds it and waits for its answers. One more thread looks at all
of them, and kills those that take too long or too much.
"""

import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from musiclstm.ingest.serving import Task
from musiclstm.ingest.worker import Loss, Worker

__all__ = ["Answered", "Loss", "Task", "available_cores", "run_tasks"]

_LOOK_SECONDS = 0.05  # memory that is filled at 2 GB/s grows by 100 MB from one look to the next
_LONGEST_LOOK_SECONDS = 1.0  # beyond that all of this stood still (Ctrl-Z, sleep): no task's fault
_START_ATTEMPTS = 3


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
    function: str,
    tasks: Iterable[Task],
    *,
    jobs: int,
    timeout_seconds: float,
    max_memory: int,
) -> Iterator[Answered]:
    """Answer tasks in ``jobs`` processes, and yield the answers as they come.

    Tasks are taken as they are needed: while nobody asks for answers, no more than two a worker are
    begun. A worker is replaced when it is lost, and when it keeps much memory after a task.

    Args:
        function: ``"package.module:name"`` of a function from a task to bytes.
        tasks: What it is called with: plain values, as JSON knows them. Gone through once, in other
            threads, by one at a time.
        jobs: Processes, >= 1; never more than there are tasks.
        timeout_seconds: A task that takes longer is given up, and its process killed.
        max_memory: Bytes by which a worker's resident memory may grow during one task, from where
            it was when the task came; what the first task imports is part of it. A task that takes
            more, or is refused memory by the system, or answers at a length beyond
            :data:`~musiclstm.ingest.serving.MAX_ANSWER`, is given up, and its process ended. What
            is taken and given back between two looks, 50 ms, goes unseen.

    Raises:
        RuntimeError: If the function itself failed, with its traceback, or no worker can be
            started.
    """
    pool = _Pool(function, tasks, jobs, timeout_seconds, max_memory)
    threads = [threading.Thread(target=pool.watch, daemon=True)]
    threads += [threading.Thread(target=pool.attend, daemon=True) for _ in range(jobs)]
    try:
        for thread in threads:
            thread.start()
        at_work = jobs
        while at_work:
            answered = _next(pool.done)
            if isinstance(answered, BaseException):
                raise answered
            if answered is None:
                at_work -= 1
                continue
            pool.room.release()
            yield answered
    finally:  # also where the caller was interrupted, or wants no more
        pool.close()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class _Pool:
    """What the threads share.

    They wait for the caller at ``room`` only, which :meth:`close` opens, and for a worker only at
    its pipes, which end when it is killed: so nothing can hold up the closing.
    """

    def __init__(
        self, function: str, tasks: Iterable[Task], jobs: int, seconds: float, memory: int
    ) -> None:
        self.room = threading.Semaphore(2 * jobs)  # for tasks begun whose answers nobody has yet
        # answers as they come; a fault, to be raised; None from each thread that is done
        self.done: queue.SimpleQueue[Answered | BaseException | None] = queue.SimpleQueue()
        self._worker_options = function, seconds, memory
        self._jobs = jobs
        self._tasks = enumerate(tasks)
        self._taking = threading.Lock()
        self._workers: set[Worker] = set()
        self._changing = threading.Lock()  # held where that set is changed or gone through
        self._closed = threading.Event()

    def attend(self) -> None:
        """Have tasks done, by one worker as long as it is fit."""
        worker: Worker | None = None
        try:
            while (taken := self._take()) is not None:
                if worker is not None and not worker.is_fit:
                    self._end(worker)
                    worker = None
                worker = worker or self._start()
                index, task = taken
                self.done.put(Answered(index, worker.ask(task)))
            self.done.put(None)
        except BaseException as error:  # raised in the caller's thread
            self.done.put(error)
        finally:
            if worker is not None:
                self._end(worker)

    def watch(self) -> None:
        """Look at all workers, again and again."""
        try:
            before = time.monotonic()
            while not self._closed.wait(_LOOK_SECONDS):
                now = time.monotonic()
                with self._changing:
                    workers = list(self._workers)
                for worker in workers:
                    worker.look(min(now - before, _LONGEST_LOOK_SECONDS))
                before = now
        except BaseException as error:
            self.done.put(error)

    def close(self) -> None:
        """Bring all threads to their end."""
        self._closed.set()
        with self._changing:
            for worker in self._workers:
                worker.kill()
        self.room.release(self._jobs)

    def _take(self) -> tuple[int, Task] | None:
        """Wait until there is room for an answer, and take the next task, if there is one."""
        self.room.acquire()
        with self._taking:
            return None if self._closed.is_set() else next(self._tasks, None)

    def _start(self) -> Worker:
        for _ in range(_START_ATTEMPTS):
            worker = Worker(*self._worker_options)
            with self._changing:
                self._workers.add(worker)
            ready = False
            try:  # either this sees that all was closed, or closing sees this worker
                ready = not self._closed.is_set() and worker.is_ready()
            finally:
                if not ready:
                    self._end(worker)
            if ready:
                return worker
            if self._closed.is_set():
                break
        raise RuntimeError("a reading process did not start")

    def _end(self, worker: Worker) -> None:
        with self._changing:
            self._workers.discard(worker)
        worker.stop()


def _next(
    done: "queue.SimpleQueue[Answered | BaseException | None]",
) -> Answered | BaseException | None:
    """Wait for what comes; Windows sees Ctrl-C only between two waits."""
    while True:
        with suppress(queue.Empty):
            return done.get(timeout=1)
