"""Pages: whole, escaped, the same for the same content, and in need of nothing else."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclstm.errors import RequestError
from musiclstm.rendering.charts import as_png, new_figure, plain
from musiclstm.rendering.document import (
    Callout,
    Fold,
    Grid,
    Picture,
    Scroll,
    Section,
    Table,
    Text,
    document,
    write_document,
)

VOID = {"meta", "img"}


class Checker(HTMLParser):
    """Follows opening and closing tags, and gathers text and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.urls, self.seen, self.alts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        values = dict(attrs)
        self.urls += [values[name] for name in ("src", "href") if name in values]
        self.alts += [values["alt"]] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(page):
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    return checker


@pytest.fixture(scope="module")
def picture():
    figure, axes = new_figure(3.0, 1.5)
    axes[0, 0].plot([1, 2])
    plain(axes[0, 0], "title $x$", "x", "y")
    return Picture(as_png(figure), 'a "line"', "below")


def everything(picture, words="words"):
    blocks = [
        Text(f"{words}\n\nmore"),
        Table([words, "n"], [[words, "1.5"]], words),
        picture,
        Grid([picture, picture]),
        Scroll([picture, picture], words),
        Callout("bad", words, words),
        Fold(words, [Text(words), Fold("deeper", [picture])]),
    ]
    return [Section(words, blocks)] * 3


def test_all_blocks_stand_on_the_page(picture):
    checker = read(document("Title", "Lead", everything(picture)))
    for tag in ("h1", "h2", "table", "figure", "details", "nav"):
        assert tag in checker.seen
    assert checker.seen.count("img") == 3 * 6
    assert set(checker.alts) == {'a "line"'}


def test_a_page_loads_nothing(picture):
    checker = read(document("Title", "Lead", everything(picture)))
    assert all(url.startswith(("data:image/png;base64,", "#")) for url in checker.urls)
    assert not {"script", "link", "iframe"} & set(checker.seen)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_whatever_is_written_is_text(words):
    page = document(words, words, [Section(words, [Table([words], [[words]]), Text(words)])])
    checker = read(page)
    assert "".join(checker.words).count(words.strip()) >= 5
    assert "script" not in checker.seen


def test_two_sections_need_no_contents():
    assert "nav" not in read(document("T", "L", [Section("a", []), Section("b", [])])).seen


def test_numbers_stand_to_the_right():
    table = Table(["name", "value", "none"], [["a", "1,000.5 ± 2%", ""], ["2", "-3", ""]])
    assert table.numeric == [False, True, False]


def test_a_picture_knows_its_size(picture):
    assert picture.size == (288, 144)  # 3 x 1.5 inches of 96 pixels


def test_the_same_picture_has_the_same_bytes():
    def drawn():
        figure, axes = new_figure(2.0, 1.0, 1, 2)
        axes[0, 1].plot([3, 1, 2])
        return as_png(figure)

    assert drawn() == drawn()


def test_a_page_is_written_over_an_old_one(tmp_path, picture):
    path = tmp_path / "deep" / "page.html"
    for title in ("one", "two"):
        write_document(path, title, "\ud800", everything(picture))
    assert re.search("<h1>two</h1>", path.read_text(encoding="utf-8"))


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="cannot write"):
        write_document(tmp_path / "file" / "page.html", "t", "l", [])
