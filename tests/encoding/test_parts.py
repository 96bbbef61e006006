"""Whose voice is whose: names where a corpus has them, else family and rank; one to one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import MAX_MODEL_PARTS, ModelPart, fit_parts
from musiclstm.encoding.parts import build_model_parts, normalised_name
from musiclstm.errors import EncodingError
from musiclstm.score import Column, Part, Score
from tests.bundles import VOICES, chorale, chorales
from tests.strategies import scores

HEIGHTS = {"Soprano": 72, "Alto": 67, "Tenor": 62, "Bass": 50}


def lines(*parts, length=8):
    """A score of melodies, each given as (Part, pitch) and circling round that pitch."""
    rows = [
        [24 * step, 24, pitch + step % 3 - 1, 80, number]
        for number, (_, pitch) in enumerate(parts)
        if pitch is not None
        for step in range(length)
    ]
    score, _ = Score.build(np.array(rows, int).reshape(-1, 5), [part for part, _ in parts])
    return score


def choir(program=0, *, names=True, move=0):
    parts = [
        (Part(program, name=name if names else ""), pitch + move) for name, pitch in HEIGHTS.items()
    ]
    return lines(*parts)


def moments(score, *, drums):
    """Onset and pitch of the notes of the drums, or of all others: what merging must keep."""
    kinds = np.array([part.is_drum for part in score.parts] or [False])
    own = score.notes[kinds[score.notes[:, Column.PART]] == drums]
    return set(map(tuple, own[:, [Column.ONSET, Column.PITCH]].tolist()))


def names_of(fitted, model_parts):
    return [model_parts[index].name for index in fitted.part_map]


# --- building -------------------------------------------------------------------------------


def test_consistent_names_are_the_parts():
    parts = build_model_parts([choir(), choir(move=2), choir(move=-3)])
    assert [part.name for part in parts] == ["soprano", "alto", "tenor", "bass"]
    assert [part.low for part in parts] == [68, 63, 58, 46]
    assert [part.high for part in parts] == [75, 70, 65, 53]


def test_names_are_read_without_case_and_punctuation():
    assert normalised_name("  Violin_1 ") == normalised_name("violin 1") == "violin 1"
    odd = lines((Part(name="SOPRANO:"), 72), (Part(name="[bass]"), 50))
    assert [part.name for part in build_model_parts([odd, odd])] == ["soprano", "bass"]


def test_a_few_odd_files_do_not_throw_the_names_away():
    odd = lines((Part(name="Track 1"), 60))
    parts = build_model_parts([choir() for _ in range(20)] + [odd])
    assert {part.name for part in parts} >= {"soprano", "alto", "tenor", "bass"}


def test_without_names_family_and_rank_decide():
    """Piano hands stay apart although both are program 0; the violin is no piano."""
    piece = lines((Part(0), 70), (Part(0), 48), (Part(40), 80))
    swapped = lines((Part(40), 79), (Part(0), 47), (Part(0), 69))
    parts = build_model_parts([piece, swapped])
    assert [(p.program, p.low, p.high) for p in parts] == [(40, 78, 81), (0, 68, 71), (0, 46, 49)]
    assert len({part.name for part in parts}) == 3


def test_drums_are_a_part_of_their_own_and_come_last():
    band = lines((Part(0, is_drum=True), 40), (Part(33), 36), (Part(0), 60))
    parts = build_model_parts([band, band])
    assert [part.is_drum for part in parts] == [False, False, True]
    assert parts[-1].name == "drums"


def test_monophonic_and_chord_are_facts_of_the_corpus():
    melody = [[24 * step, 24, 72, 80, 0] for step in range(8)]
    chords = [[48 * step, 48, pitch, 80, 1] for step in range(4) for pitch in (48, 52, 55)]
    score, _ = Score.build(melody + chords, [Part(name="melody"), Part(name="chords")])
    parts = build_model_parts([score])
    assert [(part.name, part.monophonic, part.chord) for part in parts] == [
        ("melody", True, 1),
        ("chords", False, 3),
    ]


def test_half_a_percent_of_sloppiness_stays_monophonic():
    rows = [[24 * step, 24, 60 + step % 5, 80, 0] for step in range(400)]
    held = [[row[0], row[1] + 1, *row[2:]] if row[0] < 48 else row for row in rows]
    sloppy = [[row[0], row[1] + 1, *row[2:]] if row[0] < 96 else row for row in rows]
    for table, monophonic in ((rows, True), (held, True), (sloppy, False)):
        score, _ = Score.build(table, [Part()])
        assert build_model_parts([score])[0].monophonic is monophonic


def test_made_up_names_avoid_those_of_the_corpus():
    named = [Part(name="Part 1"), Part(0), Part(40)]
    piece = lines(*zip(named, (72, 60, 50), strict=True))
    names = [part.name for part in build_model_parts([piece] * 10)]
    assert len(set(names)) == len(names)


def test_without_any_part_there_is_still_one():
    empty, _ = Score.build([], [])
    assert [part.name for part in build_model_parts([empty])] == ["part"]


@settings(max_examples=100, deadline=None)
@given(st.lists(scores(max_parts=6), min_size=1, max_size=4))
def test_every_note_lies_in_the_range_of_some_part(corpus):
    parts = build_model_parts(corpus)
    assert 1 <= len(parts) <= MAX_MODEL_PARTS
    assert len({part.name for part in parts}) == len(parts)
    for score in corpus:
        for pitch, own in score.notes[:, [Column.PITCH, Column.PART]].tolist():
            drum = score.parts[own].is_drum
            assert any(p.low <= pitch <= p.high and p.is_drum == drum for p in parts)


@pytest.mark.parametrize(
    "changes",
    [
        {"program": 128},
        {"low": -1},
        {"low": 70, "high": 60},
        {"chord": 0},
        {"chord": 129},
        {"median": float("nan")},
    ],
)
def test_parts_that_are_none_are_refused(changes):
    with pytest.raises(EncodingError, match="part 'x'"):
        ModelPart("x", **changes)


@settings(max_examples=50, deadline=None)
@given(st.lists(scores(max_parts=6), min_size=1, max_size=2))
def test_a_part_comes_back_from_json(corpus):
    for part in build_model_parts(corpus):
        assert ModelPart.from_dict(part.as_dict()) == part


# --- fitting --------------------------------------------------------------------------------


def test_names_decide_whatever_comes_first():
    """An extra horn staff first, the voices upside down, other programs: soprano stays soprano."""
    model = build_model_parts(chorales())
    voices = [(Part(73, name=name.upper()), HEIGHTS[name] - 5) for name in reversed(VOICES)]
    fitted = fit_parts(lines((Part(60, name="Horn"), 70), *voices), model)
    assert fitted.merged == ("Horn",)
    assert names_of(fitted, model) == ["bass", "tenor", "alto", "soprano"]


@pytest.mark.parametrize("move", [-12, -7, -5, 0, 5, 7, 12])
def test_without_names_rank_decides_in_any_key(move):
    """The alto of a high piece is where the soprano of a low one is; it is the alto still."""
    model = build_model_parts(chorales())
    fitted = fit_parts(choir(52, names=False, move=move), model)
    assert names_of(fitted, model) == ["soprano", "alto", "tenor", "bass"]


def test_fewer_parts_take_the_nearest():
    model = build_model_parts(chorales())
    duet = lines((Part(52), 49), (Part(52), 73))
    assert names_of(fit_parts(duet, model), model) == ["bass", "soprano"]


def test_an_empty_track_takes_nobody_s_place():
    model = build_model_parts(chorales())
    voices = [(Part(0), pitch) for pitch in HEIGHTS.values()]
    fitted = fit_parts(lines((Part(0, name="Conductor"), None), *voices), model)
    assert names_of(fitted, model) == ["soprano", "alto", "tenor", "bass"]
    assert (fitted.merged, fitted.dropped) == ((), ("Conductor",))


def test_families_find_each_other_before_heights_do():
    model = (ModelPart("flute", program=73, median=76.0), ModelPart("viola", 41, median=60.0))
    fitted = fit_parts(lines((Part(42), 76), (Part(74), 60)), model)
    assert names_of(fitted, model) == ["viola", "flute"]


def test_hands_of_one_program_stay_apart():
    piano = lines((Part(0, name="Piano"), 70), (Part(0, name="Piano"), 45))
    model = build_model_parts([piano, piano])
    assert len(model) == 2
    assert fit_parts(piano, model).part_map == (0, 1)


def test_more_parts_than_sixteen_are_merged_and_reported():
    many = lines(*((Part(program=number, name=f"p{number}"), 40 + number) for number in range(20)))
    model = build_model_parts([many])
    assert len(model) == MAX_MODEL_PARTS
    fitted = fit_parts(many, model)
    assert sorted(fitted.part_map) == list(range(MAX_MODEL_PARTS))
    assert len(fitted.merged) == 4
    assert not fitted.dropped
    assert moments(fitted.score, drums=False) == moments(many, drums=False)


def test_drums_are_dropped_where_the_model_has_none():
    model = build_model_parts(chorales())
    band = lines((Part(0, is_drum=True, name="Kit"), 40), (Part(52), 72))
    fitted = fit_parts(band, model)
    assert fitted.dropped == ("Kit",)
    assert fitted.score.parts == (band.parts[1],)
    assert len(fitted.score.notes) == 8


def test_pitches_are_dropped_where_the_model_has_only_drums():
    kit = lines((Part(0, is_drum=True), 40))
    model = build_model_parts([kit])
    fitted = fit_parts(lines((Part(0), 72)), model)
    assert fitted.dropped == ("part 0",)
    assert len(fitted.score.notes) == 0


def test_what_is_fitted_keeps_the_rest_of_the_score():
    score = chorale("piece", style="x", pickup=24)
    more = replace(score, parts=(*score.parts, Part(name="Conductor")))
    fitted = fit_parts(more, build_model_parts([score]))
    assert fitted.score == score
    assert fitted.score.source == "piece"


@settings(max_examples=150, deadline=None)
@given(scores(max_parts=8), st.lists(scores(max_parts=5), min_size=1, max_size=2))
def test_fitting_is_one_to_one_and_loses_no_pitched_note(score, corpus):
    model = build_model_parts(corpus)
    fitted = fit_parts(score, model)
    assert len(set(fitted.part_map)) == len(fitted.part_map) == len(fitted.score.parts)
    for part, index in zip(fitted.score.parts, fitted.part_map, strict=True):
        assert part.is_drum == model[index].is_drum
    for drums in (False, True):
        if any(part.is_drum == drums for part in model):
            assert moments(fitted.score, drums=drums) == moments(score, drums=drums)


@settings(max_examples=100, deadline=None)
@given(scores(max_parts=8))
def test_a_score_fits_its_own_parts_whole(score):
    fitted = fit_parts(score, build_model_parts([score]))
    assert (fitted.merged, fitted.dropped) == ((), ())
    assert fitted.score == score
