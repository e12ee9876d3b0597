"""What Keras, torchinfo and torchsummary print of a network, as rows of cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from convkit.architecture._cells import quoted
from convkit.architecture._dialect_grid import Grid, GridRow, make_grid
from convkit.architecture._dialect_printed import CONTAINERS
from convkit.architecture._headers import is_header
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Join = Callable[[list[str], list[str]], list[str] | None]

_RULE = re.compile(r"[\s=_\-─━┄═+|├┼┤┌┬┐└┴┘┏┳┓┡╇┩]{4,}")
_BOXED = re.compile(r"\s*[│┃].*[│┃]\s*")
_STROKE = re.compile("[│┃]")
_BRANCHES = re.compile(r"\s*(?:[│|] +)*(?:[├└]─|\+ )")  # of a tree, 5 characters for each level
_SHAPE = re.compile(r"\s(?=\((?:None|-1),|\[(?:None|-1),)")
_BATCH = re.compile(r"^\[\d+(?=[,\]])")
# "Conv2d: 1-1" and "Conv2d (conv1): 1-1" of torchinfo, "Conv2d-1" of torchsummary.
_NUMBERED = re.compile(
    r"^([A-Za-z]\w{0,60})(?:-\d{1,5}|(?: \([\w.]{1,80}\))?(?:: \d{1,4}-\d{1,5})?)$"
)
_NAMED = re.compile(r"^[^()]{1,100} \(([A-Za-z]\w{0,60})\)$")  # "first (Conv2D)" of Keras
_CUT = re.compile(r"\(\w{1,60}…")


class Line(NamedTuple):
    """A line of a summary.

    Args:
        number: Its number, from 1.
        depth: How deep it lies in a tree: 1 for a child of the network, 0 without a tree.
        cells: What stands in its columns.
    """

    number: int
    depth: int
    cells: list[str]


def looks_like_summary(text: str) -> bool:
    """Whether a text is a table in boxes or in columns of spaces, with a ruled header."""
    lines = [line for line in text.splitlines() if line.strip()][:6]
    if not any(_RULE.fullmatch(line) for line in lines):
        return False
    return any(len(cells) > 1 and is_header(cells) for cells in map(_split, lines))


def read_summary(text: str, readings: list[str]) -> Grid:
    """The rows of a printed summary.

    Args:
        text: What was printed.
        readings: Where a sentence says what was left out.

    Raises:
        TableError: When it has no rows, or names a block whose way of running it does not tell.
    """
    boxed = any(_BOXED.fullmatch(line) for line in text.splitlines())
    lines = list(_whole(_lines(text), _in_box if boxed else _in_spaces))
    while lines and not is_header(lines[0].cells):
        lines.pop(0)
    if not lines:
        return make_grid([], "printed")
    header = lines[0].cells
    lines = [_total(line, header) for line in lines[1:]]
    if any(line.depth for line in lines):
        header, lines = _leaves(header, lines, readings)
    else:
        lines = _without_statistics(header, _types(lines, readings), readings)
    rows = [GridRow(line.number, tuple(line.cells)) for line in lines if line.cells]
    return make_grid([GridRow(None, tuple(header)), *rows], "printed")


def _lines(text: str) -> Iterator[Line]:
    """The lines, those that only separate without cells."""
    for number, line in enumerate(text.splitlines(), 1):
        branches = _BRANCHES.match(line)
        depth = (len(branches[0].lstrip()) + 3) // 5 if branches else 0
        separates = not line.strip() or _RULE.fullmatch(line)
        yield Line(number, depth, [] if separates else _split(line))


def _split(line: str) -> list[str]:
    """Cells between the strokes of a box, or between runs of spaces."""
    if _BOXED.fullmatch(line):
        return [cell.strip() for cell in _STROKE.split(line.strip())[1:-1]]
    spaced = _SHAPE.sub("  ", _BRANCHES.sub("", line).strip())
    return [cell for cell in re.split(r"\s{2,}|\t", spaced) if cell]


def _whole(lines: Iterable[Line], join: Join) -> Iterator[Line]:
    """The rows, what was broken over several lines put together."""
    row: Line | None = None
    for line in [*lines, Line(0, 0, [])]:
        joined = join(row.cells, line.cells) if row and line.cells else None
        if row and joined:
            row = row._replace(cells=joined)
            continue
        if row:
            yield row
        row = line if line.cells else None


def _in_box(cells: list[str], below: list[str]) -> list[str] | None:
    """What stands between two rules is one row, its cells broken at spaces."""
    if len(cells) != len(below):
        return None
    return [f"{one} {other}".strip() for one, other in zip(cells, below, strict=True)]


def _in_spaces(cells: list[str], below: list[str]) -> list[str] | None:
    """In columns of spaces Keras breaks "max_pooling2d (MaxPooling2D)" anywhere."""
    broken = cells[0].count("(") > cells[0].count(")")
    return [cells[0] + below[0], *cells[1:]] if broken else None


def _counts_column(header: list[str]) -> int:
    """Where the parameters stand; 0, where the layers do, when they stand nowhere."""
    titles = enumerate(header)
    return next((column for column, title in titles if title.lower().startswith("param")), 0)


def _total(line: Line, header: list[str]) -> Line:
    """The line "Total params: 54,410" as a row of totals; others below a table say nothing."""
    if line.depth or len(line.cells) > 1 or ":" not in line.cells[0]:
        return line
    label, _, value = line.cells[0].partition(":")
    column = _counts_column(header)
    if label.strip().lower() not in {"total params", "total parameters"} or not column:
        return line._replace(cells=[])
    count = value.split("(")[0].strip()
    return line._replace(cells=["total", *[""] * (column - 1), count])


def _types(lines: list[Line], readings: list[str]) -> list[Line]:
    """The types of the layers, without the names before them and the numbers behind."""
    for line in lines:
        if line.cells and _CUT.search(line.cells[0]):
            raise TableError(
                f"line {line.number}: {quoted(line.cells[0])} is cut off; print the summary with "
                "a greater line_length"
            )
    if any(_NAMED.match(line.cells[0]) for line in lines if line.cells):
        readings.append("the names before the types, as in conv2d_1 (Conv2D), are left out")
    return [
        line._replace(cells=[_NUMBERED.sub(r"\1", _NAMED.sub(r"\1", first)), *others])
        for line in lines
        for first, *others in [line.cells or [""]]
    ]


def _without_statistics(header: list[str], lines: list[Line], readings: list[str]) -> list[Line]:
    """The counts of Keras without the running mean and variance, which are no parameters here."""
    column = _counts_column(header)
    kept, statistics = [], 0
    for line in lines:
        cells = [*line.cells]
        count = cells[column].replace(",", "") if column < len(cells) else ""
        if column and count.isdecimal() and len(count) < 16:
            if cells[0] == "BatchNormalization":
                statistics += int(count) // 2
                cells[column] = str(int(count) // 2)
            elif cells[0] == "total":
                cells[column] = str(int(count) - statistics)
        kept.append(line._replace(cells=cells))
    if statistics:
        readings.append(
            f"{statistics:,} running means and variances of batch norms, which Keras counts as "
            "parameters, are taken off"
        )
    return kept


def _leaves(
    header: list[str], lines: list[Line], readings: list[str]
) -> tuple[list[str], list[Line]]:
    """The layers of torchinfo's tree, without the blocks around them and without the batch.

    Its multiplications are those of the whole batch and of the biases too, so they are left out.
    """
    kept = [column for column, title in enumerate(header) if title != "Mult-Adds"]
    if len(kept) < len(header):
        readings.append("Mult-Adds count the whole batch and the biases: they are left out")
    leaves = []
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        if not line.depth:
            leaves += [line] if line.cells[:1] == ["total"] else []
            continue
        kind = _NUMBERED.sub(r"\1", line.cells[0])
        if following is None or following.depth <= line.depth:
            _refuse_closed(line, kind)
            cells = [kind, *line.cells[1:]]
            leaves.append(line._replace(cells=[_sample(header, cells, column) for column in kept]))
        elif kind not in CONTAINERS:
            raise TableError(
                f"line {line.number}: how the block {quoted(kind)} runs its layers cannot be seen "
                "in a summary; use Architecture.from_module(model)"
            )
    return [header[column] for column in kept], leaves


def _refuse_closed(line: Line, kind: str) -> None:
    if kind in CONTAINERS:
        raise TableError(
            f"line {line.number}: the layers of {quoted(line.cells[0])} are not printed; print "
            "the summary with a greater depth"
        )


def _sample(header: list[str], cells: list[str], column: int) -> str:
    """A cell, a shape without the size of the batch."""
    cell = cells[column] if column < len(cells) else ""
    return _BATCH.sub("[None", cell) if header[column] in {"Input Shape", "Output Shape"} else cell
