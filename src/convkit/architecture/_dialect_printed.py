"""What other tools print: summaries in columns of spaces, and PyTorch's own print of a network."""

from __future__ import annotations

import re

from convkit.architecture._dialect_grid import MAX_ROWS, Grid, GridRow, make_grid
from convkit.architecture._headers import is_header
from convkit.errors import TableError

_CHILD = re.compile(r"\s*\((\w{1,80})\): (\w{1,80})\((.*)")
_RULE = re.compile(r"[\s=_\-─━┄═+|]{4,}")
_TREE = re.compile(r"^[\s│├└─|]+")
_NUMBERED = re.compile(r"^([A-Za-z]\w{0,60})(?:-\d{1,5}|: \d{1,4}-\d{1,5})$")
_SHAPE = re.compile(r"\s(?=\((?:None|-1),|\[(?:None|-1),)")
_CONTAINERS = {"Sequential", "ModuleList"}


def looks_like_module(text: str) -> bool:
    """Whether a text is the print of a PyTorch module: "(0): Conv2d(3, 64, ...)"."""
    return any(_CHILD.match(line) for line in text.splitlines()[:5])


def read_module_print(text: str, readings: list[str]) -> str:
    """The layers of a printed module as lines, its containers left out.

    Raises:
        TableError: For a block whose way of running its layers a print does not tell.
    """
    layers = []
    for number, line in enumerate(text.splitlines(), 1):
        child = _CHILD.match(line)
        if child is None:
            continue
        kind, rest = child[2], child[3].strip()
        if rest:
            layers.append(f"{kind}({rest}")
        elif kind not in _CONTAINERS and number > 1:
            raise TableError(
                f"line {number}: how the block {kind} runs its layers cannot be seen in its print; "
                "use Architecture.from_module(model)"
            )
    readings.append(
        "the print of a module is read as its layers one after the other, in the order shown"
    )
    return "\n".join(layers)


def looks_printed(text: str) -> bool:
    """Whether a text is a table in columns of two or more spaces, with a ruled header."""
    lines = [line for line in text.splitlines() if line.strip()][:6]
    if not any(_RULE.fullmatch(line) for line in lines):
        return False
    return any(is_header(_split(line)) and len(_split(line)) > 1 for line in lines)


def read_printed(text: str) -> Grid:
    """The rows of a table in columns of spaces.

    Raises:
        TableError: When it has no rows.
    """
    rows: list[GridRow] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or _RULE.fullmatch(line):
            continue
        cells = _split(line)
        if not rows and not is_header(cells):
            continue
        if rows and len(cells) == 1 and ":" in line:
            cells = _total(line, rows[0].cells)
        if cells:
            rows.append(GridRow(number, tuple(cells)))
        if len(rows) > MAX_ROWS + 1:
            raise TableError(f"the table has more than {MAX_ROWS:,} rows")
    return make_grid(rows, "printed")


def _split(line: str) -> list[str]:
    """Cells between runs of spaces; numbers that only count layers are taken off the first."""
    spaced = _SHAPE.sub("  ", _TREE.sub("", line).strip())
    cells = [cell for cell in re.split(r"\s{2,}|\t", spaced) if cell]
    if cells:
        counted = _NUMBERED.match(cells[0])
        cells[0] = counted[1] if counted else cells[0]
    return cells


def _total(line: str, header: tuple[str, ...]) -> list[str]:
    """The line "Total params: 54,410" as a row of totals; others below a table say nothing."""
    label, _, value = line.partition(":")
    if label.strip().lower() not in {"total params", "total parameters"}:
        return []
    count = value.split("(")[0].strip()
    return ["total", *[""] * (len(header) - 2), count] if len(header) > 1 else []
