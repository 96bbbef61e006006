"""The whole examination, its page and its values, of models with and without music beside them."""

import json
import re

import numpy as np
import pytest

from musiclstm.evaluation.beside import compare_features, compare_rules, form_of
from musiclstm.evaluation.examine import CONTROL, CORPUS, MODEL, NGRAM, SAMPLES, examine
from musiclstm.evaluation.report import lead, sections, values
from musiclstm.features import CATALOGUE
from musiclstm.ingest import Corpus, FileReport, IngestReport
from musiclstm.model import load_bundle
from musiclstm.model.pieces import sort_pieces
from musiclstm.rendering.document import document
from tests.bundles import chorale, chorales, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("models") / "tiny"))


def pieces_of(bundle, scores):
    """Pieces that are known by their names: hashes of a tiny bundle count up."""
    files = [FileReport(s.source, f"{n:064x}", notes=len(s.notes)) for n, s in enumerate(scores)]
    return sort_pieces(bundle, Corpus(tuple(scores), IngestReport(tuple(files))))


@pytest.fixture(scope="module")
def found(bundle):
    strangers = [chorale(f"<b>{n}</b>", seed=40 + n, bars=5) for n in range(4)]
    return examine(bundle, pieces_of(bundle, [*chorales(), *strangers]), 3, 0)


def test_sets_are_told_apart(found):
    assert found.pieces == {"train": 5, "valid": 0, "new": 4}
    assert set(found.likelihood) == {"train", "new"}
    assert NGRAM in found.likelihood["new"]
    assert NGRAM not in found.likelihood["train"]  # it knows them by heart
    assert set(found.forms) == {SAMPLES, CORPUS, CONTROL}
    assert found.verdict.mood == "bad"  # its weights are random


def test_values_are_json_and_say_what_the_page_says(found):
    told = json.loads(json.dumps(values(found), allow_nan=False))
    assert told["likelihood"]["new"][MODEL]["nats_per_note"] == pytest.approx(
        sum(told["likelihood"]["new"][MODEL]["by_field"].values())
    )
    assert told["pieces"]["samples"] == 3
    page = document("t", lead(found), sections(found))
    for finding in told["verdict"]["findings"]:
        assert finding["reason"][:20] in page
    for heading in ("The verdict", "How well", "What it composes", "Form", "What it copies"):
        assert heading in page
    assert "<b>" not in page


def test_every_feature_that_varies_is_drawn_and_explained(found):
    page = document("t", "", sections(found))
    for name in found.features:
        assert CATALOGUE[name].definition[:20] in page
    assert "drum_pattern" not in found.features


def test_without_music_what_can_be_known_is_told(bundle):
    found = examine(bundle, None, 2, 0)
    assert (found.likelihood, found.features, found.new) == ({}, {}, {})
    assert found.calibration is None
    page = document("t", lead(found), sections(found))
    assert "No music was given" in page
    assert "nobody can say" in page.lower()


def test_the_same_seed_says_the_same(bundle):
    one, two = (values(examine(bundle, None, 2, 3)) for _ in range(2))
    assert one == two


# --- beside -----------------------------------------------------------------------------------


def test_a_corpus_beside_itself_overlaps_wholly():
    scores = [chorale(f"p{n}", seed=n, bars=4 + n % 3) for n in range(9)]
    for of in compare_features(scores, scores, scores).values():
        assert of.overlap == pytest.approx(1.0, abs=1e-4)
        assert of.control_overlap == pytest.approx(1.0, abs=1e-4)


def test_what_is_elsewhere_does_not_overlap():
    scores = [chorale(f"p{n}", seed=n) for n in range(6)]
    slow = [chorale(f"q{n}", seed=n, bars=40) for n in range(6)]
    found = compare_features(scores, slow, [])
    assert found["repeated_bars"].overlap < 0.5
    assert found["repeated_bars"].control_overlap is None


def test_too_few_pieces_have_no_distribution():
    assert compare_features([chorale()] * 2, [chorale()] * 9, []) == {}


def test_rules_are_counted_where_all_is_in_four_parts():
    scores = [chorale(f"p{n}", seed=n) for n in range(3)]
    counts = compare_rules(scores, scores[:1])
    assert [of["pieces"] for of in counts] == [3, 1]
    three = [scores[0].keep_parts([0, 1, 2])]
    assert compare_rules(scores, three) == []


def test_form_of_a_piece_that_repeats():
    loop = chorale("loop", bars=2)
    form = form_of([loop, chorale("long", seed=1, bars=24)])
    assert form.reach.shape == (32,)
    assert 0 <= form.repeated <= 1
    assert form.reach.sum() <= form.repeated + 1e-9
    assert form.matrix.shape[0] == form.matrix.shape[1] in (2, 24)
    assert form_of([]) is None
    assert np.isfinite(list(form.structureness.values())).all()


# --- command -----------------------------------------------------------------------------------


def test_a_report_names_no_place_on_the_net(found):
    page = document("t", lead(found), sections(found))
    assert not re.search(r"https?://", page)
