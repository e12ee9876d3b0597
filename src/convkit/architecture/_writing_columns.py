"""The columns that a table can be written with: what stands in each, and for which rows."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit.architecture._cells_sizes import says_nothing
from convkit.architecture._writing_line import OF_THE_LOSS, value_text
from convkit.errors import ArchitectureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convkit.architecture._row import Row, Shape

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table that is being written.

    Args:
        number: Its place, counted from 1.
        row: The row.
        input_shape: What arrives; None when no input shape was given.
        output_shape: What leaves.
        weights: Its number of weights.
        biases: Its number of biases.
        macs: Its MACs.
    """

    number: int
    row: Row
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    weights: int | None = None
    biases: int | None = None
    macs: int | None = None

    @property
    def parameters(self) -> int | None:
        """Weights and biases together."""
        return None if self.weights is None else self.weights + (self.biases or 0)


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        title: Its header, which reading understands.
        fields: The settings of a row that stand here and so not in the cell of the layer.
        count: For a number that follows from an input shape: how it is read off a line.
    """

    title: str
    fields: tuple[str, ...] = ()
    count: Callable[[Line], int | str | None] | None = None


def _sizes(shape: Shape | None) -> str | None:
    return None if shape is None else "x".join(map(str, shape))


COLUMNS = {
    "number": Column("no.", count=lambda line: line.number),
    "layer": Column("layer"),
    "name": Column("name", ("name",)),
    "channels": Column("output channels", ("out_channels", "out_features")),
    "input channels": Column("input channels", ("in_channels", "in_features")),
    "kernel": Column("kernel", ("kernel_size",)),
    "stride": Column("stride", ("stride",)),
    "padding": Column("padding", ("padding",)),
    "dilation": Column("dilation", ("dilation",)),
    "groups": Column("groups", ("groups",)),
    "bias": Column("use bias", ("bias",)),
    "norm": Column("norm", ("norm",)),
    "activation": Column("activation", ("activation",)),
    "dropout": Column("dropout", ("dropout",)),
    "input size": Column("input size", count=lambda line: _sizes(line.input_shape)),
    "output size": Column("output size", count=lambda line: _sizes(line.output_shape)),
    "weights": Column("weights", count=lambda line: line.weights),
    "biases": Column("biases", count=lambda line: line.biases),
    "parameters": Column("parameters", count=lambda line: line.parameters),
    "MACs": Column("MACs", count=lambda line: line.macs),
}
"""Every column, by the name under which it is asked for."""

NEEDS_SHAPE = ("input size", "output size", "weights", "biases", "parameters", "MACs")
"""Columns that follow from the shape of the input."""
TOTALLED = ("weights", "biases", "parameters", "MACs")
"""Columns that have a total."""
USUAL = ("layer", "channels", "kernel", "stride", "padding", "activation")
"""Columns that a table has when none are asked for; empty ones are left out."""

# Settings that people write in a column even where they are the usual ones.
_ALWAYS = {"kernel_size", "stride", "padding", "out_channels", "out_features"}


def require_columns(columns: Sequence[str], *, shape: bool) -> tuple[str, ...]:
    """The columns asked for, when they exist and can be filled.

    Raises:
        ArchitectureError: For a column that does not exist, stands twice, or needs an input shape.
    """
    if isinstance(columns, str) or not columns:
        raise ArchitectureError(
            f"columns is a list of names such as {list(USUAL[:3])}; got {columns!r}"
        )
    for name in columns:
        if name not in COLUMNS:
            near = difflib.get_close_matches(str(name)[:40], list(COLUMNS), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ArchitectureError(
                f"there is no column {name!r}; {hint}choose from {', '.join(COLUMNS)}"
            )
        if name in NEEDS_SHAPE and not shape:
            raise ArchitectureError(
                f"the column {name!r} follows from the input; give input_shape=(3, 32, 32)"
            )
    if len(set(columns)) < len(columns):
        raise ArchitectureError(f"a column is asked for twice: {', '.join(columns)}")
    return tuple(columns)


def fields_in_columns(row: Row, columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The settings of a row that get a cell of their own.

    Returns:
        For each column its field and the text of its cell. Rows of a user's own kind keep all
        their settings in the cell of the layer, since only their class knows what they mean.
    """
    cells: dict[str, tuple[str, str]] = {}
    if not type(row).__module__.startswith("convkit.architecture."):
        return cells
    for name in columns:
        for field in COLUMNS[name].fields:
            text = _cell(row, field)
            if text is not None:
                cells[name] = field, text
    return cells


def _cell(row: Row, field: str) -> str | None:
    """The text of a setting in its own column; None when it is said in the layer's cell or not."""
    if field not in type(row).__dataclass_fields__ or row.kind in {"residual", "repeat"}:  # type: ignore[attr-defined] # every kind of row is a dataclass
        return None
    value = getattr(row, field)
    if field == "stride" and value is None:
        value = row.kernel_size  # type: ignore[attr-defined] # only pools have a stride of None
    if field == "bias":
        return "yes" if value else "no"
    if field == "norm":
        return "batch" if value == "batch" else None
    if field == "activation":
        return value if isinstance(value, str) and value not in OF_THE_LOSS else None
    if field == "name":
        plain = isinstance(value, str) and _NAME.fullmatch(value) and not says_nothing(value)
        return value if plain else None
    if value is None or (field == "groups" and row.kind == "group norm"):
        return None
    usual = type(row).__dataclass_fields__[field].default  # type: ignore[attr-defined] # as above
    return value_text(value) if field in _ALWAYS or value != usual else None
