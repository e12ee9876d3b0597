"""What the command prints, made to fit the terminal and the encoding that it prints to."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from convkit._tables import Table

if TYPE_CHECKING:
    from convkit.metrics import ConfusionMatrix

FORMS = ("text", "markdown", "latex", "csv")
_GAP = 3  # columns between two columns of a table
_LOOKALIKES = {"─": "-", "━": "-", "×": "x", "·": "*", "±": "+-", "→": "->", "…": "...",
               "⌊": "floor(", "⌋": ")", "≤": "<=", "≥": ">="}  # fmt: skip

_OPTIONS = {  # what Python writes as an argument is an option here
    'on_unreadable="skip"': "--skip-unreadable",
    "fit(..., resume=True)": "--resume",
    "give input_shape, such as (3, 32, 32)": "give --input, such as 3,32,32",
    "give it as input_shape": "give it as --input",
}
_SIZE = re.compile(
    r"load them with size=(?:(\d+)|\((\d+), (\d+)\))"
    r"(?:, or say other_size=True if that is what is to be measured)?"
)


def as_typed(message: str) -> str:
    """A message of the library, with the options of the command for the arguments of Python.

    Examples:
        >>> as_typed("go on with it by fit(..., resume=True)")
        'go on with it by --resume'
        >>> as_typed("load them with size=(12, 16)")
        'give --size 12,16'
    """
    for argument, option in _OPTIONS.items():
        message = message.replace(argument, option)
    return _SIZE.sub(lambda found: "give --size " + ",".join(filter(None, found.groups())), message)


def prepare_streams() -> None:
    """Let nothing that is printed fail: closed streams swallow, narrow encodings get lookalikes."""
    codecs.register_error("convkit", _replaced)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the command
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="convkit")


def drop_output() -> None:
    """Let standard output go nowhere: the interpreter flushes it at its end and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """An ASCII lookalike of a character that the encoding lacks, or its code point."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = (
        _LOOKALIKES.get(character, character.encode("ascii", "backslashreplace").decode("ascii"))
        for character in error.object[error.start : error.end]
    )
    return "".join(told), error.end


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None when it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def show(table: Table, form: str = "text", *, records: bool = False) -> None:
    """Print a table in one of `FORMS`; as text it is made to fit the terminal.

    Args:
        table: The table.
        form: One of `FORMS`.
        records: Whether each row stands for itself, so that the table may be turned when it is
            too wide: a column for each row, as many side by side as there is room for.
    """
    width = terminal_width()
    if form != "text":
        print(getattr(table, f"to_{form}")().rstrip("\n"))
    elif width is None or not records or _least_width(table) <= width:
        print(table.to_text(width))
    else:
        print("\n\n".join(part.to_text(width) for part in _turned(table, width)))


def show_confusion(matrix: ConfusionMatrix) -> None:
    """Print the matrix where there is room for it, else the pairs that are confused most."""
    width = terminal_width()
    if width is None or _least_width(matrix.table()) <= width:
        print(matrix if width is None else matrix.table().to_text(width))
    else:
        print(f"The matrix of {matrix.num_classes} classes is too wide here; confused most often:")
        print("\n".join(map(str, matrix.most_confused(10))) or "none")


def show_json(value: object) -> None:
    """Print one strict JSON document, in ASCII so that it survives every terminal and pipe."""
    print(json.dumps(value, allow_nan=False))


def _least_width(table: Table) -> int:
    """Columns that a table needs when its cells are folded between words and nowhere else."""
    columns = zip(table.header, *table.rows, strict=True)
    words = [max(len(word) for cell in cells for word in [*_words(cell), ""]) for cells in columns]
    return sum(words) + _GAP * (len(words) - 1)


def _words(cell: object) -> list[str]:
    return (
        f"{cell:,}".split() if isinstance(cell, int) else str("" if cell is None else cell).split()
    )


def _turned(table: Table, width: int) -> list[Table]:
    """The table with rows and columns exchanged, in parts that are narrow enough."""
    for count in range(len(table.rows), 0, -1):
        parts = [table.rows[start : start + count] for start in range(0, len(table.rows), count)]
        tables = [
            Table(tuple(map(str, columns[0])), tuple(columns[1:]))
            for part in parts
            for columns in [list(zip(table.header, *part, strict=True))]
        ]
        if count == 1 or max(map(_least_width, tables)) <= width:
            return [*tables[:-1], replace(tables[-1], notes=table.notes)]
    return [table]
