"""Comma-, semicolon- and tab-separated values as rows of cells."""

from __future__ import annotations

import csv
import io

from convkit._escaping import csv_cell
from convkit.architecture._dialect_grid import MAX_ROWS, Grid, GridRow, make_grid
from convkit.architecture._headers import is_header
from convkit.errors import TableError

_DELIMITERS = ("\t", ",", ";")


def delimiter_of(text: str) -> str | None:
    """What separates the cells of the first line, when that line is the header of a table."""
    lines = [line for line in text.splitlines()[: MAX_ROWS + 50] if line.strip()]
    if len(lines) < 2:
        return None
    for delimiter in sorted(_DELIMITERS, key=lines[0].count, reverse=True):
        cells = _split(lines[0], delimiter)
        if is_header(cells) and (len(cells) > 1 or delimiter == ","):
            return delimiter
    return None


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def read_csv(text: str, delimiter: str) -> Grid:
    """The rows of separated values.

    Raises:
        TableError: When a quote is not closed or a cell is too long.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[GridRow] = []
    try:
        for cells in reader:
            rows.append(GridRow(reader.line_num, tuple(_plain(cell) for cell in cells)))
            if len(rows) > 2 * MAX_ROWS:
                raise TableError(f"the table has more than {MAX_ROWS:,} rows")
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}") from None
    return make_grid(rows, "TSV" if delimiter == "\t" else "CSV")


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from taking it for a formula."""
    text = cell.strip()
    guarded = text.startswith("'") and csv_cell(text[1:]) == text
    return text[1:] if guarded else text
