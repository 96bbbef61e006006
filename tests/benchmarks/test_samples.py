"""The sample report: its measures on numbers by hand, the whole on a model that knows nothing."""

import json
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.jsb_grids import VOICES, score_of
from benchmarks.samples import main
from benchmarks.samples_measures import FAULTS, FEATURES, equal_bars, faults, longest_silence
from benchmarks.samples_rates import RULES, compare, credibly_above, rates
from benchmarks.samples_report import copies, targets
from benchmarks.samples_search import settings as settings_of
from musiclstm.encoding import Field
from musiclstm.evaluation.distributions import (
    between,
    overlap_area,
    overlaps,
    shares,
    summary,
    within,
)
from musiclstm.features import VoiceLeading
from musiclstm.generation import Sampling, bundle_sampling
from musiclstm.ingest import read_score
from musiclstm.model import load_bundle
from tests.bundles import tiny_bundle

PIECES = {"train": 6, "valid": 3, "test": 4}


def chorale(number, steps=160):
    """Four voices that move by quarters and eighths."""
    rng = np.random.default_rng(number)
    voices = []
    for lowest, length in ((67, 4), (60, 2), (55, 4), (43, 8)):
        pitches = lowest + rng.integers(0, 8, steps // length)
        voices.append(np.repeat(pitches, length))
    return np.stack(voices, axis=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("jsb") / "chorales.json"
    numbers = iter(range(100))
    path.write_text(
        json.dumps(
            {
                split: [chorale(next(numbers), 80 + 16 * n).tolist() for n in range(count)]
                for split, count in PIECES.items()
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    grids = json.loads(data.read_text())["train"]
    scores = [score_of(np.array(grid), f"train/{n:03d}") for n, grid in enumerate(grids)]
    return tiny_bundle(tmp_path_factory.mktemp("models") / "jsb", scores)


def run(*words, exit_code=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == exit_code, result.output
    return result


# --- distances and densities ----------------------------------------------------------------


def kernel_density(values, at):
    """As it is written in the textbook."""
    width = values.std(ddof=1) * len(values) ** -0.2
    apart = (at[:, None] - values) / width
    return np.exp(-0.5 * apart**2).mean(axis=1) / (width * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("seed", range(5))
def test_the_overlap_is_the_integral_of_the_lesser_density(seed):
    rng = np.random.default_rng(seed)
    left, right = rng.gamma(2, size=300), rng.gamma(3, 0.5 + seed / 4, size=200)
    at = np.linspace(-20, 60, 20_000)
    lesser = np.minimum(kernel_density(left, at), kernel_density(right, at))
    assert overlap_area(left, right) == pytest.approx(lesser.sum() * (at[1] - at[0]), abs=1e-3)


values = st.lists(st.integers(-50, 50) | st.floats(-5, 5), min_size=1, max_size=30).map(
    lambda drawn: np.array(drawn, float)
)


@settings(deadline=None)  # spreads a billion times apart make large grids
@given(values, values)
def test_the_overlap_is_a_share_whatever_the_numbers(left, right):
    found = overlap_area(left, right)
    assert 0 <= found <= 1
    assert found == pytest.approx(overlap_area(right, left), abs=1e-9)
    assert overlap_area(left, left) == pytest.approx(1, abs=1e-3)
    assert overlap_area(left, right + 1e6) == pytest.approx(0, abs=1e-9)


def test_without_spread_there_is_no_division_by_zero():
    zeros = np.zeros(50)
    assert overlap_area(zeros, np.zeros(7)) == 1
    assert overlap_area(zeros, np.full(7, 2.0)) == 0
    # of a hundred numbers one is not 0: what is alike is 99%
    nearly = np.append(np.zeros(99), 1.0)
    assert overlap_area(zeros, nearly) == pytest.approx(0.99, abs=1e-3)
    # and two are: they differ by one in a hundred, however unlike their bandwidths
    assert overlap_area(np.append(np.zeros(98), [1.0, 1.0]), nearly) == pytest.approx(
        0.99, abs=0.01
    )


def test_distances_are_of_pairs():
    assert sorted(within(np.array([0.0, 1, 4]))) == [1, 3, 4]
    assert sorted(between(np.array([0.0, 1]), np.array([2.0, 5]))) == [1, 2, 4, 5]


def test_what_is_drawn_alike_overlaps_and_what_is_not_does_not():
    rng = np.random.default_rng(0)
    bach, own, other = (rng.normal(mean, 1, (80, 1)) for mean in (0, 0, 5))
    assert overlaps(own, bach)[0] > 0.9
    assert overlaps(other, bach)[0] < 0.3
    same = np.zeros((80, 1))  # always the same piece
    assert overlaps(same, bach)[0] < 0.7


def test_shares_are_of_what_training_gets():
    rng = np.random.default_rng(1)
    bach, training = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    found = shares(["one", "two"], training, training, bach)
    assert found["one"]["share"] == found["two"]["share"] == 1
    found = shares(["one", "two"], training * [1, 4], training, bach)
    assert found["one"]["share"] == 1
    assert found["two"]["share"] == found["two"]["overlap"] / found["two"]["overlap_training"] < 0.9
    said = summary({"a": {"share": 1.2}, "b": {"share": 0.6}})
    assert said == pytest.approx(
        {"mean": 0.9, "mean_capped": 0.8, "least": 0.6, "least_feature": "b"}
    )


# --- rates ----------------------------------------------------------------------------------


def counts(rows):
    """Rows of what is not 0 or 1 as usual, as ``(pieces, fields)``."""
    usual = VoiceLeading(1, 200, 100, 0, 0, 0, 0, 0, 0)
    return np.array([usual._replace(**row) for row in rows])


def test_rates_are_over_all_pieces():
    table = counts([{"parallel_fifths": 3, "steps": 100}, {"crossings": 6, "off_tonic": 1}])
    found = dict(zip(RULES, rates(table.sum(axis=0)), strict=True))
    assert found == {
        "parallel_fifths": 1.5,
        "parallel_octaves": 0,
        "crossings": 2,
        "wide_spacings": 0,
        "out_of_range": 0,
        "off_tonic": 50,
    }


def test_what_is_above_and_what_may_be_chance():
    rng = np.random.default_rng(0)
    bach = counts([{"parallel_fifths": int(n), "crossings": 2} for n in rng.poisson(1, 80)])
    same = counts([{"parallel_fifths": int(n), "crossings": 2} for n in rng.poisson(1, 80)])
    worse = counts([{"parallel_fifths": int(n), "crossings": 2} for n in rng.poisson(3, 80)])
    found = compare(same, bach, rng)
    assert credibly_above(found, 1.5) == []
    assert found["crossings"]["ratio"] == {"rate": 1, "interval": [1, 1]}
    assert found["parallel_octaves"]["ratio"] == {"rate": None, "interval": [None, None]}
    low, high = found["parallel_fifths"]["samples"]["interval"]
    # the textbook's interval of a mean of Poisson numbers
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(80), rel=0.25)
    found = compare(worse, bach, rng)
    assert credibly_above(found, 1.5) == ["parallel_fifths"]
    assert found["parallel_fifths"]["ratio"]["interval"][0] > 1.5
    assert credibly_above(compare(worse[:2], bach[:2], rng), 20) == []


def test_what_bach_never_does_is_above_any_number_of_times():
    never, always = counts([{}] * 20), counts([{"out_of_range": 1}] * 20)
    assert credibly_above(compare(always, never, np.random.default_rng(0)), 1.5) == ["out_of_range"]
    once = counts([{"out_of_range": 1}] + [{}] * 19)  # in a third of the draws there is none
    assert credibly_above(compare(once, never, np.random.default_rng(0)), 1.5) == []


def test_the_same_seed_draws_the_same():
    table = counts([{"crossings": n} for n in range(9)])
    one, two = (compare(table, table[:4], np.random.default_rng(3)) for _ in range(2))
    assert one == two


# --- faults and copies ----------------------------------------------------------------------


def test_equal_bars_run_on():
    bars = [np.full((4, 4), pitch) for pitch in (60, 62, 62, 62, 60, 60)]
    assert equal_bars(np.concatenate(bars), 4) == 3
    assert equal_bars(np.concatenate([*bars, np.full((3, 4), 60)]), 4) == 3  # a cut bar
    assert equal_bars(bars[0], 4) == 1
    assert equal_bars(bars[0][:3], 4) == 0


def test_silence_is_of_all_voices():
    grid = np.array([[60, -1]] * 3 + [[-1, -1]] * 2 + [[-1, 60]] + [[-1, -1]])
    assert longest_silence(grid) == 2
    assert longest_silence(grid[:3]) == 0


def test_faults_are_found():
    fine = chorale(0)
    assert not any(faults(score_of(fine)))

    def found(grid, complete=True):
        return [
            name for name, has in zip(FAULTS, faults(score_of(grid), complete), strict=True) if has
        ]

    assert found(fine[:64]) == ["short"]
    assert found(fine[:65]) == []
    assert found(np.concatenate([fine[:32], *[fine[:16]] * 5])) == ["stuck"]
    assert found(np.concatenate([fine[:32], *[fine[:16]] * 4])) == []
    held = np.concatenate([fine, np.repeat(fine[-1:], 96, axis=0)])
    assert found(held) == ["stuck"]
    assert found(np.concatenate([fine, np.full((16, 4), -1), fine])) == ["silent"]
    assert found(np.concatenate([fine, np.full((15, 4), -1), fine])) == []
    assert found(fine, complete=False) == ["endless"]
    assert len(FAULTS) == 4


def test_copies_are_held_to_the_held_out_pieces():
    bach = np.array([0] * 10 + [9] * 9 + [40])
    found = copies(np.array([9] * 9 + [10]), bach)
    assert found["reference"] == {"median": 4.5, "p95": 9, "most": 40}
    assert found["samples"] == {"median": 9, "p95": 10, "most": 10}
    assert found["above"] == 0.1


def test_targets_are_met_or_missed():
    fine = {
        "shares": {"mean_capped": 0.9, "mean": 1.2, "least": 0.75},
        "rules": {},
        "copies": {"samples": {"p95": 9}, "reference": {"p95": 9}},
        "faults": {"stuck": {"samples": 0, "reference": 3}},
    }
    assert set(targets(fine).values()) == {"met"}
    above = {
        "samples": {"interval": [1, 2]},
        "reference": {"rate": 1},
        "ratio": {"interval": [1.6, 2]},
    }
    for name, worse in {
        "mean_share": {"shares": {**fine["shares"], "mean_capped": 0.899}},
        "least_share": {"shares": {**fine["shares"], "least": 0.749}},
        "rules": {"rules": {"crossings": above}},
        "copies": {"copies": {"samples": {"p95": 10}, "reference": {"p95": 9}}},
        "faults": {"faults": {"stuck": {"samples": 1, "reference": 3}}},
    }.items():
        said = targets({**fine, **worse})
        assert [what for what, how in said.items() if how == "missed"] == [name]


# --- the command ----------------------------------------------------------------------------


def test_sampling_is_the_bundles_but_for_what_is_asked(model, tmp_path):
    own = tiny_bundle(tmp_path / "own", sampling={"pitch": {"temperature": 0.7, "min_p": 0.1}})
    bundle = load_bundle(own)
    assert bundle_sampling(bundle, {})[Field.PITCH] == Sampling(0.7, min_p=0.1)
    assert bundle_sampling(bundle, {"temperature": 0.5})[Field.PITCH] == Sampling(0.5, min_p=0.1)
    asked = bundle_sampling(
        bundle, {"temperature": 0.5, "pitch_temperature": 0.6, "rhythm_temperature": 0.8}
    )
    assert {field.name: of.temperature for field, of in asked.items()} == {
        "SHIFT": 0.8,
        "PART": 0.8,
        "PITCH": 0.6,
        "DURATION": 0.8,
        "VELOCITY": 0.5,
    }
    assert bundle_sampling(bundle, {"top_p": 0.5})[Field.SHIFT].top_p == 0.5


@pytest.fixture(scope="module")
def found(data, model):
    said = run("--data", data, "-m", model, "-n", 5, "--seed", 3, "--top-p", 0.9, "--json", "-q")
    return json.loads(said.stdout)


def test_a_report_has_it_all(model, found):
    assert found["pieces"] == {"samples": 5, "reference": 4, "training": 5}
    assert (found["split"], found["seed"]) == ("test", 3)
    assert found["digest"] == load_bundle(model).digest
    assert found["sampling"]["pitch"]["top_p"] == 0.9
    assert list(found["features"]) == list(FEATURES)
    assert list(found["rules"]) == list(RULES)
    assert set(found["targets"].values()) <= {"met", "missed"}
    assert found["copies"]["reference"]["most"] == 0  # random chorales have nothing in common


def test_the_seed_decides(data, model, found):
    def again(seed):
        said = run(
            "--data", data, "-m", model, "-n", 5, "--seed", seed, "--top-p", 0.9, "--json", "-q"
        )
        return {**json.loads(said.stdout), "seconds": None}

    assert again(3) == {**found, "seconds": None}
    assert again(4)["features"] != found["features"]


def test_a_person_reads_the_same(data, model, found):
    said = run("--data", data, "-m", model, "-n", 5, "--seed", 3, "--top-p", 0.9, "-q").stdout
    assert f"mean share {found['shares']['mean_capped']:.3f}" in said
    for name, of in found["features"].items():
        share = min(1, of["share"])
        assert re.search(rf"^{name} .* = {share:.3f}$", said, re.MULTILINE), name
    for of in found["rules"].values():
        assert of["words"] in said
    for name, how in found["targets"].items():
        assert f"{name} {how}" in said


def test_pieces_are_kept_and_never_written_over(data, model, tmp_path):
    for pieces in (3, 6):
        run("--data", data, "-m", model, "-n", 3, "--out", tmp_path / "kept", "-q")
        paths = sorted((tmp_path / "kept").glob("*.mid"))
        assert len(paths) == pieces
    score = read_score(paths[0])
    assert [part.name for part in score.parts] == list(VOICES)


def test_a_search_is_a_line_a_setting(data, model):
    words = ["--data", data, "-m", model, "-n", 3, "--search"]
    grid = ["--pitch-temperature", 0.5, "--pitch-temperature", 1, "--top-p", 0.9, "--top-p", 1]
    lines = run(*words, *grid).stdout.splitlines()
    assert len(lines) == 3 + 4
    assert lines[1].split()[:4] == ["pitch", "temperature", "top", "p"]
    assert lines[2].split()[:2] == ["Bach", "Bach"]
    assert [line.split()[:2] for line in lines[3:]] == [
        ["0.5", "0.9"],
        ["0.5", "1.0"],
        ["1.0", "0.9"],
        ["1.0", "1.0"],
    ]
    found = json.loads(run(*words, *grid, "--json").stdout)
    assert (found["split"], found["pieces"]) == ("valid", 3)
    assert [f"{each['mean_share']:.3f}" for each in found["settings"]] == [
        line.split()[2] for line in lines[3:]
    ]


def test_settings_are_all_combinations():
    assert settings_of({"top_p": [0.9, 1], "temperature": [1]}) == [
        {"top_p": 0.9, "temperature": 1},
        {"top_p": 1, "temperature": 1},
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["--search", "--split", "test"],
        ["--search", "--out", "kept"],
        ["--top-p", "0.9", "--top-p", "1"],
        ["-n", "2"],
        ["--split", "train"],
    ],
)
def test_wrong_usage(data, words):
    run("--data", data, *words, exit_code=2)


def test_what_cannot_be_is_one_line(data, model, tmp_path):
    tiny_bundle(tmp_path / "other")
    said = run("--data", data, "-m", tmp_path / "other", exit_code=1)
    assert "24 steps a quarter, not soprano, alto, tenor, bass and 4" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    said = run("--data", data, "-m", model, "--temperature", 0, exit_code=1)
    assert "temperature 0.0 is out of range" in said.stderr
    shutil.copytree(model, tmp_path / "blank")
    (tmp_path / "blank" / "novelty.npz").unlink()
    said = run("--data", data, "-m", tmp_path / "blank", exit_code=1)
    assert "blank does not say what it learned from" in said.stderr
