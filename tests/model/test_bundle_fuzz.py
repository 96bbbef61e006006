"""Spoiled model folders by the hundred, each refused in one line or working, in bounded memory."""

import os
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from musiclstm.model.bundle import CONFIG, CORPUS, NOVELTY, VOCABULARY, WEIGHTS
from tests.bundles import tiny_bundle
from tests.spoiling import FILES, edit, judge, spoil

CASES = 320
GROUP = 40
ROOT = Path(__file__).parents[2]
MIB = 2**20
MOST_MEMORY_MIB = 300
# a sparse file of this size takes no room on the disk
HUGE = 60 * MIB


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("whole") / "model")


@pytest.mark.parametrize("first", range(0, CASES, GROUP))
def test_whatever_is_spoiled_it_is_refused_or_it_works(whole, tmp_path, first):
    as_written, line = judge(whole)
    assert as_written, line
    kept = {name: (whole / name).read_bytes() for name in FILES}
    refused = 0
    for seed in range(first, first + GROUP):
        folder = tmp_path / "model"
        shutil.copytree(whole, folder, dirs_exist_ok=True)
        name, blind = spoil(folder, seed)
        if (folder / name).read_bytes() == kept[name]:  # damage may leave things as they were
            continue
        found, line = judge(folder)
        refused += not found
        if line:
            assert name in line, (seed, line)
        if blind:
            assert found in ("", as_written), (seed, name)
    assert refused > GROUP / 2


# --- memory ---------------------------------------------------------------------------------

# The high-water mark is the kernel's; `ru_maxrss` would remember the parent's.
MEASURE = """
import sys
from pathlib import Path
from musiclstm.errors import MusicLSTMError
from musiclstm.model import load_bundle

def most():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

load_bundle(sys.argv[1]).novelty()
before = most()
for folder in sys.argv[2:]:
    try:
        load_bundle(folder).novelty()
        print("taken", folder)
    except MusicLSTMError as error:
        print("refused", error)
print(most() - before)
"""


def declare_header(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes((2**60).to_bytes(8, "little") + data[8:])


def declare_network(folder):
    edit(folder / CONFIG, lambda config: config["network"].update(units=4096, layers=8))


def declare_network_and_fill_it(folder):
    declare_network(folder)
    os.truncate(folder / WEIGHTS, 2**31)


def repeat_parts(folder):
    edit(folder / VOCABULARY, lambda v: v.update(parts=v["parts"] * 1000))


def grow_corpus(folder):
    os.truncate(folder / CORPUS, HUGE)


def nest_corpus(folder):
    (folder / CORPUS).write_bytes(b"[" * HUGE)


def fill_corpus_with_lists(folder):
    (folder / CORPUS).write_bytes(b'{"pieces": [' + b"[]," * (HUGE // 3 - 10) + b"[]]}")


def bomb(folder):
    with zipfile.ZipFile(folder / NOVELTY, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hashes.npy", bytes(400 * MIB))


def declare_array(folder):
    header = BytesIO()
    about = {"descr": "<u8", "fortran_order": False, "shape": (10**11,)}
    np.lib.format.write_array_header_1_0(header, about)
    with zipfile.ZipFile(folder / NOVELTY, "w") as archive:
        archive.writestr("hashes.npy", header.getvalue())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is not told here")
def test_what_is_declared_is_not_allocated(whole, tmp_path):
    folders = []
    for spoiling in (
        declare_header,
        declare_network,
        declare_network_and_fill_it,
        repeat_parts,
        grow_corpus,
        nest_corpus,
        fill_corpus_with_lists,
        bomb,
        declare_array,
    ):
        folder = Path(shutil.copytree(whole, tmp_path / spoiling.__name__))
        spoiling(folder)
        folders.append(folder)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(whole), *map(str, folders)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    *lines, most_kib = done.stdout.splitlines()
    assert len(lines) == len(folders)
    for folder, line in zip(folders, lines, strict=True):
        assert line.startswith("refused"), line
        assert folder.name in line
    assert int(most_kib) / 1024 < MOST_MEMORY_MIB
