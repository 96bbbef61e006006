"""Requests: what a stranger's file may say, and what becomes of it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import MusicLSTMError, RequestError
from musiclstm.generation import DEFAULT_SAMPLING, Request, Resampling

SAMPLING = {field.name.lower(): own.as_dict() for field, own in DEFAULT_SAMPLING.items()}
SAMPLING["resampling"] = Resampling().as_dict()
PLAIN = Request("generate", 1, sampling=SAMPLING).as_dict()

numbers = st.one_of(st.integers(-(10**500), 10**500), st.floats(), st.booleans(), st.none())
values = st.recursive(
    st.one_of(numbers, st.text(max_size=8), st.just("9" * 5000 + "/4")),
    lambda of: st.one_of(st.lists(of, max_size=3), st.dictionaries(st.text(max_size=4), of)),
    max_leaves=6,
)
names = ["bars", "key", "meter", "tempo", "style", "programs", "chords", "ranges", "density", "end"]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("seed", "count", "best_of", "max_copy", "command"), values),
            "wishes": st.dictionaries(st.sampled_from(names), values, max_size=2),
            "options": st.dictionaries(st.sampled_from(["bars", "parts", "particles"]), values),
        },
    )
)
def test_whatever_it_says_it_is_a_request_or_refused(changes):
    with suppress(MusicLSTMError):
        request = Request.from_dict({**PLAIN, **changes})
        request.wished()
        request.drawn()


@pytest.mark.parametrize("number", [10**400, float("nan"), float("inf"), -(10**20)])
@pytest.mark.parametrize("wish", ["tempo", "density"])
def test_numbers_out_of_all_range_are_refused(wish, number):
    with pytest.raises(RequestError):
        Request("generate", 1, wishes={wish: number})


def test_brackets_within_brackets_are_refused():
    deep = [1]
    for _ in range(900):
        deep = [deep]
    with pytest.raises(RequestError, match="brackets"):
        Request("infill", 1, options={"parts": deep})


def test_plain_ones_come_back():
    assert Request.from_dict(PLAIN).as_dict() == PLAIN
