"""A convolution worked out: every product of every output position."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from convkit.errors import ShapeError
from convkit.shapes._conv import conv_output_along
from convkit.shapes._convolution_explanation import ConvolutionExplanation, Position, Product
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, spread
from convkit.shapes._matrix import Matrix, check_padding, matrix, source_index, turned
from convkit.shapes._padding import padding_before, padding_total

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PRODUCTS = 1_000_000


@described()
def explain_convolution(
    image: Any,
    kernel: Any,
    *,
    padding: Padding = 0,
    padding_mode: str = "zeros",
    flip: bool = False,
    stride: Size = 1,
    dilation: Size = 1,
) -> ConvolutionExplanation:
    """Work out a convolution of one channel with one kernel, product by product.

    `result[y][x]` is the sum over all i and j of
    `padded[y * stride + i * dilation][x * stride + j * dilation] * kernel[i][j]`. This
    cross-correlation is what a framework's convolution layer computes; with `flip` the kernel is
    turned by 180 degrees first, which is the convolution of mathematics.

    Args:
        image: The matrix: rows of numbers, a NumPy array or a tensor.
        kernel: The kernel, of the same kinds.
        padding: Pixels added, as `conv_output` takes them.
        padding_mode: What they hold: "zeros", "reflect", "replicate" or "circular", as in
            `torch.nn.Conv2d`.
        flip: Turn the kernel first.
        stride: Pixels from one position of the kernel to the next.
        dilation: Distance between the kernel's taps.

    Returns:
        The result with every product of every position; `print` writes it.

    Raises:
        ShapeError: If a matrix is no rectangle of numbers, the kernel does not fit, the padding is
            too large for its mode, or more than a million products are asked for.

    Examples:
        >>> work = explain_convolution([[1, 2], [3, 4]], [[1, 0], [0, -1]])
        >>> work.result
        [[-3]]
        >>> print(work.steps[0][0])
        (0, 0): 1*1 + 2*0 + 3*0 + 4*(-1) = -3
    """
    pixels, weights = matrix("image", image), matrix("kernel", kernel)
    axes = [
        _Axis.of(name, *sizes, padding_mode, *layer)
        for name, sizes, *layer in zip(
            ("height", "width"),
            ((len(pixels), len(weights)), (len(pixels[0]), len(weights[0]))),
            spread("padding", padding, 2),
            spread("stride", stride, 2),
            spread("dilation", dilation, 2),
            strict=True,
        )
    ]
    products = axes[0].outputs * axes[1].outputs * len(weights) * len(weights[0])
    if products > _MOST_PRODUCTS:
        raise ShapeError(
            f"{products} products are more than the {_MOST_PRODUCTS} that are worked out: "
            "give a smaller part of the image"
        )
    used = turned(weights) if flip else weights
    steps = tuple(
        tuple(_position(y, x, axes, pixels, used, padding_mode) for x in range(axes[1].outputs))
        for y in range(axes[0].outputs)
    )
    sides = (axes[0].before, axes[0].after, axes[1].before, axes[1].after)
    return ConvolutionExplanation(pixels, weights, sides, padding_mode, bool(flip), steps)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One dimension of the convolution."""

    size: int
    kernel_size: int
    before: int
    after: int
    stride: int
    dilation: int
    outputs: int

    @classmethod
    def of(
        cls, name: str, size: int, kernel: int, mode: str, padding: Any, stride: Any, dilation: Any
    ) -> _Axis:
        """The dimension, checked."""
        try:
            outputs = conv_output_along(size, kernel, stride, padding, dilation)
            layer = {"kernel_size": kernel, "stride": stride, "dilation": dilation}
            before = padding_before(padding, **layer)
            after = padding_total(padding, **layer) - before
            check_padding(mode, size, before, after)
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        return cls(size, kernel, before, after, stride, dilation, outputs)

    def taps(self, output: int) -> list[int]:
        """Where the kernel's taps lie at one position; outside of the image in the padding."""
        start = output * self.stride - self.before
        return [start + i * self.dilation for i in range(self.kernel_size)]


def _position(
    y: int, x: int, axes: Sequence[_Axis], image: Matrix, kernel: Matrix, mode: str
) -> Position:
    """The products of one position of the kernel."""
    rows, columns = axes[0].taps(y), axes[1].taps(x)
    row_of, column_of = (source_index(mode, axis.size) for axis in axes)
    weights = (weight for row in kernel for weight in row)
    products = []
    for (row, column), weight in zip(product(rows, columns), weights, strict=True):
        i, j = row_of(row), column_of(column)
        pixel = 0 if i is None or j is None else image[i][j]
        products.append(Product(pixel, weight, row, column))
    return Position(y, x, tuple(products))
