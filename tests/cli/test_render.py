import json

import pytest
from click.testing import CliRunner

from musiclstm.cli import main
from musiclstm.rendering import write_midi
from musiclstm.score import Part, Score

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def pieces(tmp_path):
    """Two small pieces; the name of one has a dot in it."""
    paths = [tmp_path / "bwv1.6.mid", tmp_path / "tune.mid"]
    for pitch, path in enumerate(paths, start=60):
        score, _ = Score.build([[0, 24, pitch, 80, 0]], [Part(name="right")])
        write_midi(score, path)
    return paths


def run(*arguments):
    return CliRunner().invoke(main, ["render", *map(str, arguments)])


def is_png(path):
    return path.read_bytes().startswith(PNG)


def test_a_picture_lies_beside_its_piece(pieces, tmp_path):
    result = run(*pieces, "-q")
    assert result.exit_code == 0
    pictures = [tmp_path / "bwv1.6.png", tmp_path / "tune.png"]
    assert result.stdout.splitlines() == [str(path) for path in pictures]
    assert result.stderr == ""
    assert all(is_png(path) for path in pictures)


def test_out_is_a_folder_made_if_missing(pieces, tmp_path):
    assert run(*pieces, "-o", tmp_path / "pictures").exit_code == 0
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["bwv1.6.png", "tune.png"]


def test_out_is_a_file_for_one_piece(pieces, tmp_path):
    assert run(pieces[0], "-o", tmp_path / "a.PNG").exit_code == 0
    assert is_png(tmp_path / "a.PNG")


def test_a_folder_may_have_a_dot(pieces, tmp_path):
    (tmp_path / "v1.0").mkdir()
    assert run(pieces[1], "-o", tmp_path / "v1.0").exit_code == 0
    assert is_png(tmp_path / "v1.0" / "tune.png")


def test_an_existing_picture_is_not_overwritten(pieces, tmp_path):
    (tmp_path / "tune.png").write_bytes(b"mine")
    result = run(pieces[1])
    assert result.stdout == f"{tmp_path / 'tune-2.png'}\n"
    assert "tune.png exists" in result.stderr
    assert (tmp_path / "tune.png").read_bytes() == b"mine"


def test_json_says_which_picture_is_whose(pieces, tmp_path):
    report = json.loads(run(*pieces, "--json", "-q").stdout)
    assert report["pictures"][1] == {
        "piece": str(pieces[1]),
        "picture": str(tmp_path / "tune.png"),
    }


def test_a_bad_piece_does_not_keep_the_others_from_being_drawn(pieces, tmp_path):
    pieces[0].write_bytes(b"no music")
    result = run(*pieces, "-q")
    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path / 'tune.png'}\n"
    first, last = result.stderr.splitlines()
    assert "bwv1.6.mid" in first
    assert last == "Error: 1 of 2 pieces could not be drawn"


def test_a_missing_piece_is_one_line(tmp_path):
    result = run(tmp_path / "nothing.mid")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {tmp_path / 'nothing.mid'} does not exist")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("names", "out", "match"),
    [
        (["a.mid"], "a.jpg", "a.jpg is no kind of picture"),
        (["a.mid", "b.mid"], "a.png", "there are 2 pieces"),
        ([], "a.png", "Missing argument"),
    ],
)
def test_wrong_usage(names, out, match):
    result = run(*names, "-o", out)
    assert result.exit_code == 2
    assert match in " ".join(result.stderr.split())
