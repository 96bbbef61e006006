import os
import signal
import threading

import pytest

from musiclstm.training.interrupt import between_steps


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_it_waits_until_it_is_asked_for():
    with between_steps() as check:
        check()
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            check()


def test_twice_interrupts_at_once():
    with between_steps():
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_afterwards_everything_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with between_steps():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_is_left_alone():
    found = []

    def work():
        with between_steps() as check:
            check()
            found.append("fine")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["fine"]
