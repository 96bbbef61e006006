import json

from hypothesis import given
from hypothesis import strategies as st

from musiclstm.ingest.names import numbered, printable

ANY_NAME = st.text(st.characters(), max_size=8) | st.text("ab-2\udcff\n", max_size=6)


@given(ANY_NAME)
def test_every_name_can_be_printed_and_sent(name):
    shown = printable(name)
    assert json.loads(json.dumps(shown).encode()) == shown
    assert "\n" not in shown
    assert shown.encode().decode() == shown
    if name.isascii() and name.isprintable():
        assert shown == name


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-2-2", "b"]), max_size=12))
def test_numbered_names_differ_without_case(names):
    unique = numbered(names)
    assert len({name.lower() for name in unique}) == len(names)
    for before, after in zip(names, unique, strict=True):
        assert after.startswith(before)


def test_the_first_of_a_name_keeps_it():
    assert numbered(["x/a", "x/A", "x/b", "x/a"]) == ["x/a", "x/A-2", "x/b", "x/a-3"]
    assert numbered(["a", "A"], same=str) == ["a", "A"]
