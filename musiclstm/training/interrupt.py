"""Ctrl-C between two steps, never within one: a half-done step could not be resumed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def between_steps() -> Iterator[Callable[[], None]]:
    """Put off Ctrl-C until it is asked for.

    Yields:
        A function to call between steps; it raises KeyboardInterrupt if Ctrl-C was pressed. Pressed
        twice, Ctrl-C interrupts at once. Outside the main thread, where signals cannot be caught,
        nothing is put off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pressed = False

    def note(_signal: int, _frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
