"""The output size of a convolution."""

from __future__ import annotations

from typing import Any

from convkit.errors import ShapeError
from convkit.shapes._dimensions import Padding, Size, per_dimension, whole
from convkit.shapes._padding import padding_pair


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

    Example:
        >>> conv_output(128, kernel_size=5)
        124
        >>> conv_output((37, 53), kernel_size=(3, 5), stride=(2, 3), padding=(1, 0))
        (19, 17)
        >>> conv_output(32, kernel_size=4, padding="same")
        32
    """
    return per_dimension(
        _conv_output,
        size=size,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )


def _conv_output(size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> int:
    size = whole("size", size, 1)
    kernel = whole("kernel_size", kernel_size, 1)
    stride = whole("stride", stride, 1)
    dilation = whole("dilation", dilation, 1)
    before, after = padding_pair(padding, kernel_size=kernel, stride=stride, dilation=dilation)
    padded = size + before + after
    span = dilation * (kernel - 1) + 1
    if span > padded:
        raise ShapeError(_too_large(size, kernel, padding, dilation, span=span, padded=padded))
    return (padded - span) // stride + 1


def _too_large(
    size: int, kernel: int, padding: object, dilation: int, *, span: int, padded: int
) -> str:
    """What is wrong with a kernel larger than its padded input, and what would do."""
    missing = span - padded
    largest = (padded - 1) // dilation + 1
    spans = f"kernel_size={kernel}" if dilation == 1 else f"{kernel=}, {dilation=} spans {span}"
    spans = spans.replace("kernel=", "kernel_size=")
    return (
        f"{spans} is larger than size={size} with padding={padding} ({padded}): "
        f"kernel_size={largest} or less, or {missing} more of padding in all, would do"
    )
