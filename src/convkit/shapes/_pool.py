"""The output size of max and average pooling, fixed and adaptive."""

from __future__ import annotations

from typing import Any

from convkit.errors import ShapeError
from convkit.shapes._dimensions import Size, per_dimension, whole


def pool_output(
    size: Size,
    *,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Any:
    """Size of the map that max or average pooling makes.

    `floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1`, with `ceil` in
    place of `floor` under `ceil_mode`, where a last window that would start in the padding after
    the input (or beyond it) is left out. This is the rule of `torch.nn.MaxPool2d` and
    `AvgPool2d` in 1 to 3 dimensions.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        kernel_size: Pixels of the window.
        stride: Pixels from one window to the next; None is the kernel size.
        padding: Pixels added to both sides, at most half of `kernel_size`.
        dilation: Distance between the pixels of a window (max pooling only).
        ceil_mode: Keep a last window that is only partly filled.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If an argument is out of range, or no window fits.

    Example:
        >>> pool_output((32, 33), kernel_size=2)
        (16, 16)
        >>> pool_output(5, kernel_size=2, stride=2, padding=1, ceil_mode=True)
        3
    """
    return per_dimension(
        _pool_output,
        size=size,
        kernel_size=kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


def _pool_output(
    size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> int:
    size = whole("size", size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    stride = whole("stride", stride, 1)
    padding = whole("padding", padding, 0)
    dilation = whole("dilation", dilation, 1)
    span = dilation * (kernel - 1) + 1
    if padding > kernel // 2:
        raise ShapeError(
            f"padding={padding} is more than half of kernel_size={kernel}: "
            f"padding={kernel // 2} or less would do"
        )
    room = size + 2 * padding - span
    output = (room + stride - 1 if ceil_mode else room) // stride + 1
    if ceil_mode and (output - 1) * stride >= size + padding:
        output -= 1
    if output < 1:
        raise ShapeError(
            f"a window of {span} is larger than size={size} with padding={padding} "
            f"({size + 2 * padding}): a window of {size + 2 * padding} or less would do"
        )
    return output


def adaptive_pool_output(size: Size, *, output_size: Any) -> Any:
    """Size of the map that adaptive pooling makes: the one asked for.

    Args:
        size: Pixels of the input: an int, or a tuple such as (height, width).
        output_size: Pixels asked for: an int, or a tuple in which None keeps a dimension.

    Returns:
        An int for ints, a tuple for tuples.

    Raises:
        ShapeError: If a size is below 1.

    Example:
        >>> adaptive_pool_output((13, 9), output_size=(6, None))
        (6, 9)
    """
    return per_dimension(_adaptive_pool_output, size=size, output_size=output_size)


def _adaptive_pool_output(size: Any, output_size: Any) -> int:
    size = whole("size", size, 1)
    return size if output_size is None else whole("output_size", output_size, 0)
