"""Continue, harmonise, infill, vary and replay, as a musician types them."""

import json

import mido
import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.ingest import read_score
from musiclstm.rendering import write_midi
from musiclstm.score import Meter, MeterMap, Part, Score
from tests.bundles import chorale, tiny_bundle


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a model, a melody, a piece and things that are neither."""
    monkeypatch.chdir(tmp_path)
    tiny_bundle(tmp_path / "trained" / "tiny")
    write_midi(chorale(seed=5, bars=3).keep_parts([0]), "tune.mid")
    write_midi(chorale(seed=6, bars=4), "piece.mid")
    write_midi(Score.build([], [Part(name="x")])[0], "empty.mid")
    chord = [[0, 24, pitch, 80, 0] for pitch in (60, 64, 67)]
    write_midi(Score.build(chord, [Part(name="piano")])[0], "chord.mid")
    drums = [[24 * n, 1, 38, 80, 0] for n in range(8)]
    write_midi(Score.build(drums, [Part(is_drum=True)])[0], "drums.mid")
    return tmp_path


COMMANDS = {
    "generate": ("--bars", 3),
    "continue": ("piece.mid", "--bars", 2),
    "continue alone": ("piece.mid", "--bars", 2, "--no-keep-primer"),
    "harmonize": ("tune.mid", "--particles", 3),
    "infill": ("piece.mid", "--bars", "2-3", "--part", "alto", "--particles", 3),
    "vary": ("piece.mid", "--keep", "rhythm", "--amount", 0.5, "--particles", 3),
    "vary pitches": ("piece.mid", "--keep", "pitch", "--particles", 3),
}


def text_of(path):
    texts = [m.text for track in mido.MidiFile(path).tracks for m in track if m.type == "text"]
    return json.loads(texts[0])


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "more",
    [
        (),
        ("-n", 2, "--best-of", 2, "--max-copy", 9, "--program", "soprano=40", "--tempo", 77),
    ],
    ids=["plain", "all"],
)
def test_what_was_written_is_made_again_byte_for_byte(place, name, more):
    command, *_ = name.split()
    wish = (command, *COMMANDS[name], "-m", "tiny", "--seed", 4, "--json", "-q", *more)
    result = run(*wish)
    assert result.exit_code == 0, result.output
    pieces = json.loads(result.stdout)["pieces"]
    assert len(pieces) == (2 if more else 1)
    for piece in pieces:
        assert len(piece["why"]) == (2 if more else 0)
        said = text_of(piece["path"])
        assert said["command"] == command
        assert str(place) not in json.dumps(said), "no folders of this machine"
        # of the handed-in file there is a name; it stands beside what was made, or is named
        primer = () if command == "generate" else ("--primer", place / COMMANDS[name][0])
        again = run("replay", piece["path"], *primer, "-o", "again.mid", "--json", "-q")
        assert again.exit_code == 0, again.output
        found = json.loads(again.stdout)
        assert found["identical"]
        assert (place / found["path"]).read_bytes() == (place / piece["path"]).read_bytes()
    if more:
        messages = [m for track in mido.MidiFile(pieces[0]["path"]).tracks for m in track]
        assert [round(mido.tempo2bpm(m.tempo)) for m in messages if m.type == "set_tempo"] == [77]
        assert 40 in {m.program for m in messages if m.type == "program_change"}


def test_given_notes_stay_and_files_are_named_after_them(place):
    result = run("harmonize", "tune.mid", "-m", "tiny", "--seed", 1, "--particles", 3)
    assert result.exit_code == 0, result.output
    path = place / "out" / "tune-harmonize-1-1.mid"
    melody, made = read_score("tune.mid"), read_score(path)
    assert made.keep_parts([0]).notes.tolist() == melody.notes.tolist()
    assert "of 3 particles counted" in result.stderr
    assert "--seed 1" in result.stderr


def test_a_primer_stands_at_the_beginning_or_not_at_all(place):
    given = read_score("piece.mid")
    for flag in ("--keep-primer", "--no-keep-primer"):
        run(
            "continue",
            "piece.mid",
            "--bars",
            2,
            "-m",
            "tiny",
            "--seed",
            1,
            flag,
            "-o",
            f"{flag}.mid",
        )
    kept, alone = (read_score(f"{flag}.mid") for flag in ("--keep-primer", "--no-keep-primer"))
    notes = {tuple(row) for row in kept.notes.tolist()}
    assert {tuple(row) for row in given.notes.tolist()} <= notes
    assert kept.bars == given.bars + 2
    assert alone.bars == 2
    assert len(alone.notes) == len(kept.notes) - len(given.notes)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("harmonize", "empty.mid"), 1, "no notes"),
        (("harmonize", "nothing.mid"), 1, "does not exist"),
        (("harmonize", "chord.mid"), 1, "3 notes at once"),
        (("harmonize", "drums.mid"), 1, "no notes that this model can play"),
        (("harmonize", "tune.mid", "--part", "horn"), 1, "no part 'horn'"),
        (("harmonize", "tune.mid", "--chords", "C | Hx"), 1, "'Hx' is no chord symbol"),
        (("harmonize", "tune.mid", "--range", "alto=90-60"), 1, "low first"),
        (("harmonize", "tune.mid", "--range", "alto"), 2, "is no range"),
        (("harmonize", "tune.mid", "--particles", 0), 2, "0"),
        (
            ("harmonize", "tune.mid", "--range", "alto=C4-C#4", "--chords", "G"),
            1,
            "has no note of G",
        ),
        (("harmonize", "tune.mid", "--style", "polka"), 1, "no style 'polka'"),
        (("harmonize", "tune.mid", "--style", "plain:x"), 1, "is no style and share"),
        (("harmonize", "tune.mid", "--density", -1), 1, "density of -1"),
        (("infill", "piece.mid", "--bars", "9-12"), 1, "bars 9-12 are not in the piece"),
        (("infill", "piece.mid", "--bars", "x"), 2, "are no bars"),
        (("infill", "piece.mid", "--bars", "1", "--part", "horn"), 1, "no part is called 'horn'"),
        (("vary", "piece.mid", "--keep", "rhythm", "--amount", 0), 2, "0"),
        (("vary", "piece.mid"), 2, "--keep"),
        (("continue", "piece.mid"), 2, "--bars"),
        (("continue", "piece.mid", "--bars", 0), 1, "0 bars"),
        (("continue", "drums.mid", "--bars", 2), 1, "no notes that this model can play"),
        (("generate", "--best-of", 0), 2, "0"),
        (("generate", "--max-copy", 3), 2, "3"),
        (("replay", "piece.mid"), 1, "does not say how it was made"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_nothing_half_written(place, arguments, code, words):
    model = () if arguments[0] == "replay" else ("-m", "tiny", "--seed", 1)
    result = run(*arguments, *model, "-o", "out")
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert code == 2 or result.stderr.count("\n") == 1
    assert not (place / "out").exists()


def made(place):
    result = run("harmonize", "tune.mid", "-m", "tiny", "--seed", 2, "--particles", 2, "-q")
    assert result.exit_code == 0, result.output
    return place / "out" / "tune-harmonize-2-1.mid"


def test_a_replay_wants_the_same_model_and_the_same_primer(place):
    path = made(place)
    assert "not beside it; use --primer" in run("replay", path).stderr
    assert "is not the file" in run("replay", path, "--primer", "piece.mid").stderr
    tiny_bundle(place / "trained" / "other", seed=9)
    other = run("replay", path, "--primer", "tune.mid", "-m", "other")
    assert "is not the model" in other.stderr
    (place / "trained" / "tiny").rename(place / "trained" / "renamed")
    found = run("replay", path, "--primer", "tune.mid", "-o", "a.mid")
    assert found.exit_code == 0, found.output  # known by its contents, whatever its name
    (place / "trained" / "renamed" / "vocabulary.json").unlink()
    gone = run("replay", path, "--primer", "tune.mid", "-o", "b.mid")
    assert gone.exit_code == 1
    assert "is not here or has changed; name its folder with -m" in gone.stderr


def rewritten(path, change):
    """The file with another text in it, or another note."""
    midi = mido.MidiFile(path)
    for track in midi.tracks:
        for number, message in enumerate(track):
            if message.type == "text":
                track[number] = message.copy(text=json.dumps(change(json.loads(message.text))))
    midi.save("changed.mid")
    return "changed.mid"


def test_the_first_note_that_differs_is_named(place):
    path = made(place)
    midi = mido.MidiFile(path)
    notes = [m for m in midi.tracks[-1] if m.type in ("note_on", "note_off")]
    for message in notes[4:6]:
        message.note += 1
    midi.save("changed.mid")
    result = run("replay", "changed.mid", "--primer", "tune.mid", "-o", "b.mid")
    assert result.exit_code == 1
    assert "differs from changed.mid: note " in result.stderr
    assert "in bar" in result.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda said: {**said, "request": []},
        lambda said: {**said, "index": "0"},
        lambda said: {**said, "index": 7},
        lambda said: {**said, "candidate": -1},
        lambda said: {**said, "request": {**said["request"], "count": 10**9}},
        lambda said: {**said, "request": {**said["request"], "best_of": True}},
        lambda said: {**said, "request": {**said["request"], "command": "rm"}},
        lambda said: {**said, "request": {**said["request"], "more": 1}},
        lambda said: {**said, "request": {**said["request"], "sampling": {}}},
        lambda said: {**said, "request": {**said["request"], "wishes": {"density": "x"}}},
        lambda said: {**said, "request": {**said["request"], "wishes": {"ranges": {"alto": 3}}}},
        lambda said: {
            **said,
            "request": {**said["request"], "wishes": {"programs": {"alto": "x"}}},
        },
        lambda said: {**said, "request": {**said["request"], "options": {"particles": 10**9}}},
        lambda said: {**said, "request": {**said["request"], "options": {"parts": [[]]}}},
        lambda said: {**said, "digest": 3},
        lambda said: {**said, "primer": {"name": "../../etc/passwd", "sha256": ""}},
        lambda said: {**said, "primer": None},
        lambda said: {**said, "request": {**said["request"], "wishes": {"tempo": 10**400}}},
        lambda said: {
            **said,
            "request": {**said["request"], "wishes": {"meter": "9" * 5000 + "/4"}},
        },
        lambda said: {**said, "request": {**said["request"], "command": "\x1b[31mred\n" * 500}},
    ],
)
def test_what_a_stranger_wrote_is_one_line(place, change):
    changed = rewritten(made(place), change)
    result = run("replay", changed, "--primer", "tune.mid", "-o", "c.mid")
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1, result.stderr
    assert not (place / "c.mid").exists()


@pytest.mark.parametrize("name", ["", "/", ".", "..", "x" * 50_000, "a\0b"])
def test_a_primer_that_is_none_is_one_short_line(place, name):
    changed = rewritten(made(place), lambda said: {**said, "primer": {"name": name, "sha256": ""}})
    result = run("replay", changed, "-o", "c.mid")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 500


def test_a_version_that_a_stranger_wrote_is_shown_short_and_plain(place):
    def change(said):
        said = {**said, "musiclstm": "\x1b[2J\nhacked" + "v" * 3000}
        return {**said, "request": {**said["request"], "seed": 9}}

    result = run("replay", rewritten(made(place), change), "--primer", "tune.mid", "-o", "c.mid")
    assert result.exit_code == 1
    assert "differs from" in result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 500


@pytest.mark.parametrize(
    "arguments",
    [
        ("infill", "piece.mid", "--bars", "1-" + "9" * 5000),
        ("infill", "piece.mid", "--bars", "1", "--part", "9" * 5000),
        ("infill", "piece.mid", "--bars", "1", "--range", "alto=" + "9" * 5000 + "-70"),
        ("generate", "--style", "A:" + "9" * 5000),
        ("generate", "--tempo", "1e999"),
        ("generate", "--density", "nan"),
        ("vary", "piece.mid", "--keep", "pitch", "--part", "\u0663"),
    ],
)
def test_numbers_without_end_are_refused_in_short(place, arguments):
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.splitlines()[-1]) < 500


def test_a_piece_of_twenty_thousand_bars_is_refused_at_once(place):
    rows = [[0, 24, 60, 80, 0], [96 * 20_000, 24, 62, 80, 0]]
    write_midi(Score.build(rows, [Part(name="a")])[0], "far.mid")
    for arguments in (("continue", "--bars", 1), ("harmonize",), ("vary", "--keep", "pitch")):
        result = run(*arguments, "far.mid")
        assert result.exit_code == 1
        assert "20,001 bars; hand in one of at most 1,000" in result.stderr


def test_a_pickup_alone_leaves_the_barlines_where_they_are(place):
    rows = [[0, 12, 60, 80, 0]]
    pickup = MeterMap((Meter(0, 4, 4),), 24)
    write_midi(Score.build(rows, [Part(name="a")], meter_map=pickup)[0], "pickup.mid")
    for more in ((), ("--no-keep-primer",)):
        assert run("continue", "pickup.mid", "--bars", 2, "-o", "c.mid", *more).exit_code == 0
        score = read_score("c.mid")
        assert len(score.meter_map.meters) == 1
        assert score.meter_map.pickup_steps == (0 if more else 24)
        (place / "c.mid").unlink()
