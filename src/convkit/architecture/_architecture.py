"""The table of layers: what it can be made from and what can be made from it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from convkit.architecture._composite import tidy_rows
from convkit.architecture._plan import require_shape
from convkit.architecture._row import Row, Shape, Stated, set_field

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import nn

    from convkit.architecture._calculation import ExplainedLayer
    from convkit.architecture._checking_finding import Finding
    from convkit.architecture._comparing import Diff
    from convkit.architecture._summary import Summary


@dataclass(frozen=True, slots=True, repr=False)
class Architecture:
    """A network as its table of layers.

    Two of them are equal when their rows are; what a table states beside its layers does not count.

    Args:
        rows: The rows, from input to output.
        readings: Where a table could be read in two ways, the sentence that says which was taken.
        stated_total: What the table's own line of totals states.

    Raises:
        ArchitectureError: When there is no row, or one of them is none.

    Examples:
        >>> from convkit.architecture import Conv, Flatten, Linear
        >>> network = Architecture([Conv(8, kernel_size=5), Flatten(), Linear(10)])
        >>> network.summary((3, 32, 32)).parameters
        63338
    """

    rows: Sequence[Row]
    _: KW_ONLY
    readings: tuple[str, ...] = field(default=(), compare=False)
    stated_total: Stated = field(default_factory=Stated, compare=False)

    def __post_init__(self) -> None:
        set_field(self, "rows", tidy_rows("an architecture", self.rows))
        set_field(self, "readings", tuple(self.readings))

    def __repr__(self) -> str:
        return "Architecture([\n" + "".join(f"    {row!r},\n" for row in self.rows) + "])"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Read a table from text: Markdown, CSV, TSV, LaTeX, or one line.

        Args:
            text: Such as `"conv 32 k5 p2 relu, maxpool 2, flatten, linear 10"`.

        Returns:
            The architecture.

        Raises:
            TableError: For a cell that cannot be read, naming row and cell.
        """
        from convkit.architecture._reading import read_text

        return read_text(text)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Architecture:
        r"""Read a table from a file.

        Args:
            path: A file of Markdown, CSV, TSV, LaTeX or one line of layers.

        Returns:
            The architecture.

        Raises:
            TableError: For a file that cannot be opened or read as a table.

        Examples:
            >>> from pathlib import Path
            >>> _ = Path("network.csv").write_text("layer,filters,kernel\nconv,8,5x5\n")
            >>> Architecture.read("network.csv").rows
            (Conv(8, kernel_size=5),)
        """
        from convkit.architecture._reading import read_file

        return read_file(path)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, object]]) -> Architecture:
        """Read a table from dictionaries, one for each row.

        Args:
            rows: For each row its cells, by the titles of their columns.

        Returns:
            The architecture.

        Raises:
            TableError: For a cell that cannot be read, naming row and cell.

        Examples:
            >>> Architecture.from_rows([{"layer": "conv", "filters": 8, "kernel": 5}]).rows
            (Conv(8, kernel_size=5),)
        """
        from convkit.architecture._reading import read_rows

        return read_rows(rows)

    @classmethod
    def from_frame(cls, frame: Any) -> Architecture:
        """Read a table from a data frame of pandas, or anything with `columns` and `to_dict`.

        Args:
            frame: Its columns are the titles, its rows the layers.

        Returns:
            The architecture.

        Raises:
            TableError: For a cell that cannot be read, naming row and cell.

        Examples:
            >>> import pandas
            >>> cells = {"layer": ["conv", "maxpool"], "filters": [8, None], "kernel": [5, 2]}
            >>> frame = pandas.DataFrame(cells)
            >>> print(Architecture.from_frame(frame).to_text())
            conv 8 k5, maxpool 2
        """
        from convkit.architecture._reading import read_frame

        return read_frame(frame)

    @classmethod
    def from_module(cls, module: nn.Module) -> Architecture:
        """Read the table off a network.

        Args:
            module: An `nn.Sequential`, nested or not, a network that convkit built, or
                torchvision's AlexNet, VGG or ResNet.

        Returns:
            The architecture.

        Raises:
            ArchitectureError: For a network that no table can express, naming the layer.
        """
        from convkit.architecture._from_module import read_module

        return read_module(module)

    def build(self, input_shape: Sequence[int]) -> nn.Sequential:
        """Make the network, with PyTorch's own initial values.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`.

        Returns:
            A sequence with names: `conv1`, `relu1`, `pool1`, ..., `fc1`; the table is kept as
            `convkit_architecture`, the shape as `convkit_input_shape`.

        Raises:
            ArchitectureError: For a row that does not fit, naming it.
        """
        from convkit.architecture._building import build_architecture

        return build_architecture(self, input_shape)

    def summary(self, input_shape: Sequence[int]) -> Summary:
        """Sizes and counts of every layer, by arithmetic alone: no weights are made.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`.

        Raises:
            ArchitectureError: For a row that does not fit, naming it.
        """
        from convkit.architecture._summing import sum_up

        return sum_up(self, input_shape)

    def explain(self, input_shape: Sequence[int]) -> list[ExplainedLayer]:
        """How every size and count comes about, layer by layer.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`.

        Returns:
            Each layer that changes sizes or has parameters, with the formulas, the numbers put in
            and the results; as text, and `to_markdown()`.

        Raises:
            ArchitectureError: For a row that does not fit, naming it.
        """
        from convkit.architecture._calculation import explain_table

        return explain_table(self, input_shape)

    def check(self, input_shape: Sequence[int]) -> list[Finding]:
        """Compare what the table states with what follows from its rows.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`.

        Returns:
            Each disagreement, with `row`, `quantity`, `stated`, `computed` and `suggestion`.
        """
        from convkit.architecture._checking import check

        return check(self, require_shape(input_shape))

    def diff(self, other: Architecture, input_shape: Sequence[int]) -> Diff:
        """What changed from this table to another, row by row, with parameters and MACs.

        Args:
            other: The later table.
            input_shape: Channels and sizes of one image: `(C, H, W)`.
        """
        from convkit.architecture._comparing import compare

        return compare(self, other, input_shape)

    def to_markdown(
        self, input_shape: Sequence[int] | None = None, columns: Sequence[str] | None = None
    ) -> str:
        """Write the table in Markdown; with an input shape also sizes and parameters.

        Args:
            input_shape: Channels and sizes of one image; None leaves sizes and parameters out.
            columns: The titles to write, in that order; None for those that say something.

        Returns:
            The text.
        """
        from convkit.architecture._writing import to_markdown

        return to_markdown(self, _optional_shape(input_shape), columns)

    def to_latex(
        self, input_shape: Sequence[int] | None = None, columns: Sequence[str] | None = None
    ) -> str:
        """Write the table as a LaTeX `tabular`; with an input shape also sizes and parameters.

        Args:
            input_shape: Channels and sizes of one image; None leaves sizes and parameters out.
            columns: The titles to write, in that order; None for those that say something.

        Returns:
            The text.
        """
        from convkit.architecture._writing import to_latex

        return to_latex(self, _optional_shape(input_shape), columns)

    def to_csv(
        self, input_shape: Sequence[int] | None = None, columns: Sequence[str] | None = None
    ) -> str:
        """Write comma-separated values; with an input shape also sizes and parameters.

        Args:
            input_shape: Channels and sizes of one image; None leaves sizes and parameters out.
            columns: The titles to write, in that order; None for those that say something.

        Returns:
            The text.
        """
        from convkit.architecture._writing import to_csv

        return to_csv(self, _optional_shape(input_shape), columns)

    def to_text(self) -> str:
        """Write the one line that `parse` reads back."""
        from convkit.architecture._writing import to_text

        return to_text(self)

    def to_code(self, input_shape: Sequence[int] | None = None, name: str = "Network") -> str:
        """Write plain PyTorch source that makes the same network without convkit.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`. A table that was read off a
                network (or states its input) can do without: its weights tell.
            name: Name of the network's class in the source.

        Returns:
            The source, a text.

        Raises:
            ArchitectureError: For a row that does not fit, a module of the user's own, or a shape
                that is needed and missing.
        """
        from convkit.architecture._code import write_code

        return write_code(self, input_shape, name)

    def plot(self, input_shape: Sequence[int]) -> Any:
        """Draw the network to scale.

        Args:
            input_shape: Channels and sizes of one image: `(C, H, W)`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from convkit.plots import architecture

        return architecture(self, require_shape(input_shape))


def _optional_shape(input_shape: Sequence[int] | None) -> Shape | None:
    return None if input_shape is None else require_shape(input_shape)
