"""The table of layers written out: Markdown, LaTeX, CSV and the one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit._tables import Cell, Table
from convkit.architecture._custom import Custom
from convkit.architecture._summing import sum_up
from convkit.architecture._writing_columns import (
    COLUMNS,
    TOTALLED,
    USUAL,
    Line,
    fields_in_columns,
    require_columns,
)
from convkit.architecture._writing_line import line_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._row import Row, Shape


def to_text(architecture: Architecture) -> str:
    """The one line that `Architecture.parse` reads back.

    Raises:
        ArchitectureError: For a row that cannot be written as words.
    """
    return line_of(architecture.rows)


def to_markdown(
    architecture: Architecture,
    input_shape: Shape | None = None,
    columns: Sequence[str] | None = None,
) -> str:
    """A Markdown table."""
    return make_table(architecture, input_shape, columns).to_markdown()


def to_latex(
    architecture: Architecture,
    input_shape: Shape | None = None,
    columns: Sequence[str] | None = None,
) -> str:
    """A LaTeX `tabular`."""
    return make_table(architecture, input_shape, columns).to_latex()


def to_csv(
    architecture: Architecture,
    input_shape: Shape | None = None,
    columns: Sequence[str] | None = None,
) -> str:
    """Comma-separated values."""
    return make_table(architecture, input_shape, columns).to_csv()


def make_table(
    architecture: Architecture,
    input_shape: Shape | None = None,
    columns: Sequence[str] | None = None,
) -> Table:
    """The table of layers with the columns asked for.

    A setting that has no column of its own stands in the cell of the layer, so that whatever
    columns are chosen, a table with the column `layer` reads back as the same architecture.

    Args:
        architecture: The table of layers.
        input_shape: Channels and sizes of one image, for the columns that follow from it.
        columns: Names of columns; None for the usual ones, those without a cell left out.

    Raises:
        ArchitectureError: For a column that does not exist, or a row that does not fit.
    """
    lines = lines_of(architecture, input_shape)
    names = _columns(lines, input_shape, columns)
    rows = [_cells(line, names) for line in lines]
    if input_shape is not None:
        rows = [*_input_row(names, input_shape), *rows, *_total_row(names, lines)]
    return Table(tuple(COLUMNS[name].title for name in names), tuple(map(tuple, rows)))


def lines_of(architecture: Architecture, input_shape: Shape | None) -> list[Line]:
    """Each row with the sizes and counts that follow from the input, when it is given."""
    if input_shape is None:
        return [Line(number, row) for number, row in enumerate(architecture.rows, 1)]
    summary = sum_up(architecture, input_shape)
    lines, shape = [], input_shape
    for number, row in enumerate(architecture.rows, 1):
        parts = [part for part in summary.rows if part.number == number]
        after = parts[-1].output_shape if parts and parts[-1].output_shape else shape
        lines.append(
            Line(
                number,
                row,
                input_shape=shape,
                output_shape=after,
                weights=sum(part.weights for part in parts),
                biases=sum(part.biases for part in parts),
                macs=sum(part.macs for part in parts),
            )
        )
        shape = after
    return lines


def _columns(
    lines: Sequence[Line], input_shape: Shape | None, columns: Sequence[str] | None
) -> tuple[str, ...]:
    """The columns asked for, or the usual ones that have something in them."""
    if columns is not None:
        return require_columns(columns, shape=input_shape is not None)
    used = {name for line in lines for name in fields_in_columns(line.row, USUAL)}
    names = [name for name in USUAL if name == "layer" or name in used]
    return (*names, "output size", "parameters") if input_shape is not None else tuple(names)


def _cells(line: Line, names: Sequence[str]) -> list[Cell]:
    own = fields_in_columns(line.row, names)
    elsewhere = {field for field, _ in own.values()}
    cells: list[Cell] = []
    for name in names:
        column = COLUMNS[name]
        if name == "layer":
            cells.append(_layer_words(line.row, elsewhere, names))
        elif column.count is not None:
            value = column.count(line)
            cells.append(None if value == 0 and name in TOTALLED else value)
        else:
            cells.append(own[name][1] if name in own else None)
    return cells


def _layer_words(row: Row, elsewhere: set[str], names: Sequence[str]) -> str:
    """The cell of the layer. Beside sizes, a padding of 0 is said: it could be solved for."""
    if isinstance(row, Custom):
        return f"custom {row.name}" if row.name else "custom"
    said = {"padding", "stride"} if "output size" in names else set()
    return words_of(row, without=elsewhere, always=said - elsewhere)


def _input_row(names: Sequence[str], input_shape: Shape) -> list[list[Cell]]:
    """The row that names the input, where the table has a column of sizes."""
    if not {"layer", "output size"} <= set(names):
        return []
    written = {"layer": "input", "output size": "x".join(map(str, input_shape))}
    return [[written.get(name) for name in names]]


def _total_row(names: Sequence[str], lines: Sequence[Line]) -> list[list[Cell]]:
    """The row of totals, where the table has a column that can be summed."""
    if "layer" not in names or not set(TOTALLED) & set(names):
        return []
    totals: dict[str, Cell] = {"layer": "total"}
    for name in TOTALLED:
        count = COLUMNS[name].count
        if name in names and count is not None:
            totals[name] = sum(value for line in lines if isinstance(value := count(line), int))
    return [[totals.get(name) for name in names]]
