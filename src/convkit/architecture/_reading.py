"""A table of layers from text, a file, dictionaries or a data frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.architecture._cells_draft import located
from convkit.architecture._cells_line import read_line
from convkit.architecture._cells_rows import dress, make_row
from convkit.architecture._dialect_csv import delimiter_of, read_csv
from convkit.architecture._dialect_grid import MAX_TEXT
from convkit.architecture._dialect_latex import looks_like_latex, read_latex
from convkit.architecture._dialect_markdown import looks_like_markdown, read_markdown
from convkit.architecture._dialect_printed import looks_like_module, read_module_print
from convkit.architecture._dialect_records import grid_of_frame, grid_of_records
from convkit.architecture._dialect_summary import looks_like_summary, read_summary
from convkit.architecture._reading_table import read_grid
from convkit.architecture._reading_whole import finish, names_softmax
from convkit.errors import TableError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from convkit.architecture._architecture import Architecture
    from convkit.architecture._cells_draft import Draft


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
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    readings: list[str] = []
    if looks_like_latex(text):
        return read_grid(read_latex(text, readings), readings)
    if looks_like_markdown(text):
        return read_grid(read_markdown(text, readings), readings)
    if looks_like_module(text):
        return _one_line(read_module_print(text, readings), readings)
    if looks_like_summary(text):
        return read_grid(read_summary(text, readings), readings)
    delimiter = delimiter_of(text)
    if delimiter is not None:
        return read_grid(read_csv(text, delimiter), readings)
    return _one_line(text, readings)


def read_file(path: str | os.PathLike[str]) -> Architecture:
    """Read a table from a file of text.

    Raises:
        TableError: When the file cannot be opened, is no text, or a cell cannot be read.
    """
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            content = file.read(4 * MAX_TEXT + 1)
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name} is not text in UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    return read_text(text, source=name)


def read_rows(rows: Iterable[Mapping[str, object]]) -> Architecture:
    """Read a table from dictionaries, one for each row.

    Raises:
        TableError: For a cell that cannot be read, naming row and cell.
    """
    return read_grid(grid_of_records(rows), [])


def read_frame(frame: Any) -> Architecture:
    """Read a table from a data frame of pandas, or anything with `to_dict("records")`.

    Raises:
        TableError: For a cell that cannot be read, naming row and cell.
    """
    return read_grid(grid_of_frame(frame), [])


def _one_line(text: str, readings: list[str]) -> Architecture:
    """The form without columns."""
    found = read_line(text, readings)
    if found and found[0].kind is None:
        named = found.pop(0)
        _tell_of_input(named, readings)
    if not found:
        raise TableError("the text names no layers")
    drafts = dress(found, readings)
    rows = []
    for draft in drafts:
        with located(draft.place):
            rows.append(make_row(draft, readings))
    return finish(rows, readings, keep_softmax=names_softmax(drafts))


def _tell_of_input(named: Draft, readings: list[str]) -> None:
    """Rows do not depend on the size of the input, so a line keeps none."""
    said = [*named.bare, *named.values.values(), *(named.arrow or ())]
    said += [] if named.channels is None else [named.channels]
    said += [] if named.repeat == 1 else [named.repeat]
    if said:
        sizes = [
            "x".join(map(str, size)) if isinstance(size, tuple) else str(size) for size in said
        ]
        readings.append(
            f"the {named.text} {', '.join(sizes)} is no row and is not kept: give it as input_shape"
        )
