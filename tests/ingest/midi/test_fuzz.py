"""Damaged files: whatever the damage, a reason in words or whole music, in bounded rows.

``benchmarks/fuzz.py`` does the same for as long as one likes, to real files.
"""

import numpy as np
import pytest

from musiclstm.encoding import build_vocabulary, decode, encode, fit_parts, prepare
from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.midi.events import MAX_QUARTERS
from musiclstm.ingest.midi.reader import QUARTERS_A_ROW, read_midi
from musiclstm.ingest.problems import Problem, Repair
from musiclstm.ingest.settings import IngestSettings
from musiclstm.score import Column, Score
from tests.mutations import MUTATORS, mutant, small_files

SEED = 20_240_607
CASES = 1500
BATCH = 50
SETTINGS = IngestSettings(max_notes=5000)
MAX_PREPARED = 2000  # rows; masks and context take a millisecond for some hundred rows
EXACT = [Column.ONSET, Column.DURATION, Column.PITCH, Column.PART]  # velocity goes into bins
# a WAIT is a whole note, and then there is END
MAX_ROWS = SETTINGS.max_notes + MAX_QUARTERS // 4 + 1


@pytest.fixture(scope="module")
def vocabulary():
    scores = [
        reading.score
        for data in small_files()
        for reading in read_midi(data, SETTINGS, source="whole.mid")
    ]
    return build_vocabulary(scores)


def read(data):
    """The readings, or the error; anything else is raised."""
    try:
        return read_midi(data, SETTINGS, source="x.mid")
    except UnreadableFileError as error:
        return error


def check_reading(reading, vocabulary):
    """What is kept is a whole score that the model can learn."""
    score, report = reading.score, reading.report
    assert report.kept
    assert report.source == score.source == "x.mid" + reading.piece
    assert {repair.kind for repair in report.repairs} <= set(Repair.__members__)
    assert len({repair.kind for repair in report.repairs}) == len(report.repairs)
    assert 1 <= len(score.notes) == report.notes <= SETTINGS.max_notes
    # the constructor refuses a table that is not canonical
    assert Score(score.notes, score.parts, meter_map=score.meter_map) is not None
    assert score.end <= (MAX_QUARTERS + 2 * QUARTERS_A_ROW) * score.steps_per_quarter
    assert reading.completed("").report.bars >= 0
    encoded = encode(score, vocabulary)
    assert len(encoded.events) <= MAX_ROWS
    if len(encoded.events) <= MAX_PREPARED:
        fitted = fit_parts(score, vocabulary.parts).score
        np.testing.assert_array_equal(
            decode(encoded, vocabulary).notes[:, EXACT], fitted.notes[:, EXACT]
        )
        assert len(prepare(encoded, vocabulary)) == len(encoded.events)


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_damaged_files_are_read_or_skipped_in_words(first, vocabulary):
    sources = small_files()
    for number in range(first, first + BATCH):
        outcome = read(mutant(sources, SEED, number))
        if isinstance(outcome, UnreadableFileError):
            assert outcome.kind in Problem.__members__, f"case {number}"
            assert outcome.fix == Problem[outcome.kind].fix
            continue
        assert outcome, f"case {number}"
        for reading in outcome:
            check_reading(reading, vocabulary)


def test_the_cases_reach_every_branch_worth_reaching():
    """A fuzz test that kept nothing, or damaged nothing, would pass too."""
    sources = small_files()
    found = set()
    for number in range(CASES):
        outcome = read(mutant(sources, SEED, number))
        if isinstance(outcome, UnreadableFileError):
            found.add(outcome.kind)
            continue
        for reading in outcome:
            found |= {repair.kind for repair in reading.report.repairs}
    rare = {"RIFF", "TOO_MANY_MESSAGES", "TOO_MANY_PARTS", "TOO_MANY_NOTES", "WEB_PAGE", "EMPTY"}
    assert set(Repair.__members__) - rare <= found
    assert {"NOT_MIDI", "CUT_IN_HEADER", "NO_NOTES", "TOO_LONG", "NO_TICKS"} <= found


def test_a_case_is_made_again_by_its_number():
    sources = small_files()
    assert mutant(sources, 1, 17) == mutant(sources, 1, 17)
    assert len({mutant(sources, 1, number) for number in range(50)}) > 40


@pytest.mark.parametrize("mutator", set(MUTATORS), ids=lambda mutator: mutator.__name__)
def test_every_mutator_changes_something_and_takes_anything(mutator):
    rng = np.random.default_rng(0)
    sources = small_files()
    assert any(mutator(sources[1], sources, rng) != sources[1] for _ in range(10))
    for data in (b"", b"\0", b"MThd"):
        assert isinstance(mutator(data, sources, rng), bytes)
