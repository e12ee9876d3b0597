"""A table of layers from text."""

from __future__ import annotations

from convkit.architecture._architecture import Architecture
from convkit.architecture._cells_layer import read_line
from convkit.architecture._cells_rows import make_rows


def read_text(text: str, source: str | None = None) -> Architecture:
    """Read a table from text."""
    readings: list[str] = []
    rows = make_rows(read_line(text, readings), readings)
    return Architecture(tuple(rows), readings=tuple(readings))
