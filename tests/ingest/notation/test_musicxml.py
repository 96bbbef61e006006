import zipfile

import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.notation.musicxml import drum_key, readable, unpacked
from tests.ingest.notation.pages import CONTAINER, FLUTE, attributes, musicxml, mxl, note, packed

MANY = 1_000
DTD = "<!DOCTYPE score-partwise PUBLIC '-//Recordare//DTD MusicXML 3.1 Partwise//EN' '{}'>"
LAUGHS = (
    "<!DOCTYPE score-partwise [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]>"
)


def refused(data, max_notes=MANY):
    with pytest.raises(UnreadableFileError) as caught:
        readable(data, max_notes)
    return caught.value.kind


def test_the_score_is_where_the_container_says():
    other = musicxml(("Oboe", [note()]))
    score = {"other.xml": other, "in/score.xml": FLUTE}
    container = {"META-INF/container.xml": CONTAINER.format("in/score.xml")}
    assert unpacked(packed({**score, **container}), 10_000) == FLUTE
    assert unpacked(packed(score), 10_000) == other  # the first, where nobody says


def test_names_in_an_archive_are_no_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("../escaped.xml", "/etc/escaped.xml", "C:\\escaped.xml"):
        assert unpacked(mxl(FLUTE, name), 10_000) == FLUTE
    assert list(tmp_path.parent.glob("escaped*")) == list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (mxl(b"<a>" + b" " * 300_000), "TOO_LARGE"),
        (packed({"META-INF/container.xml": b" " * 200_000, "a.xml": FLUTE}), "TOO_LARGE"),
        (packed({"a.txt": b"words"}), "NOT_THIS_NOTATION"),
        (packed({}), "NOT_THIS_NOTATION"),
        (packed({"a.xml": FLUTE}, zipfile.ZIP_LZMA), "BAD_NOTATION"),
        (packed({"a.xml": FLUTE})[:-30], "BAD_NOTATION"),
        (b"PK\x03\x04" + b"\xff" * 300, "BAD_NOTATION"),
        (
            packed({"a.xml": FLUTE})[:60] + b"\xff" * 9 + packed({"a.xml": FLUTE})[69:],
            "BAD_NOTATION",
        ),
        (packed({"META-INF/container.xml": LAUGHS + "<a/>", "a.xml": FLUTE}), "BAD_NOTATION"),
    ],
)
def test_bad_archives(data, kind):
    with pytest.raises(UnreadableFileError) as caught:
        unpacked(data, 10_000)
    assert caught.value.kind == kind


def test_what_an_archive_says_of_its_sizes_is_not_believed():
    data = bytearray(mxl(b"<a>" + b" " * 300_000))
    true = (300_003).to_bytes(4, "little")
    assert data.count(true) == 2  # in the local header, and in the directory
    with pytest.raises(UnreadableFileError):
        unpacked(bytes(data).replace(true, (10).to_bytes(4, "little")), 10_000)


def test_an_outer_doctype_is_allowed_and_never_fetched():
    for address in ("http://www.musicxml.org/dtds/partwise.dtd", "file:///etc/passwd"):
        text = readable(musicxml(("Flute", [note()]), doctype=DTD.format(address)), MANY)
        assert "DOCTYPE" not in text


@pytest.mark.parametrize(
    "doctype",
    [
        LAUGHS,
        "<!DOCTYPE score-partwise [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE score-partwise [<!ENTITY % x SYSTEM 'http://example.org/x'> %x;]>",
        "<!DOCTYPE score-partwise [<!ELEMENT a ANY>]>",
    ],
)
def test_declarations_inside_are_refused_before_they_expand(doctype):
    data = musicxml(("Flute", [note(more="<lyric><text>&c;</text></lyric>")]), doctype=doctype)
    assert refused(data) == "BAD_NOTATION"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"words", "NOT_THIS_NOTATION"),
        (b"<project><version>1</version></project>", "NOT_THIS_NOTATION"),
        (b"<plist/>", "NOT_THIS_NOTATION"),
        (b"<html><p>404</p></html>", "WEB_PAGE"),
        (FLUTE[:-20], "BAD_NOTATION"),
        (FLUTE.replace(b"number=", b"number:="), "BAD_NOTATION"),
        (FLUTE.replace(b"UTF-8", b"Klingon"), "BAD_NOTATION"),
        (FLUTE.replace(b"Flute", b"\xff"), "BAD_NOTATION"),
        (FLUTE.replace(b"Flute", b"&nbsp;"), "BAD_NOTATION"),
        (b"<score-partwise>" + b"<a>" * 5000 + b"</a>" * 5000, "BAD_NOTATION"),
    ],
)
def test_what_is_no_musicxml(data, kind):
    assert refused(data) == kind


def test_too_many_notes_are_refused_before_music21_sees_them():
    data = musicxml(("Flute", [note() * 11]))
    assert refused(data, max_notes=10) == "TOO_MANY_NOTES"
    assert readable(data, max_notes=11)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_any_encoding(encoding):
    declared = encoding.removesuffix("-sig")
    text = musicxml(("Flöte", [note()])).decode().replace("UTF-8", declared)
    assert "Flöte" in readable(text.encode(encoding), MANY)


def test_measures_of_parts_become_parts_of_measures():
    timewise = (
        "<score-timewise version='3.1'><part-list><score-part id='A'/><score-part id='B'/>"
        "</part-list>"
        "<measure number='1'><part id='A'><note/></part><part id='B'><rest/></part></measure>"
        "<measure number='2'><part id='A'><forward/></part><part id='B'><backup/></part></measure>"
        "</score-timewise>"
    )
    assert readable(timewise.encode(), MANY) == (
        '<score-partwise version="3.1"><part-list><score-part id="A" /><score-part id="B" />'
        "</part-list>"
        '<part id="A"><measure number="1"><note /></measure>'
        '<measure number="2"><forward /></measure></part>'
        '<part id="B"><measure number="1"><rest /></measure>'
        '<measure number="2"><backup /></measure></part></score-partwise>'
    )


def test_cue_notes_become_rests_of_the_same_length():
    cue = note("D", 5, 4, "<cue/>") + note("F", 5, 4, "<chord/><cue/>")
    text = readable(musicxml(("Flute", [attributes() + cue + note("C", 5, 4)])), MANY)
    assert text.count("<note>") == 2
    assert text.count("<rest />") == 1
    assert text.count("<pitch>") == 1


def test_drum_notes_carry_their_keys():
    kit = "".join(
        f"<score-instrument id='I{key}'/><midi-instrument id='I{key}'>"
        f"<midi-unpitched>{key}</midi-unpitched></midi-instrument>"
        for key in (37, 39)
    )
    hits = "".join(
        "<note><unpitched><display-step>F</display-step><display-octave>4</display-octave>"
        f"</unpitched><duration>2</duration><instrument id='{name}'/></note>"
        for name in ("I37", "I39", "nobody")
    )
    text = readable(musicxml(("Drums", [hits], kit)), MANY)
    octaves = [int(found.partition("<")[0]) for found in text.split("<display-octave>")[1:]]
    assert [drum_key(octave) for octave in octaves] == [36, 38, None]
