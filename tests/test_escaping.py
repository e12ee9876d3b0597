"""Names made harmless, for HTML, LaTeX, Markdown, CSV and the terminal."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit._escaping import (
    csv_cell,
    csv_mark,
    csv_unmark,
    html_text,
    latex_text,
    markdown_cell,
    plain,
)
from convkit._tables import Table


@given(st.text())
def test_plain_text_holds_only_printable_characters(text: str) -> None:
    assert plain(text).isprintable()


@pytest.mark.parametrize("character", ["\x1b", "\u202e", "\u2066", "\n", "\x00", "\ufeff"])
def test_characters_that_steer_a_terminal_are_written_out(character: str) -> None:
    assert plain(f"a{character}b") == "a" + repr(character)[1:-1].replace("\\n", "\\x0a") + "b"


class _Text(HTMLParser):
    """Collects the text of a page, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_html_reads_back_as_the_plain_text_without_a_tag(text: str) -> None:
    parser = _Text()
    parser.feed(f"<p>{html_text(text)}</p>")
    parser.close()

    assert (parser.tags, parser.text) == (["p"], plain(text))


@given(st.text())
def test_latex_holds_no_bare_special_character(text: str) -> None:
    written = re.sub(r"\\unicodetext\{[^\x00-\x7f]+\}\{[U+0-9A-F ]+\}", "", latex_text(text))
    for command in (
        r"\textbackslash{}",
        r"\textasciicircum{}",
        r"\textasciitilde{}",
        r"\textless{}",
        r"\textgreater{}",
        r"\textbar{}",
        r"\char34{}",
        r"$\times$",
        r"$\pm$",
        r"$\to$",
        *(f"\\{c}" for c in "{}#$%&_"),
    ):
        written = written.replace(command, "")

    assert not set(written) & set("\\{}#$%&_^~<>|")


def test_a_character_that_plain_latex_lacks_carries_its_code_point_for_it() -> None:
    assert latex_text("a 猫β é") == r"a \unicodetext{猫β}{U+732B U+03B2} é"


def test_a_latex_table_defines_the_command_that_it_needs_and_opens_no_argument() -> None:
    written = Table(("name",), (("[2pt]",), ("猫",))).to_latex().splitlines()

    assert written[0].startswith(r"\providecommand{\unicodetext}[2]")
    assert r"{}[2pt] \\" in written
    assert "unicodetext" not in Table(("name",), (("é",),)).to_latex()


@given(st.text())
def test_a_marked_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert csv_unmark(csv_mark(text)) == text
    assert csv_cell(csv_mark(text)) == csv_mark(text).replace("\r", "\\r")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a\rb", "a\\rb"),
        ("-0.25", "-0.25"),
        ("+1e-5", "+1e-5"),
        ("-inf", "-inf"),
        ("cat.jpg", "cat.jpg"),
        ("", ""),
    ],
)
def test_a_formula_becomes_a_text_and_a_number_stays(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1, max_size=5))
def test_a_csv_table_reads_back_with_the_same_cells(rows: list[list[str]]) -> None:
    table = Table(("a", "b"), tuple(map(tuple, rows)))

    read = list(csv.reader(io.StringIO(table.to_csv(), newline="")))

    assert read == [["a", "b"], *[[csv_cell(cell) for cell in row] for row in rows]]


@given(st.text())
def test_a_markdown_cell_cannot_end_its_cell(text: str) -> None:
    escaped = markdown_cell(text)

    assert "|" not in escaped.replace("\\\\", "").replace("\\|", "")
