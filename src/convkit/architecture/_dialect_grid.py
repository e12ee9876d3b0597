"""A table as rows of cells, whatever it was written in."""

from __future__ import annotations

from dataclasses import dataclass

from convkit.errors import TableError

MAX_TEXT = 1_000_000
"""Characters of a text that holds a table."""
MAX_ROWS = 2_000
"""Rows of one table."""
MAX_COLUMNS = 60
"""Cells of one row."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of cells.

    Args:
        line: The line of the source that it stands on, counted from 1; None when it has none.
        cells: The texts of its cells, without the marks of the dialect.
    """

    line: int | None
    cells: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no cell holds anything."""
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and the rows below it.

    Args:
        header: The titles of the columns.
        rows: The rows; each is as long as the header.
    """

    header: tuple[str, ...]
    rows: tuple[GridRow, ...]


def make_grid(rows: list[GridRow], what: str) -> Grid:
    """The first row as header, the others made as long as it is; empty rows are left out.

    Raises:
        TableError: When no row is left, or the table is too large.
    """
    full = [row for row in rows if not row.is_empty]
    if len(full) < 2:
        raise TableError(
            f"the {what} table has a header but no rows; write a row for each layer below it"
            if full
            else f"the {what} table is empty"
        )
    if len(full) > MAX_ROWS:
        raise TableError(f"{len(full):,} rows are too many for one table; up to {MAX_ROWS:,} are")
    width = max(len(row.cells) for row in full)
    if width > MAX_COLUMNS:
        raise TableError(f"{width} columns are too many for one table; up to {MAX_COLUMNS} are")
    header = full[0].cells + ("",) * (width - len(full[0].cells))
    padded = [GridRow(row.line, row.cells + ("",) * (width - len(row.cells))) for row in full[1:]]
    return Grid(header, tuple(padded))
