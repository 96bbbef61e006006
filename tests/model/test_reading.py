"""What lies where a file should be: nothing, a folder, a link, a pipe, or one that is closed."""

import errno
import os

import pytest

from musiclstm.errors import BundleError
from musiclstm.model import load_bundle
from musiclstm.model.bundle import CONFIG, CORPUS, NOVELTY, VOCABULARY, WEIGHTS
from musiclstm.model.reading import printable
from tests.spoiling import refused

READ = [CONFIG, VOCABULARY, CORPUS, WEIGHTS]


@pytest.mark.parametrize("name", READ)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, name, "missing")


@pytest.mark.parametrize("name", READ)
def test_a_folder_in_place_of_a_file_is_refused(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder, name)


@pytest.mark.parametrize("name", READ)
def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    refused(folder, name, "link out of its folder")


def test_a_link_within_the_folder_and_to_the_folder_is_followed(folder, tmp_path):
    (folder / CONFIG).rename(folder / "other.json")
    (folder / CONFIG).symlink_to("other.json")
    (tmp_path / "alias").symlink_to(folder)
    assert load_bundle(tmp_path / "alias").name == "alias"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", [*READ, NOVELTY])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(BundleError, match=name):
        load_bundle(folder).novelty()


@pytest.mark.parametrize("name", [*READ, NOVELTY])
def test_a_file_that_may_not_be_read_is_one_line(folder, name, monkeypatch):
    opened = os.open

    def closed(path, *args, **more):
        if os.fspath(path) == str(folder / name):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", closed)
    with pytest.raises(BundleError, match=f"{name} cannot be read: Permission denied; ") as caught:
        load_bundle(folder).novelty()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [*READ, NOVELTY])
def test_a_link_that_leads_nowhere_is_one_line(folder, name):
    (folder / name).unlink()
    (folder / name).symlink_to(name)
    with pytest.raises(BundleError, match=name) as caught:
        load_bundle(folder).novelty()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "\udce9", "\u202e", "\0", "x" * 5000, b"\xff"])
def test_a_stranger_s_words_are_one_printable_line(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) < 310


def test_plain_words_are_shown_as_they_are():
    assert printable("trained/Größe 名前 'x' \\ y") == "trained/Größe 名前 'x' \\ y"
