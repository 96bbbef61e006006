"""A corpus and a network small enough to train within a test."""

import csv
from pathlib import Path

import numpy as np

from musiclstm.evaluation.verdict import Verdict
from musiclstm.ingest import Corpus, FileReport, IngestReport
from musiclstm.model import NetworkConfig
from musiclstm.score import Key, Meter, MeterMap, Part, Score, Tempo
from musiclstm.training import Silent, TrainingConfig

TINY = TrainingConfig(
    NetworkConfig(
        units=16,
        onset_units=8,
        voice_units=8,
        note_units=8,
        head_units=16,
        dropout=0.1,
        head_dropout=0.1,
        feature_dropout=0.05,
        noise=0.05,
    ),
    steps=12,
    lanes=4,
    window=16,
    learning_rate=0.02,
    weight_decay=0.05,
    average=0.8,
    evaluations=3,
    samples=1,
    valid_share=0.2,
)


def piece(number: int, bars: int = 8) -> Score:
    """A melody in quarters over a bass in whole notes: alike in rhythm, apart in pitches."""
    rng = np.random.default_rng(number)
    notes = []
    for bar in range(bars):
        for beat in range(4):
            pitch = 60 + int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12]))
            notes.append([96 * bar + 24 * beat, 24, pitch, 80, 0])
        notes.append([96 * bar, 96, 40 + int(rng.integers(0, 5)), 70, 1])
    return Score.build(
        notes,
        [Part(program=0, name="melody"), Part(program=32, name="bass")],
        meter_map=MeterMap((Meter(0, 4, 4),)),
        tempos=(Tempo(0, 100.0),),
        key=Key(number % 12),
        source=f"piece{number}.mid",
    )[0]


def corpus_of(scores: tuple[Score, ...]) -> Corpus:
    """Pieces with a report that fits them."""
    files = (FileReport(s.source, f"{n:064x}", notes=40) for n, s in enumerate(scores))
    return Corpus(scores, IngestReport(tuple(files)))


def curve(folder: Path) -> list[dict[str, str]]:
    """The learning curve without what depends on the clock."""
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    clock = ("seconds", "notes_per_second")
    return [{name: value for name, value in row.items() if name not in clock} for row in rows]


class Listener(Silent):
    """Remembers what was said, and raises something after a step.

    Args:
        at: The step; 0 is before the first, -1 never.
        raised: KeyboardInterrupt is Ctrl-C; anything else ends a training as a crash does.
    """

    def __init__(self, at: int = -1, raised: type[BaseException] = KeyboardInterrupt) -> None:
        self.at, self.raised = at, raised
        self.words: list[str] = []
        self.verdict: Verdict | None = None

    def judged(self, verdict):
        self.verdict = verdict

    def planned(self, steps):
        if self.at == 0:
            raise self.raised

    def stepped(self, progress):
        if progress.step == self.at:
            raise self.raised

    def said(self, message):
        self.words.append(message)

    def heard(self, words: str) -> int:
        """How often something was said."""
        return sum(words in message for message in self.words)
