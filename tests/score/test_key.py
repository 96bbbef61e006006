import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import ScoreError
from musiclstm.score import Key

keys = st.integers(0, 23).map(Key.from_index)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C", Key(0)),
        ("a", Key(9, "minor")),
        ("Am", Key(9, "minor")),
        ("AM", Key(9)),
        ("A minor", Key(9, "minor")),
        ("A Minor", Key(9, "minor")),
        ("a major", Key(9)),
        ("A-minor", Key(9, "minor")),  # a hyphen, not a flat
        ("C-Maj", Key(0)),
        ("B-", Key(10)),  # as music21 writes a flat
        ("B- minor", Key(10, "minor")),
        ("Bb", Key(10)),
        ("bb", Key(10, "minor")),
        ("b-flat minor", Key(10, "minor")),
        ("F-sharp major", Key(6)),
        ("f# min", Key(6, "minor")),
        ("E♭maj", Key(3)),
        ("g♯", Key(8, "minor")),
        ("Cb", Key(11)),
        ("B##", Key(1)),
        ("  D_minor ", Key(2, "minor")),
    ],
)
def test_parse_reads_keys_as_people_type_them(text, expected):
    assert Key.parse(text) == expected


@pytest.mark.parametrize("text", ["", "H", "minor", "C dorian", "C#x", "4", "A minor minor", "Cmm"])
def test_parse_names_what_is_no_key(text):
    with pytest.raises(ScoreError, match="is no key; write it like") as caught:
        Key.parse(text)
    assert repr(text) in str(caught.value)


@given(keys)
def test_name_and_index_identify_a_key(key):
    assert Key.parse(key.name) == key
    assert Key.from_index(key.index) == key


def test_the_24_keys_have_24_names():
    assert len({Key.from_index(index).name for index in range(24)}) == 24


@given(keys, st.integers(-200, 200), st.integers(-200, 200))
def test_transposition_adds_up(key, first, second):
    assert key.transposed(first).transposed(second) == key.transposed(first + second)
    assert key.transposed(12) == key
    assert key.transposed(first).mode == key.mode


@pytest.mark.parametrize("tonic", [-1, 12])
def test_tonic_is_a_pitch_class(tonic):
    with pytest.raises(ScoreError, match=f"tonic {tonic} "):
        Key(tonic)


def test_mode_is_major_or_minor():
    with pytest.raises(ScoreError, match="'dorian'"):
        Key(2, "dorian")
