"""What the ids mean: sizes, JSON and its damage, smoothing, spare styles, row order."""

import json
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclstm.encoding import Field, ModelPart, Vocabulary, build_vocabulary, encode
from musiclstm.encoding.vocabulary import MAX_METERS, MAX_STYLES, SPARE_STYLES
from musiclstm.errors import EncodingError
from musiclstm.score import Part, Score
from tests.bundles import chorale, chorales
from tests.strategies import scores


def counted(corpus):
    v = build_vocabulary(corpus)
    return v.with_counts([encode(score, v).events for score in corpus])


@settings(max_examples=60, deadline=None)
@given(st.lists(scores(max_parts=5), min_size=1, max_size=3))
def test_it_comes_back_from_json(corpus):
    v = counted(corpus)
    assert Vocabulary.from_dict(json.loads(json.dumps(v.as_dict()))) == v
    bare = build_vocabulary(corpus)
    assert Vocabulary.from_dict(json.loads(json.dumps(bare.as_dict()))) == bare


@pytest.mark.parametrize("q", [1, 4, 24, 960])
def test_sizes_follow_from_the_grid(q):
    v = Vocabulary((ModelPart("a"), ModelPart("b")), (0, 1), steps_per_quarter=q)
    assert (v.max_shift, v.wait, v.end) == (4 * q, 4 * q + 1, 4 * q + 2)
    assert (v.max_duration, v.tie) == (8 * q, 8 * q)
    assert v.sizes == (4 * q + 3, 2, 128, 8 * q + 1, 32)
    assert [s.stop - s.start for s in v.slices] == list(v.sizes)
    assert v.slices[0].start == 0
    assert all(a.stop == b.start for a, b in zip(v.slices, v.slices[1:], strict=False))


@settings(max_examples=60, deadline=None)
@given(st.lists(scores(max_parts=4), min_size=1, max_size=2), st.booleans())
def test_no_id_is_impossible(corpus, with_counts):
    """Smoothed frequencies are a distribution, whether the corpus was counted or not."""
    v = counted(corpus) if with_counts else build_vocabulary(corpus)
    for field in Field:
        logs = v.log_frequencies(field)
        assert logs.shape == (v.size(field),)
        assert np.isfinite(logs).all()
        assert np.exp(logs.astype(float)).sum() == pytest.approx(1, abs=1e-5)


def test_counts_count_what_a_row_has():
    """WAIT and END rows have no part, pitch, duration or velocity to count."""
    score, _ = Score.build([[300, 24, 60, 80, 0]], [Part()])
    v = counted([score])
    assert v.counts[Field.SHIFT][v.wait] == 3
    assert v.counts[Field.SHIFT][v.end] == 1
    assert sum(v.counts[Field.SHIFT]) == 5
    assert all(sum(v.counts[field]) == 1 for field in Field if field != Field.SHIFT)
    assert v.counts[Field.PITCH][60] == v.counts[Field.DURATION][23] == 1
    order = np.argsort(v.log_frequencies(Field.PITCH), kind="stable")
    assert order[-1] == 60


def test_styles_take_spare_ids_until_there_are_none():
    v = build_vocabulary(chorales())
    assert v.style_names == ("dance", "plain")
    assert len(v.styles) == 2 + SPARE_STYLES
    more = v.with_styles(["", "plain", *(f"new {n}" for n in range(SPARE_STYLES))])
    assert more.styles[:2] == v.styles[:2]
    assert len(more.styles) == len(v.styles)
    assert "" not in more.styles
    assert more.with_styles(["new 3"]) == more
    with pytest.raises(EncodingError, match="no spare id is left for the style 'one more'"):
        more.with_styles(["one more"])


def test_styles_can_be_left_out():
    v = build_vocabulary(chorales(), style_names=False)
    assert v.style_names == ()
    assert len(v.styles) == SPARE_STYLES


def test_however_many_styles_a_corpus_has_some_are_spare():
    many = [chorale(bars=1, style=f"style {n:03}") for n in range(MAX_STYLES + 5)]
    v = build_vocabulary(many)
    assert len(v.styles) == MAX_STYLES
    assert v.styles.count("") == SPARE_STYLES


def test_outer_voices_come_first_and_drums_last():
    v = build_vocabulary(chorales())
    assert [v.parts[index].name for index in v.row_order] == ["soprano", "bass", "alto", "tenor"]
    assert v.ranks.tolist() == [0, 2, 3, 1]
    kit, _ = Score.build(
        [[0, 1, 38, 80, 0], [0, 24, 40, 80, 1], [0, 24, 72, 80, 2]],
        [Part(is_drum=True), Part(33), Part(0)],
    )
    with_drums = build_vocabulary([kit])
    assert with_drums.row_order == (0, 1, 2)
    assert with_drums.drum_parts.tolist() == [False, False, True]


@settings(max_examples=60, deadline=None)
@given(st.lists(scores(max_parts=6), min_size=1, max_size=2))
def test_the_row_order_is_a_permutation(corpus):
    v = build_vocabulary(corpus)
    assert sorted(v.row_order) == list(range(len(v.parts)))
    assert [v.ranks[part] for part in v.row_order] == list(range(len(v.parts)))


def test_no_music_and_two_grids_are_refused():
    with pytest.raises(EncodingError, match="no music"):
        build_vocabulary([])
    with pytest.raises(EncodingError, match=r"different grids: \[12, 24\]"):
        build_vocabulary([chorale(), chorale(steps_per_quarter=12)])


# --- damage ---------------------------------------------------------------------------------


def put(values, path, new):
    *way, last = path
    for step in way:
        values = values[step]
    if new is DELETE:
        del values[last]
    else:
        values[last] = new


DELETE = object()


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["parts"], DELETE),
        (["parts"], []),
        (["parts"], "abc"),
        (["parts"], None),
        (["parts", 0], 5),
        (["parts", 0, "low"], DELETE),
        (["parts", 0, "low"], 200),
        (["parts", 0, "median"], float("nan")),
        (["parts", 0, "high"], float("inf")),
        (["parts", 0, "chord"], 0),
        (["parts", 1, "name"], "soprano"),
        (["row_order"], [0, 1, 2, 2]),
        (["row_order"], [0, 1, 2]),
        (["row_order", 0], "x"),
        (["styles"], 7),
        (["styles"], ["x"] * (MAX_STYLES + 1)),
        (["meters"], ["4/4"] * (MAX_METERS + 1)),
        (["steps_per_quarter"], 0),
        (["steps_per_quarter"], 10**9),
        (["steps_per_quarter"], float("inf")),
        (["steps_per_quarter"], None),
        (["counts"], DELETE),
        (["counts"], [1, 2]),
        (["counts", "pitch"], [1] * 127),
        (["counts", "pitch", 3], -1),
        (["counts", "pitch", 3], float("inf")),
        (["counts", "part"], "no"),
    ],
)
def test_damage_is_refused(path, new):
    values = deepcopy(counted(chorales()).as_dict())
    put(values, path, new)
    with pytest.raises(EncodingError) as caught:
        Vocabulary.from_dict(values)
    assert "\n" not in str(caught.value)


def test_more_than_sixteen_parts_are_refused():
    parts = tuple(ModelPart(str(n)) for n in range(17))
    with pytest.raises(EncodingError, match="17 model parts"):
        Vocabulary(parts, tuple(range(17)))
