"""Reading the rows of a grid: each as layers, and as what the table states beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convkit.architecture._activation import Dropout
from convkit.architecture._cells import quoted
from convkit.architecture._cells_channels import DRESSING
from convkit.architecture._cells_draft import Draft, located
from convkit.architecture._cells_layer import Layers
from convkit.architecture._cells_parts import parts_of
from convkit.architecture._cells_rows import dress
from convkit.architecture._cells_setting import layer_parts, setting_parts
from convkit.architecture._cells_sizes import StatedCount, read_count, read_sizes, says_nothing
from convkit.architecture._cells_words import squash
from convkit.architecture._composite import Repeat
from convkit.architecture._entry import Entry
from convkit.architecture._linear import Flatten, Linear
from convkit.architecture._norm import BatchNorm
from convkit.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convkit.architecture._cells_part import Part
    from convkit.architecture._dialect_grid import GridRow

_TOTAL = re.compile(
    r"(grand\s)?(in\s)?(total|totals|sum|overall|altogether)\b|(non-?)?trainable\sparam|"
    r"(trainable|#)\s?parameters|total\sparam|[Σ∑]$",
    re.IGNORECASE,
)
# Blanks make columns of floats in a data frame, whose CSV then has 5.0 for 5.
_WHOLE = re.compile(r"\A\s*(\d{1,15})\.0\s*\Z")
_YES = {"yes", "true", "y", "✓", "✔", "x", "1", "on", "with"}
_NO = {"no", "false", "n", "✗", "✘", "0", "off", "none", "without", "linear", "nil", "noactivation"}
_SETTINGS = (
    "out_channels",
    "in_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
)
_COUNTS = ("weights", "biases", "parameters", "macs")


class EntryReader:
    """Reads the rows of one table.

    Args:
        header: The titles of the columns, for messages.
        roles: What the cells of each column hold.
        readings: Where a sentence is added for every choice between two readings.
    """

    def __init__(
        self, header: Sequence[str], roles: Sequence[str | None], readings: list[str]
    ) -> None:
        self.header = header
        self.roles = roles
        self.readings = readings
        self.last_layer = ""  # the cell of the layer above, for cells that span rows
        self._readers: dict[str, Callable[[Entry, str], None]] = {
            "activation": self._activation,
            "norm": self._norm,
            "dropout": self._dropout,
            "bias": self._bias,
            "info": self._info,
            "repeat": self._repeat,
            "name": self._name,
        }

    def settle_untitled(self, rows: Sequence[GridRow]) -> None:
        """Columns without a title: numbers count the rows, anything else is information."""
        roles = list(self.roles)
        for index, title in enumerate(self.header):
            cells = [row.cells[index] for row in rows if not says_nothing(row.cells[index])]
            if title.strip() or not cells:
                continue
            counts = all(cell.strip(" .*").isdecimal() for cell in cells)
            other = "info" if "layer" in roles else "layer"
            roles[index] = "number" if counts else other
        self.roles = roles

    def is_total(self, row: GridRow) -> bool:
        """Whether a row holds the totals of the table."""
        filled = [
            pair for pair in zip(self.roles, row.cells, strict=True) if not says_nothing(pair[1])
        ]
        titles = [cell for role, cell in filled if role not in {*_COUNTS, "number"}]
        first = [*[cell for _, cell in filled[:1]], *titles[:1]]
        return any(_TOTAL.match(cell.strip(" *_:")) for cell in first)

    def total(self, row: GridRow, place: str) -> dict[str, StatedCount]:
        """The counts of the row of totals."""
        entry = Entry(place)
        if any("trainable" in cell.lower() for cell in row.cells):
            return {}
        for index, role in enumerate(self.roles):
            cell = row.cells[index]
            if role in _COUNTS and not says_nothing(cell):
                with located(self._cell_place(entry, index, cell)):
                    entry.counts[role] = read_count(cell)
        return entry.counts

    def read(self, row: GridRow, place: str) -> Entry:
        """The layers of a row and what is stated beside them.

        Raises:
            TableError: For a cell that cannot be read, naming row and column.
        """
        entry = Entry(place)
        self._layer(entry, row)
        order = (*_SETTINGS, "bias", "info", "norm", "activation", "dropout", "repeat", "name")
        for role in (*order, "input_shape", "output_shape", *_COUNTS):
            for index, own in enumerate(self.roles):
                if own == role and not says_nothing(row.cells[index]):
                    with located(self._cell_place(entry, index, row.cells[index])):
                        self._cell(entry, role, row.cells[index])
        with located(place):
            if not entry.drafts:
                raise TableError("no layer is named; write such as conv, maxpool or linear")
            if not entry.is_input:
                entry.drafts = dress(entry.drafts, self.readings)
        return entry

    def _cell_place(self, entry: Entry, index: int, cell: str) -> str:
        title = self.header[index].strip()
        column = quoted(title) if title else str(index + 1)
        return f"{entry.place}, column {column}, {quoted(cell.strip())}"

    # -- the layer ---------------------------------------------------------------------------

    def _layer(self, entry: Entry, row: GridRow) -> None:
        """The cell that names the layers; an empty one below a filled one continues it."""
        column = self.roles.index("layer") if "layer" in self.roles else None
        cell = row.cells[column] if column is not None else ""
        if says_nothing(cell):
            if self._sets_something(row) and self.last_layer:
                cell = self.last_layer
                self.readings.append(
                    f"{entry.place} names no layer: taken as {quoted(cell)}, as above it"
                )
            else:
                return
        self.last_layer = cell
        with located(self._cell_place(entry, column or 0, cell)):
            entry.drafts = Layers(self.readings, line=False).read(layer_parts(cell, self.readings))

    def _sets_something(self, row: GridRow) -> bool:
        """Whether a row has settings that only a conv, linear or pool row has."""
        return any(
            role in {"out_channels", "kernel_size"} and not says_nothing(cell)
            for role, cell in zip(self.roles, row.cells, strict=True)
        )

    # -- other cells -------------------------------------------------------------------------

    def _cell(self, entry: Entry, role: str, cell: str) -> None:
        if role != "dropout":  # whose 0.0 is a layer, and whose 0 is none
            cell = _WHOLE.sub(r"\1", cell)
        if role in _COUNTS:
            entry.counts[role] = read_count(cell)
        elif role in {"input_shape", "output_shape"}:
            vector = any(draft.kind in {Flatten, Linear} for draft in entry.drafts)
            entry.sizes[role] = read_sizes(cell, vector=vector)
        elif role in self._readers:
            self._readers[role](entry, cell)
        else:
            self._setting(entry, role, cell)

    def _setting(self, entry: Entry, role: str, cell: str) -> None:
        """A cell under the name of one setting: mostly a number, sometimes more."""
        if entry.main is None:
            raise TableError("the row names no layer that this could belong to")
        self._fill(entry, setting_parts(cell, role, entry.main))

    def _fill(self, entry: Entry, parts: Sequence[Part]) -> None:
        """Read parts as settings of the main layer; layers among them go where they run."""
        main = entry.main
        layers = Layers(self.readings, line=False, default=main)
        found = layers.read(parts)[1 if main is not None else 0 :]
        for draft in found:
            draft.joined = True
            entry.insert(draft)

    def _info(self, entry: Entry, cell: str) -> None:
        """Further information: settings, or layers that follow."""
        parts = parts_of(cell)
        self._fill(entry, parts)

    def _activation(self, entry: Entry, cell: str) -> None:
        if squash(cell) in _NO:
            return
        found = Layers(self.readings, line=False).read(parts_of(cell))
        for draft in found:
            if draft.kind not in DRESSING:
                raise TableError(f"{quoted(draft.text)} is no activation; write such as relu")
            draft.joined = bool(entry.drafts)
            entry.insert(draft)

    def _norm(self, entry: Entry, cell: str) -> None:
        if squash(cell) in _NO:
            return
        if squash(cell) in _YES or cell.strip() in _YES or squash(cell) == "batch":
            entry.insert(Draft(BatchNorm, cell, joined=bool(entry.drafts)))
            return
        self._activation(entry, cell)

    def _dropout(self, entry: Entry, cell: str) -> None:
        if squash(cell) in _NO:
            return
        draft = Draft(Dropout, cell, joined=bool(entry.drafts))
        Layers(self.readings, line=False, default=draft).read(
            [
                part
                for part in parts_of(cell)
                if not (part.role == "kind" and part.meaning and part.meaning.kind is Dropout)
            ]
        )
        entry.insert(draft)

    def _bias(self, entry: Entry, cell: str) -> None:
        if entry.main is None or not entry.main.accepts("bias"):
            return
        word = squash(cell) or cell.strip()
        if word not in _YES | _NO:
            raise TableError("is neither yes nor no")
        entry.main.set("bias", word in _YES)

    def _name(self, entry: Entry, cell: str) -> None:
        """The name of the layer, where it can be the name of a module."""
        name = cell.strip("*` ")
        if entry.main is not None and entry.main.kind is not None and name.isidentifier():
            entry.main.set("name", name)

    def _repeat(self, entry: Entry, cell: str) -> None:
        """The whole row, several times."""
        parts = parts_of(cell)
        times = parts[0].value if len(parts) == 1 and parts[0].role in {"bare", "times"} else None
        if not isinstance(times, int) or times < 1:
            raise TableError("is no number of times; write such as x2")
        if times > 1 and entry.drafts:
            rows = dress(entry.drafts, self.readings)
            entry.drafts = [Draft(Repeat, cell, rows=rows, repeat=times)]
