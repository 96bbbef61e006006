import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.kinds import KINDS, Kind, kind_of
from tests.ingest.notation.pages import FLUTE, mxl


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MThd\0\0\0\6", Kind.MIDI),
        (b"RIFF\0\0\0\0RMID", Kind.MIDI),
        (FLUTE, Kind.MUSICXML),
        (b"\xef\xbb\xbf\r\n" + FLUTE, Kind.MUSICXML),
        (FLUTE.decode().encode("utf-16"), Kind.MUSICXML),
        (FLUTE.decode().encode("utf-16-be"), Kind.MUSICXML),
        (mxl(FLUTE), Kind.PACKED_MUSICXML),
        (b"X: 1\nK:C\nC|", Kind.ABC),
        (b"%abc-2.1\n", Kind.ABC),
        (b"!!!COM: Chopin\n**kern\n", Kind.KERN),
        (b"**kern\t**kern\n", Kind.KERN),
    ],
)
def test_content_comes_before_the_name(data, kind, suffix):
    assert kind_of(data, suffix) is kind


@pytest.mark.parametrize(("suffix", "kind"), KINDS.items())
def test_the_name_decides_where_the_content_says_nothing(suffix, kind):
    assert kind_of(b"something else", suffix) is kind
    assert kind_of(b"something else", suffix.upper()) is kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "EMPTY"),
        (b" \r\n" * 5000, "EMPTY"),
        (b"<!DOCTYPE html>\n<html>", "WEB_PAGE"),
        (b"  <HTML><body>", "WEB_PAGE"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE html PUBLIC 'a' 'b'>", "WEB_PAGE"),
    ],
)
def test_what_is_no_music_at_all(data, kind):
    with pytest.raises(UnreadableFileError) as caught:
        kind_of(data, ".mid")
    assert caught.value.kind == kind
