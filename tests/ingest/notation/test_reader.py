import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest import IngestSettings
from musiclstm.ingest.kinds import Kind
from musiclstm.ingest.notation.reader import read_written
from musiclstm.score import Key, Meter, Part, Tempo
from tests.ingest.notation.pages import FLUTE, attributes, musicxml, mxl, note

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = IngestSettings()
KERN = b"""!!!COM: nobody
**kern\t**kern\t**dynam
*Iclarb\t*I"Violin 2\t*
*k[b-]\t*k[b-]\t*
*d:\t*d:\t*
*M2/4\t*M2/4\t*
*MM90\t*MM90\t*
4D\t4dd\tp
=1\t=1\t=1
4F [4A\t4f\t.
4A]\t8aq\t.
.\t4g\t.
*-\t*-\t*-
"""
TUNES = b"""%abc-2.1
M:4/4
L:1/4

X:1
T:One
K:C
CDEF|GABc|

X:1
T:One
K:C
z4|

X:3
T:Duet
V:T name="Tenor"
V:B name="Bass"
%%MIDI program 70
K:G
[V:T] "Am"G2A2|
[V:B] G,4|
"""


def read(data, kind=Kind.MUSICXML, settings=SETTINGS):
    return read_written(data, kind, settings, source="x", style="s")


def lasting(duration):
    return musicxml(("Flute", [attributes() + note(duration=duration)]))


def rows(reading):
    return reading.score.notes[:, [0, 1, 2, 4]].tolist()


def test_packed_and_plain_musicxml_are_the_same():
    (plain,), (packed,) = read(FLUTE), read(mxl(FLUTE), Kind.PACKED_MUSICXML)
    assert packed.score == plain.score
    assert rows(plain) == [[0, 96, 72, 0]]
    assert (plain.score.source, plain.score.style) == ("x", "s")


def test_the_hands_of_a_piano_stay_apart():
    both = (
        attributes(more="<staves>2</staves>")
        + note("C", 5, 8, "<staff>1</staff>")
        + "<backup><duration>8</duration></backup>"
        + note("C", 3, 8, "<staff>2</staff>")
    )
    (reading,) = read(musicxml(("Piano", [both]), ("Voice", [attributes() + note("G", 4, 8)])))
    assert [part.name for part in reading.score.parts] == [
        "Piano right hand",
        "Piano left hand",
        "Voice",
    ]
    assert rows(reading) == [[0, 96, 72, 0], [0, 96, 48, 1], [0, 96, 67, 2]]


def test_a_drum_kit_plays_its_keys():
    kit = "".join(
        f"<score-instrument id='I{key}'><instrument-name>Drum {key}</instrument-name>"
        f"</score-instrument><midi-instrument id='I{key}'>"
        f"<midi-unpitched>{key}</midi-unpitched></midi-instrument>"
        for key in (37, 43)
    )

    def hit(drum, more=""):
        return (
            f"<note>{more}<unpitched><display-step>F</display-step><display-octave>4"
            f"</display-octave></unpitched><duration>2</duration><instrument id='{drum}'/></note>"
        )

    bar = attributes() + hit("I37") + hit("I43", "<chord/>") + hit("I43") + note("C", 5, 4)
    (reading,) = read(
        musicxml(("Kit", [bar], kit), ("Bells", [attributes() + hit("none") + note(duration=6)]))
    )
    assert rows(reading) == [
        [0, 1, 36, 0],
        [0, 1, 42, 0],
        [24, 1, 42, 0],
        [24, 72, 60, 1],
        [48, 1, 72, 0],
    ]
    assert [part.is_drum for part in reading.score.parts] == [True, False]
    assert reading.report.remarks == ("notes without a pitch left out: 1",)


def test_chord_symbols_and_cues_are_not_played():
    harmony = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    (reading,) = read(
        musicxml(("Flute", [attributes() + harmony + note("E", 5, 4, "<cue/>") + note("C", 5, 4)]))
    )
    assert rows(reading) == [[48, 48, 72, 0]]


def test_kern_spines_are_parts_at_sounding_pitch():
    (reading,) = read(KERN, Kind.KERN)
    score = reading.score
    assert [part.name for part in score.parts] == ["Violin 2", "Bass clarinet"]
    assert [part.program for part in score.parts] == [40, 71]
    assert rows(reading) == [
        [0, 24, 74, 0],
        [0, 24, 50, 1],
        [24, 24, 65, 0],
        [24, 24, 53, 1],
        [24, 48, 57, 1],
        [48, 24, 67, 0],
    ]
    assert score.key == Key.parse("D minor")  # though a bare signature stands before it
    assert score.tempos == (Tempo(0, 90),)
    assert (score.meter_map.meters, score.meter_map.pickup_steps) == ((Meter(0, 2, 4),), 24)
    assert reading.report.remarks == ("grace notes left out: 1",)


def test_what_music21_passes_over_is_told_and_not_printed(capsys):
    (reading,) = read(b"**kern\n*M2/4\n4c\n4\n4d\n*-\n", Kind.KERN)
    assert [row[2] for row in rows(reading)] == [60, 62]
    assert reading.report.remarks[0].startswith("music21 was in doubt")
    assert capsys.readouterr() == ("", "")


def test_sections_of_a_kern_file_are_pieces():
    data = b"**kern\n4c\n*-\n**kern\n4r\n*-\n**kern\n4e\n*-\n"
    first, silent, last = read(data, Kind.KERN)
    assert [r.report.source for r in (first, silent, last)] == ["x#1", "x#2", "x#3"]
    assert [r.piece for r in (first, silent, last)] == ["#1", "#2", "#3"]
    assert silent.report.problem == "NO_NOTES"
    assert rows(last) == [[0, 24, 64, 0]]
    assert len({r.report.content_hash for r in (first, silent, last)}) == 3


def test_tunes_of_an_abc_file_are_pieces():
    one, again, duet = read(TUNES, Kind.ABC)
    assert [r.piece for r in (one, again, duet)] == ["#1-one", "#1-one-2", "#3-duet"]
    assert [r.report.source for r in (one, again, duet)] == ["x#1-one", "x#1-one-2", "x#3-duet"]
    assert again.report.problem == "NO_NOTES"
    assert len(one.score.notes) == 8
    assert duet.score.parts == (Part(70, name="Tenor"), Part(70, name="Bass"))
    assert rows(duet) == [[0, 48, 67, 0], [0, 96, 55, 1], [48, 48, 69, 0]]
    assert duet.score.key == Key.parse("G major")


def test_one_tune_is_the_piece_itself():
    for data in (b"X:7\nT:a\nK:C\nCD|\n", b"T:a\r\nK:C\r\nCD|\r\n", b"X:7\rK:C\rCD|\r"):
        (reading,) = read(data, Kind.ABC)
        assert (reading.piece, reading.report.source) == ("", "x")
        assert rows(reading) == [[0, 12, 60, 0], [12, 12, 62, 0]]


def test_old_files_are_latin_1():
    (reading,) = read('X:1\nV:1 name="Flöte"\nK:C\nV:1\nCD|\n'.encode("latin-1"), Kind.ABC)
    assert reading.score.parts[0].name == "Flöte"


def test_an_endless_meter_costs_one_tune():
    bad, good = read(b"X:1\nM:9999999/4\nK:C\nCD|\n\nX:2\nM:4/4\nK:C\nCD|\n", Kind.ABC)
    assert bad.report.problem == "BAD_NOTATION"
    assert good.report.kept


def test_prose_is_not_played():
    (reading,) = read(b"X:1\nL:1/4\nK:C\nCD|\n\nA bad cafe\n", Kind.ABC)
    assert len(reading.score.notes) == 2
    assert reading.report.remarks == ("lines of text behind the tune left out: 1",)


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        (b"words", Kind.ABC, "NOT_THIS_NOTATION"),
        (b"Ogawa\xff\0\0\0K:", Kind.ABC, "NOT_THIS_NOTATION"),
        (b"words", Kind.KERN, "NOT_THIS_NOTATION"),
        (b"**dynam\np\n*-\n", Kind.KERN, "NOT_THIS_NOTATION"),
        (b"**kern\n4c\t4d\t4e\n*^\t*v\n", Kind.KERN, "BAD_NOTATION"),
        (b"**kern\n4r\n*-\n", Kind.KERN, "NO_NOTES"),
        (b"<score-partwise/>", Kind.MUSICXML, "NO_NOTES"),
        (b"**kern\n*M9999999/4\n4c\n*-\n", Kind.KERN, "BAD_NOTATION"),
        (musicxml(("Flute", [attributes(9_999_999) + note()])), Kind.MUSICXML, "BAD_NOTATION"),
        (lasting("x"), Kind.MUSICXML, "BAD_NOTATION"),
        (lasting("1e400"), Kind.MUSICXML, "BAD_NOTATION"),
        (lasting(99_999_999), Kind.MUSICXML, "TOO_LONG"),
        (musicxml(("Flute", [note(octave=40)])), Kind.MUSICXML, "NO_NOTES"),
    ],
)
def test_what_cannot_be_read_is_one_line(data, kind, problem):
    with pytest.raises(UnreadableFileError) as caught:
        read(data, kind)
    assert caught.value.kind == problem
    assert caught.value.fix
    assert "\n" not in str(caught.value)


def test_limits_are_kept():
    with pytest.raises(UnreadableFileError) as caught:
        read(lasting(8_000), settings=IngestSettings(max_notes=100))
    assert caught.value.kind == "TOO_MANY_NOTES"  # a note of 4,000 quarters is one of 500 rows
    (reading,) = read(FLUTE, settings=IngestSettings(steps_per_quarter=4))
    assert rows(reading) == [[0, 16, 72, 0]]


def test_a_failure_of_any_kind_is_no_crash(monkeypatch):
    from music21 import converter  # noqa: PLC0415

    for error in (RecursionError("deep"), AssertionError(), KeyError("a\nb")):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(converter, "parseData", fail)
        with pytest.raises(UnreadableFileError, match=type(error).__name__):
            read(FLUTE)

    def exhaust(*_, **__):
        raise MemoryError

    monkeypatch.setattr(converter, "parseData", exhaust)
    with pytest.raises(MemoryError):
        read(FLUTE)


def test_nothing_is_written_and_nothing_fetched(tmp_path):
    """Python tells of every file opened and every connection made."""
    for name, data in (("a.mxl", mxl(FLUTE)), ("b.krn", KERN), ("c.abc", TUNES)):
        (tmp_path / name).write_bytes(data)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import music21\n"
        "from musiclstm.ingest.kinds import KINDS\n"
        "from musiclstm.ingest.settings import IngestSettings\n"
        "from musiclstm.ingest.notation.reader import read_written\n"
        "seen = []\n"
        "def watch(event, arguments):\n"
        "    wrote = event == 'open' and set(str(arguments[1])) & set('wax+')\n"
        "    if wrote or event.split('.')[0] in ('socket', 'subprocess', 'tempfile', 'urllib'):\n"
        "        seen.append((event, str(arguments)))\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    data = path.read_bytes()\n"
        "    if not seen:\n"
        "        sys.addaudithook(watch)\n"
        "    read_written(data, KINDS[path.suffix], IngestSettings(), source='x')\n"
        "print(seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mxl", "b.krn", "c.abc"]
