"""Dictionaries and data frames as rows of cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from convkit.architecture._cells import MAX_CELL, quoted
from convkit.architecture._dialect_grid import MAX_COLUMNS, MAX_ROWS, Grid, GridRow, make_grid
from convkit.errors import TableError


def grid_of_records(records: Iterable[Mapping[str, object]]) -> Grid:
    """One row for each dictionary; its keys are the columns, in the order of their first use.

    Raises:
        TableError: For a row that is no dictionary, or a value that no cell can hold.
    """
    columns: dict[str, None] = {}
    taken: list[Mapping[str, object]] = []
    for number, record in enumerate(itertools.islice(records, MAX_ROWS + 1), 1):
        if not isinstance(record, Mapping):
            raise TableError(
                f"row {number} is {type(record).__name__}; give each row as a dictionary such as "
                '{"layer": "conv", "filters": 32, "kernel": 5}'
            )
        columns.update(dict.fromkeys(str(key) for key in itertools.islice(record, MAX_COLUMNS + 1)))
        taken.append(record)
    header = GridRow(None, tuple(columns))
    rows = [_row(record, columns, number) for number, record in enumerate(taken, 1)]
    return make_grid([header, *rows], "given")


def _row(record: Mapping[str, object], columns: Iterable[str], number: int) -> GridRow:
    values = {str(key): value for key, value in record.items()}
    return GridRow(
        None,
        tuple(
            _cell(values.get(column), f"row {number}, column {quoted(column)}")
            for column in columns
        ),
    )


def grid_of_frame(frame: Any) -> Grid:
    """The rows of a data frame; its index is not read.

    Raises:
        TableError: When it is none, or holds a value that no cell can hold.
    """
    try:
        records = frame.to_dict("records")
    except (AttributeError, TypeError):
        raise TableError(
            f"a data frame has columns and to_dict, {type(frame).__name__} has not; "
            "give a list of dictionaries to Architecture.from_rows"
        ) from None
    return grid_of_records(records)


def _cell(value: object, place: str) -> str:
    """A value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            raise TableError(f"{place}: {len(value):,} characters are too many for one cell")
        return value
    if hasattr(value, "item") and not isinstance(value, (tuple, list)):
        value = value.item()  # a number of NumPy
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value.bit_length() < 200:
        return str(value)
    if isinstance(value, float):
        return _float_cell(value)
    parts = value if isinstance(value, (tuple, list)) else ()
    if 0 < len(parts) <= 8 and all(isinstance(n, int) and n.bit_length() < 200 for n in parts):
        return "x".join(map(str, parts))
    raise TableError(
        f"{place}: a cell holds text or a number, got {type(value).__name__}; write it as text"
    )


def _float_cell(value: float) -> str:
    """A number; empty cells make whole columns of floats in a frame, so 5.0 is 5."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
