"""What other tools print: summaries in columns of spaces, and PyTorch's own print of a network."""

from __future__ import annotations

import re

from convkit.architecture._cells import quoted
from convkit.architecture._cells_layer import MAX_LAYERS
from convkit.architecture._dialect_grid import MAX_ROWS, Grid, GridRow, make_grid
from convkit.architecture._headers import is_header
from convkit.errors import TableError

# "(0): ReLU()", and "(0-2): 3 x ReLU()" for three that are printed alike.
_CHILD = re.compile(r"\s*\([^():]{1,80}\): (?:(\d{1,5}) x )?(\w{1,80})\((.*)")
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
    # The layers of each block that is open, and how often it stands; the first is the whole.
    open_blocks: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(text.splitlines(), 1):
        child = _CHILD.match(line)
        if child is None:
            if line.lstrip().startswith("("):
                raise TableError(
                    f"line {number}: {quoted(line.strip())} is no child of a printed module; it "
                    "is written such as (0): ReLU()"
                )
            if line.strip() == ")":
                _close(open_blocks)
            continue
        times, kind, rest = int(child[1] or 1), child[2], child[3].strip()
        if rest:
            _extend(open_blocks[-1][1], [f"{kind}({rest}"], times)
        elif kind in _CONTAINERS or number == 1:
            open_blocks.append((times, []))
        else:
            raise TableError(
                f"line {number}: how the block {kind} runs its layers cannot be seen in its print; "
                "use Architecture.from_module(model)"
            )
    while len(open_blocks) > 1:
        _close(open_blocks)
    readings.append(
        "the print of a module is read as its layers one after the other, in the order shown"
    )
    return "\n".join(open_blocks[0][1])


def _close(open_blocks: list[tuple[int, list[str]]]) -> None:
    """Give the layers of the innermost block to the one around it."""
    if len(open_blocks) > 1:
        times, layers = open_blocks.pop()
        _extend(open_blocks[-1][1], layers, times)


def _extend(layers: list[str], added: list[str], times: int) -> None:
    if len(layers) + len(added) * times > MAX_LAYERS:
        raise TableError(f"the module has more than {MAX_LAYERS:,} layers")
    layers += added * times


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
