"""When it is saved, and what is said when it cannot be."""

import errno
from pathlib import Path

import pytest

from musiclstm.files import UnwritableError
from musiclstm.training.keeping import CHECKPOINT_SECONDS, Keeper


class Disk:
    """A disk that is full or not, a clock, and what was said."""

    def __init__(self):
        self.full, self.now, self.written, self.words = False, 0.0, 0, []
        self.keeper = Keeper(self.write, self.words.append, lambda: self.now)

    def write(self):
        if self.full:
            raise UnwritableError(Path("state"), OSError(errno.ENOSPC, "No space left on device"))
        self.written += 1


def test_it_is_due_every_couple_of_minutes():
    disk = Disk()
    assert not disk.keeper.due
    disk.now = CHECKPOINT_SECONDS
    assert disk.keeper.due
    disk.keeper.keep()
    assert not disk.keeper.due
    assert (disk.written, disk.words) == (1, [])


def test_a_full_disk_is_said_once_and_tried_again():
    disk = Disk()
    disk.full = True
    for _ in range(3):
        disk.now += CHECKPOINT_SECONDS
        assert disk.keeper.due
        disk.keeper.keep()
        assert not disk.keeper.due
    assert len(disk.words) == 1
    assert "state cannot be written (No space left on device)" in disk.words[0]
    disk.full = False
    disk.keeper.keep()
    assert disk.words[1:] == ["saved: the disk takes files again"]
    disk.full = True
    disk.keeper.keep()
    assert len(disk.words) == 3


def test_in_the_end_it_insists():
    disk = Disk()
    disk.keeper.insist()
    assert disk.written == 0, "nothing is missing"
    disk.full = True
    disk.keeper.keep()
    with pytest.raises(UnwritableError, match="make room"):
        disk.keeper.insist()
    disk.full = False
    disk.keeper.insist()
    disk.keeper.insist()
    assert disk.written == 1
