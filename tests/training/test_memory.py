"""A corpus larger than memory trains: what is held does not grow with the music in it."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import islice

from musiclstm.ingest import Corpus, FileReport, IngestReport
from musiclstm.training import folder
from musiclstm.training.batches import BatchMaker
from musiclstm.training.copies import write_copies
from musiclstm.training.corpus import prepare_corpus
from tests.training.tiny import piece

BARS = 500  # 2,500 notes: 50 KB as a score, as much again as encoded rows
BYTES_A_PIECE = 10_000  # what may be held of each: names, hashes, conditions, parts


@cache
def tune(number):
    return piece(number, BARS)


class OnDisk(Sequence):
    """Scores that are made when they are asked for, and kept by nobody here."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index >= self.count:
            raise IndexError
        return replace(tune(index % 7), source=f"piece{index}.mid")


def peak(count, out):
    """The most that Python and NumPy held, in bytes: until the first batch, and for batches."""
    files = tuple(FileReport(f"piece{n}.mid", f"{n:064x}", notes=1) for n in range(count))
    corpus = Corpus(OnDisk(count), IngestReport(files))
    out.mkdir()
    tracemalloc.start()
    try:
        # nothing held out: finding copies is a matter of its own (tests/features)
        data = prepare_corpus(corpus, valid_share=0.0, seed=0, folder=out)
        assert len(data.of("train")) == count
        folder.write_beginning(out, data)
        before = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        # the lanes hold a section each, whatever there is: enough to see that they hold no more
        maker = BatchMaker(data.of("train"), data.vocabulary, lanes=4, window=128, augment=True)
        for windows in islice(maker.training_schedule(0), 4):
            maker.make(windows)
        return before, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_eight_times_the_music_in_the_same_memory(tmp_path, monkeypatch):
    # sorted a few at a time, as the millions of a large corpus are
    monkeypatch.setattr(folder, "write_copies", partial(write_copies, at_once=5_000))
    peak(2, tmp_path / "imports")
    few, many = (peak(count, tmp_path / str(count)) for count in (5, 40))
    assert many[0] - few[0] < 35 * BYTES_A_PIECE
    assert many[1] - few[1] < 35 * BYTES_A_PIECE
