import pytest

from musiclstm.errors import UnreadableFileError
from musiclstm.ingest.notation.stream import read_stream
from musiclstm.score import Key, Meter, MeterMap, Part, Tempo

ABC = """X:1
T:A Tune
M:3/4
L:1/4
Q:1/4=90
K:Ador
E | A2 B | c3- | c2 {g}e | [Ace]3 | A2 |]
"""


def parse(text):
    from music21 import converter  # noqa: PLC0415

    return converter.parseData(text, format="abc")


def musicxml(*parts):
    """MusicXML of parts, each a list of measures' contents."""
    lists = "".join(
        f'<score-part id="P{n}"><part-name>{name}</part-name></score-part>'
        for n, (name, _) in enumerate(parts)
    )
    bodies = "".join(
        f'<part id="P{n}">'
        + "".join(f'<measure number="{m}">{body}</measure>' for m, body in enumerate(measures, 1))
        + "</part>"
        for n, (_, measures) in enumerate(parts)
    )
    from music21 import converter  # noqa: PLC0415

    text = (
        '<?xml version="1.0"?><score-partwise version="3.1">'
        f"<part-list>{lists}</part-list>{bodies}</score-partwise>"
    )
    return converter.parseData(text, format="musicxml")


def attributes(beats=4, transpose=0, mode="<mode>minor</mode>"):
    shift = f"<transpose><chromatic>{transpose}</chromatic></transpose>" if transpose else ""
    return (
        f"<attributes><divisions>2</divisions><key><fifths>-1</fifths>{mode}</key>"
        f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>{shift}</attributes>"
    )


def note(step, octave, duration):
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration></note>"
    )


def rows(reading):
    return reading.score.notes[:, [0, 1, 2, 4]].tolist()


def test_an_abc_tune_comes_through():
    reading = read_stream(parse(ABC), source="x/a-tune", style="x")
    assert rows(reading) == [
        [0, 24, 64, 0],
        [24, 48, 69, 0],
        [72, 24, 71, 0],
        [96, 120, 72, 0],  # tied over the bar
        [216, 24, 76, 0],
        [240, 72, 69, 0],  # a chord is notes of its part
        [240, 72, 72, 0],
        [240, 72, 76, 0],
        [312, 48, 69, 0],
    ]
    score = reading.score
    assert score.meter_map == MeterMap((Meter(0, 3, 4),), pickup_steps=24)
    assert score.key == Key(9, "minor")  # dorian has a minor third
    assert score.tempos == (Tempo(0, 90),)
    assert set(score.notes[:, 3].tolist()) == {80}
    assert (score.source, score.style) == ("x/a-tune", "x")


def test_grace_notes_are_dropped_and_counted():
    grace = "<note><grace/><pitch><step>D</step><octave>5</octave></pitch></note>"
    stream = musicxml(("Flute", [attributes() + grace + note("C", 5, 8)]))
    reading = read_stream(stream, source="")
    assert rows(reading) == [[0, 96, 72, 0]]
    assert reading.report.remarks == ("grace notes left out: 1",)


def test_transposing_instruments_sound_where_they_sound():
    clarinet = attributes(transpose=-2) + note("D", 5, 8)
    reading = read_stream(musicxml(("Clarinet", [clarinet])), source="")
    assert rows(reading) == [[0, 96, 72, 0]]
    assert reading.score.key == Key.parse("C minor")  # written D minor


def test_parts_are_staves_and_silent_ones_are_none():
    rest = "<note><rest/><duration>8</duration></note>"
    stream = musicxml(
        ("Soprano", [attributes() + note("C", 5, 8)]),
        ("Tacet", [attributes() + rest]),
        ("Bass", [attributes() + note("C", 3, 8)]),
    )
    reading = read_stream(stream, source="")
    assert [part.name for part in reading.score.parts] == ["Soprano", "Bass"]
    assert rows(reading) == [[0, 96, 72, 0], [0, 96, 48, 1]]


def test_a_bare_signature_is_no_key():
    stream = musicxml(("Flute", [attributes(mode="") + note("C", 5, 8)]))
    assert read_stream(stream, source="").score.key is None


def test_bars_out_of_step_write_the_meter_again():
    full, half = note("C", 5, 8), note("C", 5, 4)
    stream = musicxml(("Flute", [attributes() + full, half, full, full]))
    assert read_stream(stream, source="").score.meter_map == MeterMap(
        (Meter(0, 4, 4), Meter(144, 4, 4))
    )
    # two halves make a whole: a repeat sign in the middle of a bar
    stream = musicxml(("Flute", [attributes() + full, half, half, full]))
    assert read_stream(stream, source="").score.meter_map == MeterMap((Meter(0, 4, 4),))


def test_chosen_voices_take_the_names_they_are_given():
    stream = musicxml(
        ("Horn", [attributes() + note("G", 5, 8)]), ("Tenor", [attributes() + note("C", 4, 8)])
    )
    tenor = list(stream.parts)[1]
    reading = read_stream(stream, source="", voices=[(tenor, Part(52, name="t"))], remarks=["hm"])
    assert reading.score.parts == (Part(52, name="t"),)
    assert reading.report.remarks == ("hm",)


def test_silence_is_refused():
    rest = "<note><rest/><duration>8</duration></note>"
    with pytest.raises(UnreadableFileError, match="no notes"):
        read_stream(musicxml(("Flute", [attributes() + rest])), source="")


def test_a_tie_binds_only_what_begins_where_its_note_ends():
    def tied(step, kind):
        return note(step, 4, 2).replace("</note>", f"<tie type='{kind}'/></note>")

    bar = attributes() + tied("A", "start") + note("B", 4, 2) + tied("A", "stop") + note("C", 4, 2)
    far = [[0, 24, 69, 0], [24, 24, 71, 0], [48, 24, 69, 0], [72, 24, 60, 0]]
    assert rows(read_stream(musicxml(("Flute", [bar])), source="")) == far
    bar = attributes() + tied("A", "start") + tied("A", "stop") + note("C", 4, 4)
    reading = read_stream(musicxml(("Flute", [bar])), source="")
    assert rows(reading) == [[0, 48, 69, 0], [48, 48, 60, 0]]


def test_the_first_staff_with_a_signature_says_the_key_for_all():
    bare = ("Flute", [attributes(mode="") + note("C", 5, 8)])
    told = ("Oboe", [attributes() + note("C", 5, 8)])
    silent = ("Drum", [note("C", 5, 8)])
    assert read_stream(musicxml(bare, told), source="").score.key is None
    assert read_stream(musicxml(silent, told), source="").score.key == Key.parse("D minor")
