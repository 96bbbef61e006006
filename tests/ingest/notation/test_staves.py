import pytest

from musiclstm.ingest.notation.staves import part_of, told_apart
from musiclstm.score import Part


def names(*parts, hands=False):
    return [part.name for part in told_apart(parts, [hands] * len(parts))]


def test_two_staves_of_a_keyboard_are_hands():
    assert names(Part(0, name="Piano"), Part(0, name="piano")) == [
        "Piano right hand",
        "piano left hand",
    ]
    assert names(Part(), Part(), hands=True) == ["right hand", "left hand"]
    assert names(Part(), Part()) == ["", ""]  # who knows


def test_others_are_numbered():
    violins = [Part(40, name="Violin"), Part(41, name="Viola"), Part(40, name="Violin")]
    assert names(*violins) == ["Violin 1", "Viola", "Violin 2"]
    assert names(*[Part(0, name="Piano")] * 3) == ["Piano 1", "Piano 2", "Piano 3"]
    assert names(Part(0, True, "Kit"), Part(0, True, "Kit")) == ["Kit 1", "Kit 2"]


@pytest.mark.parametrize(
    ("name", "program"), [("Violin", 40), ("Flöte", 73), ("MusicXML Part", 0), ("Qwerty", 0)]
)
def test_a_name_tells_the_program_where_nothing_else_does(name, program):
    from music21 import stream  # noqa: PLC0415

    part = stream.Part()
    part.partName = name
    assert part_of(part) == Part(program, name="" if name == "MusicXML Part" else name)
