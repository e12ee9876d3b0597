"""A table of layers from text, a file, dictionaries or a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convkit.architecture._cells_draft import located
from convkit.architecture._cells_layer import read_line
from convkit.architecture._cells_rows import dress, make_row
from convkit.architecture._dialect_grid import MAX_TEXT
from convkit.architecture._dialect_markdown import looks_like_markdown, read_markdown
from convkit.architecture._reading_table import read_grid
from convkit.architecture._reading_whole import finish, names_softmax
from convkit.errors import TableError

if TYPE_CHECKING:
    from convkit.architecture._architecture import Architecture


def read_text(text: str, source: str | None = None) -> Architecture:
    """Read a table from text: Markdown, CSV, TSV, LaTeX, or one line.

    Args:
        text: The text.
        source: Where it comes from, for messages: the name of a file.

    Raises:
        TableError: For a cell that cannot be read, naming row and cell.
    """
    if source is not None:
        with located(source):
            return read_text(text)
    if not isinstance(text, str):
        raise TableError(f"a table is read from text, got {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise TableError(f"{len(text):,} characters are too many for a table; up to {MAX_TEXT:,}")
    if not text.strip():
        raise TableError('the text is empty; write a table, or "conv 8 k5, flatten, linear 10"')
    readings: list[str] = []
    if looks_like_markdown(text):
        return read_grid(read_markdown(text, readings), readings)
    return _one_line(text, readings)


def _one_line(text: str, readings: list[str]) -> Architecture:
    """The form without columns."""
    drafts = [draft for draft in read_line(text, readings) if draft.kind is not None]
    if not drafts:
        raise TableError("the text names no layers")
    rows = []
    for draft in dress(drafts, readings):
        with located(draft.place):
            rows.append(make_row(draft, readings))
    return finish(rows, readings, keep_softmax=names_softmax(drafts))
