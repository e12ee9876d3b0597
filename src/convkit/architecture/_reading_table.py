"""A grid as the rows of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells import quoted
from convkit.architecture._cells_draft import located
from convkit.architecture._cells_rows import make_row
from convkit.architecture._headers import roles_of
from convkit.architecture._reading_entry import EntryReader
from convkit.architecture._reading_sizes import place_sizes
from convkit.architecture._reading_whole import finish, names_softmax
from convkit.architecture._solving import solve_blanks
from convkit.errors import TableError

if TYPE_CHECKING:
    from convkit.architecture._architecture import Architecture
    from convkit.architecture._cells_sizes import StatedCount
    from convkit.architecture._dialect_grid import Grid
    from convkit.architecture._entry import Entry
    from convkit.architecture._row import Row


def read_grid(grid: Grid, readings: list[str]) -> Architecture:
    """Read the rows of a table.

    Raises:
        TableError: For a cell that cannot be read, naming row and column.
    """
    reader = EntryReader(grid.header, roles_of(grid.header, readings), readings)
    reader.settle_untitled(grid.rows)
    roles = reader.roles
    if not set(roles) & {"layer", "activation", "out_channels", "info"}:
        titles = ", ".join(quoted(title.strip()) for title in grid.header[:8])
        raise TableError(
            f"no column of the table names the layers; its header reads {titles}; "
            "call one of them layer"
        )
    entries, total = _entries(grid, reader)
    layers = [entry for entry in entries if not entry.is_input]
    if not layers:
        raise TableError("the table holds no layers")
    says_padding = "padding" in roles
    sized = place_sizes(entries, readings)
    solve_blanks(sized, says_padding=says_padding, readings=readings)
    rows: list[Row] = []
    for item in sized.layers:
        with located(item.place):
            rows.append(make_row(item.draft, readings, item.stated))
    named = names_softmax([item.draft for item in sized.layers])
    return finish(rows, readings, total, keep_softmax=named)


def _entries(grid: Grid, reader: EntryReader) -> tuple[list[Entry], dict[str, StatedCount]]:
    """The rows of layers, and the counts of the row of totals."""
    entries: list[Entry] = []
    total: dict[str, StatedCount] = {}
    for number, row in enumerate(grid.rows, 1):
        place = f"row {number}" if row.line is None else f"row {number}, line {row.line}"
        if reader.is_total(row):
            total.update(reader.total(row, place))
            continue
        entries.append(reader.read(row, place))
    return entries, total
