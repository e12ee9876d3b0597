"""The sizes and counts of a network, layer by layer, and how they are written."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from convkit._tables import Cell, Table
from convkit.architecture._plan import written
from convkit.architecture._totals import RULE, Total, count_operations

if TYPE_CHECKING:
    from convkit.architecture._row import Shape
    from convkit.shapes import ReceptiveField

HEADER = ("layer", "kind", "output", "parameters", "MACs", "receptive field")


class SummaryRow(NamedTuple):
    """One layer of a summary.

    Args:
        name: Its name in the network: `conv1`, or `block1.body.conv1` inside a block.
        kind: What it is: `conv`, `max pool`, `relu`, `linear`, ...
        number: The row of the table that it comes from, counted from 1; None without a table.
        input_shape: Channels and sizes that arrive, without the batch.
        output_shape: Channels and sizes that leave; None for a module that was not run.
        weights: Number of its weights; those that an earlier layer shares are counted there.
        biases: Number of its biases.
        trainable_parameters: Those of its parameters that training changes.
        macs: Multiplications with their additions for one image, by the rule of the totals.
        bias_additions: Additions of biases.
        norm_macs: Multiplications with their additions that a norm costs, one for each value.
        product_macs: Those of products of two inputs, as in attention.
        receptive_field: The pixels that each unit sees; None where units have no common one.

    Examples:
        >>> from convkit import Architecture
        >>> row = Architecture.parse("conv 8 k5, maxpool 2").summary((3, 32, 32)).rows[0]
        >>> row.name, row.kind, row.output_shape, row.parameters, row.macs, row.receptive_field.size
        ('conv1', 'conv', (8, 28, 28), 608, 470400, 5)
    """

    name: str
    kind: str
    number: int | None = None
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    weights: int = 0
    biases: int = 0
    trainable_parameters: int = 0
    macs: int = 0
    bias_additions: int = 0
    norm_macs: int = 0
    product_macs: int = 0
    receptive_field: ReceptiveField | None = None

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        seen = self.receptive_field
        return {
            "name": self.name,
            "kind": self.kind,
            "input_shape": _plain(self.input_shape),
            "output_shape": _plain(self.output_shape),
            "weights": self.weights,
            "biases": self.biases,
            "parameters": self.parameters,
            "trainable_parameters": self.trainable_parameters,
            "macs": self.macs,
            "receptive_field": None
            if seen is None
            else {
                "size": _plain(seen.size),
                "stride": _plain(seen.stride),
                "start": _plain(seen.start),
            },
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Sizes and counts of a network; `print` it, or write it for a report.

    Args:
        rows: One for each layer, in the order in which they run.
        input_shape: Channels and sizes of one image, or one such shape for each input.
        output_shape: What leaves the network; None for what leaves the last row.
        title: A line above the printed table.

    Examples:
        >>> from convkit.architecture import Architecture, Conv, Flatten, Linear
        >>> network = Architecture([Conv(8, kernel_size=5), Flatten(), Linear(10)])
        >>> summary = network.summary((3, 32, 32))
        >>> summary.parameters, summary.macs, summary.output_shape
        (63338, 533120, (10,))

        >>> from convkit import Architecture
        >>> Architecture.parse("conv 8 k5").summary((3, 32, 32)).trainable_parameters
        608
    """

    rows: tuple[SummaryRow, ...]
    _: KW_ONLY
    input_shape: Any
    output_shape: Any = None
    title: str = ""

    def __post_init__(self) -> None:
        if self.output_shape is None and self.rows:
            object.__setattr__(self, "output_shape", self.rows[-1].output_shape)

    @property
    def parameters(self) -> int:
        """Weights and biases of the whole network, each tensor once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable_parameters(self) -> int:
        """Those that training changes."""
        return sum(row.trainable_parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiplications with their additions for one image: conv, transposed conv, linear."""
        return sum(row.macs for row in self.rows)

    def total(
        self,
        *,
        biases: bool = False,
        norms: bool = False,
        products: bool = False,
        flops: bool = False,
    ) -> Total:
        """The cost of one image by another counting rule, to reconcile two papers.

        Args:
            biases: Count the additions of biases, each as one.
            norms: Count one multiplication with its addition for each value that a norm changes.
            products: Count the products of two inputs, as in attention.
            flops: Count a multiplication with its addition as two operations.

        Returns:
            A `Total` with `.value` and `.rule`; `str` gives both.

        Examples:
            >>> from convkit.architecture import Architecture, Conv
            >>> summary = Architecture([Conv(8, kernel_size=3)]).summary((3, 5, 5))
            >>> print(summary.total(biases=True, flops=True))
            3,960 FLOPs: two for each multiplication with its addition, in conv, transposed conv \
and linear layers, biases counted as one each; one image
        """
        return count_operations(
            self.rows, biases=biases, norms=norms, products=products, flops=flops
        )

    def table(self) -> Table:
        """The summary as a table of cells, totals in its last row."""
        rows: list[tuple[Cell, ...]] = [_cells(row) for row in self.rows]
        rows.append(("total", "", _shapes(self.output_shape), self.parameters, self.macs, ""))
        notes = [f"Input {_shapes(self.input_shape)}. {RULE}"]
        frozen = self.parameters - self.trainable_parameters
        if frozen:
            notes.insert(
                0, f"Trainable parameters: {self.trainable_parameters:,} ({frozen:,} frozen)."
            )
        return Table(HEADER, tuple(rows), title=self.title, notes=tuple(notes))

    def __str__(self) -> str:
        return self.table().to_text()

    def to_markdown(self) -> str:
        """Write a Markdown table."""
        return self.table().to_markdown()

    def to_latex(self) -> str:
        r"""Write a LaTeX `tabular`."""
        return self.table().to_latex()

    def to_csv(self) -> str:
        """Write comma-separated values."""
        return self.table().to_csv()

    def _repr_html_(self) -> str:
        return self.table().to_html()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "input_shape": _plain(self.input_shape),
            "output_shape": _plain(self.output_shape),
            "parameters": self.parameters,
            "trainable_parameters": self.trainable_parameters,
            "macs": self.macs,
            "rule": RULE,
            "rows": [row.to_dict() for row in self.rows],
        }


def _cells(row: SummaryRow) -> tuple[Cell, ...]:
    seen = row.receptive_field
    return (
        row.name,
        row.kind,
        "not run" if row.output_shape is None else _shapes(row.output_shape),
        row.parameters or None,
        row.macs or None,
        None if seen is None else _square(seen.size),
    )


def _square(size: int | tuple[int, ...]) -> str:
    return str(size) if isinstance(size, int) else written(size)


def _shapes(shape: Any) -> str:
    """One shape, or several with commas between."""
    if not shape:
        return ""
    if isinstance(shape[0], int):
        return written(shape)
    return ", ".join(_shapes(one) for one in shape)


def _plain(value: Any) -> Any:
    """Tuples to lists, however deep; exact halves to floats."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int) else float(value)
