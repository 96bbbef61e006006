from musiclstm.ingest.notation.stream import read_stream
from musiclstm.score import Meter, MeterMap
from tests.ingest.notation.pages import attributes, musicxml, note

FULL, HALF = note("C", 5, 8), note("C", 5, 4)


def read(*parts):
    """Read parts, each a list of measures."""
    from music21 import converter  # noqa: PLC0415

    named = [(f"Part {n}", [attributes() + first, *rest]) for n, (first, *rest) in enumerate(parts)]
    return read_stream(converter.parseData(musicxml(*named).decode(), format="musicxml"), source="")


def onsets(reading, part):
    return reading.score.notes[reading.score.notes[:, 4] == part, 0].tolist()


def test_one_short_bar_does_not_shift_its_part_to_the_end():
    reading = read([FULL, HALF, FULL, FULL], [FULL] * 4, [FULL] * 4)
    assert onsets(reading, 0) == onsets(reading, 1) == [0, 96, 192, 288]
    assert reading.score.meter_map == MeterMap((Meter(0, 4, 4),))
    assert "bars of different length" in reading.report.remarks[0]


def test_one_long_bar_does_not_either():
    reading = read([FULL] * 3, [FULL, FULL + HALF, FULL], [FULL] * 3)
    assert onsets(reading, 0) == [0, 96, 192]
    assert onsets(reading, 1) == [0, 96, 192]  # the surplus falls together with the next bar
    assert reading.report.merged == 1


def test_a_bar_that_is_short_in_most_parts_is_short():
    reading = read([HALF, FULL, FULL], [HALF, FULL, FULL], [FULL] * 3)
    assert onsets(reading, 2) == [0, 48, 144]
    assert reading.score.meter_map == MeterMap((Meter(0, 4, 4),), pickup_steps=48)


def test_of_two_lengths_the_full_one_counts():
    assert onsets(read([FULL, HALF, FULL], [FULL] * 3), 0) == [0, 96, 192]


def test_parts_that_agree_are_left_as_they_are():
    reading = read([FULL, HALF, FULL, FULL], [FULL, HALF, FULL, FULL])
    assert onsets(reading, 0) == onsets(reading, 1) == [0, 96, 144, 240]
    assert reading.score.meter_map == MeterMap((Meter(0, 4, 4), Meter(144, 4, 4)))
    assert reading.report.remarks == ()


def test_parts_with_meters_of_their_own_are_left_as_they_are():
    from music21 import meter, note, stream  # noqa: PLC0415

    score = stream.Score()
    for beats in (4, 3):
        part = stream.Part()
        for number in range(1, 5):
            measure = stream.Measure(number=number)
            if number == 1:
                measure.insert(0, meter.TimeSignature(f"{beats}/4"))
            measure.append(note.Note("C4", quarterLength=beats))
            part.append(measure)
        score.insert(0, part)
    reading = read_stream(score, source="")
    assert onsets(reading, 1) == [0, 72, 144, 216]


def test_a_bar_without_length_leaves_its_place_to_the_next():
    from music21 import meter, note, stream  # noqa: PLC0415

    part = stream.Part()
    for meter_name, quarters in (("4/4", 0), ("3/4", 3), ("3/4", 3)):
        measure = stream.Measure()
        measure.insert(0, meter.TimeSignature(meter_name))
        if quarters:
            measure.append(note.Note("C4", quarterLength=quarters))
        part.append(measure)
    assert read_stream(part, source="").score.meter_map == MeterMap((Meter(0, 3, 4),))
