"""A worked convolution as a value, written as text, Markdown and LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convkit._tables import Shown, Table
from convkit.shapes._matrix import Matrix, Number, turned

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Product(Shown):
    """One pixel times one weight.

    Args:
        pixel: Value of the (padded) image.
        weight: Value of the kernel, turned when the convolution is a true one.
        row: Row of the pixel in the image, counted from 0; outside of it in the padding.
        column: Its column.

    Examples:
        >>> product = Product(pixel=2, weight=3, row=0, column=0)
        >>> print(product, product.value)
        2*3 6
    """

    pixel: Number
    weight: Number
    row: int
    column: int

    @property
    def value(self) -> Number:
        """What the two give."""
        return self.pixel * self.weight

    def __str__(self) -> str:
        return f"{_bracketed(self.pixel)}*{_bracketed(self.weight)}"


@dataclass(frozen=True, slots=True)
class Position(Shown):
    """One position of the kernel: its products, and their sum.

    Args:
        y: Row of the output, counted from 0.
        x: Its column.
        products: One product for every weight, row by row.

    Examples:
        >>> position = Position(0, 0, (Product(2, 3, 0, 0), Product(5, 1, 0, 1)))
        >>> print(position)
        (0, 0): 2*3 + 5*1 = 11
        >>> position.value
        11
    """

    y: int
    x: int
    products: tuple[Product, ...]

    @property
    def value(self) -> Number:
        """The number of the output."""
        return sum(product.value for product in self.products)

    def __str__(self) -> str:
        return f"({self.y}, {self.x}): {' + '.join(map(str, self.products))} = {self.value}"


@dataclass(frozen=True, slots=True)
class ConvolutionExplanation(Shown):
    """A convolution with every product of every position; `print` writes it.

    Args:
        image: The image's rows.
        kernel: The kernel's rows, as given.
        padding: Pixels added (top, bottom, left, right).
        padding_mode: What they hold.
        flip: Whether the kernel is turned by 180 degrees first (a true convolution).
        steps: The positions: `steps[y][x]`.

    Examples:
        >>> from convkit import shapes
        >>> image, kernel = [[1, 2], [3, 4]], [[1, 0], [0, 1]]
        >>> explanation = shapes.explain_convolution(image, kernel)
        >>> explanation.result, explanation.title
        ([[5]], 'cross-correlation, no padding')
    """

    image: Matrix
    kernel: Matrix
    padding: tuple[int, int, int, int]
    padding_mode: str
    flip: bool
    steps: tuple[tuple[Position, ...], ...]

    @property
    def result(self) -> list[list[Number]]:
        """The output matrix."""
        return [[position.value for position in row] for row in self.steps]

    @property
    def title(self) -> str:
        """What is computed, in a few words."""
        kind = (
            "true convolution (kernel turned by 180 degrees)" if self.flip else "cross-correlation"
        )
        turn = "true convolution (kernel turned by 180 degrees)"
        sides = ", ".join(
            f"{amount} {side}"
            for amount, side in zip(self.padding, ("above", "below", "left", "right"), strict=True)
            if amount
        )
        kind = turn if self.flip else "cross-correlation"
        return f"{kind}, {f'{self.padding_mode} padding: {sides}' if sides else 'no padding'}"

    def __str__(self) -> str:
        blocks = [self.title]
        for name, rows in self._matrices():
            blocks.append(f"{name}:\n{_drawn(rows)}")
        positions = "\n".join(str(position) for row in self.steps for position in row)
        return "\n\n".join([*blocks, f"(row, column): pixel*weight + ... = value\n{positions}"])

    def to_markdown(self) -> str:
        """Write the matrices and the table of all positions in Markdown."""
        blocks = [f"**{self.title}**"]
        for name, rows in self._matrices():
            blocks.append(f"{name}:\n\n```\n{_drawn(rows)}\n```")
        cells = tuple(
            (f"({p.y}, {p.x})", " + ".join(map(str, p.products)), str(p.value))
            for row in self.steps
            for p in row
        )
        return "\n\n".join([*blocks, Table(("position", "products", "value"), cells).to_markdown()])

    def to_latex(self) -> str:
        r"""Write `bmatrix` matrices and an `align*` of all positions (package amsmath)."""
        matrices = [rf"\text{{{name}}} = {_latex_matrix(rows)}" for name, rows in self._matrices()]
        lines = [
            rf"O_{{{p.y},{p.x}}} &= "
            + " + ".join(str(product).replace("*", r" \cdot ") for product in p.products)
            + f" = {p.value}"
            for row in self.steps
            for p in row
        ]
        shown = " \\\\\n".join(f"&{line}" for line in matrices)
        worked = " \\\\\n".join(lines)
        return "\n".join(
            f"\\begin{{align*}}\n{block}\n\\end{{align*}}" for block in (shown, worked)
        )

    def _matrices(self) -> list[tuple[str, Sequence[Sequence[Number]]]]:
        named: list[tuple[str, Sequence[Sequence[Number]]]] = [
            ("image", self.image), ("kernel", self.kernel)
        ]  # fmt: skip
        if self.flip:
            named.append(("turned kernel", turned(self.kernel)))
        return [*named, ("result", self.result)]


def _bracketed(number: Number) -> str:
    return f"({number})" if str(number).startswith("-") else str(number)


def _drawn(rows: Sequence[Sequence[Number]]) -> str:
    """A matrix with its columns set right."""
    width = max(len(str(number)) for row in rows for number in row)
    return "\n".join(" ".join(f"{number!s:>{width}}" for number in row) for row in rows)


def _latex_matrix(rows: Sequence[Sequence[Number]]) -> str:
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"
