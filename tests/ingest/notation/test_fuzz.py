"""Spoiled files before music21 sees them: a problem in words, or music; never another error.

What comes after is music21's, and may hang; that is what the worker processes are for.
"""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.kinds import KINDS, kind_of
from musiclstm.ingest.notation.musicxml import readable, unpacked
from musiclstm.ingest.notation.tunes import (
    common_fields,
    heading,
    split_tunes,
    voices_of,
    with_note_length,
    without_prose,
)
from tests.ingest.notation.pages import FLUTE, mxl

PACKED = mxl(FLUTE)
ABC = st.text("XVKLM:12[]%|ABw \n\"=nmae'", max_size=80) | st.lists(
    st.sampled_from(["X:1", "K:C", "V:1", "V:B nm=Bass", "[V:B]AB|", "CD|", "w:la", "%%x", ""])
).map("\n".join)


@st.composite
def spoiled(draw, data):
    """The data with some bytes changed, left out, or repeated."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 30))
        new = draw(st.binary(max_size=6) | st.just(data[begin : begin + length] * 2))
        data = data[:begin] + new + data[begin + length :]
    return data


@given(spoiled(FLUTE))
def test_spoiled_xml(data):
    with suppress(UnreadableFileError):
        assert readable(data, 1000).startswith("<score-partwise")


@given(spoiled(PACKED))
def test_spoiled_archives(data):
    with suppress(UnreadableFileError):
        assert len(unpacked(data, 1000)) <= 20_000


@given(st.binary(max_size=40), st.sampled_from(sorted(KINDS)))
def test_any_bytes_have_a_kind_or_a_problem(data, suffix):
    with suppress(UnreadableFileError):
        assert kind_of(data, suffix) in KINDS.values()


@given(ABC)
@example("V:1\nK:C\nV:2\n")
def test_no_text_is_too_odd_for_a_tune(text):
    head, tunes = split_tunes(text)
    assert head + "".join(tunes) == text
    common_fields(head)
    for tune in [text, *tunes]:
        heading(tune)
        kept, lines = without_prose(with_note_length(tune))
        assert lines >= 0
        for voice in voices_of(kept):
            assert 0 <= voice.program <= 127


@given(st.lists(st.tuples(st.sampled_from("12"), st.sampled_from(["CDE|", "GAB|", "c4|"]))))
def test_no_music_is_lost_between_voices(lines):
    body = "".join(f"[V:{voice}]{music}\n" for voice, music in lines)
    voices = voices_of(f"X:1\nV:1\nV:2\nK:C\n{body}")
    expected = ["".join(m for v, m in lines if v == voice) for voice in "12"]
    found = [voice.text.partition("K:C\n")[2].replace("\n", "") for voice in voices]
    assert found == [music for music in expected if music]
