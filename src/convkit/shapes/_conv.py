"""The output size of a convolution."""

from __future__ import annotations

from typing import Any, overload

from convkit.errors import ShapeError
from convkit.shapes._described import described
from convkit.shapes._dimensions import Padding, Size, per_dimension, whole
from convkit.shapes._padding import padding_total
from convkit.shapes._terms import named


@overload
def conv_output(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
) -> int: ...
@overload
def conv_output(
    size: tuple[int, ...],
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> tuple[int, ...]: ...
@described(size="I", kernel_size="K", stride="S", padding="P", dilation="D")
def conv_output(
    size: Size,
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Any:
    """Size of the map that a convolution makes.

    `floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1`, the rule of
    `torch.nn.Conv1d`, `Conv2d` and `Conv3d`.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        kernel_size: Pixels of the kernel. This and all that follow: an int for every dimension,
            or a tuple with one for each.
        stride: Pixels from one position of the kernel to the next.
        padding: Pixels added to both sides; "same", "valid"; or for each dimension a number or a
            pair (before, after), as in `padding=((1, 2), (0, 0))`.
        dilation: Distance between the kernel's taps.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If an argument is out of range, or the kernel does not fit into the input.

    Examples:
        >>> conv_output(128, kernel_size=5)
        124
        >>> conv_output((37, 53), kernel_size=(3, 5), stride=(2, 3), padding=(1, 0))
        (19, 17)
        >>> conv_output(32, kernel_size=4, padding="same")
        32
    """
    return per_dimension(
        conv_output_along,
        size=size,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )


def conv_output_along(size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> int:
    """The rule of one dimension; see `conv_output`."""
    pixels = whole("size", size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    step = whole("stride", stride, 1)
    spacing = whole("dilation", dilation, 1)
    total = padding_total(padding, kernel_size=kernel, stride=step, dilation=spacing)
    room = pixels + total - spacing * (kernel - 1) - 1
    if room < 0:
        raise ShapeError(_too_large(pixels, kernel, padding, spacing, total))
    return named("O", room // step + 1)


def _too_large(size: int, kernel_size: int, padding: object, dilation: int, total: int) -> str:
    """What is wrong with a kernel larger than its padded input, and what would do."""
    padded, span = size + total, dilation * (kernel_size - 1) + 1
    spans = f" with dilation={dilation} spans {span} and" if dilation > 1 else ""
    return (
        f"kernel_size={kernel_size}{spans} is larger than size={size} with padding={padding} "
        f"({padded}): kernel_size={(padded - 1) // dilation + 1} or size={span - total} would do"
    )
