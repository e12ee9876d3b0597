"""A network written as one line, or over several lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convkit.architecture._cells import MAX_LINE, UnreadableError, quoted, tokens
from convkit.architecture._cells_layer import Layers
from convkit.architecture._cells_parts import Grammar
from convkit.errors import TableError

if TYPE_CHECKING:
    from convkit.architecture._cells_draft import Draft


def read_line(text: str, readings: list[str]) -> list[Draft]:
    """Read a network written as one line, or over several lines.

    Args:
        text: Such as `"conv 32 k5 p2 relu, maxpool 2, flatten, linear 10"`.
        readings: Where a sentence is added for every choice between two readings.

    Raises:
        TableError: For a word or number that cannot be read.
    """
    try:
        parts = Grammar(tokens(text, limit=MAX_LINE)).read()
    except UnreadableError as error:
        raise TableError(f"{_place_of(text, error.start)}: {error}") from error
    return Layers(readings, line=True).read(parts)


def _place_of(text: str, start: int) -> str:
    """Which row of a line a character belongs to, and what is written there."""
    depth, rows, begin = 0, 1, 0
    for index, character in enumerate(text[:start]):
        depth += (character in "([{") - (character in ")]}")
        if character in ",;\n|" and depth == 0:
            rows += bool(text[begin:index].strip())
            begin = index + 1
    row = re.split(r"[,;\n|]", text[begin : begin + 100], maxsplit=1)[0]
    return f"row {rows}, {quoted(row.strip())}"
