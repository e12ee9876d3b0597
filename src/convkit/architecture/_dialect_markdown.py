"""Markdown tables as rows of cells."""

from __future__ import annotations

import html
import re

from convkit.architecture._dialect_grid import MAX_ROWS, Grid, GridRow, make_grid
from convkit.errors import TableError

_RULE_CELL = re.compile(r"\s*:?-+:?\s*|\s*=+\s*")
_UNESCAPED = re.compile(
    r"\\([!-/:-@\[-`{-~])|\*\*|__(?=\W|$)|(?<!\w)__|`|</?(?:b|i|strong|em|sub|sup|code)>|(<br\s?/?>)",
    re.IGNORECASE,
)
# A pair around a word or number, as in "*2*" and "_2_"; the stars of "3*128*128" are no pair.
_PAIR = re.compile(
    r"(?<![\w)\]*\\])(?<![\d)\]]\s)(\*{1,3}|_)(?=[^\s*_])([^*]{0,200}?[^\s*])\1(?![\w*(])"
)
_EMPHASIS = re.compile(r"(?<![\d*)\\])\*(?![\d\s*])|(?<![\s\d*(\\])\*(?!\d)")


def looks_like_markdown(text: str) -> bool:
    """Whether a text holds a table drawn with bars."""
    lines = [line for line in text.splitlines() if line.count("|") >= 1]
    return any(_is_rule(line) for line in lines) or (
        # A branch of a printed tree begins with one bar and has no other.
        len(lines) >= 2
        and all(line.strip().startswith("|") and line.count("|") > 1 for line in lines[:2])
    )


def read_markdown(text: str, readings: list[str]) -> Grid:
    """The first table of a text, and the tables right below it with the same header.

    Raises:
        TableError: When it has no rows or is too large.
    """
    blocks = _blocks(text)
    if not blocks:
        raise TableError("the text holds no Markdown table: no line with | was found")
    first = blocks[0]
    others = sum(1 for block in blocks[1:])
    if others:
        readings.append(
            f"the text holds {others + 1} tables: the first is read, from line {first[0][0]} on"
        )
    rows = [GridRow(n, split_cells(line)) for n, line in first if not _is_rule(line)]
    return make_grid(rows, "Markdown")


def _blocks(text: str) -> list[list[tuple[int, str]]]:
    """Runs of lines with bars, each with its line number."""
    blocks: list[list[tuple[int, str]]] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if "|" in line:
            if not inside:
                blocks.append([])
            blocks[-1].append((number, line))
            if len(blocks[-1]) > 2 * MAX_ROWS:
                raise TableError(f"the table has more than {MAX_ROWS:,} rows")
        inside = "|" in line
    return [block for block in blocks if len(block) > 1]


def _is_rule(line: str) -> bool:
    """Whether a line is the one of dashes that says how columns are aligned."""
    cells = line.strip().strip("|").split("|")
    return "-" in line and all(_RULE_CELL.fullmatch(cell) for cell in cells)


def split_cells(line: str) -> tuple[str, ...]:
    r"""The cells of one line; `\|` is a bar within a cell."""
    stripped = line.strip()
    stripped = stripped[1:] if stripped.startswith("|") else stripped
    cells, start, index = [], 0, 0
    while index < len(stripped):
        if stripped[index] == "\\":
            index += 2
            continue
        if stripped[index] == "|":
            cells.append(stripped[start:index])
            start = index + 1
        index += 1
    rest = stripped[start:]
    if rest.strip() or not cells:
        cells.append(rest)
    return tuple(clean_cell(cell) for cell in cells)


def clean_cell(cell: str) -> str:
    """A cell without bold, code and escapes."""
    plain = _PAIR.sub(r"\2", cell) if "*" in cell or "_" in cell else cell
    plain = _EMPHASIS.sub("", plain) if "*" in plain.replace("**", "") else plain
    plain = _UNESCAPED.sub(lambda found: found[1] or (", " if found[2] else ""), plain)
    return html.unescape(plain).strip() if "&" in plain else plain.strip()
