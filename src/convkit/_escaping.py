"""Names made harmless for the place that they are written to."""

from __future__ import annotations

import html
from itertools import groupby

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "→": r"$\to$",
}
# What LaTeX prints in its plain fonts, whichever engine runs: most Latin letters with accents.
_PRINTED = {chr(number) for number in range(0xA1, 0x180)} | set("ȘșȚț–—‘’“”…•€™†‡‰")
_PRINTED -= set("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
UNICODE_IN_LATEX = (
    r"\providecommand{\unicodetext}[2]"
    r"{\ifdefined\directlua#1\else\ifdefined\XeTeXversion#1\else#2\fi\fi}"
)
r"""Stands above LaTeX that `latex_text` wrote when `\unicodetext` is in it."""
# Spreadsheets also take the full-width forms of = + - @ for the start of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def plain(text: object) -> str:
    r"""Write control, bidirectional and other invisible characters as their code points.

    What is left cannot move a cursor, colour a terminal, break a line or turn its direction.

    Examples:
        >>> plain("cat\x1b[31m")
        'cat\\x1b[31m'
    """
    written = str(text)
    if written.isprintable():
        return written
    return "".join(
        character if character.isprintable() else _code_point(character) for character in written
    )


def _code_point(character: str) -> str:
    """The Python escape of one character."""
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def html_text(text: object) -> str:
    """Escape for HTML, between tags or inside a quoted attribute.

    Examples:
        >>> html_text('<b a="1">')
        '&lt;b a=&quot;1&quot;&gt;'
    """
    return html.escape(plain(text), quote=True)


def latex_text(text: object) -> str:
    r"""Escape for LaTeX text mode.

    Characters that not every engine prints are written as `\unicodetext{猫}{U+732B}`: LuaLaTeX and
    XeLaTeX take the character, pdfLaTeX its code point (`UNICODE_IN_LATEX`). Whoever's fonts know
    them defines `\newcommand{\unicodetext}[2]{#1}` beforehand.

    Examples:
        >>> print(latex_text("50 % of a_b"))
        50 \% of a\_b
    """
    return "".join(
        _unicode_in_latex("".join(part)) if special else "".join(_LATEX.get(c, c) for c in part)
        for special, part in groupby(plain(text), _is_special)
    )


def _is_special(character: str) -> bool:
    """Whether not every LaTeX engine prints a character."""
    return not (character.isascii() or character in _LATEX or character in _PRINTED)


def _unicode_in_latex(characters: str) -> str:
    """Characters for the engines that print them, their code points for the others."""
    points = " ".join(f"U+{ord(character):04X}" for character in characters)
    return rf"\unicodetext{{{characters}}}{{{points}}}"


def markdown_cell(text: object) -> str:
    r"""Escape for a cell of a Markdown table.

    Examples:
        >>> markdown_cell("a|b")
        'a\\|b'
    """
    escaped = plain(text)
    for character in "\\`*_[]<>|":
        escaped = escaped.replace(character, "\\" + character)
    return escaped


def csv_cell(text: object) -> str:
    r"""Make a text that a spreadsheet would take for a formula into a text.

    A leading apostrophe marks it; numbers, also negative ones, stay as they are. A carriage return
    is written as `\r`.

    Examples:
        >>> csv_cell("=1+1"), csv_cell("-0.5"), csv_cell("cat.jpg")
        ("'=1+1", '-0.5', 'cat.jpg')
    """
    # A lone carriage return ends a line for some readers, and not every writer quotes it.
    written = str(text).replace("\r", "\\r")
    if not written.isprintable():  # a lone surrogate, as in a name that is no UTF-8, has no bytes
        written = written.encode("utf-8", "backslashreplace").decode("utf-8")
    return "'" + written if _is_formula(written) else written


def csv_mark(text: str) -> str:
    """Mark a text that a spreadsheet would take for a formula so that `csv_unmark` undoes it.

    Examples:
        >>> csv_mark("=1+1"), csv_mark("'=1+1"), csv_mark("cat.jpg")
        ("'=1+1", "''=1+1", 'cat.jpg')
    """
    return "'" + text if _is_formula(text.lstrip("'")) else text


def csv_unmark(cell: str) -> str:
    """The text that `csv_mark` was given.

    Examples:
        >>> csv_unmark("'=1+1"), csv_unmark("''=1+1"), csv_unmark("'tis.jpg")
        ('=1+1', "'=1+1", "'tis.jpg")
    """
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula; a number is none."""
    if not text.startswith(_FORMULA_STARTS) and not text.lstrip().startswith(_FORMULA_STARTS):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
