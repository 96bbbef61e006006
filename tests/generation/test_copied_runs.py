"""The lines of a piece, their hashes, and the arrays that a bundle keeps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from musiclstm.encoding import build_vocabulary, decode, encode
from musiclstm.generation import novelty_arrays
from musiclstm.generation.copied_runs import (
    RUN,
    SEVERAL,
    any_part,
    count_runs,
    only_part,
    part_by_part,
    run_hashes,
    runs_of,
    texture_of,
)
from musiclstm.score import Column, Key, Part
from tests.bundles import chorales
from tests.generation.tunes import melody, voices, walk
from tests.strategies import scores

BAND = (Part(name="flute"), Part(40, name="fiddle"), Part(is_drum=True, name="drums"))


def encoded_alone(score):
    v = build_vocabulary([score])
    return encode(score, v), v


@settings(max_examples=60, deadline=None)
@given(scores(max_parts=3, performed=False))
def test_a_line_has_every_note_and_nothing_else(score):
    """Rests and notes of any length are one note each; in a part they stand in their order."""
    encoded, v = encoded_alone(replace(score, key=Key(0)))
    notes = decode(encoded, v).notes
    part = np.array(encoded.part_map, int)[notes[:, Column.PART]]
    order = np.lexsort((notes[:, Column.PITCH], v.ranks[part], notes[:, Column.ONSET]))
    texture = texture_of(encoded, v)
    assert texture.onset.tolist() == notes[order, Column.ONSET].tolist()
    assert texture.pitch.tolist() == notes[order, Column.PITCH].tolist()
    assert texture.part.tolist() == part[order].tolist()
    parts = part_by_part(texture)
    order = np.lexsort((notes[:, Column.PITCH], notes[:, Column.ONSET], part))
    assert parts.onset.tolist() == notes[order, Column.ONSET].tolist()
    assert parts.pitch.tolist() == notes[order, Column.PITCH].tolist()


@settings(max_examples=60, deadline=None)
@given(scores(max_parts=4, performed=False))
def test_runs_are_counted_as_they_are_made(score):
    encoded, v = encoded_alone(replace(score, key=Key(0)))
    runs = runs_of(encoded, v)
    assert count_runs(encoded, v) == len(runs.hashes) == len(runs.place) == len(runs.onset)
    sizes = np.bincount(texture_of(encoded, v).part)
    expected = max(0, encoded.n_notes - RUN)
    if np.count_nonzero(sizes) > 1:
        expected += int(np.maximum(sizes - RUN, 0).sum())
    assert len(runs.hashes) == expected


def test_a_piece_of_one_part_is_stored_once():
    """However many parts it has on paper."""
    tune = walk(1)
    score = voices([[], tune, []])
    encoded, v = encoded_alone(voices([walk(2), tune, walk(3)]))
    runs = runs_of(encode(score, v), v)
    assert len(runs.hashes) == len(tune) - RUN
    assert v.parts[runs.alone].name == "middle"
    assert runs_of(encoded, v).alone == SEVERAL
    assert only_part(texture_of(encode(voices([[], [], []]), v), v)) == SEVERAL


def test_between_two_lines_places_are_left_out():
    """Neither from the texture to a part nor from part to part does a chain go on."""
    encoded, v = encoded_alone(voices([walk(1), walk(2), walk(3)]))
    place = runs_of(encoded, v).place
    assert len(place) == 120 - RUN + 3 * (40 - RUN)
    assert np.flatnonzero(np.diff(place) != 1).tolist() == [111, 143, 175]
    assert (np.diff(place) >= 1).all()


def test_which_part_it_is_does_not_count_in_a_part_and_does_in_a_texture():
    v = build_vocabulary([voices([walk(1), walk(2), walk(3)])])
    high, low = (
        texture_of(encode(voices(tunes), v), v)
        for tunes in ([walk(4), [], []], [[], [], np.add(walk(4), -12).tolist()])
    )
    assert not set(run_hashes(high, v)) & set(run_hashes(low, v))
    assert (
        run_hashes(high, v, any_part(v)[high.part]).tolist()
        == run_hashes(low, v, any_part(v)[low.part]).tolist()
    )


def test_a_drum_is_no_melody():
    """Drums are told apart by key; a melody of leaps as large is another thing."""
    v = build_vocabulary([voices([walk(1), walk(2), walk(3)], parts=BAND)])
    assert v.has_drums
    drums, pitched = any_part(v)[v.drum_parts], any_part(v)[~v.drum_parts]
    assert len(set(pitched.tolist())) == len(set(drums.tolist())) == 1
    assert set(pitched.tolist()).isdisjoint(drums.tolist())
    assert (any_part(v) >= len(v.parts)).all()


@pytest.mark.parametrize("shares", [1, 3])
def test_arrays_by_piece_say_source_and_only_part(shares):
    corpus = [melody(walk(1), "one"), *chorales(), melody([60], "short")]
    v = build_vocabulary(corpus)
    arrays = novelty_arrays([encode(score, v) for score in corpus], v, 0, shares)
    assert arrays["sources"].tolist() == [score.source for score in corpus]
    assert arrays["alone"].dtype == np.int8
    alone = arrays["alone"].tolist()
    assert alone[1:-1] == [SEVERAL] * 5
    assert v.parts[alone[0]].name == v.parts[alone[-1]].name
